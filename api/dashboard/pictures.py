"""Pictures, narrowed by place, class, time, confidence and state; page by page, never counted through."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import cast
from urllib.parse import urlencode

from api.dashboard.markup import Markup, link, tag
from api.dashboard.pieces import card, empty, thumbnails
from api.dashboard.view import Asked, Drawing, View
from api.deps import Deps, Filters, filters
from api.problems import Refusal
from api.responses import PictureStatus
from api.routes.images import images
from api.routes.overview import locations, models

PAGE = 48
STATES = ("pending", "completed", "failed")
NAMES = ("location_id", "class", "since", "until", "min_confidence", "status")


def draw(asked: Asked) -> Drawing:
    """Raises Refusal for what cannot be meant, KafkaDown, DatabaseDown."""
    narrowed, state = narrowing(asked), status(asked)
    found = images(asked.parts, narrowed, state)
    query = remembered(asked)
    return Drawing(
        {
            "filters": _form(asked),
            "pictures": thumbnails(found.items, query) if found.items else card("", empty(_nothing(query))),
            "pages": _pages(asked, found.next),
        }
    )


VIEW = View("/pictures", "Pictures", "pictures", draw)


def narrowing(asked: Asked, limit: int = PAGE) -> Filters:
    """What the address asks for. Raises Refusal."""
    return filters(
        location_id=asked.place(),
        class_name=asked.text("class"),
        since=asked.parsed("since", datetime.fromisoformat, "2026-11-03"),
        until=asked.parsed("until", whole_day, "2026-11-04"),
        min_confidence=asked.parsed("min_confidence", _confidence, "0.5"),
        cursor=asked.text("cursor", 500),
        limit=limit,
    )


def status(asked: Asked) -> PictureStatus | None:
    """The state asked for. Raises Refusal."""
    given = asked.text("status")
    if given is not None and given not in STATES:
        raise Refusal(422, "there is no such state", "pending, completed or failed")
    return cast("PictureStatus | None", given)


def remembered(asked: Asked) -> str:
    """The filters as a query, without the page."""
    return urlencode({name: asked.query[name] for name in NAMES if asked.query.get(name)})


def classes(parts: Deps) -> Sequence[str]:
    """What the active model knows, by name."""
    return sorted(name for model in models(parts) if model.active for name in model.classes or ())


def select(label: str, name: str, options: Sequence[tuple[str, str]], chosen: str | None) -> Markup:
    """A labelled choice; the first is none."""
    shown = [tag("option", "any", value="")]
    shown += [tag("option", words, value=value, selected=value == chosen) for value, words in options]
    return tag("label", tag("span", label), tag("select", shown, name=name))


def field(label: str, name: str, kind: str, value: str | None, **more: str) -> Markup:
    """A labelled input."""
    return tag("label", tag("span", label), tag("input", type=kind, name=name, value=value, **more))


def place_options(parts: Deps) -> list[tuple[str, str]]:
    """Every location."""
    return [(str(place.location_id), place.name) for place in locations(parts)]


def whole_day(text: str) -> datetime:
    """The end of what `text` names: of a day, if it names no time of it."""
    given = datetime.fromisoformat(text)
    return given + timedelta(days=1) if len(text) == len("2026-11-04") else given


def _confidence(text: str) -> float:
    value = float(text)
    if not 0 <= value <= 1:
        raise ValueError(text)
    return value


def _form(asked: Asked) -> Markup:
    query = asked.query
    known = [(name, name) for name in classes(asked.parts)]
    return tag(
        "form",
        select("Location", "location_id", place_options(asked.parts), query.get("location_id")),
        select("Animal", "class", known, query.get("class")),
        field("From", "since", "date", query.get("since")),
        field("To", "until", "date", query.get("until")),
        field(
            "Confidence from", "min_confidence", "number", query.get("min_confidence"), min="0", max="1", step="0.05"
        ),
        select("State", "status", [(state, state) for state in STATES], query.get("status")),
        tag("button", "Show", class_="primary"),
        tag("a", "Clear", href="/pictures", class_="button") if remembered(asked) else None,
        method="get",
        role="search",
        aria_label="Pictures",
        class_="filters",
    )


def _pages(asked: Asked, following: str | None) -> Markup:
    given = {name: asked.query[name] for name in NAMES if asked.query.get(name)}
    first = tag("a", "Newest", href=link("/pictures", **given), class_="button") if asked.query.get("cursor") else None
    after = None
    if following:
        after = tag(
            "a", "Older pictures", href=link("/pictures", **given, cursor=following), rel="next", class_="button"
        )
    return tag("nav", first, after, aria_label="Pages of pictures", class_="pages")


def _nothing(query: str) -> Markup | str:
    return "No picture is like that." if query else tag("a", "Upload the first pictures", href="/upload")
