"""The peer: MegaDetector's batch runner on a folder, with our weights, input size and storing threshold.

    python -m benchmarks.megadetector_batch --weights W.pt --pictures FOLDER [--batch N]

Prints pictures a second. It is a program that loads its model and works off a list of files, so it runs twice: for two
pictures and for all. What the others took longer is its rate; its start is left out, as is ours. It has an environment
of its own (`make .megadetector/.done`), uses as many threads as there are cores, and runs on the CPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.peers import ROOT
from benchmarks.words import at_least, ended, folder
from processors.detector.backends.ultralytics import ENVIRONMENT
from processors.detector.config import cores
from processors.detector.model import STORE_THRESHOLD
from thumper.clock import SystemClock
from thumper.errors import UserError

PYTHON = ROOT / ".megadetector" / "bin" / "python"
RUNNER = "megadetector.detection.run_detector_batch"
FEW = 2
# Of YOLO26n. Without names of its own it refuses every class above the third.
CLASSES = 80


def rate(few: int, few_s: float, all_: int, all_s: float) -> float:
    """Pictures a second of what the second run did more than the first. Raises UserError if it took no longer."""
    if all_ <= few or all_s <= few_s:
        raise UserError(f"{all_} pictures took {all_s:.1f} s, and {few} took {few_s:.1f} s", "give more pictures")
    return (all_ - few) / (all_s - few_s)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--pictures", type=folder, required=True)
    parser.add_argument("--input-px", type=at_least(32), default=640)
    parser.add_argument("--batch", type=at_least(1), default=1)
    given = parser.parse_args()
    if not PYTHON.exists():
        raise UserError("MegaDetector is not installed", "`make .megadetector/.done`")
    pictures = sorted(str(path.absolute()) for path in given.pictures.iterdir())
    few_s, all_s = _seconds(given, pictures[:FEW]), _seconds(given, pictures)
    print(f"{rate(min(FEW, len(pictures)), few_s, len(pictures), all_s):.3f} pictures/s")


def _seconds(given: argparse.Namespace, pictures: list[str]) -> float:
    with tempfile.TemporaryDirectory() as aside:
        listed, classes, out = (Path(aside) / name for name in ("pictures.json", "classes.json", "out.json"))
        listed.write_text(json.dumps(pictures))
        classes.write_text(json.dumps({str(number): f"class {number}" for number in range(CLASSES)}))
        words = (given.weights.absolute(), listed, out, "--threshold", STORE_THRESHOLD, "--image_size", given.input_px)
        more = ("--batch_size", given.batch, "--ncores", cores(), "--class_mapping_filename", classes)
        options = ("--detector_options", "model_type=ultralytics", "force_cpu=true")
        clock = SystemClock()
        start_s = clock.now_s()
        done = subprocess.run(
            (PYTHON, "-m", RUNNER, *map(str, (*words, *more, *options))),
            env={**os.environ, **ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        took_s = clock.now_s() - start_s
        if done.returncode != 0 or not out.exists():
            raise UserError(f"MegaDetector: {(done.stderr.strip() or 'no word').splitlines()[-1][:300]}")
        failed = [found["file"] for found in json.loads(out.read_text())["images"] if found.get("failure")]
    if failed:
        raise UserError(f"MegaDetector failed on {len(failed)} of {len(pictures)} pictures, such as {failed[0]}")
    return took_s


if __name__ == "__main__":
    sys.exit(ended(main))
