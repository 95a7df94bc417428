"""Which batch size makes best use of a device, found by trying."""

from collections.abc import Callable

from processors.detector.backends.contract import Detector, OutOfMemory
from processors.detector.frame import Frame, blank
from thumper.clock import Clock

# Beyond it, the frames that wait take more memory than a device gains.
MOST = 32
# A larger batch must be worth its memory and its longer wait.
WORTH_IT = 0.95
TRIES = 3


def best_batch(seconds_of: Callable[[int], float], most: int = MOST) -> int:
    """The smallest of 1, 2, 4 ... `most` that no larger one beats by more than a twentieth of the time of a picture.

    seconds_of(size): the seconds that a batch of so many takes; raises OutOfMemory where there is no room for it,
    which ends the search. A device without room for a single picture gets 1: each picture then fails with its reason.
    """
    best, best_s = 1, float("inf")
    size = 1
    while size <= most:
        try:
            each_s = seconds_of(size) / size
        except OutOfMemory:
            break
        if each_s < best_s * WORTH_IT:
            best, best_s = size, each_s
        size *= 2
    return best


def seconds_of(detector: Detector, clock: Clock) -> Callable[[int], float]:
    """The quickest of some tries of a batch of so many grey frames on the largest canvas, after one for warming up."""

    def measured(size: int) -> float:
        frames = [blank(detector.canvas)] * size
        detector.detect(frames)
        return min(_seconds(detector, frames, clock) for _ in range(TRIES))

    return measured


def _seconds(detector: Detector, frames: list[Frame], clock: Clock) -> float:
    start_s = clock.now_s()
    detector.detect(frames)
    return clock.now_s() - start_s
