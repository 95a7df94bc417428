"""Drawn trail-camera pictures with the truth known: one scene, or the memory card of a few cameras."""

import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image

from models.compose import Animal, Scene, render_scene
from models.exif_stamp import UPRIGHT, TrailCamera, exif_bytes

__all__ = ["Animal", "Scene", "render_scene", "write_card"]

TRUTH: Final = "truth.json"

_SIZES: Final = ((1280, 960), (1920, 1080), (1600, 1200))
_MODELS: Final = (("Fieldmark", "FM-20 Night"), ("Burr Oak", "Scout 4"), ("Longpath", "LP 9 Cellular"))
# One picture in so many comes from a camera strapped on askew: (EXIF orientation, how its pixels lie).
_TURNED_EACH: Final = 19
_TURNS: Final = (
    (3, Image.Transpose.ROTATE_180),
    (6, Image.Transpose.ROTATE_90),
    (8, Image.Transpose.ROTATE_270),
)


@dataclass(frozen=True)
class _Shot:
    """One picture to be taken."""

    path: str
    seed: int
    view: int
    size: tuple[int, int]
    camera: TrailCamera
    name: str
    at: datetime
    turn: int | None


def write_card(
    folder: Path,
    locations: Sequence[str],
    pictures: int,
    seed: int,
    progress: Callable[[int, int], None] | None = None,
    workers: int = 1,
) -> Path:
    """Write so many JPEG pictures in all, one sub-folder per location, as `folder/<location>/IMG_0001.JPG` and so on.

    The same seed gives the same pictures. `progress` is called with (done, all) after each; `workers` processes render.
    Returns the path of `folder/truth.json`: {"<location>/<name>": {"sha256": ..., "animals": [{"class_name": ...,
    "box": [x0, y0, x1, y1]}]}}, boxes relative to the upright picture. Raises ValueError without locations.
    """
    if not locations:
        raise ValueError("write_card needs at least one location")
    for location in locations:
        (folder / location).mkdir(parents=True, exist_ok=True)
    shots = _plan(locations, pictures, seed)
    truth: dict[str, object] = {}
    with ExitStack() as stack:
        take = partial(_take, folder)
        taken: Iterable[dict[str, object]] = map(take, shots)
        if workers > 1:
            taken = stack.enter_context(ProcessPoolExecutor(workers)).map(take, shots, chunksize=4)
        for shot, facts in zip(shots, taken, strict=True):
            truth[shot.path] = facts
            if progress is not None:
                progress(len(truth), len(shots))
    target = folder / TRUTH
    target.write_text(json.dumps(truth, indent=1) + "\n")
    return target


def _plan(locations: Sequence[str], pictures: int, seed: int) -> list[_Shot]:
    shots = []
    for index, location in enumerate(locations):
        rng = np.random.default_rng([seed, index])
        camera, view = _camera(index, rng), int(rng.integers(2**31))
        at = datetime(2025, 10, 3, 6, 40) + timedelta(minutes=int(rng.integers(0, 600)))
        for number in range(1, 1 + len(range(index, pictures, len(locations)))):
            at += timedelta(seconds=int(rng.integers(20, 14_000)))
            turned = number % _TURNED_EACH == 0
            shots.append(
                _Shot(
                    path=f"{location}/IMG_{number:04}.JPG",
                    seed=int(rng.integers(2**31)),
                    view=view,
                    size=_SIZES[index % len(_SIZES)],
                    camera=camera,
                    name=location.upper(),
                    at=at,
                    turn=int(rng.integers(len(_TURNS))) if turned else None,
                )
            )
    return shots


def _camera(index: int, rng: np.random.Generator) -> TrailCamera:
    make, model = _MODELS[index % len(_MODELS)]
    place = (round(float(rng.uniform(29.5, 33)), 5), round(float(rng.uniform(-101, -97)), 5))
    return TrailCamera(
        make,
        model,
        serial=f"{make[:2].upper()}{int(rng.integers(10**7)):07}",
        position=place if index % 2 == 0 else None,
        utc_offset="-06:00" if index % 3 == 1 else None,
    )


def _take(folder: Path, shot: _Shot) -> dict[str, object]:
    scene = render_scene(shot.seed, shot.size, shot.view, shot.name, shot.at)
    orientation, image = UPRIGHT, scene.image
    if shot.turn is not None:
        orientation, turn = _TURNS[shot.turn]
        image = image.transpose(turn)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=85, exif=exif_bytes(shot.camera, scene.captured_at, scene.night, orientation))
    (folder / shot.path).write_bytes(buffer.getvalue())
    animals = [{"class_name": animal.class_name, "box": list(animal.box)} for animal in scene.animals]
    return {"sha256": hashlib.sha256(buffer.getvalue()).hexdigest(), "animals": animals}
