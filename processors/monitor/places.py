"""Where a picture was taken: outcomes do not say it, the sink's tables do."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import Connection, Engine, TextClause, text
from sqlalchemy.exc import ProgrammingError

from processors.monitor.windows import NOWHERE
from schemas.codec import DetectionOutcome
from thumper.database import translated
from thumper.errors import ThumperError

# Some 20 MB. Outcomes come nearly in the order of their pictures, so few are asked for twice.
MOST_KEPT = 50_000
# One question brings the places of so many pictures that come next in the same partition.
AHEAD = 500
_NAME = "SELECT i.image_id, l.name FROM image i LEFT JOIN location l ON l.location_id = i.location_id"
_NEXT = text(f"{_NAME} WHERE i.log_partition = :part AND i.log_offset >= :first AND i.log_offset < :end")
_ONE = text(f"{_NAME} WHERE i.image_id = :image")


class Places:
    """Location names by picture. For one thread. What cannot be read, or is not recorded yet, is `?`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: OrderedDict[UUID, str] = OrderedDict()

    async def of(self, outcome: DetectionOutcome) -> str:
        """The name of the location of the outcome's picture."""
        if (known := self._known.get(outcome.image_id)) is not None:
            return known
        try:
            found = await asyncio.to_thread(self._ask, outcome)
        except (ThumperError, ProgrammingError):  # the tables may not be made yet
            return NOWHERE
        self._known.update(found)
        while len(self._known) > MOST_KEPT:
            self._known.popitem(last=False)
        return found.get(outcome.image_id, NOWHERE)

    def _ask(self, outcome: DetectionOutcome) -> dict[UUID, str]:
        with translated(), self._engine.connect() as connection:
            found: dict[UUID, str] = {}
            if outcome.origin.topic == "images":
                first = outcome.origin.offset
                place = {"part": outcome.origin.partition, "first": first, "end": first + AHEAD}
                found = _rows(connection, _NEXT, place)
            if outcome.image_id not in found:
                found |= _rows(connection, _ONE, {"image": str(outcome.image_id)})
            return found


def _rows(connection: Connection, statement: TextClause, values: Mapping[str, object]) -> dict[UUID, str]:
    rows = connection.execute(statement, values)
    return {UUID(str(image)): name or NOWHERE for image, name in rows}
