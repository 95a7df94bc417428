"""The thread that records batches in order, and goes on trying while the database is down."""

import threading
from collections import deque
from collections.abc import Callable, Sequence

import structlog

from sinks.postgres.backoff import Backoff
from sinks.postgres.recorder import Taken
from thumper.errors import DatabaseDown
from thumper.record import Done, Outgoing

log = structlog.get_logger("thumper.sink")

# One batch waits while one is written, so that the database never idles; more would only be memory.
MOST_WAITING = 1


class Background:
    """Batches in, Done out. For one other thread; its calls are quick, but those that wait and `stop`."""

    def __init__(self, record: Callable[[Sequence[Taken]], list[Outgoing]], backoff: Backoff) -> None:
        self._record = record
        self._backoff = backoff
        self._changed = threading.Condition()
        self._waiting: deque[Sequence[Taken]] = deque()
        self._finished: deque[Done] = deque()
        self._busy = False
        self._stopping = False
        self._generation = 0
        self._down: DatabaseDown | None = None
        self._said_down = False
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sink-writer", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def put(self, batch: Sequence[Taken]) -> None:
        """Record `batch` after those before it."""
        with self._changed:
            self._waiting.append(batch)
            self._changed.notify_all()

    def has_room(self) -> bool:
        """Whether another batch would not wait long."""
        with self._changed:
            return len(self._waiting) < MOST_WAITING and self._down is None

    def down(self) -> DatabaseDown | None:
        """Why the database cannot be written at present."""
        return self._down

    def finished(self) -> Done | None:
        """The oldest recorded batch. Raises what ended the thread, once all before it is handed out."""
        with self._changed:
            if self._finished:
                return self._finished.popleft()
            if self._failure is not None:
                raise self._failure
            return None

    def wait(self, timeout_s: float) -> bool:
        """Wait until something is finished; False if nothing is after `timeout_s` or nothing is left to do."""
        with self._changed:
            self._changed.wait_for(self._settled, timeout_s)
            return bool(self._finished)

    def wait_finished(self, timeout_s: float) -> None:
        """Wait until something is finished or has failed, at most `timeout_s`."""
        with self._changed:
            self._changed.wait_for(lambda: self._finished or self._failure, timeout_s)

    def forget(self) -> None:
        """Drop what waits, what is finished, and the result of what is being written (the same again is harmless)."""
        with self._changed:
            self._generation += 1
            self._waiting.clear()
            self._finished.clear()
            self._changed.notify_all()

    def stop(self, interrupt: Callable[[], None], patience_s: float = 5.0) -> bool:
        """End the thread; after `patience_s` by `interrupt`. False if it does not end even so."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.ident is None:
            return True
        self._thread.join(patience_s)
        if self._thread.is_alive():
            interrupt()
            self._thread.join(patience_s)
        return not self._thread.is_alive()

    def _settled(self) -> bool:
        return bool(self._finished or self._failure) or not (self._waiting or self._busy)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                batch = self._waiting.popleft()
                generation = self._generation
                self._busy = True
            try:
                done = self._until_recorded(batch, generation)
            except BaseException as error:  # handed to the loop's thread, which ends the process by it
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
                return
            with self._changed:
                self._busy = False
                if done is not None and generation == self._generation:
                    self._finished.append(done)
                self._changed.notify_all()

    def _until_recorded(self, batch: Sequence[Taken], generation: int) -> Done | None:
        while True:
            try:
                letters = self._record(batch)
            except DatabaseDown as error:
                self._say_down(error)
            else:
                self._say_up()
                return Done([taken.record for taken in batch], letters)
            with self._changed:
                if self._changed.wait_for(lambda: self._is_void(generation), self._backoff.next_s()):
                    # Nobody tries any more: the next batch has to find out.
                    self._down = None
                    return None

    def _is_void(self, generation: int) -> bool:
        return self._stopping or generation != self._generation

    def _say_down(self, error: DatabaseDown) -> None:
        if not self._said_down:
            log.error("database is down; waiting", reason=error.message, hint=error.hint)
        self._down, self._said_down = error, True

    def _say_up(self) -> None:
        self._backoff.reset()
        if self._said_down:
            log.info("database is back")
        self._down, self._said_down = None, False
