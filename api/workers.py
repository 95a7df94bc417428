"""Who is alive: the newest heartbeat of each worker, kept by a thread that follows the topic `workers`."""

import threading
from collections.abc import Iterable, Sequence

from api.status import Worker
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from thumper.clock import Clock
from thumper.record import Record
from thumper.settings import Settings
from thumper.tail import Tail

# Workers silent for this long are not listed any more.
FORGET_AFTER_S = 3_600.0


class Beats:
    """The newest beat of each worker. Filled by one thread, read by many."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._workers: dict[str, Worker] = {}

    def add(self, records: Iterable[Record]) -> None:
        """Take in records of `workers`; what cannot be read is left out."""
        now_s, now_ms = self._clock.now_s(), self._clock.wall().timestamp() * 1_000
        for record in records:
            try:
                beat = decode("workers", record.value)
            except (UnreadableEvent, UnknownMajorVersion):
                continue
            age_s = max(0.0, (now_ms - record.timestamp_ms) / 1_000)
            with self._lock:
                self._workers[beat.worker] = Worker(beat, now_s - age_s)

    def known(self) -> Sequence[Worker]:
        """Everybody heard of in the last hour, by name."""
        now_s = self._clock.now_s()
        with self._lock:
            found = [worker for worker in self._workers.values() if now_s - worker.seen_s < FORGET_AFTER_S]
        return sorted(found, key=lambda worker: worker.beat.worker)


class BeatReader:
    """Fills `beats` in the background from start() to close(); catch_up() does it once, on the caller's thread."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.beats = Beats(clock)
        self._clock = clock
        self._settings = settings
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="heartbeats", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Stop; returns when the thread has ended."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5.0)

    def catch_up(self, wait_s: float = 1.0) -> None:
        """Take in what is there already: waits at most `wait_s` for the first beat, and as long again for the rest."""
        until_s = self._clock.now_s() + 2 * wait_s
        with Tail(self._settings, "workers") as tail:
            while (records := tail.take(wait_s)) and self._clock.now_s() < until_s:
                self.beats.add(records)
                wait_s = 0.1

    def _follow(self) -> None:
        with Tail(self._settings, "workers") as tail:
            while not self._stopping.is_set():
                self.beats.add(tail.take(0.5))
