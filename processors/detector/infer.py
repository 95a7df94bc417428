"""A batch through a detector: smaller batches where memory is short, one by one where something is wrong."""

from collections import deque
from collections.abc import Sequence

from processors.detector.backends.contract import Detector, OutOfMemory
from processors.detector.fit import BatchFit
from processors.detector.frame import Frame
from schemas.detection import Box
from thumper.errors import Fatal, PictureError

Found = list[Box] | PictureError


def infer(detector: Detector, frames: Sequence[Frame], fit: BatchFit) -> list[Found]:
    """For each frame its boxes, or why there are none ("oom", "inference"). Raises Fatal if the device is lost."""
    found: dict[int, Found] = {}
    waiting = deque([list(range(len(frames)))])
    while waiting:
        # Split here, not before: the limit may have fallen since these were put back.
        numbers, *later = fit.split(waiting.popleft())
        waiting.extendleft(reversed(later))
        try:
            boxes = detector.detect([frames[number] for number in numbers])
        except Fatal:
            raise
        except Exception as error:  # A backend raises whatever its library does.
            if len(numbers) == 1:
                found[numbers[0]] = _failure(error)
            else:
                waiting.extendleft(reversed(_smaller(numbers, error, fit)))
            continue
        if len(boxes) != len(numbers):
            raise Fatal(f"the backend gave {len(boxes)} answers for {len(numbers)} pictures")
        fit.accepted(len(numbers))
        found.update(zip(numbers, boxes, strict=True))
    return [found[number] for number in range(len(frames))]


def _smaller(numbers: list[int], error: Exception, fit: BatchFit) -> list[list[int]]:
    if isinstance(error, OutOfMemory):
        fit.refused(len(numbers))
        return fit.split(numbers)
    return [[number] for number in numbers]


def _failure(error: Exception) -> PictureError:
    text = " ".join(str(error).split())[:300] or type(error).__name__
    return PictureError("oom" if isinstance(error, OutOfMemory) else "inference", text)
