"""Which backend runs which weights on which device."""

from pathlib import Path

import pytest

from processors.detector.backends import choose
from processors.detector.model import ModelDescription
from thumper.errors import ModelError, UserError


def description(name: str) -> ModelDescription:
    return ModelDescription(Path(name), "m", "0" * 64, ("doe",), 640)


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_onnx_runs_on_openvino(device: str) -> None:
    assert type(choose(description("m.onnx"), device)).__name__ == "OpenVinoDetector"


def test_pt_runs_on_ultralytics() -> None:
    assert type(choose(description("m.pt"), "cpu")).__name__ == "UltralyticsDetector"


def test_onnx_on_cuda_is_refused_with_the_way_out() -> None:
    with pytest.raises(UserError, match="CPU only") as refusal:
        choose(description("m.onnx"), "cuda")
    assert ".pt" in refusal.value.hint


@pytest.mark.parametrize("device", ["gpu", "cuda:", "cuda:x", "cuda:-1", "", "CPU"])
def test_a_device_that_is_not_understood(device: str) -> None:
    with pytest.raises(UserError, match="not understood"):
        choose(description("m.pt"), device)


def test_other_weights_are_refused() -> None:
    with pytest.raises(ModelError, match=r"neither \.onnx nor \.pt"):
        choose(description("m.engine"))
