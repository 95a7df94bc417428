"""A member of a consumer group, as the loop sees it: records in, positions, rewind; errors and rebalances told."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from thumper.clock import Clock, SystemClock
from thumper.decisions import LossDecisions
from thumper.errors import Fatal, KafkaDown
from thumper.kafka import Names, committed_offsets, log_start, make_consumer
from thumper.loss import Loss, loss_of
from thumper.record import Partition, Record
from thumper.settings import Settings
from thumper.wishes import Wanted

# Where a partition's position is gone, the log is looked at this often.
LOOK_S = 0.5


class Listener(Protocol):
    """Who is told of rebalances. Called inside `take` and `close`, on the same thread; must not raise."""

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """These partitions are ours from now on, from these offsets."""
        ...

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """These partitions go to somebody else; until this returns they are still ours, and may be committed."""
        ...

    def lost(self, partitions: Sequence[Partition]) -> None:
        """These partitions are somebody else's already: nothing of them may be committed."""
        ...

    def gone(self, loss: Loss) -> None:
        """The position of this partition is not in the log any more; it delivers nothing until somebody decides.

        Told again after each rewind.
        """
        ...

    def accepted(self, loss: Loss, start: int) -> None:
        """Somebody has: the partition goes on at offset `start`, the log's first."""
        ...


