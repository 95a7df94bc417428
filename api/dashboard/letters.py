"""Dead letters: messages that could not be read, why, and sent again."""

from datetime import UTC

from api.dashboard.markup import Child, Markup, link, tag
from api.dashboard.pieces import button, card, empty, pill, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import size
from api.responses import DeadLetter, Page
from api.routes.dead_letters import read_page
from thumper.letter_box import Wanted

PAGE = 50


def draw(asked: Asked) -> Drawing:
    """Raises Refusal, KafkaDown."""
    cursor = asked.parsed("cursor", int, "120")
    wanted = Wanted(asked.text("topic"), asked.text("group"), None, asked.text("text"), None, None)
    return Drawing({"filters": _form(asked), "letters": _all(asked, read_page(asked.parts, wanted, cursor, PAGE))})


VIEW = View("/dead-letters", "Dead letters", "letters", draw, every_s=10.0)


def _form(asked: Asked) -> Markup:
    inner = tag("input", type="search", name="text", value=asked.query.get("text"), maxlength=200)
    return tag(
        "form",
        tag("label", tag("span", "Reason or value contains"), inner),
        tag("button", "Show", class_="primary"),
        method="get",
        role="search",
        aria_label="Dead letters",
        class_="filters",
    )


def _all(asked: Asked, found: Page[DeadLetter]) -> Markup:
    words = "What no reader understood is kept here untouched, so that nothing is lost, and can be sent again."
    older = None
    if found.next:
        older = tag(
            "a", "Older", href=link("/dead-letters", text=asked.query.get("text"), cursor=found.next), class_="button"
        )
    if not found.items:
        return card("Dead letters", empty("None."), older, note=words)
    names = ("Number", "Refused", "From", "Why", "Size", "")
    rows = [_row(letter) for letter in found.items]
    return card("Dead letters", table(names, rows, "Dead letters, the newest first", (0, 4)), older, note=words)


def _row(letter: DeadLetter) -> list[Child]:
    origin = f"{letter.topic} {letter.partition} @ {letter.offset}" if letter.topic else "not said"
    return [
        tag("a", str(letter.number), href=f"/api/dead-letters/{letter.number}"),
        f"{letter.at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC",
        tag("span", tag("strong", origin), tag("span", f"refused by {letter.group}", class_="note"), class_="two"),
        tag("span", tag("code", letter.error_class), tag("span", letter.reason), class_="two"),
        size(letter.value_bytes),
        _retry(letter),
    ]


def _retry(letter: DeadLetter) -> Markup:
    if letter.retried:
        return pill("sent again", "good")
    if letter.cut:
        return pill("too large to send", "warn")
    return button("Retry", f"/api/dead-letters/{letter.number}/retry", f"letter-{letter.number}")
