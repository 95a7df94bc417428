"""Whose work processor time was, and that nothing of it gets lost."""

import json
import os
import threading
from pathlib import Path

import pytest

from benchmarks.stages import parted
from benchmarks.threads import Thread, by_purpose, look, purpose
from benchmarks.told_threads import tell
from thumper.clock import SystemClock
from thumper.embedded.waiting import wait_until


@pytest.mark.parametrize(
    ("name", "command", "expected"),
    [
        pytest.param("MainThread", "python", "take, order, produce, commit", id="the loop"),
        pytest.param("decode-1", "python", "read and decode", id="a decoder"),
        pytest.param("infer-0", "python", "fill batches, read boxes, answer", id="an inferrer"),
        pytest.param("sink-writer", "python", "record", id="the sink's writer"),
        pytest.param("Thread-7", "python", "other threads of ours", id="another of Python's"),
        pytest.param(None, "rdk:broker1", "Kafka client", id="librdkafka's"),
        pytest.param(None, "python", "inference", id="nobody's we know"),
    ],
)
def test_a_thread_is_known_by_its_name(name: str | None, command: str, expected: str) -> None:
    assert purpose(name, command) == expected


def test_seconds_between_two_looks_are_summed_up_by_purpose() -> None:
    before = {1: Thread("python", 5.0), 2: Thread("python", 1.0)}
    after = {1: Thread("python", 7.0), 2: Thread("python", 1.5), 3: Thread("python", 0.25)}
    found = by_purpose(before, after, {2: "decode-0", 3: "decode-1"})
    assert found == {"inference": 2.0, "read and decode": 0.75}


def test_parts_are_as_much_as_what_they_part() -> None:
    found = parted({"both": 3.0, "else": 1.0}, "both", {"read": 1.0, "decode": 2.0})
    assert found == {"else": 1.0, "read": 1.0, "decode": 2.0}


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells the processor time of threads")
def test_a_process_tells_its_threads(tmp_path: Path) -> None:
    path, stop = tmp_path / "threads", threading.Event()
    teller = threading.Thread(target=tell, args=(path, stop), name="the teller")
    teller.start()
    try:
        assert wait_until(path.exists, SystemClock(), 10)
        told = json.loads(path.read_text())
        assert told[str(teller.native_id)] == "the teller"
        assert look(os.getpid()).keys() >= set(map(int, told))
    finally:
        stop.set()
        teller.join()
