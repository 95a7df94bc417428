"""Carries what is in `alerts` to one receiver: in its own thread, from its own position, and again until it is taken.

Whoever raises an alert (a worker, the monitor) only writes it into the log. A receiver that does not answer holds up
nobody but itself, and where it stands is a committed offset of the group `alerts-<receiver>`.
"""

import threading
from collections.abc import Sequence
from contextlib import closing

import structlog
from confluent_kafka import Consumer, KafkaException, TopicPartition

from processors.monitor.delivery import Delivery
from processors.monitor.receivers import Receiver
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from thumper.alerts import TOPIC
from thumper.clock import Clock
from thumper.kafka import Names, committed_offsets, make_offsets_reader
from thumper.record import Record
from thumper.settings import Settings
from thumper.tail import Tail

TURN_S = 1.0
ASK_S = 10.0
# The topic is compacted: it has one event or two for each alert that there ever was.
ALL = 1_000_000
log = structlog.get_logger("thumper.alerts")


class Courier:
    """One thread, from start() to close()."""

    def __init__(self, settings: Settings, receiver: Receiver, clock: Clock) -> None:
        self._settings = settings
        self._receiver = receiver
        self._clock = clock
        self._delivery = Delivery(receiver, clock)
        self._told = self._delivery.told
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"to {receiver.name}", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self, within_s: float = 2.0) -> None:
        """Stop. One that waits for its receiver is left behind; what it has not delivered, a next life delivers."""
        self._stopping.set()
        self._thread.join(within_s)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with closing(make_offsets_reader(self._settings, f"alerts-{self._receiver.name}")) as offsets:
                    self._carry(offsets)
            except Exception:
                # Nobody would notice a thread that has ended: its receiver would just never hear of anything again.
                log.exception("carrying alerts begins anew after a fault", receiver=self._receiver.name)
                self._stopping.wait(self._delivery.backs_off())

    def _carry(self, offsets: Consumer) -> None:
        place = TopicPartition(Names(self._settings).topic(TOPIC.topic), TOPIC.number)
        known = committed = self._begin(offsets, place)
        caught_up = False
        with Tail(self._settings, TOPIC.topic, newest=ALL) as tail:
            while not self._stopping.is_set():
                records = tail.take(TURN_S)
                self._note(records, known)
                # What is over already is not told as news: at first all that there is is read.
                caught_up = caught_up or not records
                if caught_up:
                    wait_s = self._delivery.turn()
                    committed = self._commit(offsets, place, committed)
                    self._stopping.wait(wait_s)

    def _note(self, records: Sequence[Record], known: int) -> None:
        for record in records:
            try:
                self._told.note(record.offset, decode(TOPIC.topic, record.value), known=record.offset < known)
            except (UnreadableEvent, UnknownMajorVersion):
                continue

    def _begin(self, offsets: Consumer, place: TopicPartition) -> int:
        while not self._stopping.is_set():
            try:
                (found,) = committed_offsets(offsets, [place], ASK_S, self._clock)
                return max(0, int(found.offset))
            except KafkaException:
                self._stopping.wait(TURN_S)
        return 0

    def _commit(self, offsets: Consumer, place: TopicPartition, committed: int) -> int:
        if self._told.position <= committed:
            return committed
        place.offset = self._told.position
        try:
            offsets.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            log.warning("cannot note what was delivered", receiver=self._receiver.name, error=str(error))
            return committed
        return place.offset
