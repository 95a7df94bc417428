"""Sends events until the broker has acknowledged them: back-off while Kafka is away, an honest count of the rest."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from producers.patience import Patience
from schemas.envelope import Event
from thumper.errors import KafkaDown

# Events on their way; more would only use memory.
MAX_WAITING = 10_000
FLUSH_S = 1.0


class Sender(Protocol):
    """Sends events (thumper.emitter.Emitter); for one thread."""

    def emit(self, topic: str, event: Event, on_ack: Callable[[str | None], None] | None = None) -> None:
        """Queue one event; on_ack is called later, inside a call of this thread. Raises KafkaDown."""
        ...

    def poll(self) -> None:
        """Call back what was acknowledged."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait for acknowledgements. Raises KafkaDown if some are still missing."""
        ...


@dataclass(frozen=True, slots=True)
class _Letter:
    topic: str
    event: Event
    arrived: Callable[[], None]


class Delivery:
    """For one thread. `waiting` counts what was sent and is not acknowledged: it may or may not be in the log."""

    def __init__(self, sender: Sender, patience: Patience) -> None:
        self.waiting = 0
        self._sender = sender
        self._patience = patience
        self._answered: deque[tuple[_Letter, str | None]] = deque()

    def send(self, topic: str, event: Event, arrived: Callable[[], None]) -> None:
        """Send one event. `arrived` is called once the broker has it, inside send, poll or drain.

        Raises KafkaDown when patience ends without progress.
        """
        while self.waiting >= MAX_WAITING:
            self._wait()
        self.waiting += 1
        self._emit(_Letter(topic, event, arrived))

    def poll(self) -> None:
        """Hear what was acknowledged meanwhile; send again what was refused."""
        self._sender.poll()
        self._hear()

    def drain(self) -> None:
        """Wait until all is acknowledged. Raises KafkaDown when patience ends; `waiting` says how many are not."""
        while self.waiting:
            self._wait()

    def _emit(self, letter: _Letter) -> None:
        def answered(error: str | None) -> None:
            # Called inside the client: only note it there.
            self._answered.append((letter, error))

        self._patience.retry(lambda: self._sender.emit(letter.topic, letter.event, answered), KafkaDown)

    def _wait(self) -> None:
        before = self.waiting

        def flush() -> None:
            try:
                self._sender.flush(FLUSH_S)
            except KafkaDown:
                self._hear()
                if self.waiting == before:
                    raise
            self._hear()
            if self.waiting == before:
                raise KafkaDown(f"Kafka refuses {before:,} events")

        self._patience.retry(flush, KafkaDown)

    def _hear(self) -> None:
        refused, why = [], ""
        while self._answered:
            letter, error = self._answered.popleft()
            if error is None:
                self.waiting -= 1
                letter.arrived()
            else:
                refused.append(letter)
                why = error
        if refused:
            self._patience.say(f"[WARN] Kafka has not taken {len(refused):,} events ({why}); sending them again")
        for letter in refused:
            self._emit(letter)
