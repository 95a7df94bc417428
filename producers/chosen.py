"""Which pictures are meant: by id, import, place, class, time of capture, state, model or error; as SQL on `image`."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from uuid import UUID

from thumper.errors import UserError
from thumper.tables import COMPLETED, FAILED, TODO

State = Literal["pending", "completed", "failed"]
STATES: dict[State | None, int | None] = {None: None, "pending": TODO, "completed": COMPLETED, "failed": FAILED}


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which pictures: those that meet all of what is given. Times are local ones of the cameras, both inclusive.

    import_id: of the import that brought them. class_name: shown in them by the active model, or named by a person.
    confidence: of that class at least; None: the model's display threshold. state: as the tables have it.
    model: with a result of the model of this id or name. error: failed, with this in class or message.
    """

    ids: tuple[UUID, ...] = ()
    import_id: str | None = None
    location: str | None = None
    class_name: str | None = None
    confidence: float | None = None
    taken_from: datetime | None = None
    taken_to: datetime | None = None
    state: State | None = None
    model: str | None = None
    error: str | None = None

    def conditions(self) -> list[str]:
        """SQL, with these fields as parameters. Empty: nothing was chosen."""
        given = {name: bool(getattr(self, name)) for name in _CONDITIONS}
        return [condition for name, condition in _CONDITIONS.items() if given[name]]

    def values(self) -> dict[str, object]:
        """The parameters."""
        return {
            "ids": [str(one) for one in self.ids],
            "import_id": self.import_id,
            "location": self.location,
            "class_name": self.class_name,
            "confidence": self.confidence,
            "taken_from": self.taken_from,
            "taken_to": self.taken_to,
            "state": STATES[self.state],
            "model": self.model,
            "error": self.error,
        }


def where(chosen: Chosen) -> str:
    """`FROM image i ... WHERE ...` for `chosen`. Raises UserError if nothing was chosen."""
    conditions = chosen.conditions()
    if not conditions:
        raise UserError("nothing says which pictures", "by id, import, location, class, time of capture, ...")
    return _FROM + " AND ".join(conditions)


_CONDITIONS = {
    "ids": "i.image_id = ANY(CAST(:ids AS uuid[]))",
    "import_id": "i.import_id = :import_id",
    "location": "(l.name = :location OR CAST(i.location_id AS text) = :location)",
    "class_name": """(
    EXISTS (
        SELECT FROM box b JOIN active_model a ON a.model_id = b.model_id LEFT JOIN model m ON m.model_id = b.model_id
        WHERE b.image_id = i.image_id AND b.class_name = :class_name
            AND b.confidence >= CAST(COALESCE(:confidence, m.display_threshold, 0) AS real)
    ) OR EXISTS (SELECT FROM correction c WHERE c.image_id = i.image_id AND c.class_name = :class_name))""",
    "taken_from": "i.taken_at >= :taken_from",
    "taken_to": "i.taken_at <= :taken_to",
    "state": "i.state = :state",
    "model": """EXISTS (
        SELECT FROM result r LEFT JOIN model m ON m.model_id = r.model_id
        WHERE r.image_id = i.image_id AND (r.model_id = :model OR m.name = :model))""",
    "error": """EXISTS (
        SELECT FROM result r JOIN active_model a ON a.model_id = r.model_id
        WHERE r.image_id = i.image_id AND r.state = 2
            AND strpos(lower(concat_ws(' ', r.error_class, r.error_message)), lower(:error)) > 0)""",
}
_FROM = "FROM image i LEFT JOIN location l ON l.location_id = i.location_id WHERE "
