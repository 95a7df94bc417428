"""Which parts of the log may tell of a picture: events by their offsets, and bounded stretches besides; pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from api.trace import Rows
from thumper.record import Partition
from thumper.topics import RECORDED


class Stretch(NamedTuple):
    """Offsets [start, end) of a partition."""

    part: Partition
    start: int
    end: int

    def __str__(self) -> str:
        return f"{self.part.topic} {self.part.number}: offsets {self.start} to {self.end - 1}"


class Edges(NamedTuple):
    """Of all partitions of what the sink records: first offsets, last stable offsets, and where a time begins."""

    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    since: Mapping[Partition, int]


def stretches(rows: Rows, edges: Edges, most: int) -> tuple[list[Stretch], list[Stretch]]:
    """What to read, and what is left out because all of it together may not be longer than `most`.

    What tables name by its offset is read besides, wherever it stands.
    """
    spots = [within for one in _spots(rows) if (within := _within(one, edges)) is not None]
    wanted = [*_tails(rows, edges), *_own(rows, edges)]
    kept, left = _share(merged([within for one in wanted if (within := _within(one, edges)) is not None]), most)
    return merged([*kept, *spots]), sorted(left)


def _share(wanted: Sequence[Stretch], most: int) -> tuple[list[Stretch], list[Stretch]]:
    """Equal shares of `most`, what short ones do not need for the longer; of each its newest offsets, and the rest."""
    kept: list[Stretch] = []
    left: list[Stretch] = []
    for n, one in enumerate(sorted(wanted, key=lambda one: one.end - one.start)):
        cut = max(one.start, one.end - most // (len(wanted) - n))
        most -= one.end - cut
        kept.append(one._replace(start=cut))
        if cut > one.start:
            left.append(one._replace(end=cut))
    return [one for one in kept if one.start < one.end], left


def merged(wanted: Sequence[Stretch]) -> list[Stretch]:
    """The same offsets, each once, in order."""
    found: list[Stretch] = []
    for one in sorted(wanted):
        if found and found[-1].part == one.part and one.start <= found[-1].end:
            found[-1] = found[-1]._replace(end=max(found[-1].end, one.end))
        else:
            found.append(one)
    return found


def _spots(rows: Rows) -> Iterator[Stretch]:
    """The events that the tables name."""
    if rows.image is not None:
        yield _spot("images", rows.image["first_partition"], rows.image["first_offset"])
        yield _spot("images", rows.image["log_partition"], rows.image["log_offset"])
    for row in rows.results:
        yield _spot("detections", row["log_partition"], row["log_offset"])
        if row["good_partition"] is not None:
            yield _spot("detections", row["good_partition"], row["good_offset"])
    for row in rows.requests:
        if row["asked"] is not None:
            yield _spot("requests", row["request_partition"], row["asked"])
    for row in rows.facts:
        yield _spot("facts", row["log_partition"], row["log_offset"])
        if row["kind"] == "placed":
            yield _spot("images", row["log_partition"], row["log_offset"])


def _tails(rows: Rows, edges: Edges) -> Iterator[Stretch]:
    """What the sink has not recorded yet."""
    for part, end in edges.ends.items():
        if part.topic in RECORDED:
            yield Stretch(part, rows.recorded.get(part, 0), end)


def _own(rows: Rows, edges: Edges) -> Iterator[Stretch]:
    """Earlier outcomes and requests: in the partitions of those that are known, from the picture's first event on."""
    if rows.image is None:
        return
    answers = {row["log_partition"] for row in rows.results} or {rows.image["log_partition"]}
    asked = {row["request_partition"] for row in rows.requests}
    for topic, numbers in (("detections", answers), ("requests", asked)):
        for part in (Partition(topic, number) for number in numbers):
            if part in edges.ends and part in edges.since:
                yield Stretch(part, edges.since[part], edges.ends[part])


def _spot(topic: str, number: int, offset: int) -> Stretch:
    return Stretch(Partition(topic, number), offset, offset + 1)


def _within(one: Stretch, edges: Edges) -> Stretch | None:
    if one.part not in edges.ends:
        return None
    start, end = max(one.start, edges.starts.get(one.part, 0)), min(one.end, edges.ends[one.part])
    return Stretch(one.part, start, end) if start < end else None
