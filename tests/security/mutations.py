"""Bytes made wrong at random, by a seed: what a parser meets that was written for honest files."""

import random
import struct
from collections.abc import Callable, Iterator, Sequence

Change = Callable[[random.Random, bytearray, bytes], None]
# Lengths, counts and offsets where sums overflow, in both byte orders.
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
# Headers decide more than pixels: half of all changes are among a file's first bytes.
HEAD_BYTES = 400


def mutations(seeds: Sequence[tuple[str, bytes]], count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """`count` changed files, each with a name that says from which seed and with which number it was made."""
    for number in range(count):
        # Of its own, so that one can be made again without those before it.
        dice = random.Random(seed * 1_000_003 + number)  # noqa: S311 - tests
        name, data = seeds[number % len(seeds)]
        other = seeds[dice.randrange(len(seeds))][1]
        yield f"{name}#{number}", mutated(dice, data, other)


def mutated(dice: random.Random, data: bytes, other: bytes) -> bytes:
    """One to four changes."""
    changed = bytearray(data)
    for _ in range(dice.randint(1, 4)):
        if changed:
            dice.choice(_CHANGES)(dice, changed, other)
    return bytes(changed)


def _place(dice: random.Random, data: bytearray) -> int:
    return dice.randrange(min(len(data), HEAD_BYTES) if dice.random() < 0.5 else len(data))


def _flip(dice: random.Random, data: bytearray, _: bytes) -> None:
    for _number in range(dice.choice((1, 1, 3, 20))):
        data[_place(dice, data)] ^= 1 << dice.randrange(8)


def _edge(dice: random.Random, data: bytearray, _: bytes) -> None:
    at, form = _place(dice, data), dice.choice((">B", ">H", "<H", ">I", "<I"))
    size = struct.calcsize(form)
    data[at : at + size] = struct.pack(form, dice.choice(EDGES) & (1 << 8 * size) - 1)


def _cut(dice: random.Random, data: bytearray, _: bytes) -> None:
    del data[_place(dice, data) :]


def _drop(dice: random.Random, data: bytearray, _: bytes) -> None:
    at = _place(dice, data)
    del data[at : at + dice.randint(1, 64)]


def _repeat(dice: random.Random, data: bytearray, _: bytes) -> None:
    at = _place(dice, data)
    data[at:at] = data[at : at + dice.randint(1, 64)] * dice.randint(1, 30)


def _splice(dice: random.Random, data: bytearray, other: bytes) -> None:
    data[_place(dice, data) :] = other[dice.randrange(len(other)) :]


def _overwrite(dice: random.Random, data: bytearray, _: bytes) -> None:
    at, length = _place(dice, data), dice.randint(1, 32)
    data[at : at + length] = dice.randbytes(length)


_CHANGES: tuple[Change, ...] = (_flip, _flip, _edge, _edge, _edge, _cut, _drop, _repeat, _splice, _overwrite)
