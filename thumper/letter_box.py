"""The dead letters that there are: looked through, newest first, and sent again."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import TracebackType
from typing import NamedTuple, Protocol, Self

from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.control import LetterRetried, LettersAllowed
from schemas.envelope import Event
from thumper.audit.log import LogReader
from thumper.clock import Clock
from thumper.dead_letters import TOPIC, Letter, Origin, read_letter, sent_again
from thumper.errors import KafkaDown, UserError
from thumper.lag import LagReader
from thumper.record import Outgoing, Partition
from thumper.settings import Settings

PLACE = Partition(TOPIC, 0)
CONTROL = Partition("control", 0)
# Read at once when going backwards.
STEP = 200
# What a page shows of each value: whole ones may have 900,000 bytes.
BRIEF_BYTES = 300
# Looked at for one page; a page that is not full then goes on behind its cursor.
MOST_SCANNED = 5_000
# Sent before they are marked: an interrupt repeats so many at most.
SENT_AT_ONCE = 100
ACKNOWLEDGED_WITHIN_S = 30.0


class Sender(Protocol):
    """Sends messages and events (thumper.emitter.Emitter)."""

    def send(self, message: Outgoing) -> None:
        """Queue a message as it is. Raises KafkaDown."""
        ...

    def emit(self, topic: str, event: Event) -> None:
        """Queue an event. Raises KafkaDown."""
        ...

    def flush(self, timeout_s: float) -> None:
        """Wait until the broker has all. Raises KafkaDown if it has not."""
        ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which letters. topic, group, error_class: exactly; text: within reason or bytes, whatever the case.

    since: by the broker's time. retried: None for both.
    """

    topic: str | None = None
    group: str | None = None
    error_class: str | None = None
    text: str | None = None
    since: datetime | None = None
    retried: bool | None = None

    def has(self, letter: Letter, retried: bool) -> bool:
        """Whether `letter` is one of them."""
        return (
            self.topic in (None, letter.origin.partition.topic if letter.origin else "")
            and self.group in (None, letter.group)
            and self.error_class in (None, letter.error_class)
            and self.retried in (None, retried)
            and (self.since is None or letter.record.timestamp_ms >= self.since.timestamp() * 1_000)
            and (self.text is None or _says(letter, self.text.casefold()))
        )


class Found(NamedTuple):
    """A letter, and whether what it was has been sent again since."""

    letter: Letter
    retried: bool


