"""Numbers, times and spans as people read them. Pure."""

from datetime import datetime

UNKNOWN = "unknown"
# In place of what there is none of.
NOTHING = "\u2013"


def count(value: float | None) -> str:
    """With commas; unknown if there is none."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def share(part: float, whole: float) -> str:
    """In percent, with as many places as tell it from none and from all."""
    if not whole:
        return "0 %"
    percent = 100 * part / whole
    if percent in {0.0, 100.0}:
        return f"{percent:.0f} %"
    return (
        f"{max(percent, 0.01):.2g} %"
        if percent < 1
        else f"{min(percent, 99.99):.4g} %"
        if percent > 99
        else f"{percent:.3g} %"
    )


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 picture`, `2 pictures`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def span(seconds: float | None) -> str:
    """In the one or two units that matter."""
    if seconds is None:
        return UNKNOWN
    if seconds < 1:
        return "0 s" if seconds < 0.05 else f"{seconds:.1f} s"
    for limit, size, unit, small_size, small in _UNITS:
        if seconds < limit:
            whole, rest = divmod(int(seconds), size)
            low = rest // small_size if small_size else 0
            return f"{whole} {unit} {low} {small}" if low and whole < 10 else f"{whole} {unit}"
    return f"{seconds / 86_400:,.0f} days"


def moment(time: datetime | None) -> str:
    """A picture's own time."""
    return "no time" if time is None else f"{time:%-d %b %Y, %H:%M}"


def percent(confidence: float) -> str:
    """A confidence."""
    return f"{100 * confidence:.0f} %"


def size(bytes_: int | None) -> str:
    """In decimal units."""
    if bytes_ is None:
        return UNKNOWN
    value = float(bytes_)
    for unit in ("bytes", "kB", "MB"):
        if value < 1_000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1_000
    return f"{value:.1f} GB"


_UNITS = (
    (60.0, 1, "s", 0, ""),
    (3_600.0, 60, "min", 1, "s"),
    (86_400.0, 3_600, "h", 60, "min"),
    (864_000.0, 86_400, "d", 3_600, "h"),
)
