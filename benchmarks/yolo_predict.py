"""The peer: `yolo predict` on a folder, with our thresholds; results are not saved.

    python -m benchmarks.yolo_predict --weights W.pt --pictures FOLDER [--batch N --threads N] [--boxes FILE]

Prints pictures a second; loading the model and warming it up are left out. Without --batch and --threads it works as
it is shipped: picture by picture, on torch threads of its own choice, a line printed for each picture. Runs on the CPU.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.words import at_least, ended, folder
from cli.limits import refuse_batch_beyond_memory
from processors.detector.backends.ultralytics import ENVIRONMENT
from processors.detector.model import IOU, MAX_BOXES, STORE_THRESHOLD
from thumper.clock import SystemClock
from thumper.errors import UserError


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--pictures", type=folder, required=True)
    parser.add_argument("--input-px", type=at_least(32), default=640)
    parser.add_argument("--threshold", type=float, default=STORE_THRESHOLD)
    parser.add_argument("--batch", type=at_least(0), default=0, help="0: as shipped")
    parser.add_argument("--threads", type=at_least(0), default=0, help="of torch; 0: as shipped")
    parser.add_argument("--boxes", type=Path, help="write every picture's boxes into this file")
    given = parser.parse_args()
    refuse_batch_beyond_memory(given.batch, given.input_px, "--batch")
    os.environ.update(ENVIRONMENT)
    results, rate = _predict(given)
    if given.boxes:
        given.boxes.write_text(json.dumps(_boxes(results)))
    print(f"\n{rate:.3f} pictures/s")


def _predict(given: argparse.Namespace) -> tuple[list[Any], float]:
    """The results, if boxes are wanted, and pictures a second."""
    try:
        import torch  # noqa: PLC0415  an extra
        from ultralytics.models.yolo.model import YOLO  # noqa: PLC0415  an extra
    except ImportError as error:
        raise UserError(f"yolo predict is not installed ({error})", "`make install-torch`") from None

    wanted: dict[str, Any] = {
        "imgsz": given.input_px,
        "conf": given.threshold,
        "iou": IOU,
        "max_det": MAX_BOXES,
        "save": False,
        "device": "cpu",
        "stream": True,
    }
    if given.batch:
        wanted |= {"batch": given.batch, "verbose": False}
    model = YOLO(str(given.weights))
    first = next(given.pictures.iterdir(), None)
    if first is None:
        raise UserError(f"no pictures in {given.pictures}")
    list(model.predict(source=str(first), **wanted))
    if given.threads:
        torch.set_num_threads(given.threads)  # it has set its own number when it chose the device
    clock = SystemClock()
    start_s = clock.now_s()
    count, kept = 0, []
    for result in model.predict(source=str(given.pictures), **wanted):
        count += 1
        if given.boxes:
            kept.append(result)
    return kept, count / (clock.now_s() - start_s)


def _boxes(results: Iterable[Any]) -> dict[str, list[list[float]]]:
    """By file name: class, confidence, x1, y1, x2, y2 (relative to the upright picture)."""
    return {
        Path(result.path).name: [
            [float(kind), float(confidence), *map(float, corners)]
            for kind, confidence, corners in zip(
                result.boxes.cls, result.boxes.conf, result.boxes.xyxyn.tolist(), strict=True
            )
        ]
        for result in results
    }


if __name__ == "__main__":
    sys.exit(ended(main))
