"""One picture, large, with its boxes, all that is known of it, and the ways to the next and the previous one."""

from collections.abc import Sequence
from uuid import UUID

from api.dashboard.icons import icon
from api.dashboard.markup import Child, Markup, link, tag
from api.dashboard.pictures import narrowing, remembered, status
from api.dashboard.pieces import button, card, empty, pill, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import moment, percent, size, span
from api.neighbours import Neighbours, neighbours
from api.problems import Refusal
from api.responses import Box, PictureDetail
from api.routes.images import image

COLOURS = 6


def draw(asked: Asked) -> Drawing:
    """Raises Refusal if there is no such picture."""
    try:
        found = image(asked.parts, UUID(asked.word))
    except ValueError:
        raise Refusal(404, "no picture has this id", "go to Pictures, and choose one") from None
    beside = neighbours(asked.parts, found.image_id, found.taken_at, narrowing(asked), status(asked))
    return Drawing(
        {
            "ways": _ways(beside, remembered(asked)),
            "picture": _picture(found),
            "found": tag("div", _boxes(found.boxes), _facts(found), _story(found), class_="columns-3"),
        },
        title=found.filename or "Picture",
    )


VIEW = View("/pictures", "Picture", "pictures", draw, inner=True)


def _ways(beside: Neighbours, query: str) -> Markup:
    def way(image_id: UUID | None, words: str, rel: str, drawing: str) -> Markup:
        inner = [icon(drawing), tag("span", words)] if rel == "prev" else [tag("span", words), icon(drawing)]
        if image_id is None:
            return tag("span", inner, class_="button off", aria_disabled="true")
        return tag("a", inner, href=f"/pictures/{image_id}" + (f"?{query}" if query else ""), rel=rel, class_="button")

    return tag(
        "nav",
        tag("a", "All pictures", href="/pictures" + (f"?{query}" if query else ""), class_="button"),
        way(beside.newer, "Newer", "prev", "before"),
        way(beside.older, "Older", "next", "after"),
        tag(
            "span",
            "Keys: ",
            tag("kbd", "←"),
            " ",
            tag("kbd", "→"),
            " turn, ",
            tag("kbd", "B"),
            " boxes",
            class_="note keys",
        ),
        aria_label="Pictures",
        class_="pages",
    )


def _picture(found: PictureDetail) -> Markup:
    says = ", ".join(f"{box.class_name} {percent(box.confidence)}" for box in found.boxes) or "nothing found"
    # Without boxes, but upright, not too large, and in a format that every browser shows.
    source = link(f"/api/images/{found.image_id}/picture", boxes="true", min_confidence="1")
    return tag(
        "figure",
        tag(
            "div",
            tag("img", src=source, alt=f"{found.filename or 'picture'}: {says}", decoding="async"),
            [_drawn(box) for box in reversed(found.boxes)],
            class_="canvas",
            id="canvas",
        ),
        tag(
            "figcaption",
            tag("span", f"{found.location or 'no location'} · {moment(found.taken_at)}"),
            tag("button", "Boxes", type="button", id="boxes", aria_pressed="true"),
            tag("a", "Original", href=f"/api/images/{found.image_id}/picture", class_="button"),
        ),
        class_="large",
    )


def _drawn(box: Box) -> Markup:
    left, top = 100 * min(box.x1, box.x2), 100 * min(box.y1, box.y2)
    width, height = 100 * abs(box.x2 - box.x1), 100 * abs(box.y2 - box.y1)
    where = f"left:{left:.3f}%;top:{top:.3f}%;width:{width:.3f}%;height:{height:.3f}%"
    label = tag("span", f"{box.class_name} {percent(box.confidence)}", class_="low" if top < 5 else None)
    return tag("div", label, class_=f"box hue-{box.class_id % COLOURS}", style=where, aria_hidden="true")


def _boxes(boxes: Sequence[Box]) -> Markup:
    if not boxes:
        return card("Found", empty("Nothing at or above the confidence that is shown."))
    rows = [
        (tag("span", tag("i", class_=f"dot hue-{box.class_id % COLOURS}"), box.class_name), percent(box.confidence))
        for box in boxes
    ]
    return card("Found", table(("Class", "Confidence"), rows, "What was found in the picture", (1,)))


def _facts(found: PictureDetail) -> Markup:
    camera = " ".join(word for word in (found.camera_make, found.camera_model, found.camera_serial) if word)
    dimensions = f"{found.width_px} \u00d7 {found.height_px}" if found.width_px else None
    others = [f"{place.location or 'no location'}: {place.path}" for place in found.places]
    where = None
    if found.latitude is not None and found.longitude is not None:
        where = f"{found.latitude:.5f}, {found.longitude:.5f}"
    facts: list[tuple[str, Child]] = [
        ("Location", found.location),
        ("Taken", moment(found.taken_at) if found.taken_at else None),
        ("Time from", found.captured_at_source),
        ("Path", found.path),
        ("Also at", "; ".join(others) or None),
        ("Camera", camera or None),
        ("Position", where),
        ("Size", " · ".join(word for word in (dimensions, size(found.size_bytes)) if word)),
        ("Import", found.import_id),
        ("Id", tag("code", str(found.image_id))),
    ]
    return card("Picture", _list(facts))


def _story(found: PictureDetail) -> Markup:
    device = " · ".join(word for word in (found.backend, found.device, found.precision) if word)
    facts: list[tuple[str, Child]] = [
        ("State", pill(found.status, found.status)),
        ("Failed because", f"{found.error_class}: {found.error_message}" if found.error_class else None),
        ("Model", found.model_id),
        ("Worker", found.worker),
        ("Ran on", device or None),
        ("Batch", found.batch_size),
        ("Waited", _ms(found.queue_ms)),
        ("Read", _ms(found.read_ms)),
        ("Decoded", _ms(found.decode_ms)),
        ("Looked at", _ms(found.infer_ms)),
        ("In all", _ms(found.total_ms)),
    ]
    again = button("Process again", "/api/processing/batch", "again", image=found.image_id)
    return card("Processing", _list(facts), again)


def _list(facts: Sequence[tuple[str, Child]]) -> Markup:
    given = [tag("div", tag("dt", name), tag("dd", value)) for name, value in facts if value is not None]
    return tag("dl", given, class_="facts")


def _ms(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.1f} ms" if value < 1_000 else span(value / 1_000)
