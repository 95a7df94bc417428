"""A picture looked at in a process of its own, which it may kill: limited in memory and time, the first to go.

The child has the same detector. It is started anew for each picture after one that it did not survive.
"""

import ctypes
import faulthandler
import multiprocessing
import resource
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

import psutil

from processors.detector.backends.contract import Detector
from processors.detector.decode import decode, prepare_process
from processors.detector.fit import BatchFit
from processors.detector.frame import Letterbox
from processors.detector.infer import infer
from schemas.detection import Box, ErrorClass
from thumper.errors import Fatal, PictureError

MakeDetector = Callable[[], Detector]
# Beyond what the child has when its model is loaded: the largest picture that is decoded takes 600 MB, twice.
MEMORY_BYTES = 4 << 30
START_WITHIN_S = 180.0
# A child that does not come up this often in a row says nothing of the picture, which then has waited long enough.
STARTS = 3
_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG


class Seen(NamedTuple):
    """What the child saw."""

    letterbox: Letterbox
    boxes: list[Box]


class _Refused(NamedTuple):
    """Why the child could not look; PictureError does not travel between processes."""

    error_class: ErrorClass
    message: str


class Alone:
    """For one thread. make: builds the detector in the child; it and all that it holds must travel by pickle."""

    def __init__(self, make: MakeDetector, limit_s: float, memory_bytes: int = MEMORY_BYTES) -> None:
        self._make = make
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._child: BaseProcess | None = None
        self._talk: Connection | None = None

    def look(self, data: bytes) -> Seen:
        """Look at the picture in `data`. Blocks for at most the limit, and the start of a child.

        Raises PictureError: what the detector says of it, or "crash" if the child does not survive it.
        """
        talk = self._ready()
        try:
            talk.send_bytes(data)
            if not talk.poll(self._limit_s):
                raise PictureError("crash", f"looking at it alone did not end within {self._limit_s:.0f} s")
            answer = talk.recv()
        except (EOFError, OSError):
            raise PictureError("crash", f"it ended a process that looked at it alone: {self._ended()}") from None
        except PictureError:
            self.close()
            raise
        if isinstance(answer, _Refused):
            raise PictureError(answer.error_class, answer.message)
        assert isinstance(answer, Seen)  # noqa: S101 - what the child sends
        return answer

    def close(self) -> None:
        """End the child, whatever it is doing."""
        if self._child is not None:
            self._child.kill()
            self._child.join(10)
        if self._talk is not None:
            self._talk.close()
        self._child = self._talk = None

    def _ready(self) -> Connection:
        for _ in range(STARTS):
            if self._talk is not None:
                return self._talk
            self._start()
        if self._talk is None:
            raise PictureError(
                "crash", "it was in hand when a detector ended, and no process comes up to look at it alone"
            )
        return self._talk

    def _start(self) -> None:
        # Never fork: clients of Kafka and libraries of inference do not survive it.
        spawn = multiprocessing.get_context("spawn")
        self._talk, theirs = spawn.Pipe()
        child = spawn.Process(target=serve, args=(theirs, self._make, self._memory_bytes), daemon=True)
        child.start()
        self._child = child
        theirs.close()
        try:
            if self._talk.poll(START_WITHIN_S):
                self._talk.recv()
                return
        except (EOFError, OSError):
            pass
        self.close()

    def _ended(self) -> str:
        child = self._child
        if child is None:
            return "unknown"
        child.join(10)
        code = child.exitcode
        self.close()
        if code is None:
            return "it does not answer"
        return f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"


def serve(talk: Connection, make: MakeDetector, memory_bytes: int) -> None:
    """The child's life: bytes in, what was seen out, until the other side is gone."""
    _be_the_first_to_go()
    faulthandler.enable()
    prepare_process()
    detector = make()
    detector.open()
    _limit_memory(memory_bytes)
    talk.send(True)
    with suppress(EOFError):
        while True:
            talk.send(_look(detector, talk.recv_bytes()))


def _look(detector: Detector, data: bytes) -> Seen | _Refused:
    try:
        frame = decode(data, detector.canvas)
        (found,) = infer(detector, [frame], BatchFit(1))
    except PictureError as error:
        return _Refused(error.error_class, error.message)
    except Fatal as error:
        return _Refused("crash", f"the device was lost over it: {error.message}")
    if isinstance(found, PictureError):
        return _Refused(found.error_class, found.message)
    return Seen(frame.letterbox, found)


def _be_the_first_to_go() -> None:
    """Before its parent when memory is short, with it when it goes, and never by a Ctrl-C that is meant for it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000", "ascii")


def _limit_memory(memory_bytes: int) -> None:
    """Of what it allocates itself: address space alone says nothing, since CUDA reserves it by the terabyte."""
    if sys.platform == "linux":
        most = psutil.Process().memory_info().data + memory_bytes
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
