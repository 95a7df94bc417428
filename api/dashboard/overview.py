"""The first page: how far it is, how fast it goes, what wants a person, what was seen last."""

from datetime import UTC, datetime

from api.dashboard import charts
from api.dashboard.markup import Markup, link, tag
from api.dashboard.pieces import card, empty, figure, pill, table, thumbnails
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import NOTHING, count, plural, share, span
from api.deps import Deps, filters
from api.history import Sample, rate
from api.responses import AlertAnswer, FullStatus, LocationNumbers, ProcessingStatus
from api.routes.alerts import alerts
from api.routes.images import images
from api.routes.status import full

NEWEST = 12
MOST_PLACES = 50
_KINDS = {"Idle": "idle", "Active": "good", "Stuck": "bad", "Replaying": "info", "Paused": "warn"}
_MEANS = {
    "Idle": "Nothing waits.",
    "Active": "Pictures are being looked at.",
    "Stuck": "Pictures wait, and for five minutes nobody has taken one in hand.",
    "Replaying": "Pictures that were done before are being done again.",
    "Paused": "The detectors are paused.",
}


def draw(asked: Asked) -> Drawing:
    """Raises KafkaDown, DatabaseDown, LogMismatch."""
    now, raised = full(asked.parts), alerts(asked.parts)
    samples = asked.parts.history.samples()
    return Drawing(
        {
            "state": state_line(now, rate(asked.parts.workers, asked.parts.clock)),
            "numbers": _numbers(now),
            "alerts": _alerts(raised, asked.parts),
            "pace": _pace(now, samples, rate(asked.parts.workers, asked.parts.clock)),
            "places": _places(now),
            "newest": _newest(asked.parts),
        }
    )


VIEW = View("/", "Overview", "overview", draw, every_s=2.0)


def state_line(now: FullStatus, per_minute: float) -> Markup:
    """The state in a word and in words, and how long it takes. per_minute: pictures."""
    done = now.completed + now.failed
    words = f"{count(done)} of {plural(now.total, 'picture')} looked at. {_MEANS[now.state]}"
    left = time_left(now, per_minute)
    if left is not None and now.state in {"Active", "Replaying"}:
        words += f" About {span(left)} left."
    return tag("p", pill(now.state, _KINDS[now.state]), tag("span", words), class_="lead", role="status")


def time_left(now: ProcessingStatus, per_minute: float) -> float | None:
    """Seconds at the present rate; None if nobody works."""
    waiting = now.pending + now.processing
    if not waiting:
        return 0.0
    return 60 * waiting / per_minute if per_minute else None


def _numbers(now: FullStatus) -> Markup:
    parts = _parts(now)
    says = ", ".join(f"{count(part.value)} {part.name}" for part in parts)
    cards = [figure(part.name, count(part.value), share(part.value, now.total), part.kind) for part in parts]
    return tag(
        "section",
        charts.shares(parts, f"Of {now.total} pictures: {says}"),
        tag("dl", cards, class_="figures four"),
        aria_label="Pictures by state",
    )


def _parts(now: ProcessingStatus) -> list[charts.Part]:
    return [
        charts.Part("completed", now.completed, "completed"),
        charts.Part("processing", now.processing, "processing"),
        charts.Part("pending", now.pending, "pending"),
        charts.Part("failed", now.failed, "failed"),
    ]


def _alerts(raised: list[AlertAnswer], parts: Deps) -> Markup:
    if not raised:
        return card("Alerts", empty("Nothing needs you."), kind="alerts calm")
    now = parts.clock.wall()
    items = [tag("li", _alert(alert, now)) for alert in raised]
    return card("Alerts", tag("ul", items), kind="alerts raised", note=plural(len(raised), "alert"))


def _alert(alert: AlertAnswer, now: datetime) -> list[Markup | None]:
    since = None
    if alert.since is not None:
        since = f"for {span(max(0.0, (now - alert.since.astimezone(UTC)).total_seconds()))}"
    return [
        tag("strong", alert.summary),
        tag("span", f"To do: {alert.action}") if alert.action else None,
        tag("span", " · ".join(word for word in (alert.name, since) if word), class_="note"),
    ]


def _pace(now: FullStatus, samples: list[Sample], per_minute: float) -> Markup:
    rates = [each.rate_per_minute if each.groups else None for each in samples]
    finished = now.completed + now.failed
    left = time_left(now, per_minute)
    # The fewer samples, the shorter the time that they stand for.
    chart = charts.line(rates, f"Pictures a minute, lately {count(per_minute)}", height=72)
    return tag(
        "dl",
        figure("pictures a minute", count(per_minute), chart, "wide"),
        figure(
            "time left",
            span(left) if left else NOTHING,
            "at this rate" if left else "nothing waits" if left == 0 else "nobody works",
        ),
        figure("failed of what is done", share(now.failed, finished), tag("a", "See failures", href="/failures")),
        figure("lag of the detector", count(now.lag), tag("a", "See lag", href="/lag")),
        class_="figures pace",
    )


def _places(now: FullStatus) -> Markup:
    rows = [_place(place) for place in now.locations[:MOST_PLACES] if place.total]
    if not rows:
        return card("Locations", empty(tag("a", "Upload pictures to begin", href="/upload")))
    more = len(now.locations) - MOST_PLACES
    note = f"the first {MOST_PLACES} of {count(len(now.locations))}" if more > 0 else None
    names = ("Location", "Pictures", "Done", "Failed", "Progress")
    return card("Locations", table(names, rows, "Pictures by location", (1, 2, 3)), note=note)


def _place(place: LocationNumbers) -> list[Markup | str]:
    name = place.name or "no location"
    shown = tag("a", name, href=link("/pictures", location_id=str(place.location_id))) if place.location_id else name
    bar = charts.shares(_parts(place), f"{place.completion_rate:.0f} % completed")
    return [shown, count(place.total), count(place.completed), count(place.failed), bar]


def _newest(parts: Deps) -> Markup:
    found = images(parts, filters(min_confidence=None, limit=NEWEST), "completed").items
    if not found:
        return card("Newest pictures", empty("None yet."))
    return card("Newest pictures", thumbnails(found), note=tag("a", "See all", href="/pictures"))
