"""Judges the exported ONNX on held-back scenes, read as a detector reads them: draft, letterbox, OpenVINO."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from models.animals import CLASSES

Floats = NDArray[np.float32]

_STRIDE_PX: Final = 32
_GREY: Final = 114
_MATCH_IOU: Final = 0.5


@dataclass(frozen=True)
class Picture:
    """Truth (n, 5) and answers (m, 6) of one picture: x0, y0, x1, y1 relative, then [confidence,] class index."""

    truth: Floats
    answers: Floats


@dataclass(frozen=True)
class Figures:
    """Of one class or all: animals, average precision at IoU 0.5, and at the display threshold found and false."""

    animals: int
    ap50: float
    found: int
    false: int


def look(weights: Path, images: Sequence[Path], labels: Path, input_px: int) -> list[Picture]:
    """What the ONNX in `weights` answers to `images`, beside the YOLO labels of the same names in `labels`."""
    import openvino as ov  # type: ignore[import-untyped]  # noqa: PLC0415  a tenth of a second, for those only who judge

    core = ov.Core()
    compiled = core.compile_model(core.read_model(weights), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    pictures = []
    for image in images:
        canvas, scale = letterboxed(image, input_px)
        rows = np.asarray(compiled([canvas])[0][0], dtype=np.float32)
        rows[:, :4] = (rows[:, :4] - scale[:4]) / scale[4:]
        pictures.append(Picture(read_label(labels / f"{image.stem}.txt"), rows[rows[:, 4] >= 0.001]))
    return pictures


def letterboxed(image: Path, input_px: int) -> tuple[Floats, Floats]:
    """The picture on a grey canvas (1, 3, h, w), 0 to 1, and its place there: left, top twice, then extent twice."""
    with Image.open(image) as opened:
        width, height = opened.size
        scale = input_px / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        opened.draft("RGB", inner)
        small = opened.convert("RGB").resize(inner, Image.Resampling.BILINEAR, reducing_gap=2.0)
    canvas = [math.ceil(side / _STRIDE_PX) * _STRIDE_PX for side in inner]
    left, top = ((outer - side) // 2 for outer, side in zip(canvas, inner, strict=True))
    pixels = np.full((canvas[1], canvas[0], 3), _GREY, dtype=np.uint8)
    pixels[top : top + inner[1], left : left + inner[0]] = np.asarray(small)
    ready = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], dtype=np.float32) / np.float32(255)
    return ready, np.array([left, top] * 2 + list(inner) * 2, dtype=np.float32)


def read_label(label: Path) -> Floats:
    """(n, 5) of a YOLO label file: x0, y0, x1, y1 relative, class index."""
    rows = np.array([line.split() for line in label.read_text().splitlines()], dtype=np.float32).reshape(-1, 5)
    centre, half = rows[:, 1:3], rows[:, 3:5] / 2
    return np.concatenate([centre - half, centre + half, rows[:, :1]], axis=1)


def judge(pictures: Sequence[Picture], threshold: float) -> dict[str, Figures]:
    """The figures of each class, and of "all" (whose ap50 is the mean over the classes)."""
    figures = {name: _figures(pictures, index, threshold) for index, name in enumerate(CLASSES)}
    rows = list(figures.values())
    mean = float(np.mean([row.ap50 for row in rows]))
    figures["all"] = Figures(
        sum(row.animals for row in rows), mean, sum(row.found for row in rows), sum(row.false for row in rows)
    )
    return figures


def _figures(pictures: Iterable[Picture], index: int, threshold: float) -> Figures:
    animals, hits = 0, []
    for picture in pictures:
        truth = picture.truth[picture.truth[:, 4] == index]
        answers = picture.answers[picture.answers[:, 5] == index]
        animals += len(truth)
        hits += match(truth, answers[np.argsort(-answers[:, 4], kind="stable")])
    shown = [right for confidence, right in hits if confidence >= threshold]
    return Figures(animals, average_precision(hits, animals), sum(shown), len(shown) - sum(shown))


def match(truth: Floats, answers: Floats) -> list[tuple[float, bool]]:
    """(confidence, right) of each answer, the surest first; an animal is found once."""
    free = np.ones(len(truth), dtype=bool)
    verdicts = []
    for answer in answers:
        overlaps = np.where(free, _iou(truth, answer), 0.0)
        best = int(overlaps.argmax()) if len(truth) else -1
        right = best >= 0 and bool(overlaps[best] >= _MATCH_IOU)
        if right:
            free[best] = False
        verdicts.append((float(answer[4]), right))
    return verdicts


def average_precision(hits: Sequence[tuple[float, bool]], animals: int) -> float:
    """Area under precision over recall, each precision being the best at that recall or beyond; 0 without animals."""
    if not animals or not hits:
        return 0.0
    right = np.array([verdict for _, verdict in sorted(hits, key=lambda hit: -hit[0])])
    found = np.cumsum(right)
    precision = np.maximum.accumulate((found / np.arange(1, len(right) + 1))[::-1])[::-1]
    return float((precision * right).sum() / animals)


def _iou(truth: Floats, answer: Floats) -> Floats:
    low, high = np.maximum(truth[:, :2], answer[:2]), np.minimum(truth[:, 2:4], answer[2:4])
    shared = np.clip(high - low, 0, None).prod(axis=1)
    areas = (truth[:, 2:4] - truth[:, :2]).prod(axis=1) + (answer[2:4] - answer[:2]).prod()
    return np.asarray(shared / np.maximum(areas - shared, 1e-9), dtype=np.float32)
