"""Who makes work final, and in which order.

Detector (TransactionCommitter): the batch is computed already; begin, produce the outcomes, send the offsets, commit.
Either all of it is in the log or nothing is. A transaction is short, because its time-out is a fatal error.

Sink (OffsetCommitter): the rows are in the database already; dead letters are acknowledged, then the offsets are
committed. If that last step is lost, the same rows are written again, which changes nothing.

Every call of the transactional producer ends in one of three ways (librdkafka, INTRODUCTION.md, "Transactional
producer"): retriable, then the same call again; requires abort, then abort and rewind; all else, then a fresh producer
with the same transactional.id, whose init_transactions fences what was before, and rewind. A call whose time is up is
of the third kind: librdkafka has no client part of KIP-890, so a late EndTxn could hit the next transaction of the same
producer. A call that does not even keep its time ends the process: librdkafka 2.16 waits without limit for an answer
that does not come where a broker died at the wrong moment (seen of send_offsets_to_transaction).
"""

from collections.abc import Callable, Mapping
from functools import partial

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from thumper.bounded import bounded
from thumper.clock import Clock, SystemClock
from thumper.emitter import Emitter
from thumper.errors import Fatal, KafkaDown, Rewind
from thumper.kafka import Names, make_transactional_producer
from thumper.record import Done, Outgoing, Partition
from thumper.settings import Settings

# The group has moved on without us: what was to be committed belongs to somebody else now.
MOVED_ON = {
    KafkaError.ILLEGAL_GENERATION,
    KafkaError.UNKNOWN_MEMBER_ID,
    KafkaError.REBALANCE_IN_PROGRESS,
    KafkaError.FENCED_INSTANCE_ID,
    KafkaError.STALE_MEMBER_EPOCH,
    KafkaError._STATE,
    KafkaError._NO_OFFSET,
}
# A call that is given so much more than its time does not return at all.
OVERTIME_S = 5.0
HOPELESS = {
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
}


class TransactionCommitter:
    """Outputs and offsets in one transaction."""

    def __init__(
        self, settings: Settings, transactional_id: str, consumer: Consumer, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._id = transactional_id
        self._consumer = consumer
        self._names = Names(settings)
        self._clock = clock or SystemClock()
        self._producer: Producer | None = None
        # Repeating a retriable call longer than this is of no use: the broker has aborted the transaction by then.
        self._patience_s = settings.transaction_timeout_ms / 1_000

    def open(self) -> None:
        """Get a producer; fences whatever had this transactional.id before. Raises KafkaDown or Fatal."""
        producer = make_transactional_producer(self._settings, self._id)
        try:
            self._patiently("init_transactions", producer.init_transactions, 3 * self._patience_s)
        except KafkaException as error:
            raise self._named(error, "cannot start transactions") from None
        self._producer = producer

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        """See Committer. Raises Rewind, KafkaDown or Fatal."""
        if self._producer is None:
            self.open()
            raise Rewind("the producer was renewed")
        # A consumer that has not joined carries generation -1, which the broker does not fence.
        if not self._consumer.memberid():
            raise Rewind("not a member of the group at present")
        producer = self._producer
        try:
            self._transact(producer, done, offsets)
        except KafkaException as error:
            self._give_up(producer, error.args[0])

    def close(self) -> None:
        """Forget the producer; an open transaction is not left behind, since commit never returns with one."""
        self._producer = None

    def _transact(self, producer: Producer, done: Done, offsets: Mapping[Partition, int]) -> None:
        producer.begin_transaction()
        for message in done.outputs:
            self._produce(producer, message)
        places = [
            TopicPartition(self._names.topic(part.topic), part.number, offset) for part, offset in offsets.items()
        ]
        # Read fresh each time: an empty rebalance changes the generation without any callback.
        metadata = self._consumer.consumer_group_metadata()
        self._patiently(
            "send_offsets_to_transaction",
            lambda timeout_s: producer.send_offsets_to_transaction(places, metadata, timeout_s),
            self._patience_s,
        )
        self._patiently("commit_transaction", producer.commit_transaction, self._patience_s)

    def _produce(self, producer: Producer, message: Outgoing) -> None:
        while True:
            try:
                producer.produce(
                    self._names.topic(message.topic),
                    key=message.key,
                    value=message.value,
                    headers=list[tuple[str, str | bytes | None]](message.headers),
                )
                return
            except BufferError:
                producer.poll(0.1)

    def _patiently(self, name: str, call: Callable[[float], None], patience_s: float) -> None:
        """Repeat `call` while it fails retriably.

        Raises the last KafkaException when patience ends, or any other; Fatal if the call does not keep its time.
        """
        until_s = self._clock.now_s() + patience_s
        while True:
            timeout_s = max(1.0, until_s - self._clock.now_s())
            try:
                bounded(partial(call, timeout_s), name, timeout_s + OVERTIME_S)
                return
            except KafkaException as error:
                if not error.args[0].retriable() or self._clock.now_s() > until_s:
                    raise

    def _give_up(self, producer: Producer, error: KafkaError) -> None:
        if error.code() in HOPELESS:
            raise Fatal(f"no right to write: {error.str()}", "give this user write rights and its transactional.id")
        if error.txn_requires_abort() and not error.fatal():
            try:
                self._patiently("abort_transaction", producer.abort_transaction, self._patience_s)
                raise Rewind(f"the transaction was aborted: {error.str()}")
            except KafkaException as second:
                error = second.args[0]
        self._producer = None
        del producer
        self.open()
        raise Rewind(f"the producer was renewed: {error.str()}")

    def _named(self, error: KafkaException, what: str) -> Exception:
        cause = error.args[0]
        if cause.code() in HOPELESS:
            return Fatal(f"{what}: {cause.str()}", f"allow the transactional.id {self._names.group(self._id)}")
        return KafkaDown(f"Kafka: {what}: {cause.str()}", "is it running? `thumper check`")


class OffsetCommitter:
    """Dead letters, acknowledged; then offsets."""

    def __init__(self, settings: Settings, consumer: Consumer) -> None:
        self._settings = settings
        self._consumer = consumer
        self._names = Names(settings)
        self._emitter: Emitter | None = None

    def open(self) -> None:
        """Get a producer for dead letters."""
        self._emitter = Emitter(self._settings)

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        """See Committer. Raises Rewind or KafkaDown."""
        if done.outputs and self._emitter is not None:
            for message in done.outputs:
                self._emitter.send(message)
            self._emitter.flush()
        places = [
            TopicPartition(self._names.topic(part.topic), part.number, offset) for part, offset in offsets.items()
        ]
        if not places:
            return
        try:
            answered = self._consumer.commit(offsets=places, asynchronous=False)
        except KafkaException as error:
            self._judge(error.args[0])
            return
        for place in answered or []:
            if place.error is not None:
                self._judge(place.error)

    def close(self) -> None:
        """Flush and forget the producer."""
        if self._emitter is not None:
            self._emitter.close()

    def _judge(self, error: KafkaError) -> None:
        if error.code() in MOVED_ON:
            raise Rewind(f"the offsets were refused: {error.str()}")
        raise KafkaDown(f"the offsets were not committed: {error.str()}")
