"""Writing a backup's log back, offset by offset and with the broker's times that it had.

So whatever names offsets stays true: the origin of each outcome, the positions of groups, what rows say. Topics keep
the time that a record is sent with while they are being restored (thumper.topics.UNFINISHED), and the broker's own from
then on. That is also how an unfinished restore is known: nothing starts on it, and the same command begins anew.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path

from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition

from thumper.backup.layout import Span, spans
from thumper.backup.manifest import Manifest
from thumper.backup.segments import Entry, read_segment
from thumper.clock import Clock
from thumper.embedded.waiting import wait_until
from thumper.errors import Fatal, KafkaDown
from thumper.kafka import Names, make_admin, make_producer, make_transactional_producer
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings

Say = Callable[[str], None]
ANSWERS_WITHIN_S = 60.0
# A round has at most one transaction to commit and one to abort, over all partitions.
SAY_EVERY_S = 5.0
FILLER = b"-"


def restore_log(settings: Settings, folder: Path, manifest: Manifest, clock: Clock, say: Say) -> None:
    """Write every partition into its empty topic. Raises KafkaDown, UserError (damaged), Fatal (not what it should be).

    Broken off, the topics are of no use: they are made anew.
    """
    with closing(LagReader(settings, clock)) as lags, _Writer(settings, lags, clock) as writer:
        going = {part: spans(_entries(folder, manifest, part), manifest.ends[part]) for part in sorted(manifest.ends)}
        said_s = clock.now_s()
        while going:
            found = {part: next(steps, None) for part, steps in going.items()}
            writer.write({part: span for part, span in found.items() if span is not None})
            going = {part: steps for part, steps in going.items() if found[part] is not None}
            if clock.now_s() - said_s > SAY_EVERY_S:
                said_s = clock.now_s()
                say(f"[INFO] {writer.written:,} of {manifest.records:,} events written")
        say(f"[INFO] {writer.written:,} events written")
    _cut(settings, _firsts(folder, manifest))
    with closing(LagReader(settings, clock)) as lags:
        ends = lags.ends(list({part.topic for part in manifest.ends}))
    wrong = [part for part, end in manifest.ends.items() if ends.get(part) != end]
    if wrong:
        raise Fatal(
            f"{wrong[0].topic} {wrong[0].number} ends at {ends.get(wrong[0])}, not at {manifest.ends[wrong[0]]}"
        )


def _entries(folder: Path, manifest: Manifest, part: Partition) -> Iterator[Entry]:
    return chain.from_iterable(read_segment(folder / one.file) for one in manifest.of(part))


def _firsts(folder: Path, manifest: Manifest) -> dict[Partition, int]:
    """Where a partition begins, where that is not at 0."""
    found = {part: next(_entries(folder, manifest, part), None) for part in manifest.ends}
    firsts = {part: manifest.ends[part] if entry is None else entry.offset for part, entry in found.items()}
    return {part: first for part, first in firsts.items() if first}


def _cut(settings: Settings, firsts: Mapping[Partition, int]) -> None:
    """Delete the fillers before the first records."""
    if not firsts:
        return
    names = Names(settings)
    places = [TopicPartition(names.topic(part.topic), part.number, first) for part, first in firsts.items()]
    admin = make_admin(settings)  # answers as long as it is held
    for future in admin.delete_records(places).values():
        try:
            future.result(ANSWERS_WITHIN_S)
        except KafkaException as error:
            raise KafkaDown(f"fillers cannot be deleted: {error.args[0].str()}") from None


class _Writer:
    """Two producers: one for what stands alone, one for transactions. written: events acknowledged so far."""

    def __init__(self, settings: Settings, lags: LagReader, clock: Clock) -> None:
        self._lags, self._clock = lags, clock
        self._names = Names(settings)
        self._plain = make_producer(settings)
        self._closing = make_transactional_producer(settings, "restore")
        self._closing.init_transactions(ANSWERS_WITHIN_S)
        self._next: dict[Partition, int] = {}
        self._marked: set[Partition] = set()
        self._wrong: str | None = None
        self.written = 0

    def write(self, steps: Mapping[Partition, Span]) -> None:
        """One step of each partition. Raises KafkaDown, Fatal."""
        try:
            self._write(steps)
        except KafkaException as error:
            raise KafkaDown(f"the log cannot be written: {error.args[0].str()}", _AGAIN) from None

    def _write(self, steps: Mapping[Partition, Span]) -> None:
        self._await_markers({part for part, span in steps.items() if span.plain} & self._marked)
        for part, span in steps.items():
            for _ in range(span.fillers):
                self._send(self._plain, part, None)
            for entry in span.plain:
                self._send(self._plain, part, entry)
        self._flush(self._plain)
        if any(span.closing for span in steps.values()):
            self._closing.begin_transaction()
            for part, span in steps.items():
                if span.closing is not None:
                    self._send(self._closing, part, span.closing)
            self._flush(self._closing)
            self._closing.commit_transaction(ANSWERS_WITHIN_S)
            self._mark(part for part, span in steps.items() if span.closing is not None)
        if any(span.aborted for span in steps.values()):
            self._closing.begin_transaction()
            for part, span in steps.items():
                for _ in range(span.aborted):
                    self._send(self._closing, part, None)
            self._flush(self._closing)
            self._closing.abort_transaction(ANSWERS_WITHIN_S)
            self._mark(part for part, span in steps.items() if span.aborted)

    def _mark(self, parts: Iterator[Partition]) -> None:
        for part in parts:
            self._next[part] += 1
            self._marked.add(part)

    def _await_markers(self, parts: set[Partition]) -> None:
        """The broker writes markers after it has answered. A further transaction waits for them, other records not."""
        topics = sorted({part.topic for part in parts})

        def are_there() -> bool:
            ends = self._lags.ends(topics)
            return all(ends[part] >= self._next[part] for part in parts)

        if parts and not wait_until(are_there, self._clock, ANSWERS_WITHIN_S, look_s=0.002):
            raise KafkaDown(f"transactions of {', '.join(topics)} do not end", _AGAIN)
        self._marked -= parts

    def _send(self, producer: Producer, part: Partition, entry: Entry | None) -> None:
        """None: a filler."""
        offset = self._next.get(part, 0)
        if entry is not None and entry.offset != offset:
            raise Fatal(f"{part.topic} {part.number}: offset {entry.offset} would become {offset}", _AGAIN)
        self._next[part] = offset + 1
        told = Entry(offset, 0, None, FILLER, ()) if entry is None else entry
        while True:
            try:
                producer.produce(
                    self._names.topic(part.topic),
                    value=told.value,
                    key=told.key,
                    partition=part.number,
                    headers=list[tuple[str, str | bytes | None]](told.headers),
                    timestamp=told.timestamp_ms,
                    on_delivery=partial(self._arrived, part, offset, entry is not None),
                )
                return
            except BufferError:
                producer.poll(0.1)

    def _flush(self, producer: Producer) -> None:
        left = producer.flush(ANSWERS_WITHIN_S)
        if self._wrong is not None:
            raise Fatal(self._wrong, _AGAIN)
        if left:
            raise KafkaDown(f"{left} events are not acknowledged after {ANSWERS_WITHIN_S:.0f} s", _AGAIN)

    def _arrived(self, part: Partition, offset: int, counts: bool, error: KafkaError | None, message: Message) -> None:
        if error is not None:
            self._wrong = f"{part.topic} {part.number}: offset {offset} was refused: {error.str()}"
        elif message.offset() != offset:
            self._wrong = f"{part.topic} {part.number}: offset {offset} became {message.offset()}: who else writes?"
        else:
            self.written += counts

    def __enter__(self) -> "_Writer":
        return self

    def __exit__(self, *_: object) -> None:
        self._plain.flush(1.0)


_AGAIN = "the same command again begins anew"
