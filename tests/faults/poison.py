"""A detector process that one kind of picture kills, as a native library would; its boxes follow from the pixels.

    python -m tests.faults.poison detector --name d1 --how abort

--how: abort (a native abort), exit (the process is simply gone) or hang (for ever) while inferring a magenta picture;
decode: a native abort while decoding a PNG. Child processes that look at pictures alone die of the same.
"""

import argparse
import os
import sys
import threading
from collections.abc import Sequence
from functools import partial
from typing import IO

from PIL import Image
from PIL.ImageFile import ImageFile

from cli.parts import until_signalled
from cli.wiring import Brain, run_detector
from processors.detector.backends.fixed import FixedDetector, description
from processors.detector.frame import Frame
from schemas.detection import Box
from thumper.errors import Fatal
from thumper.settings import Settings, read_settings

MAGENTA = (255, 0, 255)


class PoisonDetector(FixedDetector):
    """Dies of frames whose middle is magenta."""

    def __init__(self, how: str) -> None:
        super().__init__(0.05)
        self._how = how

    def detect(self, frames: Sequence[Frame]) -> list[list[Box]]:
        if any(_is_magenta(frame) for frame in frames):
            if self._how == "abort":
                os.abort()
            if self._how == "exit":
                os._exit(3)
            if self._how == "hang":
                threading.Event().wait()
        return super().detect(frames)


def _is_magenta(frame: Frame) -> bool:
    height, width, _ = frame.pixels.shape
    red, green, blue = frame.pixels[height // 2, width // 2]
    return bool(red > 200 and green < 60 and blue > 200)


def _abort(_: IO[bytes], __: str | bytes) -> ImageFile:
    os.abort()


def brain(how: str, _: Settings) -> Brain:
    """In the process itself and in its children."""
    if how == "decode":
        Image.init()
        Image.register_open("PNG", _abort, lambda prefix: prefix.startswith(b"\x89PNG"))
    return Brain(description(), PoisonDetector(how))


def main() -> None:
    """Read the words of the command line, and run until signalled."""
    words = argparse.ArgumentParser()
    words.add_argument("part")
    words.add_argument("--name", required=True)
    words.add_argument("--how", required=True)
    given = words.parse_args()
    try:
        run_detector(read_settings(), given.name, until_signalled, partial(brain, given.how))
    except Fatal as error:
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
