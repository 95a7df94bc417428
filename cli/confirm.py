"""Asking once more before something that cannot be taken back."""

import sys

from thumper.errors import UserError


def confirm(word: str, flag: str) -> None:
    """Have `word` typed. flag: what says it on the command line instead. Raises UserError if anything else comes."""
    print(f"Type {word} to go on: ", end="", file=sys.stderr, flush=True)
    typed = sys.stdin.readline()
    if not typed:
        print(file=sys.stderr)
    if typed.strip() != word:
        raise UserError(f"{word} was not typed; nothing was changed", f"{flag} says it without being asked")
