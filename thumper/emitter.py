"""Sends events and knows which of them the broker has acknowledged."""

from collections.abc import Callable
from types import TracebackType
from typing import Self

from confluent_kafka import KafkaError, KafkaException, Message

from schemas.codec import encode, headers
from schemas.envelope import Event
from thumper.clock import Clock, SystemClock
from thumper.errors import KafkaDown
from thumper.kafka import Names, make_producer
from thumper.record import Outgoing
from thumper.settings import Settings

OnAck = Callable[[str | None], None]
# Longer than a broker's restart; a caller that cannot wait has a shorter time-out of its own on flush.
FULL_QUEUE_S = 60.0


class Emitter:
    """One idempotent producer. For one thread: acknowledgements are called back inside emit, poll and flush."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self._producer = make_producer(settings)
        self._names = Names(settings)
        self._clock = clock or SystemClock()
        self._refused: list[str] = []

    def emit(self, topic: str, event: Event, on_ack: OnAck | None = None, trace: str | None = None) -> None:
        """Queue `event` for `topic`, keyed by what it is about. Waits, bounded, while the queue is full.

        on_ack is called once: with None when the broker has it, else with the reason why not.
        Raises EventTooLarge before anything is queued, KafkaDown if the queue stays full.
        """
        self.send(Outgoing(topic, event.key().encode(), encode(event), headers(event, trace)), on_ack)

    def send(self, message: Outgoing, on_ack: OnAck | None = None) -> None:
        """Queue a message as it is. See emit."""
        give_up_s = self._clock.now_s() + FULL_QUEUE_S

        def report(error: KafkaError | None, _: Message) -> None:
            if error is not None and on_ack is None:
                self._refused.append(error.str())
            if on_ack is not None:
                on_ack(None if error is None else error.str())

        while True:
            try:
                self._producer.produce(
                    self._names.topic(message.topic),
                    key=message.key,
                    value=message.value,
                    headers=list[tuple[str, str | bytes | None]](message.headers),
                    on_delivery=report,
                )
                self._producer.poll(0)
                return
            except BufferError:
                if self._clock.now_s() > give_up_s:
                    raise KafkaDown(f"Kafka has taken no message for {FULL_QUEUE_S:.0f} s") from None
                self._producer.poll(0.1)
            except KafkaException as error:
                raise KafkaDown(f"cannot send to {message.topic}: {error.args[0].str()}") from None

    def poll(self) -> None:
        """Call back what was acknowledged meanwhile."""
        self._producer.poll(0)

    def flush(self, timeout_s: float = 30.0) -> None:
        """Wait until all is acknowledged or refused. Raises KafkaDown if some is neither, or was refused unheard."""
        left = self._producer.flush(timeout_s)
        refused, self._refused = self._refused, []
        if left:
            raise KafkaDown(
                f"{left} messages are not acknowledged after {timeout_s:.0f} s", "is Kafka up? `thumper check`"
            )
        if refused:
            raise KafkaDown(f"{len(refused)} messages were refused: {refused[0]}")

    def close(self, timeout_s: float = 10.0) -> None:
        """Flush what can be flushed; says nothing if the broker is away: callers that care flush before."""
        self._producer.flush(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
