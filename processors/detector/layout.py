"""The output layouts of YOLO models that are understood. Pure."""

from collections.abc import Sequence
from typing import Literal

from thumper.errors import ModelError

# ends: (batch, n, 6) of x1, y1, x2, y2, confidence, class: heads that need no suppression, or have it built in.
# raw: (batch, 4 + classes, n) of centre x, centre y, width, height, a confidence for each class: needs suppression.
# All in canvas pixels.
Layout = Literal["ends", "raw"]
# A side is None where the model leaves it open.
Shape = Sequence[int | None]


def layout(shapes: Sequence[Shape], classes: int | None, name: str) -> Layout:
    """Which layout outputs of these `shapes` have, for a model of so many classes (None: unknown).

    Raises ModelError that names the layout found where it is another.
    """
    if len(shapes) == 1 and len(shapes[0]) == 3:
        _, second, third = shapes[0]
        if third == 6:
            return "ends"
        if _holds_classes(second, classes) and (third is None or third > (second or 0)):
            return "raw"
    found = " and ".join(_words(shape) for shape in shapes) or "nothing"
    raise ModelError(
        f"{name} has the output {found}, which is not understood",
        f"it must be 1 x {'(4 + classes)' if classes is None else 4 + classes} x N without suppression, or 1 x N x 6 "
        "with suppression built in or the end-to-end head of YOLO26: "
        "export a detection model by `yolo export format=onnx dynamic=True`",
    )


def _holds_classes(side: int | None, classes: int | None) -> bool:
    if classes is None:
        return side is not None and side > 4
    return side == 4 + classes


def _words(shape: Shape) -> str:
    return "1 x " + " x ".join("?" if side is None else str(side) for side in shape[1:])