class Source(Protocol):
    """The loop's view of the consumer. One thread."""

    def open(self, listener: Listener) -> None:
        """Join the group."""
        ...

    def take(self, most: int, wait_s: float) -> list[Record]:
        """Up to `most` records; waits at most `wait_s` for the first. Raises KafkaDown or Fatal."""
        ...

    def positions(self) -> dict[Partition, int]:
        """For each assigned partition the offset of the next record to be delivered."""
        ...

    def behind(self) -> dict[Partition, int]:
        """For each assigned partition the records that are there and were not delivered, as far as is known here."""
        ...

    def rewind(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """Go back to the committed offsets, and return them. Raises KafkaDown, after which nothing has moved."""
        ...

    def hold(self, partitions: Iterable[Partition]) -> None:
        """Deliver nothing of these until `release`."""
        ...

    def release(self, partitions: Iterable[Partition]) -> None:
        """Deliver again."""
        ...

    def leave(self) -> None:
        """Give the partitions back, which is told in a `take` to come, and leave the group until `open`."""
        ...

    def wanted(self) -> Wanted:
        """What is wanted of the group, as far as this source follows it."""
        ...

    def joined(self) -> bool:
        """Whether this is a member of the group at present."""
        ...

    def close(self) -> None:
        """Leave the group; partitions that are still ours are revoked first."""
        ...


class KafkaSource:
    """The source over a real consumer."""

    def __init__(self, settings: Settings, group: str, topics: Sequence[str], clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._names = Names(settings)
        self._topics = topics
        self.consumer: Consumer = make_consumer(settings, group)
        self._starts: dict[Partition, int] = {}
        self._parts: dict[tuple[str | None, int | None], Partition] = {}
        self._failure: Exception | None = None
        self._joined = False
        # Bounded by the session: after it the group has given the partitions away anyhow.
        self._answer_s = settings.session_timeout_ms / 1_000
        self._lost: dict[Partition, Loss | None] = {}
        self._thrown: set[Partition] = set()
        self._look_s = 0.0
        self._decisions = LossDecisions(settings, group, self._clock)

    def open(self, listener: Listener) -> None:
        """Join the group."""
        self._listener = listener
        self.consumer.subscribe(
            [self._names.topic(topic) for topic in self._topics],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )

    def take(self, most: int, wait_s: float) -> list[Record]:
        """See Source. consume() waits its whole time-out for a full list; poll() returns with the first record."""
        self._look_at_losses()
        first = self.consumer.poll(wait_s)
        messages = [] if first is None else [first, *self.consumer.consume(most - 1, 0)]
        if self._failure is not None:
            failure, self._failure = self._failure, None
            raise failure
        return [record for message in messages if (record := self._record(message)) is not None]

    def positions(self) -> dict[Partition, int]:
        """See Source. Before the first delivery a partition's position is where it was started."""
        found = self.consumer.position(self._listed(self._starts))
        return {
            part: place.offset if place.offset >= 0 and part not in self._thrown else self._starts[part]
            for place in found
            if (part := self._own(place)) in self._starts
        }

    def behind(self) -> dict[Partition, int]:
        """See Source. The ends are those that came with the last fetches; nobody is asked."""
        return {part: max(0, self._known_end(part) - at) for part, at in self.positions().items()}

    def rewind(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        """See Source."""
        starts = self._resolve([part for part in partitions if part in self._starts])
        for part, offset in starts.items():
            if part in self._lost:
                # It has no fetcher any more, and cannot be sought. What was in hand of it counts as lost too.
                self._lost[part] = None
                self._thrown.add(part)
                continue
            try:
                self.consumer.seek(TopicPartition(self._names.topic(part.topic), part.number, offset))
            except KafkaException as error:
                raise KafkaDown(f"cannot go back to offset {offset} of {part}: {error.args[0].str()}") from None
        self._starts.update(starts)
        return starts

    def hold(self, partitions: Iterable[Partition]) -> None:
        """See Source."""
        self.consumer.pause(self._listed(part for part in partitions if part in self._starts))

    def release(self, partitions: Iterable[Partition]) -> None:
        """See Source."""
        self.consumer.resume(self._listed(part for part in partitions if part in self._starts))

    def leave(self) -> None:
        """See Source."""
        self._joined = False
        self.consumer.unsubscribe()

    def wanted(self) -> Wanted:
        """See Source. This one follows nobody."""
        return "running"

    def joined(self) -> bool:
        """See Source. A member without partitions is told so by an empty assignment."""
        return self._joined

    def close(self) -> None:
        """See Source."""
        self.consumer.close()
        self._decisions.close()

    def _record(self, message: Message) -> Record | None:
        error = message.error()
        if error is not None:
            self._tell(error, message)
            return None
        return Record(
            self._partition(message),
            message.offset() or 0,
            message.value(),
            message.key(),
            # So they come; the client's types also speak of what it takes.
            cast("list[tuple[str, bytes]]", message.headers() or []),
            message.timestamp()[1],
        )

    def _partition(self, message: Message) -> Partition:
        place = (message.topic(), message.partition())
        found = self._parts.get(place)
        if found is None:
            found = self._parts[place] = Partition(self._names.own(place[0] or ""), place[1] or 0)
        return found

    def _tell(self, error: KafkaError, message: Message) -> None:
        if error.code() == KafkaError._AUTO_OFFSET_RESET:
            self._lost.setdefault(self._partition(message))
            if (loss := self._lost[self._partition(message)]) is not None:
                self._listener.gone(loss)
        elif error.fatal():
            self._failure = Fatal(f"the consumer cannot go on: {error.str()}")
        elif error.code() in {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED}:
            self._failure = Fatal(f"no right to read: {error.str()}", "give this user read rights on topics and groups")
        elif error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            self._failure = KafkaDown(f"a topic is missing: {error.str()}", "`thumper check` says which")
        # All else (_MAX_POLL_EXCEEDED, transport) heals by itself; lost partitions are told through on_lost.

    def _look_at_losses(self) -> None:
        """Say what is lost, and go on where that was accepted. Raises KafkaDown."""
        now_s = self._clock.now_s()
        if not self._lost or now_s < self._look_s:
            return
        self._look_s = now_s + LOOK_S
        for part, loss in list(self._lost.items()):
            if part not in self._starts:
                del self._lost[part]
            elif loss is None:
                self._look_into(part, self.positions()[part])
            elif self._decisions.accepts(loss):
                start, _ = self._edges(part)
                if start > loss.to_offset:  # more of it has gone since: that was not accepted
                    self._lost[part] = None
                else:
                    self._go_on(part, start)
                    self._listener.accepted(loss, start)

    def _look_into(self, part: Partition, position: int) -> None:
        start, end = self._edges(part)
        if start <= position <= end:
            self._go_on(part, position)  # the log was in its place again when it was looked at
        else:
            self._lost[part] = loss = loss_of(part, position, start)
            self._listener.gone(loss)

    def _go_on(self, part: Partition, offset: int) -> None:
        # A new fetcher: the one whose position was gone has ended for good. Assigning is for all or none, so the others
        # are assigned where they are.
        places = {**self.positions(), part: offset}
        try:
            self.consumer.assign(
                [TopicPartition(self._names.topic(one.topic), one.number, at) for one, at in places.items()]
            )
        except KafkaException as error:
            raise KafkaDown(f"cannot go on at offset {offset} of {part}: {error.args[0].str()}") from None
        self._starts.update(places)
        self._thrown.discard(part)
        del self._lost[part]

    def _edges(self, part: Partition) -> tuple[int, int]:
        place = TopicPartition(self._names.topic(part.topic), part.number)
        try:
            start = log_start(self.consumer, place, self._answer_s, self._clock)
            return start, int(self.consumer.get_watermark_offsets(place, timeout=self._answer_s)[1])
        except KafkaException as error:
            raise KafkaDown(f"the ends of {part} cannot be read: {error.args[0].str()}") from None

    def _on_assign(self, _: Consumer, assigned: list[TopicPartition]) -> None:
        try:
            starts = self._resolve([self._own(part) for part in assigned])
            for part in assigned:
                part.offset = starts[self._own(part)]
            self.consumer.assign(assigned)
            self._starts.update(starts)
            self._listener.assigned(starts)
            self._joined = True
        except Exception as error:
            # A raise in here would leave the partitions assigned and silent, and no later call could tell: start anew.
            self._failure = Fatal(f"cannot start the assigned partitions: {error}")

    def _on_revoke(self, _: Consumer, revoked: list[TopicPartition]) -> None:
        self._let_go(revoked, lost=False)

    def _on_lost(self, _: Consumer, lost: list[TopicPartition]) -> None:
        self._joined = False
        self._let_go(lost, lost=True)

    def _let_go(self, partitions: list[TopicPartition], *, lost: bool) -> None:
        # The list may name partitions that are not held.
        held = [part for part in map(self._own, partitions) if part in self._starts]
        try:
            if held:
                (self._listener.lost if lost else self._listener.revoked)(held)
        except Exception as error:
            self._failure = error  # raised by take, outside of the callback
        for part in held:
            del self._starts[part]
            self._lost.pop(part, None)
            self._thrown.discard(part)

    def _resolve(self, partitions: Sequence[Partition]) -> dict[Partition, int]:
        """Where the group stands: its committed offsets; if it never committed, where it started, or the log does."""
        if not partitions:
            return {}  # It has left, with work in hand.
        try:
            found = committed_offsets(self.consumer, self._listed(partitions), self._answer_s, self._clock)
            return {self._own(place): self._start(place) for place in found}
        except KafkaException as error:
            raise KafkaDown(f"the group's offsets cannot be read: {error.args[0].str()}") from None

    def _start(self, place: TopicPartition) -> int:
        if place.offset >= 0:
            return place.offset
        # What was deleted between a group's very first start and its first commit is no reason to jump either.
        if (started := self._starts.get(self._own(place))) is not None:
            return started
        return log_start(self.consumer, place, self._answer_s, self._clock)

    def _known_end(self, part: Partition) -> int:
        place = TopicPartition(self._names.topic(part.topic), part.number)
        _, end = self.consumer.get_watermark_offsets(place, cached=True)
        return int(end)

    def _own(self, place: TopicPartition) -> Partition:
        return Partition(self._names.own(place.topic), place.partition)

    def _listed(self, partitions: Iterable[Partition]) -> list[TopicPartition]:
        return [TopicPartition(self._names.topic(part.topic), part.number) for part in partitions]
