"""ONNX detectors made on the spot whose answers are known: they find what is red or green, a box for each 32 x 32 cell.

They take any size or a fixed one, and answer in either layout, as ultralytics' exports do.
"""

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

CLASSES = ("red", "green")
CELL_PX = 32
Node = tuple[str, list[str], str, dict[str, Any]]
# Operator, inputs, outputs, attributes. `cells`: mean colours, (batch, 3, rows, columns).
_RAW: tuple[Node, ...] = (
    ("AveragePool", ["images"], "cells", {"kernel_shape": [CELL_PX] * 2, "strides": [CELL_PX] * 2}),
    ("Split", ["cells", "thirds"], "red green blue", {"axis": 1}),
    ("Sub", ["red", "green"], "redness", {}),
    ("Sub", ["green", "red"], "greenness", {}),
    ("Mul", ["red", "zero"], "zeros", {}),
    ("Add", ["zeros", "cell_px"], "side", {}),
    ("CumSum", ["side", "columns"], "right", {}),
    ("CumSum", ["side", "rows"], "bottom", {}),
    ("Sub", ["right", "half_cell"], "x", {}),
    ("Sub", ["bottom", "half_cell"], "y", {}),
    ("Concat", ["x", "y", "side", "side", "redness", "greenness"], "map", {"axis": 1}),
    ("Reshape", ["map", "flat"], "output0", {}),
)
_ENDS: tuple[Node, ...] = (
    *_RAW[:-3],
    ("Sub", ["right", "cell_px"], "left", {}),
    ("Sub", ["bottom", "cell_px"], "top", {}),
    ("Max", ["redness", "greenness"], "confidence", {}),
    ("Greater", ["greenness", "redness"], "is_green", {}),
    ("Cast", ["is_green"], "class", {"to": TensorProto.FLOAT}),
    ("Concat", ["left", "top", "right", "bottom", "confidence", "class"], "map", {"axis": 1}),
    ("Reshape", ["map", "flat"], "columns_of_six", {}),
    ("Transpose", ["columns_of_six"], "output0", {"perm": [0, 2, 1]}),
)


def finder(
    path: Path, layout: str = "raw", batch: int | None = None, size: tuple[int, int] | None = None, **notes: str
) -> Path:
    """Write the model to `path`. notes: its metadata; names and image size as ultralytics writes them by default."""
    places = (size[0] // CELL_PX) * (size[1] // CELL_PX) if size else None
    output = [batch, 6, places] if layout == "raw" else [batch, places, 6]
    graph = helper.make_graph(
        [
            helper.make_node(kind, ins, outs.split(), **given)
            for kind, ins, outs, given in (_RAW if layout == "raw" else _ENDS)
        ],
        "finder",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [batch, 3, *(size or (None, None))])],
        [helper.make_tensor_value_info("output0", TensorProto.FLOAT, output)],
        _constants(batch),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    told = {"names": str(dict(enumerate(CLASSES))), "imgsz": str(list(size or (320, 320))), "task": "detect", **notes}
    helper.set_model_props(model, {key: value for key, value in told.items() if value})
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    return path


def _constants(batch: int | None) -> list[onnx.TensorProto]:
    numbers = {
        "thirds": np.array([1, 1, 1], dtype=np.int64),
        "zero": np.float32(0),
        "cell_px": np.float32(CELL_PX),
        "half_cell": np.float32(CELL_PX / 2),
        "columns": np.int64(3),
        "rows": np.int64(2),
        "flat": np.array([batch or 0, 6, -1], dtype=np.int64),
    }
    return [numpy_helper.from_array(np.asarray(value), name) for name, value in numbers.items()]
