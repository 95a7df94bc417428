"""How old the oldest unfinished event is: the broker's time of the first event at or after an offset."""

from collections.abc import Mapping
from threading import Lock

from confluent_kafka import OFFSET_INVALID, Consumer, KafkaError, KafkaException, Message, TopicPartition

from thumper.clock import Clock
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_sampler
from thumper.record import Partition
from thumper.settings import Settings

# Messages taken between two looks at who has answered.
AT_ONCE = 20


class OldestReader:
    """Reads one event of each partition that is asked for, and nothing else. For any thread, one at a time.

    Kafka's own calls find an offset by a time, not a time by an offset, so the event itself is fetched: 20 ms for 64
    partitions. Estimates from offsets alone are known to be off by half a minute.
    """

    def __init__(self, settings: Settings, clock: Clock, timeout_s: float = 3.0) -> None:
        self._consumer: Consumer = make_sampler(settings)
        self._names = Names(settings)
        self._clock = clock
        self._timeout_s = timeout_s
        self._lock = Lock()

    def read(self, places: Mapping[Partition, int]) -> dict[Partition, int | None]:
        """Per partition the broker's milliseconds of the first committed event at or after the offset given.

        None: there is no such event (what is left are transaction markers, or nothing). A partition that did not
        answer in time is left out. Blocks. Raises KafkaDown.
        """
        if not places:
            return {}
        with self._lock:
            try:
                return self._read(places)
            except KafkaException as error:
                raise KafkaDown(f"Kafka does not answer: {error.args[0].str()}", "is it running?") from None

    def close(self) -> None:
        """Let the connection go."""
        with self._lock:
            self._consumer.close()

    def _read(self, places: Mapping[Partition, int]) -> dict[Partition, int | None]:
        self._consumer.assign([self._place(part, offset) for part, offset in places.items()])
        found: dict[Partition, int | None] = {}
        until_s = self._clock.now_s() + self._timeout_s
        try:
            while len(found) < len(places) and self._clock.now_s() < until_s:
                answered = [part for message in self._messages() if (part := self._note(message, found)) is not None]
                if answered:
                    # The rest of what was fetched of them is dropped unread: a tenth of the time.
                    self._consumer.incremental_unassign([self._place(part) for part in answered])
        finally:
            self._consumer.unassign()
        return found

    def _messages(self) -> list[Message]:
        # consume() waits its whole time-out for a full list; poll() returns with the first.
        first = self._consumer.poll(0.1)
        return [] if first is None else [first, *self._consumer.consume(AT_ONCE, 0)]

    def _note(self, message: Message, found: dict[Partition, int | None]) -> Partition | None:
        """Take the first answer of a partition, an event or its end; None for any other message."""
        error = message.error()
        if error is not None and error.code() != KafkaError._PARTITION_EOF:
            return None
        part = Partition(self._names.own(message.topic() or ""), message.partition() or 0)
        if part in found:
            return None
        found[part] = message.timestamp()[1] if error is None else None
        return part

    def _place(self, part: Partition, offset: int = OFFSET_INVALID) -> TopicPartition:
        return TopicPartition(self._names.topic(part.topic), part.number, offset)
