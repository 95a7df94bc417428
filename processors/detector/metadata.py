"""What ONNX weights say of themselves: the notes that ultralytics writes into them, and their output layout."""

import ast
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from processors.detector.layout import layout
from thumper.errors import ModelError


@dataclass(frozen=True, slots=True)
class Metadata:
    """classes: names by number. Both may be unknown (None). input_px: the longer side that it was exported for."""

    classes: tuple[str, ...] | None
    input_px: int | None


def of_onnx(data: bytes, name: str) -> Metadata:
    """The metadata of the ONNX model in `data`.

    Raises ModelError if it is not one, or not a detector of a layout that is understood.
    """
    import openvino  # type: ignore[import-untyped]  # noqa: PLC0415  80 MB, for those only who need it

    try:
        model = openvino.Core().read_model(io.BytesIO(data))
    except RuntimeError:
        raise ModelError(f"{name} is not an ONNX model, or is damaged", "export or copy it again") from None
    found = {
        key: str(model.get_rt_info(["framework", key]).value)
        for key in ("names", "imgsz", "task")
        if model.has_rt_info(["framework", key])
    }
    task = found.get("task", "detect")
    if task != "detect":
        raise ModelError(f"{name} is a model for the task {task!r}", "weights of a detection model are needed")
    names = _names(found.get("names"), name)
    layout([sides(output.get_partial_shape()) for output in model.outputs], None if names is None else len(names), name)
    return Metadata(names, _size(found.get("imgsz"), name))


def sides(shape: Iterable[Any]) -> list[int | None]:
    """OpenVINO's partial shape as numbers; None where it is open."""
    return [side.get_length() if side.is_static else None for side in shape]


def names_of(found: object) -> tuple[str, ...] | None:
    """Class names from {number: name} or [name, ...]; None if it is neither, or has holes."""
    if isinstance(found, dict):
        numbered = sorted(found.items()) if all(isinstance(number, int) for number in found) else []
        found = [name for _, name in numbered] if [number for number, _ in numbered] == [*range(len(found))] else None
    if not isinstance(found, list | tuple) or not found:
        return None
    return tuple(str(name)[:200] for name in found)


def _names(text: str | None, name: str) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = names_of(_literal(text))
    if names is None:
        raise ModelError(f"{name}: its list of class names cannot be read: {text[:80]!r}")
    return names


def _size(text: str | None, name: str) -> int | None:
    if text is None:
        return None
    found = _literal(text)
    numbers = found if isinstance(found, list | tuple) else [found]
    if not numbers or not all(isinstance(number, int) and number > 0 for number in numbers):
        raise ModelError(f"{name}: its input size cannot be read: {text[:80]!r}")
    return max(number for number in numbers if isinstance(number, int))


def _literal(text: str) -> object:
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value
