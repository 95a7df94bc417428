"""Inference by torch from ultralytics' .pt weights, on CUDA (half precision) or the CPU. Needs the extra `torch`.

Of ultralytics only the checkpoint loader and the network are used: frames, thresholds and suppression are ours, so that
every backend finds the same boxes, and its own picture reader (which may install packages) is never called.
"""

import os
import threading
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from processors.detector.backends.best_batch import best_batch, seconds_of
from processors.detector.backends.contract import OutOfMemory
from processors.detector.backends.onnx_layout import boxes, read
from processors.detector.frame import Canvas, Frame, blank
from processors.detector.layout import Layout, layout
from processors.detector.metadata import Metadata, names_of
from processors.detector.model import ModelDescription
from schemas.detection import Box, ModelRef, Runtime
from thumper.clock import SystemClock
from thumper.errors import Fatal, ModelError, UserError

# Read by ultralytics when it is imported. Weights are pickles: without the first one they may run any code.
ENVIRONMENT = {"ULTRALYTICS_SAFE_LOAD": "1", "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
LEAST_TORCH = (2, 10)
# On the CPU larger batches take each picture as long.
CPU_BATCH = 4


def metadata_of(weights: Path) -> Metadata:
    """Classes and input size of the checkpoint `weights`. Raises ModelError."""
    network, arguments = _load(weights)
    found = arguments.get("imgsz")
    sizes = found if isinstance(found, list | tuple) else [found]
    return Metadata(names_of(network.names), max((size for size in sizes if isinstance(size, int)), default=None))


class UltralyticsDetector:
    """See Detector. device: "auto" (CUDA if there is one), "cpu", "cuda" or "cuda:n"."""

    def __init__(self, description: ModelDescription, device: str = "auto") -> None:
        self._description = description
        self._wanted = device
        self._network: Any = None
        self._device: Any = None
        self._layout: Layout = "ends"
        self._lock = threading.Lock()
        self._copying: Any = None
        self.parallel = 1
        self.batch = CPU_BATCH
        self.model: ModelRef = description.ref
        self.canvas = Canvas(description.input_px)
        self.runtime = Runtime(backend="ultralytics", version="", device="", precision="")

    def open(self) -> None:
        """See Detector.open. Raises UserError for a device that is not there."""
        torch, ultralytics = _import()
        self._device = torch.device(_device(torch, self._wanted))
        # Before and after, so that what was loaded is what was described.
        self._description.load()
        network, _ = _load(self._description.weights)
        self._description.load()
        on_cuda = self._device.type == "cuda"
        self._network = (network.half() if on_cuda else network.float()).to(self._device).eval()
        self.runtime = Runtime(
            backend="ultralytics",
            version=f"{ultralytics.__version__} torch {torch.__version__}",
            device=torch.cuda.get_device_name(self._device)[:200] if on_cuda else "cpu",
            precision="f16" if on_cuda else "f32",
        )
        # On CUDA a second thread prepares its batch and reads its boxes while the device works for the first.
        self.parallel = 2 if on_cuda else 1
        self._copying = torch.cuda.Stream(self._device) if on_cuda else None
        frame = blank(self.canvas)
        shape = [None, *self._forward([frame]).shape[1:]]
        self._layout = layout([shape], len(self._description.classes), str(self._description.weights))
        self.detect([frame])
        if on_cuda:
            self.batch = best_batch(seconds_of(self, SystemClock()))

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        """See Detector.detect."""
        import torch  # noqa: PLC0415  an extra

        try:
            outputs = self._forward(frames).numpy()
        except torch.cuda.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise OutOfMemory(f"no memory on {self._device} for {len(frames)} frames") from None
        except RuntimeError as error:
            if self._device.type == "cuda" and "CUDA error" in str(error):
                # After such an error every further call fails, whatever it is given.
                raise Fatal(f"the device {self._device} is lost: {str(error).splitlines()[0]}") from error
            raise
        threshold = self._description.store_threshold
        return [
            boxes(read(output, self._layout, threshold), self._layout, frame.letterbox, self._description)
            for frame, output in zip(frames, outputs, strict=True)
        ]

    def close(self) -> None:
        """See Detector.close."""
        self._network = None

    def _forward(self, frames: Sequence[Frame]) -> Any:
        """The head's output, float32, in this machine's memory."""
        import torch  # noqa: PLC0415  an extra

        pixels = self._upload(torch, frames)
        # The network's head remembers the shape that it saw last, so two threads must not be in it at once.
        with torch.inference_mode(), self._lock:
            batch = pixels.permute(0, 3, 1, 2).to(next(self._network.parameters()).dtype).div_(255)
            found = self._network(batch)
            output = (found[0] if isinstance(found, list | tuple) else found).float()
            if self._copying is None:
                return output
            # Behind its own batch, and before that of the next thread, which would otherwise be waited for too.
            host = torch.empty(output.shape, pin_memory=True)
            host.copy_(output, non_blocking=True)
            copied = torch.cuda.Event()  # type: ignore[no-untyped-call]
            copied.record(torch.cuda.current_stream(self._device))
        copied.synchronize()
        return host

    def _upload(self, torch: Any, frames: Sequence[Frame]) -> Any:
        """(frames, height, width, 3) uint8 on the device."""
        shape = (len(frames), *frames[0].pixels.shape)
        host = torch.empty(shape, dtype=torch.uint8, pin_memory=self._copying is not None)
        np.stack([frame.pixels for frame in frames], out=host.numpy())
        if self._copying is None:
            return host
        # From pinned memory, on a stream of its own: copied while the device computes for the other thread.
        with torch.cuda.stream(self._copying):
            pixels = host.to(self._device, non_blocking=True)
        computing = torch.cuda.current_stream(self._device)
        computing.wait_stream(self._copying)
        pixels.record_stream(computing)
        return pixels


def _import() -> tuple[Any, Any]:
    """Import torch and ultralytics, made harmless first. Raises UserError if they are missing or cannot be trusted."""
    os.environ.update(ENVIRONMENT)
    pillows_own = Image.open
    try:
        import torch  # noqa: PLC0415
        import ultralytics  # noqa: PLC0415
        from ultralytics.utils import AUTOINSTALL, SAFE_LOAD  # noqa: PLC0415
    except ImportError as error:
        raise UserError(
            f".pt weights need the extra `torch`: {error}",
            "install it by `make install-torch`, or export the weights: `yolo export format=onnx dynamic=True`",
        ) from None
    # It puts a reader there that asks for further packages at every picture that cannot be read.
    Image.open = pillows_own
    if tuple(int(part) for part in torch.__version__.split(".")[:2]) < LEAST_TORCH:
        raise UserError(f"torch {torch.__version__} cannot load weights safely", "install torch 2.10 or newer")
    if not SAFE_LOAD or AUTOINSTALL:
        raise Fatal("ultralytics was imported before it was told to load weights safely", "start a new process")
    return torch, ultralytics


def _load(weights: Path) -> tuple[Any, dict[str, Any]]:
    """The network in `weights`, fused, in single precision, and the arguments that it was trained with."""
    _import()
    from ultralytics.nn.tasks import load_checkpoint  # noqa: PLC0415  an extra

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of pickles that torch did not write; they are refused below
            network, checkpoint = load_checkpoint(weights, fuse=True)  # type: ignore[no-untyped-call]
    except Exception as error:  # The loader raises what the bytes lead it to; nothing in them was run.
        reason = " ".join(str(error).replace("ERROR ❌️", "").split())[:300]
        if not any(char.isalpha() for char in reason):
            reason = "it is no checkpoint of torch"  # unpickled text fails on the number of its first sign
        raise ModelError(f"{weights} cannot be loaded: {reason}", "give weights trained by ultralytics") from None
    if getattr(network, "task", "detect") != "detect":
        raise ModelError(
            f"{weights} is a model for the task {network.task!r}", "weights of a detection model are needed"
        )
    return network, dict(checkpoint.get("train_args") or {})


def _device(torch: Any, wanted: str) -> str:
    count = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if wanted == "auto":
        return "cuda:0" if count else "cpu"
    if wanted == "cpu":
        return wanted
    kind, _, number = wanted.partition(":")
    if kind != "cuda" or not (number or "0").isdigit():
        raise UserError(f"the device {wanted!r} is not understood", "use auto, cpu, cuda or cuda:n")
    if int(number or "0") >= count:
        found = f"torch sees {count}" if count else "torch sees no CUDA device"
        raise UserError(f"the device {wanted} is not there: {found}", "check `nvidia-smi`, or use --device auto")
    return f"cuda:{int(number or '0')}"
