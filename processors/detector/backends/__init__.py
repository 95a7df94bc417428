"""What computes the boxes, behind one small interface: `choose` picks it by the weights and the device."""

from processors.detector.backends.contract import Detector
from processors.detector.model import ModelDescription
from thumper.errors import ModelError, UserError


def choose(description: ModelDescription, device: str = "auto") -> Detector:
    """The detector for these weights: OpenVINO for .onnx, ultralytics for .pt. Loads nothing yet.

    device: "auto", "cpu", "cuda" or "cuda:n". Raises UserError for a device that these weights cannot run on.
    """
    if device not in ("auto", "cpu", "cuda") and not (device.startswith("cuda:") and device[5:].isdigit()):
        raise UserError(f"the device {device!r} is not understood", "use auto, cpu, cuda or cuda:n")
    suffix = description.weights.suffix
    if suffix == ".onnx":
        if device.startswith("cuda"):
            raise UserError(f"{description.weights.name} runs on the CPU only", "give the .pt weights for CUDA")
        from processors.detector.backends.openvino import OpenVinoDetector  # noqa: PLC0415  loads 80 MB

        return OpenVinoDetector(description)
    if suffix == ".pt":
        from processors.detector.backends.ultralytics import UltralyticsDetector  # noqa: PLC0415  an extra

        return UltralyticsDetector(description, device)
    raise ModelError(f"{description.weights} is neither .onnx nor .pt", "give weights of a YOLO detection model")
