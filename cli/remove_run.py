"""The run of a removal: its parts wired from settings, the locks that it holds, and what it prints."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from cli.importing import interruptible
from cli.rebuild_run import Say
from producers.catch_up import wait_for_turn, wait_until_recorded
from producers.chosen import Chosen
from producers.delivery import Delivery
from producers.known import ImportLock, RecordedPictures
from producers.patience import Patience
from producers.removal import Preview, RemovalParts, RemovalSummary, Words, preview, remove
from producers.requests import Desk, alone, wait_until_answered
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.errors import UserError
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.store import Store

WAIT_S = 60.0
LISTED = 10


class Removal:
    """One command's removal, connected. A context manager: leaving it gives back the locks and all connections."""

    def __init__(self, settings: Settings, clock: Clock, say: Say) -> None:
        self._settings, self._clock, self._say = settings, clock, say
        self._closing = ExitStack()
        self._patience = Patience(clock, lambda: False, say)
        self._engine = make_engine(settings, read_only=True, statement_timeout_ms=0, application_name="thumper remove")
        self._closing.callback(self._engine.dispose)
        self._lags = LagReader(settings, clock)
        self._closing.callback(self._lags.close)

    def preview(self, chosen: Chosen) -> Preview:
        """What would be removed, as far as the tables know now. Raises Busy, DatabaseDown, UserError."""
        with alone(self._engine) as connection:
            return preview(connection, chosen)

    def remove(self, chosen: Chosen, expected: int, words: Words) -> RemovalSummary:
        """Remove, if it is still `expected` pictures. Nobody imports or asks for any until the sink has recorded it.

        Raises UserError if it is not, or if the sink is behind; Busy, NotRecorded, KafkaDown, DatabaseDown, StoreDown.
        """
        stopped = self._closing.enter_context(interruptible(self._say))
        self._patience = Patience(self._clock, stopped, self._say)
        store = Store(self._settings, self._clock)
        store.open()
        lock, tables = ImportLock(self._engine), RecordedPictures(self._engine)
        self._closing.callback(lock.release)
        with Emitter(self._settings) as emitter:
            if not (wait_for_turn(lock, self._patience) and self._caught_up(tables)):
                return RemovalSummary(interrupted=True)
            with alone(self._engine) as connection:
                wait_until_answered(connection, Desk(self._engine, self._lags, emitter, self._clock))
                now = preview(connection, chosen).pictures
                if now != expected:
                    raise UserError(f"it is {now} pictures by now, not {expected}; nothing was removed")
                delivery = Delivery(emitter, self._patience)
                parts = RemovalParts(store, delivery, self._clock, self._patience.stopped)
                summary = remove(connection, chosen, parts, words)
                self._see_it_recorded(tables)
                return summary

    def _caught_up(self, tables: RecordedPictures) -> bool:
        return wait_until_recorded(self._lags, tables, WAIT_S, self._patience)

    def _see_it_recorded(self, tables: RecordedPictures) -> None:
        try:
            self._caught_up(tables)
        except UserError as error:
            self._say(f"[WARN] The removal is in the log, but not recorded yet: {error.message}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()


def preview_lines(found: Preview, chosen: Chosen) -> Iterator[str]:
    """What would be removed, for people."""
    yield f"[INFO] {found.pictures:,} pictures are meant"
    if chosen.ids and found.pictures < len(set(chosen.ids)):
        given = len(set(chosen.ids))
        yield f"[INFO] {given:,} ids were given: the others are unknown, removed, or do not meet the rest"
    if not found.pictures:
        return
    span = f"{found.first} to {found.last}" if found.first else "no capture times"
    yield f"[INFO] Taken: {span}"
    yield "[INFO] Locations: " + ", ".join(f"{name} {count:,}" for name, count in found.places)
    if found.in_place:
        yield f"[WARN] {found.in_place:,} lie outside the store (imported in place): their files are not deleted"
    yield from (f"       {image_id}  {taken_at or '-'}  {path}" for image_id, path, taken_at in found.examples)
    if found.pictures > len(found.examples):
        yield f"       and {found.pictures - len(found.examples):,} more"


def closing_lines(summary: RemovalSummary) -> Iterator[str]:
    """What was removed, for people."""
    yield from (f"[WARN] {complaint}" for complaint in summary.complaints[:LISTED])
    if len(summary.complaints) > LISTED:
        yield f"[WARN] and {len(summary.complaints) - LISTED:,} more"
    if summary.stopped_because is not None:
        yield f"[ERROR] stopped: {summary.stopped_because}; the same command removes the rest"
    if summary.interrupted:
        yield "[WARN] interrupted; the same command removes the rest"
    kept = f", {summary.kept:,} had none there" if summary.kept else ""
    yield f"remove: {summary.removed:,} pictures removed, {summary.files:,} files deleted in the store{kept}"
