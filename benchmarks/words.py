"""What the words of a command line may be, and how it ends: an error of ours is two lines, never a traceback."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from thumper.errors import ThumperError


def at_least(least: int) -> Callable[[str], int]:
    """A type for argparse: whole numbers from `least` on."""

    def read(word: str) -> int:
        try:
            number = int(word)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{word!r} is no whole number") from None
        if number < least:
            raise argparse.ArgumentTypeError(f"{number} is too few: at least {least}")
        return number

    return read


def more_than_nothing(word: str) -> float:
    """A type for argparse: numbers above zero."""
    try:
        number = float(word)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{word!r} is no number") from None
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{word} is not above zero")
    return number


def folder(word: str) -> Path:
    """A type for argparse: a folder that is there."""
    path = Path(word)
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {word}")
    return path


def ended(main: Callable[[], object]) -> int:
    """Run `main`; the exit code."""
    try:
        main()
    except ThumperError as error:
        print(f"{error.message}{'; ' if error.hint else ''}{error.hint}", file=sys.stderr)
        return error.exit_code
    return 0
