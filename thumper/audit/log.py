"""Reading the log for the audit: where it starts and ends, where groups stand, and a partition from here to there."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, cast

from confluent_kafka import Consumer, KafkaException, Message, TopicPartition

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.request import ProcessingRequested
from thumper.audit.bits import Bits
from thumper.clock import Clock
from thumper.dead_letters import PREFIX
from thumper.dead_letters import TOPIC as LETTERS
from thumper.embedded.waiting import wait_until
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_offsets_reader, make_reader
from thumper.lag import LagReader
from thumper.record import Partition, Record
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

# Handed over by the client at once; it has some 100,000 more in its own memory.
MOST_TAKEN = 5_000
WAIT_S = 0.02
FETCH_WAIT_MS = 5
# No record and no answer for so long: the broker is away.
PATIENCE_S = 30.0
# Silence of so long is looked into.
LOOK_AFTER_S = 1.0
# Offsets closer to each other than this are read in one go.
NEAR = 5_000


@dataclass(frozen=True, slots=True)
class LogView:
    """One look at the log. ends: last stable offsets. committed: by group.

    settled: every outcome that `committed` speaks of lies below `ends`. If not, a transaction stayed open for long.
    """

    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    committed: Mapping[str, Mapping[Partition, int]]
    settled: bool


def view_log(settings: Settings, lags: LagReader, groups: Sequence[str], clock: Clock) -> LogView:
    """Look: first where the groups stand, then where the outcomes end, then where their sources end.

    In this order, every offset that a group has passed has its outcome below `ends`, and every outcome its source.
    Raises KafkaDown.
    """
    committed = {group: lags.committed(group, WORK) for group in groups}
    high = _high_waters(settings, lags.ends(["detections"]))

    def settled() -> bool:
        # A transaction's offsets may be visible a moment before its outcomes are.
        return all(end >= high[part] for part, end in lags.ends(["detections"]).items())

    is_settled = wait_until(settled, clock, PATIENCE_S)
    ends = lags.ends(["detections"])
    ends |= lags.ends([topic for topic in RECORDED if topic != "detections"])
    ends |= lags.ends([LETTERS])
    return LogView(lags.starts(list({*RECORDED, LETTERS})), ends, committed, is_settled)


def _high_waters(settings: Settings, partitions: Mapping[Partition, int]) -> dict[Partition, int]:
    """Where each partition ends with what is not yet committed."""
    names, reader = Names(settings), make_offsets_reader(settings, "reader")
    try:
        return {
            part: reader.get_watermark_offsets(TopicPartition(names.topic(part.topic), part.number), PATIENCE_S)[1]
            for part in partitions
        }
    except KafkaException as error:
        raise KafkaDown(f"Kafka does not answer: {error.args[0].str()}", "is it running? `thumper check`") from None
    finally:
        reader.close()


class Item(NamedTuple):
    """A record, as far as the audit looks at it. ms: the broker's time."""

    offset: int
    ms: int
    value: bytes | None


