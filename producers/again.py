"""Chosen pictures once more: what that means, and a request for each."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from uuid import UUID

from sqlalchemy import Connection, text

from producers.chosen import Chosen, where
from producers.requests import Desk, Unknown, alone, ask_for, wait_until_answered
from thumper.replay.preview import lately

# Asked for, and acknowledged, before the next are read.
AT_ONCE = 5_000
LISTED = 10


@dataclass(frozen=True, slots=True)
class Meant:
    """Pictures that would be done again. first, last: capture times. waiting: of them, in the pipeline by their event.

    completed, failed: what the active model's outcomes are now. places: the first LISTED by pictures.
    rate_per_minute: None if nobody knows.
    """

    pictures: int
    waiting: int
    dated: int
    first: datetime | None
    last: datetime | None
    completed: int
    failed: int
    places: tuple[tuple[str, int], ...]
    rate_per_minute: float | None = None

    @property
    def seconds(self) -> float | None:
        """How long it takes at that rate, alone."""
        return self.pictures * 60 / self.rate_per_minute if self.rate_per_minute else None


@dataclass(frozen=True, slots=True)
class Asked:
    """pictures: those that are in the pipeline now. asked: how many of them by requests of this call."""

    pictures: int
    asked: int


def look_at(connection: Connection, chosen: Chosen, committed: Mapping[int, int]) -> Meant:
    """Count, and change nothing. Raises UserError if nothing is chosen, Unknown for a place or model that is none."""
    wanted = where(chosen)
    _refuse_unknown(connection, chosen)
    positions = {"partitions": list(committed), "offsets": list(committed.values())}
    counted = connection.execute(text(f"{_COMMITTED}{_COUNT}{wanted}"), chosen.values() | positions).mappings().one()
    places = connection.execute(
        text(f"{_PLACES}{wanted} GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {LISTED}"), chosen.values()
    )
    return Meant(**counted, places=tuple((name, pictures) for name, pictures in places))


def preview(chosen: Chosen, desk: Desk, rate: float = 0.0) -> Meant:
    """The same, alone with tables that know every request and outcome. Raises NotRecorded, Busy and the rest too.

    rate: pictures a minute that live detectors do now; 0: as it was lately.
    """
    with alone(desk.engine) as connection:
        committed = _committed(desk)
        wait_until_answered(connection, desk)
        found = look_at(connection, chosen, committed)
        return replace(found, rate_per_minute=rate or lately(connection))


def again(chosen: Chosen, desk: Desk, requested_by: str) -> Asked:
    """See that all that are chosen are in the pipeline, however many, in the order of the log; AT_ONCE at a time.

    Those that wait already get no second event. Broken off, the same call asks for the rest, and once more for those
    that were answered meanwhile. Raises as look_at; NotRecorded, Busy, KafkaDown, DatabaseDown.
    """
    statement = text(f"SELECT i.image_id {where(chosen)} ORDER BY i.log_partition, i.log_offset")
    pictures = asked = 0
    with alone(desk.engine) as connection:
        _refuse_unknown(connection, chosen)
        committed = _committed(desk)
        wait_until_answered(connection, desk)
        ids = connection.execute(statement, chosen.values(), execution_options={"yield_per": AT_ONCE}).scalars()
        for some in _batches(ids):
            queued = ask_for(connection, some, committed, desk, requested_by)
            pictures += len(queued.task_ids)
            asked += queued.asked
    return Asked(pictures, asked)


def lines(found: Meant, given_ids: int, duration: str | None = None) -> Iterator[str]:
    """For people. duration: how long it takes, in words."""
    yield f"[INFO] {found.pictures:,} pictures are meant"
    if found.pictures < given_ids:
        yield f"[INFO] {given_ids:,} ids were given: the others are unknown, removed, or do not meet the rest"
    if not found.pictures:
        return
    undated = f" ({found.pictures - found.dated:,} without a time)" if found.dated < found.pictures else ""
    yield f"[INFO] Taken: {f'{found.first} to {found.last}{undated}' if found.dated else 'nobody knows when'}"
    yield "[INFO] Locations: " + ", ".join(f"{name} {count:,}" for name, count in found.places)
    yield (
        f"[INFO] Replaced, one by one: the results of {found.completed:,} completed and {found.failed:,} failed "
        "pictures; until then they stay readable, and people's corrections stay for good"
    )
    if found.waiting:
        yield f"[INFO] {found.waiting:,} of them wait already, and are not asked for"
    if duration is not None and found.rate_per_minute is not None:
        yield f"[INFO] That takes about {duration} at {found.rate_per_minute:,.0f} pictures a minute"


def _committed(desk: Desk) -> dict[int, int]:
    """The group's position first: what it passes from now on is then among the outcomes that are waited for."""
    return {part.partition.number: part.position for part in desk.lags.read("detector", ["images"]).partitions}


def _batches(ids: Iterator[UUID]) -> Iterator[list[UUID]]:
    while some := list(islice(ids, AT_ONCE)):
        yield some


def _refuse_unknown(connection: Connection, chosen: Chosen) -> None:
    for given, kind, statement in ((chosen.location, "location", _LOCATIONS), (chosen.model, "model", _MODELS)):
        if given is None:
            continue
        rows = [(str(name), str(one)) for name, one in connection.execute(statement)]
        if not any(given in row for row in rows):
            known = ", ".join(sorted({name for name, _ in rows})[:20]) or "none yet"
            raise Unknown(f"no {kind} is called {given[:100]!r}", f"known: {known}")


_COMMITTED = """
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
"""
_COUNT = """
SELECT count(*) AS pictures, count(i.taken_at) AS dated, min(i.taken_at) AS first, max(i.taken_at) AS last,
       count(*) FILTER (WHERE i.state = 1) AS completed, count(*) FILTER (WHERE i.state = 2) AS failed,
       count(*) FILTER (WHERE i.log_offset >= (
           SELECT c.next_offset FROM committed c WHERE c.log_partition = i.log_partition)) AS waiting
"""
_PLACES = "SELECT COALESCE(l.name, '(no location)') AS name, count(*) AS pictures "
_LOCATIONS = text("SELECT name, location_id FROM location")
_MODELS = text(
    "SELECT COALESCE(m.name, r.model_id), r.model_id FROM (SELECT model_id FROM model UNION SELECT model_id FROM "
    "active_model) r LEFT JOIN model m ON m.model_id = r.model_id"
)
