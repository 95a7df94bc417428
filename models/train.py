"""Renders the pictures, trains the demo model, judges it, exports it: `python -m models.train`."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from models.dataset import DEMO_SIZES, TRAIN_SIZES, Split, render_split, write_description
from models.export import DISPLAY_THRESHOLD, INPUT_PX, NAME, export
from models.fit import Plan, fit
from models.judge import judge, look
from models.report import write_report

#: Mean average precision at IoU 0.5 on held-back scenes below which a model is not fit for the demo.
GOAL: Final = 0.8


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs all steps; needs the extra `torch`. Exit code 1 when the model misses its goal."""
    options = _parser().parse_args(arguments)
    forbid_downloads()
    work: Path = options.work.resolve()
    data = _render(work / "data", options.pictures, os.cpu_count() or 1)
    best = options.weights or fit(data, work / "runs", _plan(options), options.coarse_weights)
    export(best, options.out, work / "export")
    return _judge(options, work / "data")


def forbid_downloads() -> None:
    """Tells ultralytics, before it is imported, to fetch and install nothing, and to run no code from weights."""
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", ULTRALYTICS_SAFE_LOAD="1")


def _judge(options: argparse.Namespace, data: Path) -> int:
    images = sorted((data / "images" / "test").glob("*.jpg"))
    pictures = look(options.out / f"{NAME}.onnx", images, data / "labels" / "test", INPUT_PX)
    figures = judge(pictures, DISPLAY_THRESHOLD)
    for name, row in figures.items():
        print(f"{name:8} {row.animals:4} animals  AP50 {row.ap50:.3f}  found {row.found:4}  false {row.false:3}")
    facts = {"pictures": options.pictures, "checked": len(images)}
    facts |= {key: getattr(options, key) for key in ("coarse_epochs", "coarse_px", "epochs")}
    write_report(options.out / "CARD.md", figures, facts)
    return 0 if figures["all"].ap50 >= GOAL else 1


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(
        options.coarse_epochs, options.epochs, options.coarse_px, INPUT_PX, options.batch, options.workers, options.seed
    )


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
    parser.add_argument("--out", type=Path, default=Path("models"), help="where the model and its card are written")
    parser.add_argument("--pictures", type=int, default=2400, help="training pictures; an eighth more for each check")
    parser.add_argument("--coarse-epochs", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--coarse-px", type=int, default=224)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--workers", type=int, default=1, help="processes that augment pictures")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--coarse-weights", type=Path, help="go on from these weights of the coarse stage")
    parser.add_argument("--weights", type=Path, help="export these weights instead of training")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
