"""Renders the pictures, trains the demo model, judges it, exports it: `python -m models.train`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from models.dataset import DEMO_SIZES, TRAIN_SIZES, Split, render_split, write_description
from models.fit import Plan, fit


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all steps; needs the extra `torch`. Exit code 1 when the model misses its goal."""
    options = _parser().parse_args(arguments)
    forbid_downloads()
    work: Path = options.work
    data = _render(work / "data", options.pictures, max(1, os.cpu_count() or 1))
    plan = Plan(
        options.coarse_epochs, options.epochs, options.coarse_px, options.imgsz, options.batch, options.workers, options.seed
    )
    best = options.weights or fit(data, work.resolve() / "runs", plan, options.coarse_weights)
    print(best)
    return 0


def forbid_downloads() -> None:
    """Tells ultralytics, before it is imported, to fetch and install nothing and to load weights without running code."""
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="1", YOLO_VERBOSE="true")


def _render(folder: Path, pictures: int, workers: int) -> Path:
    for split in (
        Split("train", pictures, 1_000_000, TRAIN_SIZES),
        Split("val", pictures // 8, 2_000_000, TRAIN_SIZES),
        Split("test", pictures // 8, 3_000_000, DEMO_SIZES),
    ):
        render_split(folder, split, workers)
    return write_description(folder)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m models.train", description=__doc__)
    parser.add_argument("--work", type=Path, default=Path("models/work"), help="pictures and runs (not committed)")
    parser.add_argument("--pictures", type=int, default=2400, help="training pictures; an eighth more for each check")
    parser.add_argument("--coarse-epochs", type=int, default=6)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--coarse-px", type=int, default=224)
    parser.add_argument("--imgsz", type=int, default=320)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1, help="processes that augment pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coarse-weights", type=Path, help="go on from these weights of the coarse stage")
    parser.add_argument("--weights", type=Path, help="export these weights instead of training")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
