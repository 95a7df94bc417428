"""Failed pictures back to pending, each once: in parts, by the one function that queues by hand."""

from collections.abc import Iterator
from dataclasses import replace

from producers.requests import Desk, Unknown, alone, queue
from producers.selection import Failed, Failure, Selection, count_failed, knows_place

__all__ = ["Failed", "Failure", "Selection", "failed", "retry"]

# One part: the most that the predecessor's call takes as well.
PART = 10_000


def failed(selection: Selection, desk: Desk) -> Failed:
    """How many failed pictures `selection` means. Raises Unknown, Busy, KafkaDown, DatabaseDown."""
    with alone(desk.engine) as connection:
        place = selection.location_id
        if place is not None and not knows_place(connection, place):
            raise Unknown(f"no location has the id {place}", "GET /api/locations lists them")
        committed = {part.partition.number: part.position for part in desk.lags.read("detector", ["images"]).partitions}
        return count_failed(connection, selection, committed)


def retry(selection: Selection, found: Failed, desk: Desk, requested_by: str, most: int) -> Iterator[int]:
    """Ask for the pictures that `found` counted, up to `most`; yields how many are in the pipeline after each part.

    What fails again meanwhile is not asked for again: only failures up to the newest one found are meant.
    Raises what queue does; going on means calling it again.
    """
    left = min(most, found.pictures)
    failure = replace(selection.failure, until_ms=found.newest_ms)
    while left > 0:
        part = replace(selection, status="failed", failure=failure, limit=min(PART, left))
        queued = len(queue(part, desk, requested_by).task_ids)
        if not queued:
            return
        left -= queued
        yield queued
