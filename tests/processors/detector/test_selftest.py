"""The picture that tells whether a detector works at all."""

import hashlib
from collections.abc import Sequence

import pytest

from processors.detector.backends.fixed import FixedDetector
from processors.detector.decode import prepare_process
from processors.detector.frame import Frame
from processors.detector.selftest import picture, self_test
from schemas.detection import Box
from thumper.errors import Fatal


@pytest.fixture(autouse=True)
def _prepared() -> None:
    prepare_process()


def test_the_picture_is_always_the_same() -> None:
    assert hashlib.sha256(picture()).digest() == hashlib.sha256(picture()).digest()


def test_a_detector_that_works_passes() -> None:
    self_test(FixedDetector())


class Broken(FixedDetector):
    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        raise self.error


@pytest.mark.parametrize("error", [RuntimeError("broken"), Fatal("broken")])
def test_one_that_does_not_is_fatal(error: Exception) -> None:
    with pytest.raises(Fatal, match="broken"):
        self_test(Broken(error))


def test_one_that_answers_nothing_is_fatal() -> None:
    class Silent(FixedDetector):
        def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
            return []

    with pytest.raises(Fatal, match="0 answers"):
        self_test(Silent())
