"""Non-maximum suppression: of boxes of one class that overlap, the most confident one stays. Pure."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Indices = NDArray[np.intp]

# A model that finds more places than this in one picture is guessing; the most confident ones are looked at, so that
# the table of overlaps stays within 8 MB.
MOST_CANDIDATES = 1_000


def suppress(corners: Floats, confidence: Floats, classes: NDArray[np.integer], iou: float, most: int) -> Indices:
    """Indices of what stays, most confident first, at most `most`.

    corners: (n, 4) xyxy. confidence, classes: (n,). iou: boxes of one class that overlap by more are the same animal.
    """
    order = np.argsort(-confidence, kind="stable")[:MOST_CANDIDATES]
    overlaps = _overlaps(corners[order], classes[order]) > iou
    alive = np.ones(len(order), dtype=bool)
    kept: list[int] = []
    for number in range(len(order)):
        if len(kept) == most:
            break
        if alive[number]:
            kept.append(number)
            alive &= ~overlaps[number]
    return order[np.array(kept, dtype=np.intp)]


def _overlaps(corners: Floats, classes: NDArray[np.integer]) -> Floats:
    """(n, n) intersection over union; 0 between boxes of different classes."""
    least = np.maximum(corners[:, None, :2], corners[None, :, :2])
    most = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    shared = np.clip(most - least, 0, None).prod(axis=2)
    area = np.clip(corners[:, 2:] - corners[:, :2], 0, None).prod(axis=1)
    union = area[:, None] + area[None, :] - shared
    same = classes[:, None] == classes[None, :]
    result: Floats = np.where(same & (union > 0), shared / np.where(union > 0, union, 1), 0.0)
    return result
