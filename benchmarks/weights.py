"""Weights to measure speed with: a YOLO26n of 640 pixels that was never trained, as .pt for the peer and .onnx for us.

    python -m benchmarks.weights FOLDER

Needs the extra `torch`. The same seed gives the same weights. The time that a network takes does not depend on what it
finds, but all that comes after it does: as they are, random weights find a hundred boxes in each picture. So their last
layer is turned down until, as in most pictures of a trail camera, there is nothing.
"""

import argparse
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks import peers
from benchmarks.words import ended
from processors.detector.backends.ultralytics import ENVIRONMENT
from thumper.errors import UserError

NAME = "yolo26n-quiet"
INPUT_PX = 640
SEED = 26
# Passes over noise that give the normalising layers ordinary numbers: without them activations fade to denormal
# numbers, which processors compute slowly, and no trained network has.
SETTLING = 8
# The last layer's weights, by this. A little more, and some pictures have none and others hundreds.
TURNED_DOWN = 0.02
# Where ultralytics keeps its settings, so that it writes none into the user's home.
CONFIG = "YOLO_CONFIG_DIR"


def ultralytics_environment(work: Path) -> dict[str, str]:
    """What keeps ultralytics from the net, from the user's settings and from installing packages."""
    folder = work / "ultralytics"
    folder.mkdir(parents=True, exist_ok=True)
    return {**ENVIRONMENT, CONFIG: str(folder.absolute())}


def yolo26n(work: Path, marks: Mapping[str, str]) -> tuple[Path, Path]:
    """(.pt, .onnx), made once in a process of its own. Raises SideFailed."""
    folder = work / NAME
    if not folder.exists():
        aside = work / f"{NAME}.new"
        shutil.rmtree(aside, ignore_errors=True)
        peers.run("weights", aside, marks={**marks, **ultralytics_environment(work)})
        aside.rename(folder)
    return folder / f"{NAME}.pt", folder / f"{NAME}.onnx"


def _make(folder: Path) -> None:
    try:
        import torch  # noqa: PLC0415  an extra
        from ultralytics.models.yolo.model import YOLO  # noqa: PLC0415  an extra
    except ImportError as error:
        raise UserError(f"the weights cannot be made without torch ({error})", "`make install-torch`") from None

    torch.manual_seed(SEED)
    model = YOLO("yolo26n.yaml")
    _settle(model.model)
    _turn_down(model.model)
    folder.mkdir(parents=True)
    model.save(str(folder / f"{NAME}.pt"))
    YOLO(str(folder / f"{NAME}.pt")).export(
        format="onnx", imgsz=INPUT_PX, dynamic=True, nms=False, simplify=False, opset=17, device="cpu"
    )


def _settle(network: Any) -> None:
    import torch  # noqa: PLC0415  an extra

    layers = [layer for layer in network.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
    before = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = None  # the plain mean of all passes
    network.train()
    with torch.no_grad():
        for _ in range(SETTLING):
            network(torch.rand(4, 3, INPUT_PX // 2, INPUT_PX // 2))
    network.eval()
    for layer, momentum in zip(layers, before, strict=True):
        layer.momentum = momentum


def _turn_down(network: Any) -> None:
    import torch  # noqa: PLC0415  an extra

    head = network.model[-1]
    with torch.no_grad():
        for branch in (*head.cv3, *head.one2one_cv3):
            branch[-1].weight.mul_(TURNED_DOWN)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    os.environ.update(ENVIRONMENT)
    sys.exit(ended(lambda: _make(parser.parse_args().folder)))
