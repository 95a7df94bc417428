"""A detector that is told to use what is not there ends with words, before it takes anything."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.wiring import before_apps
from tests.processes import Processes
from thumper.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        pytest.param({"device": "cuda"}, "thumper-demo.onnx runs on the CPU only", id="weights for the CPU on CUDA"),
        pytest.param({"device": "tpu"}, "the device 'tpu' is not understood", id="a device of another kind"),
        pytest.param(
            {"batch_size": -1}, "THUMPER_BATCH_SIZE: Input should be greater than or equal to 0", id="no batch"
        ),
        pytest.param({"decode_threads": -1}, "THUMPER_DECODE_THREADS: Input should be", id="fewer threads than none"),
        pytest.param(
            {"batch_size": 10**9},
            "THUMPER_BATCH_SIZE: Input should be less than or equal to 1024",
            id="a batch beyond all memory",
        ),
    ],
)
def test_what_is_not_there_is_named(parts: Processes, changed: dict[str, object], said: str) -> None:
    _refused(parts, said, **changed)


@pytest.mark.torch
def test_cuda_that_is_not_there_is_named(parts: Processes) -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is CUDA here")
    _refused(parts, "cuda", device="cuda", weights=Path("models/thumper-demo.pt").absolute())


def _refused(parts: Processes, said: str, **changed: object) -> None:
    done = parts.run("detector", "--name", "bad", **changed)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert parts.lag("detector") == 0
