"""Scenes become YOLO's folders and labels, and labels become boxes again."""

from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from models.animals import CLASSES
from models.compose import render_scene
from models.dataset import Split, label_lines, render_split, write_description
from models.judge import read_label

SIZES = ((96, 72), (96, 54))


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_labels_hold_the_scenes_boxes(tmp_path: Path) -> None:
    scene = next(scene for scene in (render_scene(seed, (160, 120)) for seed in range(50)) if len(scene.animals) > 1)
    (tmp_path / "1.txt").write_text(label_lines(scene))
    rows = read_label(tmp_path / "1.txt")
    assert [CLASSES[int(row[4])] for row in rows] == [animal.class_name for animal in scene.animals]
    assert rows[:, :4] == pytest.approx(np.array([animal.box for animal in scene.animals]), abs=2e-6)


def test_an_empty_scene_has_an_empty_label(tmp_path: Path) -> None:
    scene = next(scene for scene in (render_scene(seed, (96, 72)) for seed in range(90)) if not scene.animals)
    (tmp_path / "1.txt").write_text(label_lines(scene))
    assert read_label(tmp_path / "1.txt").shape == (0, 5)


def test_a_split_is_rendered_once(tmp_path: Path) -> None:
    split = Split("val", 3, 500, SIZES)
    render_split(tmp_path, split, workers=1)
    pictures = sorted((tmp_path / "images" / "val").iterdir())
    assert [path.name for path in pictures] == ["500.jpg", "501.jpg", "502.jpg"]
    assert [size_of(path) for path in pictures] == [SIZES[0], SIZES[1], SIZES[0]]
    before = [path.stat().st_mtime_ns for path in pictures]
    render_split(tmp_path, split, workers=1)
    assert [path.stat().st_mtime_ns for path in pictures] == before


def test_the_description_names_the_classes_in_order(tmp_path: Path) -> None:
    description = yaml.safe_load(write_description(tmp_path).read_text())
    assert description["names"] == dict(enumerate(CLASSES))
