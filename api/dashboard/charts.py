"""Charts as SVG: lines, bars, shares. Drawn here, so nothing is loaded; each says in words what it shows. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from api.dashboard.markup import Markup, tag
from api.dashboard.words import count

WIDTH, HEIGHT = 600.0, 120.0


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar. kind: its colour's name in the style sheet."""

    name: str
    value: float
    kind: str


def line(values: Sequence[float | None], says: str, kind: str = "accent", height: float = HEIGHT) -> Markup:
    """Values at even distances, the newest at the right; None is a gap. An area below the line, from 0 on."""
    most = max([value for value in values if value is not None], default=0.0) or 1.0
    step = WIDTH / max(1, len(values) - 1)
    runs: list[list[tuple[float, float]]] = [[]]
    for index, value in enumerate(values):
        if value is None:
            runs.append([])
        else:
            runs[-1].append((index * step, height - 4 - (height - 12) * value / most))
    shapes = [_run(run, height) for run in runs if run]
    view = f"0 0 {WIDTH:.0f} {height:.0f}"
    return tag(
        "svg", shapes, viewBox=view, preserveAspectRatio="none", role="img", aria_label=says, class_=f"chart {kind}"
    )


def shares(parts: Sequence[Part], says: str) -> Markup:
    """One bar of several parts, in proportion."""
    whole = sum(part.value for part in parts)
    pieces = [
        tag("span", style=f"flex-grow:{part.value / whole:.6f}", class_=f"piece {part.kind}", title=_told(part))
        for part in parts
        if part.value and whole
    ]
    return tag("div", pieces, role="img", aria_label=says, class_="shares")


def columns(values: Sequence[tuple[str, float]], says: str, every: int = 1) -> Markup:
    """Upright bars with names below, each `every`th of them written out."""
    most = max((value for _, value in values), default=0.0) or 1.0
    bars = [
        tag(
            "li",
            tag("span", class_="bar", style=f"height:{100 * value / most:.2f}%"),
            tag("span", name if index % every == 0 else "", class_="name"),
            title=f"{name}: {count(value)}",
        )
        for index, (name, value) in enumerate(values)
    ]
    return tag("ul", bars, role="img", aria_label=says, class_="columns")


def _run(run: Sequence[tuple[float, float]], height: float) -> list[Markup]:
    if len(run) == 1:
        run = [run[0], (run[0][0] + 0.5, run[0][1])]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in run)
    area = f"{run[0][0]:.1f},{height:.0f} {points} {run[-1][0]:.1f},{height:.0f}"
    return [tag("polygon", points=area, class_="area"), tag("polyline", points=points, class_="line")]


def _told(part: Part) -> str:
    return f"{part.name}: {count(part.value)}"
