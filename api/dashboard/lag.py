"""How far each group is behind: in events, in seconds, over the last hour, and partition by partition."""

from collections.abc import Sequence

from api.dashboard import charts
from api.dashboard.markup import Child, Markup, tag
from api.dashboard.pieces import card, figure, pill, table
from api.dashboard.view import Asked, Drawing, View
from api.dashboard.words import NOTHING, count, span
from api.history import Sample
from api.lag_words import EVERY_S, READINGS
from api.responses import GroupPosition, PartitionPosition
from api.routes.lag import lag
from thumper.record import Partition

_READS = {
    "detector": "Pictures and requests that are still to be looked at.",
    "sink": "Events that are not in the tables yet. On detections, offsets of transaction markers count too.",
}
_KINDS = {
    "OK": "good",
    "WARN": "warn",
    "ERR": "bad",
    "STOP": "bad",
    "STALL": "bad",
    "REWIND": "info",
    "NOTFOUND": "idle",
}
_MEANS = {
    "OK": "It keeps up, or gets on.",
    "WARN": "It works, but for five minutes the lag has not fallen.",
    "ERR": "Events wait, and for five minutes none was taken: the partitions below say where.",
    "NOTFOUND": "It has never committed, and nobody is in it.",
}
_PARTITION_MEANS = {
    "WARN": "works, but never caught up",
    "STOP": "nobody is there",
    "STALL": "somebody is there, and stands still",
    "REWIND": "was set back, to do it again",
}
_WINDOW_S = READINGS * EVERY_S


def draw(asked: Asked) -> Drawing:
    """Raises KafkaDown."""
    now, samples = lag(asked.parts), asked.parts.history.samples()
    return Drawing({f"group-{index}": _group(group, samples) for index, group in enumerate(now.groups)})


VIEW = View("/lag", "Lag", "lag", draw, every_s=2.0)


def _group(group: GroupPosition, samples: Sequence[Sample]) -> Markup:
    known = [each.groups.get(group.group) for each in samples]
    lags = [None if each is None else float(each.lag) for each in known]
    ages = [None if each is None else each.age_s for each in known]
    newest = next((each for each in reversed(known) if each), None)
    age = 0.0 if not group.lag else newest.age_s if newest else None
    return card(
        f"Group {group.group}",
        tag(
            "dl",
            figure(
                "behind, in events",
                count(group.lag),
                charts.line(lags, _says("Events behind", lags), height=72),
                "wide",
            ),
            figure("behind, in time", span(age), charts.line(ages, _says("Seconds behind", ages), "info", 72), "wide"),
            class_="figures pair",
        ),
        status(group),
        tag("p", _since(samples), class_="note"),
        _partitions(group, samples),
        note=_READS.get(group.group),
    )


def status(group: GroupPosition) -> Markup | None:
    """Burrow's word for the group, and what it means; None where nobody watches."""
    if group.status is None:
        return None
    words = _MEANS[group.status]
    if group.status == "OK" and group.complete is not None and group.complete < 1:
        words = f"Said for sure after {span(_WINDOW_S)} of watching; {100 * group.complete:.0f} % of it have passed."
    return tag("p", pill(group.status, _KINDS[group.status]), tag("span", words, class_="note"), class_="row status")


def _partitions(group: GroupPosition, samples: Sequence[Sample]) -> Markup:
    names = ("Topic", "Partition", "Committed", "End", "Behind", "Status", "Last hour")
    rows = [_row(group.group, part, samples) for part in group.partitions if part.end]
    shown = table(names, rows, f"Partitions read by {group.group}", (1, 2, 3, 4))
    behind = sum(1 for part in group.partitions if part.lag)
    words = f"{count(behind)} of {count(len(group.partitions))} partitions are behind"
    # Keyed, so that a renewal does not close what somebody has opened.
    return tag("details", tag("summary", words), shown, data_keep=f"partitions-{group.group}")


def _row(group: str, part: PartitionPosition, samples: Sequence[Sample]) -> list[Child]:
    place = Partition(part.topic, part.partition)
    known = [each.groups[group].partitions.get(place) if group in each.groups else None for each in samples[-120:]]
    lags = [None if lag is None else float(lag) for lag in known]
    committed = pill("never", "warn") if part.committed is None else count(part.committed)
    trend = (
        charts.line(lags, _says("Events behind", lags), height=24) if any(lags) else tag("span", "none", class_="note")
    )
    return [part.topic, str(part.partition), committed, count(part.end), count(part.lag), _word(part), trend]


def _word(part: PartitionPosition) -> Markup | str:
    if part.status is None:
        return NOTHING
    means = _PARTITION_MEANS.get(part.status)
    word = pill(part.status, _KINDS[part.status])
    return tag("span", word, tag("span", means, class_="note"), class_="two") if means else word


def _since(samples: Sequence[Sample]) -> str:
    if len(samples) < 2:
        return "The history begins now: a point every five seconds, kept for an hour."
    return f"The last {span((samples[-1].at_ms - samples[0].at_ms) / 1_000)}, a point every five seconds."


def _says(what: str, values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{what}: now {count(known[-1])}, at most {count(max(known))}" if known else f"{what}: not known yet"
