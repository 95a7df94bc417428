"""Process again: chosen and looked at first, done after a typed word, followed, and undone. The script asks the API."""

from datetime import UTC

from api.dashboard import charts
from api.dashboard.markup import Child, Markup, tag
from api.dashboard.overview import state_line
from api.dashboard.pictures import classes, place_options
from api.dashboard.pieces import button, card, empty, figure, pill, table
from api.dashboard.replay_form import choices, plan
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import count, plural, span
from api.history import rate
from api.replay_answers import ReplayAnswer, told_replay
from api.responses import FullStatus
from api.routes.status import full
from api.status import LIVE_GROUP
from thumper.replay.replayer import TOPIC

# Undoing sets the group's offsets too, so it has to be out of the way.
UNDO = "/api/replay/undo?pause=true&wait_s=60"
LISTED = 100
_KINDS = {"under way": "info", "done": "good", "undone": "idle", "refused": "bad"}


def draw(asked: Asked) -> Drawing:
    """Raises KafkaDown, DatabaseDown, LogMismatch."""
    parts = asked.parts
    now, per_minute = full(parts), rate(parts.workers, parts.clock)
    found = [told_replay(*one) for one in parts.replays.get()]
    stands = parts.lags.read(LIVE_GROUP, [TOPIC]).partitions
    numbers = [stand.partition.number for stand in stands]
    return Drawing(
        {
            "now": under_way(now, found, per_minute),
            "choose": choices(place_options(parts), classes(parts), numbers),
            "plan": plan(),
            "earlier": earlier(found),
        }
    )


VIEW = View("/replay", "Replay", "replay", draw, every_s=3.0)


def under_way(now: FullStatus, found: list[ReplayAnswer], per_minute: float) -> Markup:
    """What is done again now, and how to end it. per_minute: pictures."""
    lead = state_line(now, per_minute)
    one = next((replay for replay in found if replay.left), None)
    if one is None:
        return tag("div", lead, tag("p", "No replay in place is under way.", class_="note"), class_="stack")
    ask = "End this replay? The group goes on where it had been. What was done again stays done."
    undo = tag("p", button("Undo", UNDO, "undo", ask=ask), class_="row")
    return tag("div", lead, card("Under way", _progress(one, per_minute), undo), class_="stack")


def _progress(one: ReplayAnswer, per_minute: float) -> Markup:
    done = max(0, one.events - one.left)
    parts = [charts.Part("done again", done, "completed"), charts.Part("left", one.left, "pending")]
    left = 60 * one.left / per_minute if per_minute else None
    return tag(
        "div",
        charts.shares(parts, f"{count(done)} of {plural(one.events, 'event')} done again, {count(one.left)} left"),
        tag(
            "dl",
            figure("left", count(one.left), f"of {plural(one.events, 'event')}"),
            figure("time left", span(left), "at this rate" if per_minute else "nobody works yet"),
            class_="figures pair",
        ),
        tag("p", f"Back {one.wish}. Begun {one.begun_at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC.", class_="note"),
    )


def earlier(found: list[ReplayAnswer]) -> Markup:
    """Every replay in place that the log knows of."""
    if not found:
        return card("Replays in place", empty("None was ever begun."))
    names = ("Begun", "Back", "State", "Events", "Left", "By")
    note = f"the newest {LISTED} of {count(len(found))}" if len(found) > LISTED else None
    rows = [_row(one) for one in found[:LISTED]]
    return card("Replays in place", table(names, rows, "Replays in place, the newest first", (3, 4)), note=note)


def _row(one: ReplayAnswer) -> list[Child]:
    return [
        f"{one.begun_at.astimezone(UTC):%-d %b %Y, %H:%M:%S} UTC",
        one.wish,
        pill(one.state, _KINDS.get(one.state, "idle")),
        count(one.events),
        count(one.left),
        one.replayed_by or "unknown",
    ]
