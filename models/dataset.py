"""Renders scenes into the folders that ultralytics trains from."""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from models.animals import CLASSES
from models.compose import Scene, render_scene

#: Training pictures are mostly small, because they are rendered and decoded faster; the letterbox evens it out.
TRAIN_SIZES: Final = ((640, 480), (640, 360), (960, 720), (960, 540), (1280, 960))
#: The sizes of the demo's pictures, on which the model is judged.
DEMO_SIZES: Final = ((1280, 960), (1920, 1080), (1600, 1200))


@dataclass(frozen=True)
class Split:
    """One set of pictures; `first_seed` keeps its seeds, and so its landscapes, apart from the others'."""

    name: str
    pictures: int
    first_seed: int
    sizes: Sequence[tuple[int, int]]


def render_split(folder: Path, split: Split, workers: int) -> None:
    """Writes `images/<split>/*.jpg` and `labels/<split>/*.txt` under `folder`; what is there already is kept."""
    for kind in ("images", "labels"):
        (folder / kind / split.name).mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(partial(_render, folder, split), range(split.pictures), chunksize=16))


def write_description(folder: Path) -> Path:
    """The data set's YAML, with the classes in the order of the model's outputs."""
    names = "".join(f"  {index}: {name}\n" for index, name in enumerate(CLASSES))
    target = folder / "data.yaml"
    target.write_text(
        f"path: {folder.resolve()}\ntrain: images/train\nval: images/val\ntest: images/test\nnames:\n{names}"
    )
    return target


def label_lines(scene: Scene) -> str:
    """The scene's animals as YOLO labels: class index, centre x, centre y, width, height, all relative."""
    lines = []
    for animal in scene.animals:
        x0, y0, x1, y1 = animal.box
        numbers = ((x0 + x1) / 2, (y0 + y1) / 2, x1 - x0, y1 - y0)
        lines.append(f"{CLASSES.index(animal.class_name)} " + " ".join(f"{number:.6f}" for number in numbers) + "\n")
    return "".join(lines)


def _render(folder: Path, split: Split, index: int) -> None:
    seed = split.first_seed + index
    picture = folder / "images" / split.name / f"{seed}.jpg"
    label = folder / "labels" / split.name / f"{seed}.txt"
    if picture.exists() and label.exists():
        return
    scene = render_scene(seed, split.sizes[index % len(split.sizes)], camera=f"CAM {seed % 97}")
    scene.image.save(picture, quality=85)
    label.write_text(label_lines(scene))
