"""What was imported lately: when, how much, where, and how far it is."""

from datetime import UTC, datetime

from api.dashboard import charts
from api.dashboard.markup import Child, Markup, tag
from api.dashboard.pieces import card, empty, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import NOTHING, count, plural, span
from api.queries import Row, snapshot

# Pictures looked through, however many there are.
NEWEST = 50_000
LISTED = 50


def draw(asked: Asked) -> Drawing:
    """Raises DatabaseDown."""
    with snapshot(asked.parts.engine) as tables:
        partitions = sum(1 for row in tables.rows("recorded") if row["topic"] == "images")
        rows = tables.rows("imports", each=NEWEST // max(1, partitions), limit=LISTED)
    return Drawing({"how": _how(), "imports": _all(list(rows))})


VIEW = View("/imports", "Imports", "imports", draw, every_s=5.0)


def _how() -> Markup:
    command = tag("code", "thumper import /media/card")
    upload = tag("a", "Upload here", href="/upload")
    return tag("p", "A card or folder: ", command, ". A few pictures: ", upload, ".", class_="lead")


def _all(rows: list[Row]) -> Markup:
    if not rows:
        return card("Imports", empty("Nothing was imported yet."))
    names = ("Import", "Began", "Took", "Pictures", "Locations", "Progress")
    note = f"counted among the newest {count(NEWEST)} pictures"
    return card("Imports", table(names, [_row(row) for row in rows], "Imports, the newest first", (3,)), note=note)


def _row(row: Row) -> list[Child]:
    began = datetime.fromtimestamp(row["first_ms"] / 1_000, UTC)
    waiting = row["pictures"] - row["completed"] - row["failed"]
    parts = [
        charts.Part("completed", row["completed"], "completed"),
        charts.Part("waiting", waiting, "pending"),
        charts.Part("failed", row["failed"], "failed"),
    ]
    says = ", ".join(f"{count(part.value)} {part.name}" for part in parts)
    name = row["import_id"]
    places = row["place"] if row["places"] == 1 else plural(row["places"], "location")
    return [
        tag("code", name) if name else "by an event of another program",
        f"{began:%-d %b %Y, %H:%M} UTC",
        span((row["last_ms"] - row["first_ms"]) / 1_000),
        count(row["pictures"]),
        places or NOTHING,
        tag("span", charts.shares(parts, says), tag("span", says, class_="note"), class_="two"),
    ]
