"""A map without tiles: places at their degrees, as large as what was seen there. Pure; nothing is loaded for it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from api.dashboard.markup import Markup, link, tag
from api.dashboard.words import count

WIDTH, HEIGHT, EDGE = 1_000.0, 420.0, 84.0
LARGEST, SMALLEST = 34.0, 7.0
# A ranch with one camera, or several at one gate, is still shown with some land around: about 400 m.
LEAST_DEGREES = 0.004
LEAST_GRID_PX = 100.0
_STEPS = (30, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005)
_METRES_A_DEGREE = 111_320.0


@dataclass(frozen=True, slots=True)
class Dot:
    """A place. latitude, longitude: degrees (WGS 84)."""

    name: str
    location_id: str
    latitude: float
    longitude: float
    pictures: int


@dataclass(frozen=True, slots=True)
class _Plane:
    """Degrees to pixels; degrees of longitude are as much shorter as they are at the middle latitude."""

    west: float
    north: float
    pixels: float
    squeeze: float

    def x(self, longitude: float) -> float:
        return (longitude - self.west) * self.squeeze * self.pixels

    def y(self, latitude: float) -> float:
        return (self.north - latitude) * self.pixels


def draw(dots: Sequence[Dot], class_name: str | None) -> Markup:
    """The map, the places in words beside it for whoever does not see it."""
    plane = _plane(dots)
    most = max((dot.pictures for dot in dots), default=0) or 1
    ordered = sorted(dots, key=lambda dot: -dot.pictures)  # small ones on top
    shapes = [*_grid(plane), *(_dot(dot, plane, most, class_name) for dot in ordered), *_names(ordered, plane, most)]
    says = "Map of locations: " + "; ".join(f"{dot.name} {count(dot.pictures)}" for dot in ordered[:20])
    return tag(
        "svg",
        shapes,
        _scale(plane),
        viewBox=f"0 0 {WIDTH:.0f} {HEIGHT:.0f}",
        class_="map",
        role="group",
        aria_label=says,
    )


def _plane(dots: Sequence[Dot]) -> _Plane:
    south, north = min(dot.latitude for dot in dots), max(dot.latitude for dot in dots)
    west, east = min(dot.longitude for dot in dots), max(dot.longitude for dot in dots)
    squeeze = max(0.05, math.cos(math.radians((south + north) / 2)))
    height = max(north - south, LEAST_DEGREES)
    width = max((east - west) * squeeze, LEAST_DEGREES)
    pixels = min((HEIGHT - 2 * EDGE) / height, (WIDTH - 2 * EDGE) / width)
    return _Plane(
        (west + east) / 2 - WIDTH / 2 / pixels / squeeze, (south + north) / 2 + HEIGHT / 2 / pixels, pixels, squeeze
    )


def _grid(plane: _Plane) -> list[Markup]:
    """Lines of latitude and longitude, far enough apart for their words."""
    step = min((step for step in _STEPS if step * plane.pixels >= LEAST_GRID_PX), default=_STEPS[0])
    lines = []
    for row in _rounds(plane.north - HEIGHT / plane.pixels, plane.north, step):
        y = plane.y(row)
        lines += [
            tag("line", x1=0, y1=f"{y:.1f}", x2=WIDTH, y2=f"{y:.1f}", class_="grid"),
            tag("text", _degrees(row, "N", "S", step), x=8, y=f"{y - 5:.1f}", class_="degrees"),
        ]
    for column in _rounds(plane.west, plane.west + WIDTH / plane.pixels / plane.squeeze, step):
        x = plane.x(column)
        lines += [
            tag("line", x1=f"{x:.1f}", y1=0, x2=f"{x:.1f}", y2=HEIGHT, class_="grid"),
            tag("text", _degrees(column, "E", "W", step), x=f"{x + 5:.1f}", y=HEIGHT - 8, class_="degrees"),
        ]
    return lines


def _rounds(low: float, high: float, step: float) -> list[float]:
    first = math.ceil(low / step)
    return [index * step for index in range(first, first + min(20, max(0, math.floor(high / step) - first + 1)))]


def _degrees(value: float, positive: str, negative: str, step: float) -> str:
    places = max(0, math.ceil(-math.log10(step)))
    return f"{abs(value):.{places}f}° {positive if value >= 0 else negative}"


def _radius(dot: Dot, most: int) -> float:
    """By area, as the eye compares."""
    return max(SMALLEST, LARGEST * math.sqrt(dot.pictures / most))


def _dot(dot: Dot, plane: _Plane, most: int, class_name: str | None) -> Markup:
    says = f"{dot.name}: {count(dot.pictures)} pictures"
    where = {"cx": f"{plane.x(dot.longitude):.1f}", "cy": f"{plane.y(dot.latitude):.1f}"}
    circle = tag(
        "circle", tag("title", says), **where, r=f"{_radius(dot, most):.1f}", class_=None if dot.pictures else "none"
    )
    target = link(
        "/pictures", location_id=dot.location_id, class_=class_name, status=None if class_name else "completed"
    )
    return tag("a", circle, href=target, aria_label=says)


def _names(dots: Sequence[Dot], plane: _Plane, most: int) -> list[Markup]:
    """Names of the places that have the room for one."""
    shown: list[tuple[float, float]] = []
    names = []
    for dot in dots:
        x, y = plane.x(dot.longitude), plane.y(dot.latitude) + _radius(dot, most) + 16
        if all(abs(x - other_x) > 110 or abs(y - other_y) > 18 for other_x, other_y in shown):
            shown.append((x, y))
            words = dot.name if len(dot.name) <= 24 else f"{dot.name[:23]}…"
            names.append(tag("text", words, x=f"{x:.1f}", y=f"{y:.1f}", class_="name", aria_hidden="true"))
    return names


def _scale(plane: _Plane) -> list[Markup]:
    metres_a_pixel = _METRES_A_DEGREE / plane.pixels
    rounds = [digit * 10**power for power in range(7) for digit in (1, 2, 5)]
    metres = max((m for m in rounds if m / metres_a_pixel <= 150), default=rounds[0])
    width = metres / metres_a_pixel
    words = f"{metres:,} m" if metres < 1_000 else f"{metres // 1_000:,} km"
    right, y = WIDTH - 20, HEIGHT - 34
    return [
        tag("path", d=f"M{right - width:.1f} {y - 6}v6h{width:.1f}v-6", class_="scale"),
        tag("text", words, x=f"{right - width / 2:.1f}", y=f"{y - 10:.1f}", class_="name"),
        tag("path", d=f"M{WIDTH - 30} 44V18m-6 9 6-9 6 9", class_="scale"),
        tag("text", "N", x=WIDTH - 30, y="60", class_="name"),
    ]
