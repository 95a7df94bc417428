"""When memory counts as flat, and that a process's peak is its own."""

import json
import subprocess
import sys

import pytest

from benchmarks.import_memory import is_flat
from benchmarks.peers import ROOT


@pytest.mark.parametrize(
    ("small_mb", "large_mb", "flat"),
    [
        pytest.param(100.0, 109.0, True, id="a tenth"),
        pytest.param(100.0, 112.0, False, id="more than a tenth"),
        pytest.param(50.0, 57.0, True, id="a few megabytes"),
        pytest.param(200.0, 150.0, True, id="less"),
    ],
)
def test_flat_is_a_tenth_or_a_few_megabytes(small_mb: float, large_mb: float, flat: bool) -> None:
    assert is_flat(small_mb, large_mb) is flat


def test_the_peak_of_a_command_comes_with_what_it_said() -> None:
    words = (sys.executable, "-m", "benchmarks.peak")
    done = subprocess.run((*words, "--version"), cwd=ROOT, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["said"].startswith("thumper ")
    assert found["peak_bytes"] > 5_000_000
    wrong = subprocess.run((*words, "no-such-command"), cwd=ROOT, capture_output=True, text=True, check=False)
    assert wrong.returncode == 2
