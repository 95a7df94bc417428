"""The ceiling: decoding and inference of pictures in a bare loop, without Kafka, database, events or order.

    python -m benchmarks.ceiling --weights W --pictures FOLDER [--count N]

Prints pictures a second, and the processor time of each. The loop has what any fast program of its kind would have,
and nothing else: decoding threads, batches of one shape, both streams of the CPU busy.
"""

import argparse
import os
import queue
import sys
import threading
from collections import defaultdict
from pathlib import Path

import openvino  # type: ignore[import-untyped]

from benchmarks.words import at_least, ended, folder
from processors.detector.backends import choose
from processors.detector.backends.contract import Detector
from processors.detector.config import cores
from processors.detector.decode import decode, prepare_process
from processors.detector.frame import Frame
from processors.detector.model import describe
from thumper.clock import SystemClock

SUFFIXES = {".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp", ".heic"}
BATCH = 8


def ceiling(weights: Path, pictures: list[Path], count: int, device: str = "auto") -> tuple[float, float]:
    """(pictures a second, milliseconds of processor time a picture) through decoding and inference alone.

    `pictures` are repeated until there are `count`.
    """
    detector = choose(describe(weights), device)
    prepare_process()
    detector.open()
    wanted: queue.SimpleQueue[Path | None] = queue.SimpleQueue()
    # So few wait that a decoder in front does not take the processor from inference.
    decoded: queue.Queue[Frame | None] = queue.Queue(maxsize=4 * BATCH)
    batches: queue.Queue[list[Frame] | None] = queue.Queue(maxsize=2)
    for number in range(count):
        wanted.put(pictures[number % len(pictures)])
    decoders = [threading.Thread(target=_decode, args=(wanted, decoded, detector)) for _ in range(cores())]
    inferrers = [threading.Thread(target=_infer, args=(batches, detector)) for _ in range(detector.parallel)]
    for _ in decoders:
        wanted.put(None)
    clock = SystemClock()
    start_s, before = clock.now_s(), os.times()
    for thread in (*decoders, *inferrers):
        thread.start()
    _collect(decoded, batches, len(decoders))
    for _ in inferrers:
        batches.put(None)
    for thread in inferrers:
        thread.join()
    took_s, after = clock.now_s() - start_s, os.times()
    detector.close()
    used_s = after.user + after.system - before.user - before.system
    return count / took_s, 1_000 * used_s / count


def find(folder: Path) -> list[Path]:
    """The pictures below `folder`, in order."""
    return sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)


def _decode(wanted: "queue.SimpleQueue[Path | None]", decoded: "queue.Queue[Frame | None]", detector: Detector) -> None:
    while (path := wanted.get()) is not None:
        decoded.put(decode(path.read_bytes(), detector.canvas))
    decoded.put(None)


def _collect(decoded: "queue.Queue[Frame | None]", batches: "queue.Queue[list[Frame] | None]", decoders: int) -> None:
    waiting: dict[tuple[int, int], list[Frame]] = defaultdict(list)
    while decoders:
        frame = decoded.get()
        if frame is None:
            decoders -= 1
            continue
        waiting[frame.bucket].append(frame)
        if len(waiting[frame.bucket]) == BATCH:
            batches.put(waiting.pop(frame.bucket))
    for rest in waiting.values():
        batches.put(rest)


def _infer(batches: "queue.Queue[list[Frame] | None]", detector: Detector) -> None:
    while (batch := batches.get()) is not None:
        detector.detect(batch)


def main() -> None:
    """Read the arguments, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--pictures", type=folder, required=True)
    parser.add_argument("--count", type=at_least(0), default=0, help="how many; default: each once")
    parser.add_argument("--device", default="auto")
    given = parser.parse_args()
    pictures = find(given.pictures)
    if not pictures:
        parser.error(f"no pictures below {given.pictures}")
    rate, used_ms = ceiling(given.weights, pictures, given.count or len(pictures), given.device)
    version = openvino.get_version().split("-")[0]
    print(f"{rate:.2f} pictures/s ({rate * 60:.0f} a minute), {used_ms:.2f} ms processor time each, openvino {version}")


if __name__ == "__main__":
    sys.exit(ended(main))