class LetterBox:
    """Reads the topic of dead letters and the marks of those that were sent again. For one thread; close it."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._lags = LagReader(settings, clock)
        self._reader = LogReader(settings, clock)
        self._clock = clock
        self._done: set[str] | None = None

    def page(self, wanted: Wanted, before: int | None, most: int) -> tuple[list[Found], int | None]:
        """Up to `most` letters below offset `before` (None: the newest), newest first; and where to go on, or None.

        Of the values only the first BRIEF_BYTES are there. Raises KafkaDown.
        """
        start, end = self._edges()
        high = end if before is None else min(before, end)
        least = max(start, high - MOST_SCANNED)
        found: list[Found] = []
        while high > least:
            low = max(least, high - STEP)
            some = [_brief(one) for one in self.scan(wanted, low, high)][-(most - len(found)) :]
            found.extend(reversed(some))
            if len(found) >= most:
                last = found[-1].letter.record.offset
                return found, last if last > start else None
            high = low
        return found, high if high > start else None

    def scan(self, wanted: Wanted, start: int | None = None, end: int | None = None) -> Iterator[Found]:
        """The letters in the order of the log. Raises KafkaDown."""
        first, last = self._edges()
        done = self._retried()  # before: the reader does one thing at a time
        for record in self._reader.records(PLACE, first if start is None else start, last if end is None else end):
            letter = read_letter(record)
            retried = letter.origin is not None and str(letter.origin) in done
            if wanted.has(letter, retried):
                yield Found(letter, retried)

    def get(self, offset: int) -> Found:
        """The letter at `offset`. Raises UserError if there is none, KafkaDown."""
        start, end = self._edges()
        found = next(self.scan(Wanted(), offset, offset + 1), None) if start <= offset < end else None
        if found is None:
            raise UserError(f"there is no dead letter {offset}", "`thumper dead-letters list` shows them")
        return found

    def forget(self) -> None:
        """Read the marks anew."""
        self._done = None

    def close(self) -> None:
        """Let the connections go."""
        self._reader.close()
        self._lags.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _edges(self) -> tuple[int, int]:
        start, end = self._lags.starts([TOPIC]).get(PLACE), self._lags.ends([TOPIC]).get(PLACE)
        if start is None or end is None:
            raise KafkaDown("the topic of dead letters is not there", "`thumper check`")
        return start, end

    def _retried(self) -> set[str]:
        if self._done is None:
            start, end = self._lags.starts(["control"])[CONTROL], self._lags.ends(["control"])[CONTROL]
            values = (record.value for record in self._reader.records(CONTROL, start, end))
            self._done = {mark for value in values if (mark := _mark(value)) is not None}
        return self._done


def retry(letters: Sequence[Letter], sender: Sender, clock: Clock, by: str) -> int:
    """Send them again, each message once though several groups have left a letter of it; how many messages that were.

    They are marked as done when the broker has them. What comes in between (an end, an error) leaves up to
    SENT_AT_ONCE of them sent and not marked; sent once more, they change nothing, because ids follow from contents.
    Raises UserError before anything is sent if one of them cannot be sent again, KafkaDown.
    """
    messages = {letter.origin: sent_again(letter) for letter in letters}
    origins = [origin for origin in messages if origin is not None]
    for first in range(0, len(origins), SENT_AT_ONCE):
        some = origins[first : first + SENT_AT_ONCE]
        for origin in some:
            sender.send(messages[origin])
        sender.flush(ACKNOWLEDGED_WITHIN_S)
        for origin in some:
            sender.emit("control", _retried_event(origin, clock, by))
        sender.flush(ACKNOWLEDGED_WITHIN_S)
    return len(origins)


def allow(group: str, ends: Mapping[Partition, int], sender: Sender, clock: Clock, by: str) -> int:
    """Let `group` make dead letters of what it cannot read below `ends`; how many partitions. Raises KafkaDown."""
    for part, end in ends.items():
        event = LettersAllowed(
            type="dead_letters.allowed",
            id=f"dead_letters.allowed:{group}:{part.topic}:{part.number}:{end}",
            time=clock.wall(),
            source="thumper/dead-letters",
            group=group,
            topic=part.topic,
            partition=part.number,
            until=end,
            allowed_by=by,
        )
        sender.emit("control", event)
    sender.flush(ACKNOWLEDGED_WITHIN_S)
    return len(ends)


def _retried_event(origin: Origin, clock: Clock, by: str) -> LetterRetried:
    return LetterRetried(
        type="dead_letter.retried",
        id=f"dead_letter.retried:{origin}:{clock.wall().isoformat()}",
        time=clock.wall(),
        source="thumper/dead-letters",
        topic=origin.partition.topic,
        partition=origin.partition.number,
        offset=origin.offset,
        retried_by=by,
    )


def _mark(value: bytes | None) -> str | None:
    try:
        event = decode("control", value)
    except (UnreadableEvent, UnknownMajorVersion):
        return None
    if not isinstance(event, LetterRetried):
        return None
    return str(Origin(Partition(event.topic, event.partition), event.offset))


def _brief(found: Found) -> Found:
    record = found.letter.record
    return found._replace(
        letter=found.letter._replace(record=record._replace(value=(record.value or b"")[:BRIEF_BYTES]))
    )


def _says(letter: Letter, text: str) -> bool:
    return text in letter.reason.casefold() or text.encode() in (letter.record.value or b"").lower()
