"""The ratios as a picture: one bar for each row, the spread of its rounds as a whisker, the goal as a mark. Pure.

    python -m benchmarks.plot benchmarks/results.json benchmarks/results.svg

The scale is logarithmic: half and twice are equally far from 1. Rows without a ratio are named below.
"""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from benchmarks.words import ended
from thumper.errors import UserError

NAMES_PX, PLOT_PX, NOTES_PX, LINE_PX, TOP_PX = 270, 420, 190, 26, 56
HELD, MISSED, NO_GOAL, MARK = "#3a7d44", "#b3423a", "#5b7083", "#111111"
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10)
_STYLE = "text{font:12px sans-serif;fill:#111}.small{font-size:11px;fill:#555}"


def svg(rows: Sequence[Mapping[str, Any]], subtitle: str) -> str:
    """The picture of rows as results.json has them."""
    shown = [row for row in rows if row["ratio"] is not None]
    absent = [str(row["name"]) for row in rows if row["ratio"] is None]
    low, high = _range(shown)
    bottom_px = TOP_PX + LINE_PX * len(shown)
    parts = [
        '<text x="10" y="20" font-weight="bold">Ratio to the peer, by name</text>',
        f'<text class="small" x="10" y="38">{escape(subtitle)}</text>',
        *(_tick(tick, _x(tick, low, high), bottom_px) for tick in TICKS if low <= tick <= high),
        *(_bar(row, TOP_PX + LINE_PX * number, low, high) for number, row in enumerate(shown)),
    ]
    if absent:
        parts.append(f'<text class="small" x="10" y="{bottom_px + 44}">no ratio: {escape(", ".join(absent))}</text>')
    width_px, height_px = NAMES_PX + PLOT_PX + NOTES_PX, bottom_px + 56
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width_px}" height="{height_px}"'
    body = "\n".join(parts)
    return f'{head} viewBox="0 0 {width_px} {height_px}">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'


def _range(rows: Sequence[Mapping[str, Any]]) -> tuple[float, float]:
    """What the scale shows, from a half of the least to twice the most; 1 always."""
    values = [row[name] for row in rows for name in ("lowest", "highest", "goal") if row[name]]
    return min([1.0, *values]) / 2, max([1.0, *values]) * 2


def _x(ratio: float, low: float, high: float) -> float:
    share = math.log(max(ratio, low) / low) / math.log(high / low)
    return round(NAMES_PX + PLOT_PX * share, 1)


def _tick(tick: float, x_px: float, bottom_px: float) -> str:
    line = f'<line x1="{x_px}" x2="{x_px}" y1="{TOP_PX - 6}" y2="{bottom_px}" stroke="#ddd"/>'
    return f'{line}<text class="small" x="{x_px}" y="{bottom_px + 16}" text-anchor="middle">{tick:g}</text>'


def _bar(row: Mapping[str, Any], y_px: float, low: float, high: float) -> str:
    start, end = _x(low, low, high), _x(row["ratio"], low, high)
    from_px, to_px, middle_px = _x(row["lowest"], low, high), _x(row["highest"], low, high), y_px + LINE_PX / 2 - 3
    colour = {True: HELD, False: MISSED, None: NO_GOAL}[row["holds"]]
    goal = "" if row["goal"] is None else f"goal {row['goal']:g}, "
    words = f"{row['ratio']:.2f} ({goal}{row['rounds']} rounds)"
    parts = [
        f'<text x="{NAMES_PX - 8}" y="{middle_px + 4}" text-anchor="end">{escape(row["name"])}</text>',
        f'<rect x="{start}" y="{y_px}" width="{max(1.0, end - start):.1f}" height="{LINE_PX - 7}" fill="{colour}"/>',
        f'<line x1="{from_px}" x2="{to_px}" y1="{middle_px}" y2="{middle_px}" stroke="{MARK}" stroke-width="2"/>',
        f'<text class="small" x="{NAMES_PX + PLOT_PX + 8}" y="{middle_px + 4}">{escape(words)}</text>',
    ]
    if row["goal"] is not None:
        at_px = _x(row["goal"], low, high)
        line = f'<line x1="{at_px}" x2="{at_px}" y1="{y_px - 3}" y2="{y_px + LINE_PX - 4}" stroke="{MARK}"'
        parts.append(f'{line} stroke-width="2" stroke-dasharray="3 2"/>')
    return "".join(parts)


def subtitle(found: Mapping[str, Any]) -> str:
    """What was measured on."""
    machine = found["machine"]
    words = "green: the goal holds, red: it does not; dashed: the goal; line: from the lowest round to the highest"
    return f"{machine.get('cores', '?')} cores of {machine.get('cpu', 'an unknown processor')}; {words}"


def main() -> None:
    """Draw a file of results anew. Raises UserError."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("picture", type=Path)
    given = parser.parse_args()
    try:
        found = json.loads(given.results.read_text("utf-8"))
        given.picture.write_text(svg(found["rows"], subtitle(found)), "utf-8")
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{given.results} cannot be drawn: {error!r}", "`make bench` writes results.json") from None


if __name__ == "__main__":
    sys.exit(ended(main))
