"""Whether ours and `yolo predict` find the same boxes: the demo model on rendered pictures, each in its own way.

Random weights find nothing to compare. A box has its like on the other side if that is of the same class and covers it
by IOU; each like is used once. What differs is the way down to the canvas: Pillow's scaled decoding and filtering here,
OpenCV's plain bilinear sampling there, which moves some confidences over the threshold; with OpenCV's way put in for
ours, all boxes are alike.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import peers, pictures
from benchmarks.report import Question, Row
from benchmarks.turns import SideFailed
from benchmarks.weights import ultralytics_environment
from benchmarks.world import World
from cli.demo_result import iou
from cli.wiring import DEMO_WEIGHTS
from processors.detector.backends import choose
from processors.detector.decode import decode, prepare_process
from processors.detector.model import STORE_THRESHOLD, describe

NAME = "agreement_with_yolo_predict"
QUESTIONS = [Question(NAME, "share of boxes", "yolo predict: the share of its boxes that ours has too")]
PICTURES, QUICK_PICTURES = 120, 12
THRESHOLD = 0.25
IOU = 0.9
LOOSE_IOU = 0.5

# Class, confidence, x1, y1, x2, y2 (relative to the upright picture).
Box = Sequence[float]
# By picture.
Boxes = Mapping[str, Sequence[Box]]


def run(world: World, _: Sequence[Question]) -> list[Row]:
    """The row. Raises SideFailed."""
    source = pictures.rendered(world.work, PICTURES, world.say)
    folder = pictures.flat(source.paths, QUICK_PICTURES if world.asked.quick else PICTURES, world.folder("flat"))
    return [_row(QUESTIONS[0], _ours(folder), _theirs(world, folder))]


def alike(ours: Boxes, theirs: Boxes, least_iou: float) -> tuple[int, int]:
    """(boxes of ours, how many of them have their like on the other side)."""
    boxes = found = 0
    for name, some in ours.items():
        left = list(theirs.get(name, ()))
        for box in some:
            boxes += 1
            same = [other for other in left if other[0] == box[0]]
            best = max(same, key=lambda other: _iou(box, other), default=None)
            if best is not None and _iou(box, best) >= least_iou:
                found += 1
                left.remove(best)
    return boxes, found


def _row(asked: Question, ours: Boxes, theirs: Boxes) -> Row:
    sure, their_sure = _from(ours, THRESHOLD), _from(theirs, THRESHOLD)
    (count, found), (their_count, their_found) = alike(sure, their_sure, IOU), alike(their_sure, sure, IOU)
    if not (count and their_count):
        raise SideFailed(f"there are {count} boxes of ours and {their_count} of theirs")
    loosely = alike(sure, theirs, LOOSE_IOU)[1] / count, alike(their_sure, ours, LOOSE_IOU)[1] / their_count
    note = (
        f"{len(ours)} rendered pictures, the demo model; {count} of our boxes and {their_count} of theirs are at least"
        f" {THRESHOLD}; alike: same class, IoU {IOU}, at least {THRESHOLD} too;"
        f" at any confidence from {STORE_THRESHOLD} and IoU {LOOSE_IOU}: {loosely[0]:.3f} and {loosely[1]:.3f}"
    )
    value, peer = round(found / count, 3), round(their_found / their_count, 3)
    return Row(asked.name, value, asked.unit, asked.peer, peer, None, None, None, 1, None, None, note)


def _from(boxes: Boxes, threshold: float) -> Boxes:
    return {name: [box for box in some if box[1] >= threshold] for name, some in boxes.items()}


def _ours(folder: Path) -> Boxes:
    detector = choose(describe(DEMO_WEIGHTS))
    prepare_process()
    detector.open()
    found: dict[str, list[Box]] = {}
    for path in sorted(folder.iterdir()):
        (boxes,) = detector.detect([decode(path.read_bytes(), detector.canvas)])
        found[path.name] = [(box.class_id, box.confidence, box.x1, box.y1, box.x2, box.y2) for box in boxes]
    detector.close()
    return found


def _theirs(world: World, folder: Path) -> Boxes:
    boxes = world.folder("agreement") / "boxes.json"
    words = ("--weights", DEMO_WEIGHTS.with_suffix(".pt"), "--pictures", folder, "--boxes", boxes)
    sizes = ("--input-px", describe(DEMO_WEIGHTS).input_px)
    peers.run("yolo_predict", *words, *sizes, marks={**world.marks, **ultralytics_environment(world.work)})
    found: dict[str, list[Box]] = json.loads(boxes.read_text())
    return found


def _iou(one: Box, other: Box) -> float:
    return iou((one[2], one[3], one[4], one[5]), (other[2], other[3], other[4], other[5]))
