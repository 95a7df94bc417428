"""What a YOLO model puts out, in the layouts that layout.py names, to boxes. Pure."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from processors.detector.backends.nms import suppress
from processors.detector.frame import Corners, Letterbox
from processors.detector.layout import Layout
from processors.detector.model import ModelDescription
from schemas.detection import Box

Output = NDArray[np.floating]


@dataclass(frozen=True, slots=True)
class Candidates:
    """What a model says of one picture. corners: (n, 4) xyxy in canvas pixels; confidence: (n,); classes: (n,)."""

    corners: Output
    confidence: Output
    classes: NDArray[np.integer]


def read(output: Output, found: Layout, threshold: float) -> Candidates:
    """Those of one picture's `output` (2-dimensional, without the batch) at or above `threshold`.

    Raises ArithmeticError if the model gives something that is no number.
    """
    if found == "ends":
        chosen = output[_above(output[:, 4], threshold)]
        return _checked(Candidates(chosen[:, :4], chosen[:, 4], np.rint(chosen[:, 5]).astype(np.int64)))
    best = output[4:].max(axis=0)
    chosen = output[:, _above(best, threshold)]
    centre, half = chosen[:2], chosen[2:4] / 2
    corners = np.concatenate([centre - half, centre + half]).T
    return _checked(Candidates(corners, chosen[4:].max(axis=0), chosen[4:].argmax(axis=0)))


def boxes(candidates: Candidates, found: Layout, letterbox: Letterbox, model: ModelDescription) -> list[Box]:
    """The boxes of one picture, most confident first; those that have no area inside the picture are left out."""
    if found == "raw":
        kept = suppress(candidates.corners, candidates.confidence, candidates.classes, model.iou, model.max_boxes)
    else:
        kept = np.argsort(-candidates.confidence, kind="stable")
    corners = letterbox.to_source(candidates.corners[kept].astype(np.float64)).round(5)
    confidence = np.clip(candidates.confidence[kept].astype(np.float64), 0.0, 1.0).round(4)
    classes = candidates.classes[kept]
    return [
        _box(int(number), model.classes[int(number)], float(sure), corner)
        for number, sure, corner in zip(classes, confidence, corners, strict=True)
        if corner[2] > corner[0] and corner[3] > corner[1] and 0 <= number < len(model.classes)
    ]


def _box(number: int, name: str, confidence: float, corner: Corners) -> Box:
    x1, y1, x2, y2 = (float(side) for side in corner)
    return Box(class_id=number, class_name=name, confidence=confidence, x1=x1, y1=y1, x2=x2, y2=y2)


def _above(confidence: Output, threshold: float) -> NDArray[np.bool_]:
    if np.isnan(confidence).any():
        raise ArithmeticError("the model's confidences are not numbers")
    return confidence >= threshold


def _checked(candidates: Candidates) -> Candidates:
    if not np.isfinite(candidates.corners).all():
        raise ArithmeticError("the model's boxes are not numbers")
    return candidates
