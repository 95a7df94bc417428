"""What several pages are put together from: cards, tables, thumbnails, buttons. Pure."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from api.dashboard.markup import Child, Markup, link, tag
from api.dashboard.words import moment, plural
from api.responses import Picture


def card(title: str, *content: Child, kind: str = "", note: Child = None) -> Markup:
    """A titled part of a page."""
    head = tag("div", tag("h2", title), tag("p", note, class_="note") if note else None, class_="card-head")
    return tag("section", head, *content, class_=f"card {kind}".strip())


def figure(name: str, value: Child, note: Child = None, kind: str = "") -> Markup:
    """A number that matters."""
    return tag(
        "div",
        tag("dt", name),
        tag("dd", value),
        tag("dd", note, class_="note") if note else None,
        class_=f"figure {kind}".strip(),
    )


def table(names: Sequence[str], rows: Iterable[Sequence[Child]], caption: str, numeric: Iterable[int] = ()) -> Markup:
    """A table that can be scrolled sideways on a phone. numeric: columns that stand to the right."""
    right = set(numeric)
    head = tag("tr", [tag("th", name, scope="col", class_=_side(i, right)) for i, name in enumerate(names)])
    body = [tag("tr", [tag("td", cell, class_=_side(i, right)) for i, cell in enumerate(row)]) for row in rows]
    inner = tag("table", tag("caption", caption, class_="unseen"), tag("thead", head), tag("tbody", body))
    return tag("div", inner, class_="scroll", tabindex="0", role="region", aria_label=caption)


def empty(words: Child) -> Markup:
    """In place of a list that has nothing in it."""
    return tag("p", words, class_="empty")


def pill(words: str, kind: str) -> Markup:
    """A word for a state."""
    return tag("span", words, class_=f"pill {kind}")


def button(words: str, post: str, key: str, *, image: UUID | None = None, ask: str | None = None) -> Markup:
    """Sends POST to an address of the API, for one `image` or as the address says. key: unique in the page.

    ask: what a person has to say yes to first.
    """
    return tag(
        "button", words, type="button", data_post=post, data_ask=ask, data_image=str(image) if image else None, id=key
    )


def thumbnails(pictures: Sequence[Picture], query: str = "") -> Markup:
    """A grid of pictures; each leads to its own page. query: what that page is to remember of this list."""
    return tag("ul", [tag("li", _thumbnail(picture, query)) for picture in pictures], class_="thumbs")


def _thumbnail(picture: Picture, query: str) -> Markup:
    place = picture.location or "no location"
    says = f"{place}, {moment(picture.taken_at)}"
    image = tag("img", src=f"/api/images/{picture.image_id}/thumbnail", alt="", loading="lazy", decoding="async")
    return tag(
        "a",
        tag("span", image, _badge(picture), class_="frame"),
        tag("span", place, class_="place"),
        tag("span", moment(picture.taken_at), class_="note"),
        href=link(f"/pictures/{picture.image_id}") + (f"?{query}" if query else ""),
        aria_label=f"{says}, {_state(picture)}",
    )


def _badge(picture: Picture) -> Markup | None:
    if picture.status == "completed":
        return pill(str(picture.detection_count), "seen") if picture.detection_count else None
    return pill(picture.status, picture.status)


def _state(picture: Picture) -> str:
    return plural(picture.detection_count, "detection") if picture.status == "completed" else picture.status


def _side(index: int, right: set[int]) -> str | None:
    return "number" if index in right else None
