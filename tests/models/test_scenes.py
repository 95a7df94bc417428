"""A written card: one folder per location, EXIF in every picture, and the truth beside them."""

import hashlib
import json
from pathlib import Path
from typing import Any

import piexif  # type: ignore[import-untyped]
import pytest
from PIL import Image, ImageOps

from models.animals import CLASSES
from models.scenes import render_scene, write_card

LOCATIONS = ("270_Jason", "Hayfield", "Creek")


@pytest.fixture(scope="module")
def card(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("card")
    write_card(folder, LOCATIONS, 7, seed=21)
    return folder


def truth_of(card: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads((card / "truth.json").read_text())
    return found


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_truth_names_every_picture_and_nothing_else(card: Path) -> None:
    truth = truth_of(card)
    assert sorted(truth) == sorted(str(path.relative_to(card)) for path in card.rglob("*.JPG"))
    assert len(truth) == 7
    assert {path.name for path in card.iterdir()} == {*LOCATIONS, "truth.json"}
    assert {"270_Jason/IMG_0001.JPG", "270_Jason/IMG_0003.JPG", "Creek/IMG_0002.JPG"} <= set(truth)


def test_truth_has_the_pictures_checksums_and_known_classes(card: Path) -> None:
    for path, facts in truth_of(card).items():
        assert facts["sha256"] == hashlib.sha256((card / path).read_bytes()).hexdigest()
        for animal in facts["animals"]:
            assert animal["class_name"] in CLASSES
            assert all(0 <= edge <= 1 for edge in animal["box"])


def test_pictures_of_a_location_come_from_one_camera_and_later_ones_are_later(card: Path) -> None:
    serials = {}
    for location in LOCATIONS:
        blocks = [piexif.load(str(path)) for path in sorted((card / location).glob("*.JPG"))]
        times = [block["Exif"][piexif.ExifIFD.DateTimeOriginal] for block in blocks]
        assert times == sorted(times)
        serials[location] = {block["Exif"][piexif.ExifIFD.BodySerialNumber] for block in blocks}
        assert all(block["0th"][piexif.ImageIFD.Make] and block["0th"][piexif.ImageIFD.Model] for block in blocks)
    assert all(len(found) == 1 for found in serials.values())
    assert len(set.union(*serials.values())) == len(LOCATIONS)


def test_cards_differ_in_shape_position_and_offset(card: Path) -> None:
    blocks = [piexif.load(str(card / location / "IMG_0001.JPG")) for location in LOCATIONS]
    assert {bool(block["GPS"]) for block in blocks} == {True, False}
    assert {piexif.ExifIFD.OffsetTimeOriginal in block["Exif"] for block in blocks} == {True, False}
    assert {size_of(card / location / "IMG_0001.JPG") for location in LOCATIONS} == {
        (1280, 960),
        (1920, 1080),
        (1600, 1200),
    }


def test_a_camera_strapped_on_askew_still_gives_upright_pictures(tmp_path: Path) -> None:
    write_card(tmp_path, ["Creek"], 19, seed=2)
    with Image.open(tmp_path / "Creek" / "IMG_0019.JPG") as turned:
        assert turned.getexif()[0x0112] in (3, 6, 8)
        assert ImageOps.exif_transpose(turned).size == (1280, 960)


def test_same_seed_same_files_whoever_renders_them(tmp_path: Path) -> None:
    calls: list[tuple[int, int]] = []
    first = write_card(tmp_path / "a", ["Creek"], 3, 5, lambda done, total: calls.append((done, total)))
    second = write_card(tmp_path / "b", ["Creek"], 3, 5, workers=2)
    other = write_card(tmp_path / "c", ["Creek"], 3, 6)
    assert first.read_bytes() == second.read_bytes()
    assert first.read_bytes() != other.read_bytes()
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_no_location_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="at least one location"):
        write_card(tmp_path, [], 3, 1)


def test_render_scene_is_offered_here_too() -> None:
    assert render_scene(1, (64, 48)).image.size == (64, 48)
