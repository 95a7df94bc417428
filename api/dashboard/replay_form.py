"""What is to be done again, and the plan's places, which the page's script fills with the API's answer. Pure."""

from collections.abc import Sequence

from api.dashboard.markup import Child, Markup, tag
from api.dashboard.pictures import STATES, field, select
from api.dashboard.pieces import figure

# What has to be typed; the same word as at the terminal.
WORD = "replay"
MOST_BACK = 10**12
_WAYS = (
    ("all", "Everything", "from the beginning of the log"),
    ("since", "Since an import", "what was imported then or later"),
    ("last", "The last events", "so many in each partition"),
    ("pictures", "Chosen pictures", "by place, date, animal, state"),
)


def choices(places: Sequence[tuple[str, str]], classes: Sequence[str], partitions: Sequence[int]) -> Markup:
    """The form. What does not belong to the chosen way is hidden, and not sent. places: (id, name)."""
    ways = [_way(value, words, note, checked=value == "all") for value, words, note in _WAYS]
    return tag(
        "form",
        tag("fieldset", tag("legend", "What to do again"), tag("div", ways, class_="ways")),
        _group("since", "Times of import, never of capture", _since()),
        _group("last", "How far back", _last()),
        _group("all since last", "Where", _partition(partitions)),
        _group("pictures", "Which pictures: dates are those of capture, the camera's own", *_pictures(places, classes)),
        tag("noscript", tag("p", "This page needs scripts; `thumper replay` does the same at the terminal.")),
        tag(
            "div",
            tag("button", "Look first", class_="primary", id="look"),
            tag("span", "Changes nothing yet.", class_="note", role="status", id="looked"),
            class_="row",
        ),
        id="replay",
        class_="card again",
        aria_label="What to do again",
        # Whoever is choosing is not disturbed by a new place in the list.
        data_still=True,
    )


def plan() -> Markup:
    """Hidden until the API has answered."""
    return tag(
        "section",
        tag("h2", "What this would do", id="plan-title", tabindex="-1"),
        tag("p", _said("wish"), class_="lead"),
        tag(
            "dl",
            figure("pictures", _said("pictures"), _said("events")),
            figure("time it takes", _said("takes"), _said("pace")),
            figure("results replaced", _said("completed"), "completed"),
            figure("failures tried again", _said("failed"), "failed"),
            class_="figures four",
        ),
        tag("dl", [_fact(name, key) for name, key in _FACTS], class_="facts"),
        _confirm(),
        id="plan",
        class_="card again",
        aria_labelledby="plan-title",
        hidden=True,
    )


_FACTS = (
    ("Taken", "taken"),
    ("Locations", "locations"),
    ("Time means", "time"),
    ("Waiting", "waiting"),
    ("Detectors", "members"),
    ("Kept", "kept"),
)


def _way(value: str, words: str, note: str, *, checked: bool) -> Markup:
    given = tag("input", type="radio", name="what", value=value, checked=checked)
    return tag("label", given, tag("span", tag("strong", words), tag("span", note, class_="note")), class_="way")


def _group(ways: str, legend: str, *content: Child) -> Markup:
    """Shown for these ways only; the script does so. The first way is chosen when the page comes."""
    off = "all" not in ways.split()
    return tag(
        "fieldset",
        tag("legend", legend),
        tag("div", *content, class_="fields"),
        data_for=ways,
        hidden=off,
        disabled=off,
    )


def _since() -> Markup:
    return field("Imported at or after (UTC)", "since", "datetime-local", None, step="1", required="required")


def _last() -> Markup:
    more = {"min": "1", "max": str(MOST_BACK), "step": "1", "required": "required"}
    return field("Events back in each partition", "last", "number", "1000", **more)


def _partition(partitions: Sequence[int]) -> Markup:
    shown = [tag("option", "all partitions", value="")]
    shown += [tag("option", f"only partition {number}", value=number) for number in partitions]
    return tag("label", tag("span", "Partition"), tag("select", shown, name="partition"))


def _pictures(places: Sequence[tuple[str, str]], classes: Sequence[str]) -> list[Markup]:
    return [
        select("Location", "location", places, None),
        select("Animal", "class_name", [(name, name) for name in classes], None),
        field("Taken from", "taken_from", "date", None),
        field("Taken to", "taken_to", "date", None),
        select("State", "state", [(state, state) for state in STATES], None),
        field("Import", "import_id", "text", None, maxlength="200", autocomplete="off"),
        field("Failed with the words", "error", "text", None, maxlength="200", autocomplete="off"),
    ]


def _said(key: str) -> Markup:
    return tag("span", data_say=key)


def _fact(name: str, key: str) -> Markup:
    return tag("div", tag("dt", name), tag("dd", _said(key)))


def _confirm() -> Markup:
    asked = tag("span", "Type ", tag("strong", WORD), " to do it")
    pause = tag("input", type="checkbox", name="pause")
    return tag(
        "form",
        tag("label", pause, tag("span", "Pause the detectors while their place is set"), class_="check", id="pausing"),
        tag("label", asked, tag("input", name="word", required=True, pattern=WORD, title=WORD, autocomplete="off")),
        tag(
            "div",
            tag("button", "Process again", class_="primary", id="go"),
            tag("button", "Cancel", type="button", id="leave"),
            tag("span", class_="note", role="status", id="going"),
            class_="row",
        ),
        id="confirm",
        aria_label="Process again",
    )
