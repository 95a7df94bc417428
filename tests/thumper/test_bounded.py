"""A call that does not return is given up; one that does is as if it had been made here."""

import threading

import pytest

from thumper.bounded import bounded
from thumper.errors import Fatal, Rewind

PLENTY_S = 60.0


def test_it_is_made_once_and_elsewhere() -> None:
    made: list[str] = []
    bounded(lambda: made.append(threading.current_thread().name), "commit", PLENTY_S)
    assert made == ["commit"]


def test_what_it_raises_is_raised() -> None:
    def call() -> None:
        raise Rewind("aborted")

    with pytest.raises(Rewind, match="aborted"):
        bounded(call, "commit", PLENTY_S)


def test_one_that_does_not_return_ends_the_process() -> None:
    released = threading.Event()

    def call() -> None:
        released.wait()

    try:
        with pytest.raises(Fatal, match="commit has not returned within 0 s") as caught:
            bounded(call, "commit", 0.01)
    finally:
        released.set()
    assert "supervisor" in caught.value.hint
