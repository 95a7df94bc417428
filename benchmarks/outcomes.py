"""The outcomes in the log, as they were committed: what was answered, and when, by the broker's clock."""

from collections.abc import Iterator, Mapping

from confluent_kafka import TopicPartition

from benchmarks.turns import SideFailed
from schemas.codec import DetectionOutcome, decode
from thumper.clock import SystemClock
from thumper.kafka import Names, make_reader
from thumper.loop import MOST_COMMITTED
from thumper.record import Partition
from thumper.settings import Settings

PATIENCE_S = 120.0
LOOK_S = 0.2

# Offsets by partition.
Offsets = Mapping[Partition, int]


def last_of_each_once(settings: Settings, starts: Offsets, ends: Offsets, events: int) -> float:
    """When the last outcome came, in seconds since 1970. Raises SideFailed unless each event has exactly one."""
    sources: set[tuple[int, int]] = set()
    outcomes = last_ms = 0
    for timestamp_ms, value in read_outcomes(settings, starts, ends):
        outcome: DetectionOutcome = decode("detections", value)
        sources.add((outcome.origin.partition, outcome.origin.offset))
        outcomes += 1
        last_ms = max(last_ms, timestamp_ms)
    if not outcomes == len(sources) == events:
        raise SideFailed(f"{events} events have {outcomes} outcomes, which speak of {len(sources)} of them")
    return last_ms / 1_000


def times_s(settings: Settings, starts: Offsets, ends: Offsets) -> list[float]:
    """When each outcome from `starts` to `ends` came, in seconds since 1970, in order of time."""
    return sorted(timestamp_ms / 1_000 for timestamp_ms, _ in read_outcomes(settings, starts, ends))


def read_outcomes(settings: Settings, starts: Offsets, ends: Offsets) -> Iterator[tuple[int, bytes]]:
    """(the broker's milliseconds, value) of every committed outcome from `starts` to `ends`. Raises SideFailed."""
    topic = Names(settings).topic("detections")
    reader = make_reader(settings)
    reader.assign([TopicPartition(topic, part.number, offset) for part, offset in starts.items()])
    left = {part.number: end for part, end in ends.items() if end > starts[part]}
    clock = SystemClock()
    until_s = clock.now_s() + PATIENCE_S
    while left:
        if clock.now_s() > until_s:
            raise SideFailed(f"the outcomes could not be read within {PATIENCE_S:.0f} s")
        for message in reader.consume(MOST_COMMITTED, LOOK_S):
            if (error := message.error()) is not None:
                raise SideFailed(f"the outcomes cannot be read: {error.str()}")
            if (message.offset() or 0) < ends[Partition("detections", message.partition() or 0)]:
                yield message.timestamp()[1], bytes(message.value() or b"")
        for place in reader.position([TopicPartition(topic, number) for number in left]):
            if place.offset >= left[place.partition]:
                del left[place.partition]
    reader.close()