class LogReader:
    """Reads committed records of one partition at a time. For one thread; one generator at a time."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._names = Names(settings)
        self._clock = clock
        self._made: Consumer | None = None
        self._known: set[str] = set()

    def read(self, partition: Partition, start: int, end: int) -> Iterator[Item]:
        """The records at offsets [start, end) that are still there. Raises KafkaDown."""
        for message in self.messages(partition, start, end):
            yield Item(message.offset() or 0, message.timestamp()[1], message.value())

    def records(self, partition: Partition, start: int, end: int) -> Iterator[Record]:
        """The same with keys and headers."""
        for message in self.messages(partition, start, end):
            headers = cast("list[tuple[str, bytes]]", message.headers() or [])
            at_ms = message.timestamp()[1]
            yield Record(partition, message.offset() or 0, message.value(), message.key(), headers, at_ms)

    def letters(self, start: int, end: int) -> Iterator[tuple[str, Partition, int]]:
        """Which group refused what: group, partition and offset of each dead letter at [start, end)."""
        for message in self.messages(Partition(LETTERS, 0), start, end):
            said = _said(message)
            with suppress(KeyError, ValueError):  # a message of somebody else's says none of this
                where = Partition(said["topic"], int(said["partition"]))
                yield said["consumer.group"], where, int(said["offset"])

    def unanswerable(self, partition: Partition, offsets: Sequence[int], models: frozenset[str] | None) -> set[int]:
        """Which of `offsets` (rising) hold events that nobody can read, or that ask for none of `models` (if given)."""
        found: set[int] = set()
        for low, high in near_runs(offsets):
            wanted = set(offsets[low:high])
            for item in self.read(partition, offsets[low], offsets[high - 1] + 1):
                if item.offset in wanted and not answerable(partition.topic, item.value, models):
                    found.add(item.offset)
        return found

    def close(self) -> None:
        """Let the connection go."""
        if self._made is not None:
            self._made.close()
            self._made = None

    def messages(self, partition: Partition, start: int, end: int) -> Iterator[Message]:
        """The same as the client gives them, whole. Raises KafkaDown."""
        if start >= end:
            return
        topic = self._names.topic(partition.topic)
        reader, place = self._reader(topic), TopicPartition(topic, partition.number, start)
        reader.assign([place])
        # A partition that was read before keeps its old position for a moment, which may lie beyond `end` already.
        wait_until(lambda: int(reader.position([place])[0].offset) <= start, self._clock, PATIENCE_S)
        heard_s = self._clock.now_s()
        while not self._is_at(reader, place, end):
            for message in self._take(reader):
                heard_s = self._clock.now_s()
                if (message.offset() or 0) >= end:
                    return
                yield message
            silent_s = self._clock.now_s() - heard_s
            if silent_s > LOOK_AFTER_S and self._is_gone(reader, place, end):
                return
            if silent_s > PATIENCE_S:
                raise KafkaDown(
                    f"{partition.topic} {partition.number} cannot be read up to {end}", "is Kafka up? `thumper check`"
                )

    def _reader(self, topic: str) -> Consumer:
        if self._made is None:
            self._made = make_reader(self._settings, FETCH_WAIT_MS)
        if topic not in self._known:
            # Else the client finds the leaders of a topic that is new to it at its next look around, a second later.
            with suppress(KafkaException):
                self._made.list_topics(topic, timeout=PATIENCE_S)
            self._known.add(topic)
        return self._made

    @staticmethod
    def _take(consumer: Consumer) -> list[Message]:
        # consume() alone waits its whole time-out for a full list; poll() returns with the first record.
        first = consumer.poll(WAIT_S)
        messages = [] if first is None else [first, *consumer.consume(MOST_TAKEN, 0)]
        return [message for message in messages if message.error() is None]

    @staticmethod
    def _is_gone(consumer: Consumer, place: TopicPartition, end: int) -> bool:
        """Whether all below `end` has been deleted meanwhile, so that nothing will ever come."""
        try:
            return bool(consumer.get_watermark_offsets(place, LOOK_AFTER_S)[0] >= end)
        except KafkaException:
            return False

    @staticmethod
    def _is_at(consumer: Consumer, place: TopicPartition, end: int) -> bool:
        """Whether all below `end` was handed over: the position steps over the markers of transactions too."""
        return bool(consumer.position([place])[0].offset >= end)


class Letters:
    """Which events became dead letters, by the group that refused them."""

    def __init__(self, ends: Mapping[Partition, int]) -> None:
        self._ends = ends
        self._refused: dict[tuple[str, Partition], Bits] = {}
        self.count = 0

    def add(self, group: str, partition: Partition, offset: int) -> None:
        """Note one; what names no place in the log is left out."""
        self.count += 1
        end = self._ends.get(partition, 0)
        if 0 <= offset < end:
            self._refused.setdefault((group, partition), Bits(end)).add(offset)

    def has(self, group: str, partition: Partition, offset: int) -> bool:
        """Whether `group` refused the event there."""
        refused = self._refused.get((group, partition))
        return refused is not None and offset in refused


def _said(message: Message) -> dict[str, str]:
    """The headers of a dead letter that are ours, without their prefix."""
    found = message.headers() or []
    return {
        name.removeprefix(PREFIX): value if isinstance(value, str) else value.decode("utf-8", "replace")
        for name, value in (found.items() if isinstance(found, dict) else found)
        if name.startswith(PREFIX) and value is not None
    }


def answerable(topic: str, value: bytes | None, models: frozenset[str] | None) -> bool:
    """Whether a group that runs `models` (None: it does not matter) must answer this event of `topic`."""
    try:
        event = decode(topic, value)
    except (UnreadableEvent, UnknownMajorVersion):
        return False
    asked = event.model_id if isinstance(event, ProcessingRequested) else None
    return asked is None or models is None or asked in models


def near_runs(offsets: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Slices of `offsets` whose members are near each other."""
    low = 0
    for n in range(1, len(offsets) + 1):
        if n == len(offsets) or offsets[n] - offsets[n - 1] > NEAR:
            yield low, n
            low = n
