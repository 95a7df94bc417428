"""The product's pieces with named points in them (tests/faults/orders.py), and an importer that keeps a ledger."""

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, cast

from confluent_kafka import Consumer, Producer
from psycopg2.extensions import cursor as Cursor  # noqa: N812 - psycopg2's classes have lower-case names
from sqlalchemy import Engine, event

from cli.import_run import Asked, ImportRun, Wires
from cli.wiring import Makers
from producers.delivery import Sender
from producers.hands import PictureStore
from schemas.envelope import Event
from schemas.image import ImageImported
from tests.faults.ledger import Ledger
from tests.faults.orders import Orders
from thumper.commit import OffsetCommitter, TransactionCommitter
from thumper.record import Done, Partition
from thumper.settings import Settings

# A commit takes some milliseconds; this is within.
WITHIN_COMMIT_S = 0.002


def hooked(orders: Orders) -> Makers:
    """Makers of committers that come by the points."""
    return Makers(
        transactions=partial(_transactions, orders),
        offsets=partial(_offsets, orders),
    )


def _transactions(orders: Orders, settings: Settings, name: str, consumer: Consumer) -> "HookedTransactions":
    return HookedTransactions(settings, name, consumer, orders)


def _offsets(orders: Orders, settings: Settings, consumer: Consumer) -> "HookedOffsets":
    return HookedOffsets(settings, consumer, orders)


class HookedTransactions(TransactionCommitter):
    """Comes by the detector's points, where it has outcomes to commit."""

    def __init__(self, settings: Settings, name: str, consumer: Consumer, orders: Orders) -> None:
        super().__init__(settings, name, consumer)
        self._orders = orders

    def open(self) -> None:
        super().open()
        self._producer = cast("Producer", _HookedProducer(self._producer, self._orders))

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        if done.outputs:
            self._orders.pass_by("before_begin")
        super().commit(done, offsets)
        if done.outputs:
            self._orders.pass_by("after_commit")


class _HookedProducer:
    """A transactional producer; what is not here is as it was."""

    def __init__(self, producer: Producer | None, orders: Orders) -> None:
        self._within: Any = producer
        self._orders = orders
        self._produced = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._within, name)

    def begin_transaction(self) -> None:
        self._produced = False
        self._within.begin_transaction()

    def produce(self, *words: Any, **named: Any) -> None:
        self._produced = True
        self._within.produce(*words, **named)

    def send_offsets_to_transaction(self, *words: Any) -> None:
        self._pass_by("after_produce")
        if self._produced and self._orders.wanted("after_flush"):
            self._within.flush(5)
            self._pass_by("after_flush")
        self._within.send_offsets_to_transaction(*words)
        self._pass_by("after_send_offsets")

    def commit_transaction(self, *words: Any) -> None:
        if self._produced and self._orders.wanted("during_commit"):
            threading.Timer(WITHIN_COMMIT_S, self._orders.pass_by, ("during_commit",)).start()
        self._within.commit_transaction(*words)

    def _pass_by(self, point: str) -> None:
        if self._produced:
            self._orders.pass_by(point)


class HookedOffsets(OffsetCommitter):
    """Comes by the point between the database's commit and Kafka's."""

    def __init__(self, settings: Settings, consumer: Consumer, orders: Orders) -> None:
        super().__init__(settings, consumer)
        self._orders = orders

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        if done.records:
            self._orders.pass_by("between_commits")
        super().commit(done, offsets)


def hook_copies(orders: Orders) -> None:
    """Have every COPY of this process come by the points before, in and after it."""

    class Hooked(Cursor):
        def copy_expert(self, sql: Any, file: Any, size: int = 8_192) -> None:
            orders.pass_by("before_copy")
            super().copy_expert(sql, _InParts(file, orders), size)
            orders.pass_by("after_copy")

    def connected(connection: Any, _: object) -> None:
        connection.cursor_factory = Hooked

    event.listen(Engine, "connect", connected)


class _InParts:
    """A file that is read in small parts; the point is before the second one."""

    def __init__(self, file: Any, orders: Orders) -> None:
        self._file = file
        self._orders = orders
        self._begun = False

    def read(self, size: int = 8_192) -> Any:
        if self._begun:
            self._orders.pass_by("in_copy")
            return self._file.read(size)
        self._begun = True
        return self._file.read(256)

    def readline(self, size: int = -1) -> Any:
        return self._file.readline(size)


class _HookedStore:
    """Comes by the point behind the store."""

    def __init__(self, store: PictureStore, orders: Orders) -> None:
        self._store = store
        self._orders = orders

    def put(self, data: bytes, sha256: str, suffix: str) -> str:
        uri = self._store.put(data, sha256, suffix)
        self._orders.pass_by("after_store")
        return uri

    def in_place_uri(self, path: bytes) -> str:
        return self._store.in_place_uri(path)

    def free_bytes(self) -> int | None:
        return self._store.free_bytes()

    def readmit(self, uri: str) -> None:
        self._store.readmit(uri)


class _LedgerSender:
    """Notes what the broker has acknowledged, before anybody else hears of it."""

    def __init__(self, sender: Sender, ledger: Ledger, orders: Orders) -> None:
        self._sender = sender
        self._ledger = ledger
        self._orders = orders

    def emit(self, topic: str, event: Event, on_ack: Callable[[str | None], None] | None = None) -> None:
        def acknowledged(error: str | None) -> None:
            if error is None and isinstance(event, ImageImported):
                self._ledger.note(event)
            if on_ack is not None:
                on_ack(error)

        self._sender.emit(topic, event, acknowledged)
        if topic == "images":
            self._orders.pass_by("after_produce")

    def poll(self) -> None:
        self._sender.poll()

    def flush(self, timeout_s: float) -> None:
        self._sender.flush(timeout_s)


class LedgerImport(ImportRun):
    """An import that notes in `ledger` what was acknowledged, and comes by the import's points."""

    def __init__(self, settings: Settings, asked: Asked, wires: Wires, ledger: Ledger, orders: Orders) -> None:
        super().__init__(settings, asked, wires)
        self._ledger, self._orders = ledger, orders
        self._parts = replace(self._parts, store=_HookedStore(self._store, orders))
        self.send_by(lambda sender: sender)

    def send_by(self, around: Callable[[Sender], Sender]) -> None:
        """Send by what `around` makes of the real sender; the ledger hears what that says."""
        sender = _LedgerSender(around(self._emitter), self._ledger, self._orders)
        self._parts = replace(self._parts, sender=sender)
