"""A picture's story: its events in the order of the log, and where it is now; pure."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import UUID

from api.responses import Trace, TraceStep, TraceWhere
from api.trace_steps import Told, step
from schemas.detection import Outcome
from schemas.image import ImageImported, image_id
from schemas.request import ProcessingRequested
from thumper.dead_letters import Letter
from thumper.lag import GroupLag
from thumper.record import Partition, Record
from thumper.tables import COMPLETED, FAILED


class Row(Protocol):
    """A row by its columns' names."""

    def __getitem__(self, name: Any, /) -> Any:
        """A column."""
        ...


_SHA256 = re.compile(rb'"sha256"\s*:\s*"([0-9a-f]{64})"')


@dataclass(frozen=True, slots=True)
class Rows:
    """What the tables say of one picture. image: None if they do not know it. recorded: how far the sink has come."""

    image: Row | None = None
    results: Sequence[Row] = ()
    requests: Sequence[Row] = ()
    facts: Sequence[Row] = ()
    active_model: str | None = None
    recorded: Mapping[Partition, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at a picture. events: those of it that were found. live: the detector group on what it reads.

    in_flight: pictures that live detectors have in hand. unsearched: parts of the log that were not looked through.
    """

    image: UUID
    sha256: str | None
    rows: Rows
    events: Sequence[Told]
    letters: Sequence[Letter]
    live: GroupLag
    in_flight: int = 0
    unsearched: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Now:
    """Where a picture is. ahead: events before it in its partition, where it waits."""

    where: TraceWhere
    text: str
    ahead: int | None = None


def mentions(record: Record, image: UUID, sha256: str | None) -> bool:
    """Whether `record` may be about the picture; a cheap look before it is decoded."""
    value, name = record.value or b"", str(image).encode()
    if record.key == name or name in value:
        return True
    if sha256 is not None:
        return sha256.encode() in value
    found = _SHA256.search(value)
    return found is not None and image_id(found[1].decode()) == image


def story(seen: Seen) -> Trace:
    """The whole story."""
    steps = [_step(seen, told) for told in seen.events]
    steps += [_letter_step(letter) for letter in seen.letters]
    now = where(seen)
    return Trace(
        image_id=seen.image,
        sha256=seen.sha256,
        where=now.where,
        text=now.text,
        ahead=now.ahead,
        steps=sorted(steps, key=lambda one: (one.at, one.topic, one.partition or 0, one.offset or 0)),
        unsearched=list(seen.unsearched),
    )


def where(seen: Seen) -> Now:
    """Where the picture is now."""
    row = seen.rows.image
    if row is not None:
        return _known(seen, row)
    if any(fact["kind"] == "removed" for fact in seen.rows.facts):
        return Now("removed", "It was removed: only its id is kept.")
    arriving = [told for told in seen.events if isinstance(told.event, ImageImported)]
    if arriving:
        return _arriving(seen, arriving[-1])
    if seen.letters:
        return Now("dead letter", _letter_text(seen.letters[-1]))
    if seen.unsearched:
        return Now("unknown", "The tables do not know it, nor does the part of the log that was searched.")
    return Now(
        "unknown", "Neither the tables nor the log know it: it was never imported. `thumper import` takes it in."
    )


def _known(seen: Seen, row: Row) -> Now:
    here = Partition("images", row["log_partition"])
    waiting = _in_line(seen, here, row["log_offset"])
    if waiting is not None:
        again = " again: the group was set back before it" if seen.rows.results else ""
        return Now("waiting", f"It waits to be looked at{again}. {_line(seen, here, waiting)}", waiting)
    asked = _asked(seen)
    if asked is not None:
        return asked
    if row["hand_reset_at"] is not None:
        return Now("reset", f"It was reset by hand at {row['hand_reset_at']}, and waits to be asked for.")
    if (unrecorded := _unrecorded_outcome(seen)) is not None:
        return unrecorded
    return _done(seen)


def _asked(seen: Seen) -> Now | None:
    """The oldest request that no recorded outcome answers, if there is one."""
    answered = {row["request_partition"]: row["answered"] for row in seen.rows.requests if row["model_id"] == ""}
    for row in seen.rows.requests:
        number, at = row["request_partition"], row["asked"]
        mine = row["model_id"] in ("", seen.rows.active_model)
        if not mine or at is None or at <= (-1 if answered.get(number) is None else answered[number]):
            continue
        here = Partition("requests", number)
        ahead = _in_line(seen, here, at)
        if ahead is not None:
            return Now("waiting", f"It was asked for again, and waits. {_line(seen, here, ahead)}", ahead)
        return _unrecorded_outcome(seen) or Now(
            "waiting", f"It was asked for again ({_place(here, at)}); the group has passed that without an answer."
        )
    return None


def _arriving(seen: Seen, told: Told) -> Now:
    if (unrecorded := _unrecorded_outcome(seen)) is not None:
        return unrecorded
    here = told.record.partition
    ahead = _in_line(seen, here, told.record.offset)
    line = "The detector has passed it." if ahead is None else _line(seen, here, ahead)
    return Now("arriving", f"It is in the log, and the sink has not registered it yet. {line}", ahead)


def _unrecorded_outcome(seen: Seen) -> Now | None:
    for told in seen.events:
        if isinstance(told.event, Outcome) and not _is_recorded(seen, told.record):
            return Now("answered", "Its outcome is in the log, and the sink has not recorded it yet.")
    return None


def _done(seen: Seen) -> Now:
    for row in seen.rows.results:
        if row["model_id"] != seen.rows.active_model:
            continue
        if row["state"] == FAILED:
            return Now("failed", f"Recorded as failed ({row['error_class']}): {row['error_message']}")
        if row["state"] == COMPLETED:
            return Now("completed", f"Recorded as completed, with {row['box_count'] or 0} detections stored.")
    if seen.rows.active_model is None:
        return Now("waiting", "No model is active yet: a detector makes its own the active one when it starts.")
    return Now("waiting", "The active model has no outcome of it: ask for it with POST /api/processing/batch.")


def _in_line(seen: Seen, part: Partition, offset: int) -> int | None:
    """Events before `offset` that the live group has not finished; None if the group has passed it."""
    for lag in seen.live.partitions:
        if lag.partition == part and offset >= lag.position:
            return offset - lag.position
    return None


def _line(seen: Seen, part: Partition, ahead: int) -> str:
    hand = f", and live detectors have {seen.in_flight} in hand" if seen.in_flight else ""
    here = "It may be among them." if seen.in_flight > ahead else ""
    return f"{ahead} events are before it in {part.topic} {part.number}{hand}. {here}".strip()


def _is_recorded(seen: Seen, record: Record) -> bool:
    return record.offset < seen.rows.recorded.get(record.partition, 0)


def _step(seen: Seen, told: Told) -> TraceStep:
    again = isinstance(told.event, ProcessingRequested | Outcome)
    earlier = sum(
        type(one.event) is type(told.event) or (isinstance(one.event, Outcome) and isinstance(told.event, Outcome))
        for one in seen.events
        if (one.record.timestamp_ms, one.record.offset) <= (told.record.timestamp_ms, told.record.offset)
    )
    return step(told, attempt=earlier if again else None, recorded=_is_recorded(seen, told.record))


def _letter_step(letter: Letter) -> TraceStep:
    return step(Told(letter.record, None), attempt=None, recorded=None, text=_letter_text(letter))


def _letter_text(letter: Letter) -> str:
    at = "" if letter.origin is None else f" It stood at {_place(letter.origin.partition, letter.origin.offset)}."
    return f"The {letter.group} could not read its message ({letter.error_class}: {letter.reason}).{at}"


def _place(part: Partition, offset: int) -> str:
    return f"{part.topic} {part.number} at {offset}"
