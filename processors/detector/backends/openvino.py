"""Inference on the CPU: OpenVINO reading ONNX. Needs no torch.

8-bit pixels go in as they lie in a frame; the layout change and the scaling to 0..1 are compiled into the model.
"""

import io
import os
import queue
from collections.abc import Sequence
from typing import Any

import numpy as np
import openvino  # type: ignore[import-untyped]
from openvino.preprocess import PrePostProcessor  # type: ignore[import-untyped]

from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.onnx_layout import boxes, read
from processors.detector.frame import Canvas, Frame, blank
from processors.detector.layout import Layout, layout
from processors.detector.metadata import sides
from processors.detector.model import ModelDescription
from schemas.detection import Box, ModelRef, Runtime
from thumper.errors import ModelError

# With so few cores, one stream on each is a fifth faster than one on all of them (measured on two, batches of eight);
# with more, OpenVINO's own choice is taken.
CORES_FOR_A_STREAM_EACH = 4
# Batches of four take a core as long for each picture as those of eight (18.5 and 19.3 ms at 480 x 640), and a third
# less memory; single ones take a tenth longer.
BATCH = 4


class OpenVinoDetector:
    """See Detector. One infer request per stream, so that `parallel` threads keep all cores busy."""

    def __init__(self, description: ModelDescription) -> None:
        self._description = description
        self._requests: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._layout: Layout = "ends"
        self._batch: int | None = None
        self.model: ModelRef = description.ref
        self.canvas = Canvas(description.input_px)
        self.runtime = Runtime(backend="openvino", version="", device="cpu", precision="")
        self.parallel = 1
        self.batch = BATCH

    def open(self) -> None:
        """See Detector.open."""
        name = str(self._description.weights)
        core = openvino.Core()
        try:
            model = core.read_model(io.BytesIO(self._description.load()))
        except RuntimeError:
            raise ModelError(f"{name} is not an ONNX model, or is damaged", "export or copy it again") from None
        self._layout = layout([sides(out.get_partial_shape()) for out in model.outputs], self._classes(), name)
        self._batch, self.canvas = _input(model, self._description)
        self.batch = self._batch or BATCH
        try:
            compiled = core.compile_model(_with_8_bit_input(model), "CPU", _options(core))
        except RuntimeError as error:
            raise ModelError(f"{name} cannot be compiled: {str(error).strip().splitlines()[-1]}") from None
        self._use(compiled)
        self.detect([blank(self.canvas)])

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """See Detector.detect."""
        request = self._requests.get()
        try:
            step = self._batch or len(frames)
            parts = [frames[start : start + step] for start in range(0, len(frames), step)]
            return [found for part in parts for found in self._infer(request, part)]
        except (MemoryError, RuntimeError) as error:
            if isinstance(error, MemoryError) or "bad_alloc" in str(error):
                raise OutOfMemory(f"no memory for {len(frames)} frames") from None
            raise
        finally:
            self._requests.put(request)

    def close(self) -> None:
        """See Detector.close."""
        self._requests = queue.SimpleQueue()

    def _classes(self) -> int:
        return len(self._description.classes)

    def _use(self, compiled: Any) -> None:
        self.parallel = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        precision = compiled.get_property("INFERENCE_PRECISION_HINT").to_string()
        version = openvino.get_version().split("-")[0]
        self.runtime = Runtime(backend="openvino", version=version, device="cpu", precision=precision)
        for _ in range(self.parallel):
            self._requests.put(compiled.create_infer_request())

    def _infer(self, request: Any, frames: Sequence[Frame]) -> list[list[Box]]:
        pixels = [frame.pixels for frame in frames]
        if self._batch is not None:
            pixels += [pixels[-1]] * (self._batch - len(pixels))
        batch = pixels[0][None] if len(pixels) == 1 else np.stack(pixels)
        # The outputs are views into the request, which is ours until detect returns.
        outputs = request.infer({0: batch}, share_inputs=True, share_outputs=True)[0]
        threshold = self._description.store_threshold
        return [
            boxes(
                read(output.astype(np.float32, copy=False), self._layout, threshold),
                self._layout,
                frame.letterbox,
                self._description,
            )
            for frame, output in zip(frames, outputs, strict=False)
        ]


def _input(model: Any, description: ModelDescription) -> tuple[int | None, Canvas]:
    """The batch size and the canvas that `model` insists on."""
    shapes = [sides(part.get_partial_shape()) for part in model.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 4 or shapes[0][1] not in (3, None):
        raise ModelError(f"{description.weights} has the input {shapes}, not 1 x 3 x height x width")
    batch, _, height, width = shapes[0]
    fixed = (height, width) if height is not None and width is not None else None
    return batch, Canvas(description.input_px, fixed)


def _with_8_bit_input(model: Any) -> Any:
    steps = PrePostProcessor(model)
    first = steps.input()
    first.tensor().set_element_type(openvino.Type.u8).set_layout(openvino.Layout("NHWC"))
    first.model().set_layout(openvino.Layout("NCHW"))
    first.preprocess().convert_element_type(openvino.Type.f32).scale(255.0)
    return steps.build()


def _options(core: Any) -> dict[str, str]:
    options = {"PERFORMANCE_HINT": "THROUGHPUT"}
    cores = os.cpu_count() or 1
    if cores <= CORES_FOR_A_STREAM_EACH:
        options["NUM_STREAMS"] = str(cores)
    # Only where the processor itself has it: twice as fast, and boxes within a pixel of single precision.
    if "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        options["INFERENCE_PRECISION_HINT"] = "bf16"
    return options
