"""Recording one batch: write it; if the database refuses a row, split the batch until that row is found."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import structlog

from schemas.detection import DetectionCompleted, DetectionFailed
from schemas.envelope import Event
from sinks.postgres.fold import Item, fold
from sinks.postgres.rows import Rows
from sinks.postgres.writer import Unaware, Written
from thumper.dead_letters import dead_letter
from thumper.errors import Fatal, Poison
from thumper.record import Outgoing, Record

log = structlog.get_logger("thumper.sink")

ERROR_CLASS = "record"
_MESSAGE = "the outcome could not be recorded: "


class RowWriter(Protocol):
    """What writes rows (PostgresWriter)."""

    def write(self, rows: Rows) -> Written:
        """One transaction. Raises DatabaseDown, Unaware, Poison or Fatal, and has written nothing then."""
        ...

    def cancel(self) -> None:
        """Interrupt a write in progress, from another thread."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


def write_items(writer: RowWriter, items: Sequence[Item]) -> Written:
    """Write the rows of `items`, without what removals have made void; see RowWriter.write."""
    known: dict[str, int] = {}
    while True:
        try:
            return writer.write(fold(items, known))
        except Unaware as error:
            known.update(error.removals)


class Taken(NamedTuple):
    """A record, and its event; or the dead letter that it has become already."""

    record: Record
    event: Event | None
    letter: Outgoing | None = None


class Recorder:
    """Writes batches. Of what is refused an outcome leaves a failed row of class `record`, and all leave a dead letter.

    totals: what was written since the start.
    """

    def __init__(self, writer: RowWriter, group: str) -> None:
        self._writer = writer
        self._group = group
        self.totals = Written()

    def record(self, batch: Sequence[Taken]) -> list[Outgoing]:
        """Write all of `batch`; returns its dead letters. The same batch again is harmless.

        Raises DatabaseDown (some of it may have been written: record all of it again) or Fatal.
        """
        refused = [taken.letter for taken in batch if taken.letter is not None]
        self._write([(taken.record, taken.event) for taken in batch], refused)
        return refused

    def _write(self, items: Sequence[Item], refused: list[Outgoing]) -> None:
        try:
            written = write_items(self._writer, items)
        except Poison as error:
            if len(items) > 1:
                half = len(items) // 2
                self._write(items[:half], refused)
                self._write(items[half:], refused)
            else:
                refused.append(self._give_up(*items[0], str(error)))
            return
        self.totals = Written(
            self.totals.results + written.results,
            self.totals.images + written.images,
            self.totals.absorbed + written.absorbed,
        )

    def _give_up(self, record: Record, event: Event | None, reason: str) -> Outgoing:
        log.error("row refused", topic=record.partition.topic, partition=record.partition.number, offset=record.offset)
        for instead in (_failed_instead(event, reason), None):
            try:
                write_items(self._writer, [(record, instead)])
            except Poison as error:
                if instead is None:
                    raise Fatal(f"not even an offset can be recorded: {error}") from error
            else:
                break
        return dead_letter(record, self._group, reason, ERROR_CLASS)


def _failed_instead(event: Event | None, reason: str) -> DetectionFailed | None:
    if not isinstance(event, DetectionCompleted | DetectionFailed):
        return None
    return DetectionFailed(
        type="detection.failed",
        image_id=event.image_id,
        group=event.group,
        model=event.model,
        origin=event.origin,
        worker=event.worker,
        runtime=event.runtime,
        error_class=ERROR_CLASS,
        # Readable by the reader's own rules: what the database quotes may hold anything.
        error_message=_MESSAGE + reason.encode("utf-8", "replace").decode().replace("\0", "")[:3_000],
    )
