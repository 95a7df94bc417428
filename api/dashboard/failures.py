"""What failed, by what went wrong; and again, if somebody says so."""

from api.dashboard.markup import Child, Markup, link, tag
from api.dashboard.pictures import place_options, select
from api.dashboard.pieces import button, card, empty, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import NOTHING, count, plural
from api.responses import Failure, Failures
from api.routes.overview import failures

# Takes 10,000 at once; with more failures the button is pressed again.
AGAIN = "/api/processing/retry"


def draw(asked: Asked) -> Drawing:
    """Raises Refusal, KafkaDown, DatabaseDown."""
    place = asked.place()
    found = failures(asked.parts, place)
    return Drawing({"filters": _form(asked), "failures": _all(found, None if place is None else str(place))})


VIEW = View("/failures", "Failures", "failures", draw, every_s=5.0)


def _form(asked: Asked) -> Markup:
    return tag(
        "form",
        select("Location", "location_id", place_options(asked.parts), asked.query.get("location_id")),
        tag("button", "Show", class_="primary"),
        method="get",
        role="search",
        aria_label="Failures",
        class_="filters",
    )


def _all(found: Failures, place: str | None) -> Markup:
    if not found.failures:
        return card("Failed pictures", empty("No picture has failed."))
    rows = [_row(failure, place) for failure in found.failures]
    names = ("What went wrong", "Kind", "Pictures", "For example", "")
    words = plural(found.pictures, "picture")
    every = button(
        f"Retry all {words}",
        link(AGAIN, location_id=place),
        "retry-all",
        ask=f"Process {words} again? Good results of before stay until new ones replace them.",
    )
    return card(
        "Failed pictures", table(names, rows, "Failures by message", (2,)), tag("p", every, class_="row"), note=words
    )


def _row(failure: Failure, place: str | None) -> list[Child]:
    example = f"/pictures/{failure.example_image_id}?status=failed"
    return [
        failure.error_message or "no message",
        tag("code", failure.error_class or NOTHING),
        count(failure.pictures),
        tag("a", "See one", href=example),
        button(
            "Retry these",
            link(AGAIN, error_class=failure.error_class, text=(failure.error_message or "")[:200], location_id=place),
            f"retry-{failure.example_image_id}",
        ),
    ]
