"""Writes trained weights as the files that detectors read: ONNX, half-precision .pt, and their description."""

import hashlib
import json
from pathlib import Path
from typing import Any, Final

from models.animals import CLASSES

NAME: Final = "thumper-demo"
INPUT_PX: Final = 320
DISPLAY_THRESHOLD: Final = 0.5
#: Initialisers smaller than this many numbers (biases, anchors, shapes) stay as they are: they weigh nothing.
_LEAST_NUMBERS: Final = 256
_KEPT_NOTES: Final = ("names", "stride", "task", "imgsz", "end2end", "batch", "channels")


def export(best: Path, folder: Path, work: Path) -> None:
    """Writes `thumper-demo.onnx`, `.pt` and `.json` into `folder` from the checkpoint `best`."""
    work.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{NAME}.pt"
    _half_checkpoint(best, weights)
    _half_onnx(_plain_onnx(best, work), folder / f"{NAME}.onnx")
    describe(folder)


def describe(folder: Path) -> Path:
    """Writes the description of the two weights files in `folder`, which holds their sha256."""
    files = [folder / f"{NAME}.onnx", folder / f"{NAME}.pt"]
    description = {
        "name": NAME,
        "classes": list(CLASSES),
        "input_px": INPUT_PX,
        "store_threshold": 0.05,
        "display_threshold": DISPLAY_THRESHOLD,
        "iou": 0.45,
        "max_boxes": 20,
        "head": {
            "layout": "end-to-end",
            "output": "batch x 300 x (x0, y0, x1, y1, confidence, class), canvas pixels",
            "input": "batch x 3 x height x width, float32 RGB from 0 to 1; height and width are multiples of 32",
        },
        "sha256": {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files},
    }
    target = folder / f"{NAME}.json"
    target.write_text(json.dumps(description, indent=2) + "\n")
    return target


def _half_checkpoint(best: Path, target: Path) -> None:
    """A checkpoint that ultralytics loads, without optimizer, dates and the paths of the machine that trained it."""
    import torch  # noqa: PLC0415  the torch extra, for those only who train
    from ultralytics.nn.tasks import load_checkpoint  # noqa: PLC0415  the torch extra, for those only who train

    model, _ = load_checkpoint(best)  # type: ignore[no-untyped-call]
    settings = {"imgsz": INPUT_PX, "task": "detect"}
    model.args, model.criterion, model.pt_path, model.yaml_file = settings, None, "", "yolo26n.yaml"
    model.yaml["yaml_file"] = "yolo26n.yaml"
    head = model.model[-1]
    head.end2end = True
    head.fuse()  # drops the branch that only training needs, so that no reader can choose the wrong one
    for parameter in model.parameters():
        parameter.requires_grad = False
    torch.save({"model": model.half(), "train_args": settings, "epoch": -1}, target)


def _plain_onnx(best: Path, work: Path) -> Path:
    from ultralytics.models.yolo.model import YOLO  # noqa: PLC0415  the torch extra, for those only who train

    copy = work / f"{NAME}.pt"
    copy.write_bytes(best.read_bytes())
    exported = YOLO(copy).export(
        format="onnx", imgsz=INPUT_PX, dynamic=True, nms=False, simplify=False, opset=17, device="cpu"
    )
    return Path(str(exported))


def _half_onnx(source: Path, target: Path) -> None:
    """Stores the large weights as float16 with a cast behind each, which runtimes fold away when they load."""
    import onnx  # noqa: PLC0415  the torch extra, for those only who train
    from onnx import TensorProto, helper, numpy_helper  # noqa: PLC0415  the torch extra, for those only who train

    model = onnx.load(str(source))
    graph = model.graph
    casts: list[Any] = []
    for tensor in graph.initializer:
        numbers = numpy_helper.to_array(tensor)
        if tensor.data_type != TensorProto.FLOAT or numbers.size < _LEAST_NUMBERS:
            continue
        name = tensor.name
        tensor.CopyFrom(numpy_helper.from_array(numbers.astype("float16"), f"{name}.half"))
        casts.append(helper.make_node("Cast", [f"{name}.half"], [name], name=f"{name}.cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    # The exporter leaves these open, though the head always answers with 300 rows of 6.
    for dimension, size in zip(graph.output[0].type.tensor_type.shape.dim[1:], (300, 6), strict=True):
        dimension.dim_value = size
    notes = {note.key: note.value for note in model.metadata_props if note.key in _KEPT_NOTES}
    del model.metadata_props[:]
    helper.set_model_props(model, notes)
    model.doc_string = graph.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    target.write_bytes(model.SerializeToString())
