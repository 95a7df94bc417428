"""Rows of results: ratios of rates that were measured in turn, as a table for people and as JSON for programs. Pure."""

import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

HEADINGS = ("name", "ours", "peer", "unit", "ratio", "from to", "goal", "holds", "rounds", "others %")


@dataclass(frozen=True, slots=True)
class Question:
    """What is compared with what. goal: the ratio that is wanted; None: none is."""

    name: str
    unit: str
    peer: str
    goal: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """An answer. ratio: the median of the rounds' ratios, lowest and highest their spread; value, peer_value: medians.

    disturbed: the most that others used of all processors in a round that counts, in percent.
    reason: why there is no ratio, though there should be one. details: what the value consists of, in its unit.
    """

    name: str
    value: float | None
    unit: str
    peer: str
    peer_value: float | None
    ratio: float | None
    lowest: float | None
    highest: float | None
    rounds: int
    goal: float | None
    holds: bool | None
    note: str = ""
    reason: str = ""
    disturbed: float = 0.0
    details: Mapping[str, float] = field(default_factory=dict)


def answer(asked: Question, ours: Sequence[float], peers: Sequence[float], note: str = "") -> Row:
    """The row for rates that were measured in pairs. Raises ValueError if they are no pairs, or none."""
    ratios = [one / other for one, other in zip(ours, peers, strict=True)]
    if not ratios:
        raise ValueError(f"{asked.name}: nothing was measured")
    ratio = statistics.median(ratios)
    return Row(
        name=asked.name,
        value=round(statistics.median(ours), 2),
        unit=asked.unit,
        peer=asked.peer,
        peer_value=round(statistics.median(peers), 2),
        ratio=round(ratio, 3),
        lowest=round(min(ratios), 3),
        highest=round(max(ratios), 3),
        rounds=len(ratios),
        goal=asked.goal,
        holds=None if asked.goal is None else ratio >= asked.goal,
        note=note,
    )


def unmeasured(asked: Question, reason: str) -> Row:
    """The row for a peer that could not run."""
    return Row(asked.name, None, asked.unit, asked.peer, None, None, None, None, 0, asked.goal, None, reason=reason)


def table(rows: Sequence[Row]) -> str:
    """The rows in columns, each with what it was compared with below it."""
    cells = [HEADINGS, *map(_cells, rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    below = [
        "\n".join(
            f"    {line}"
            for line in (
                f"against: {row.peer}",
                row.note,
                row.reason and f"NOT MEASURED: {row.reason}",
                *(f"{value:8.2f}  {name}" for name, value in row.details.items()),
            )
            if line
        )
        for row in rows
    ]
    return "\n".join([lines[0], *(f"{line}\n{more}" for line, more in zip(lines[1:], below, strict=True))])


def document(rows: Sequence[Row], machine: Mapping[str, object]) -> str:
    """The same as JSON."""
    return json.dumps({"machine": machine, "rows": [asdict(row) for row in rows]}, indent=1) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    spread = "-" if row.lowest is None or row.highest is None else f"{row.lowest:.2f} {row.highest:.2f}"
    return (
        row.name,
        _number(row.value),
        _number(row.peer_value),
        row.unit,
        _number(row.ratio),
        spread,
        _number(row.goal),
        {None: "-", True: "yes", False: "no"}[row.holds],
        str(row.rounds),
        f"{row.disturbed:.0f}",
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.2f}"
