"""What every event carries: type, version, id, time and source, and the field types that all events share."""

import hashlib
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# Names under which ids are derived (RFC 9562, version 5). Changing one changes every id ever made from it.
NAMESPACE = UUID("6f3a6f0c-5b1e-5d0e-9a57-7468756d7065")

# PostgreSQL's text cannot hold NUL; everything else that JSON can carry is kept.
NO_NUL = r"^[^\x00]*$"
ShortText = Annotated[str, StringConstraints(max_length=200, pattern=NO_NUL)]
LongText = Annotated[str, StringConstraints(max_length=4_096, pattern=NO_NUL)]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Uri = Annotated[str, StringConstraints(min_length=1, max_length=4_096, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Unit = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
Version = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,3}\.[0-9]{1,4}$")]


class Part(BaseModel):
    """A value inside an event. Fields that the reader does not know are ignored, so older readers read newer minors."""

    model_config = ConfigDict(frozen=True, extra="ignore", allow_inf_nan=False)


class Event(Part):
    """The envelope. `type` is narrowed by each event; all else may be missing in a hand-written one.

    version: "major.minor"; a reader accepts every minor of the majors it knows.
    id: unique within `source`; where it is missing, readers name the event by its topic, partition and offset.
    time: when the producer made the event, by the producer's clock. Readers order by the broker's time, never by this.
    """

    type: str
    version: Version = "1.0"
    id: ShortText | None = None
    time: datetime | None = None
    source: ShortText | None = None

    @property
    def major(self) -> int:
        """The major version number."""
        return int(self.version.split(".")[0])

    def key(self) -> str:
        """The record key: the id of what the event is about, so that all its events share one partition."""
        raise TypeError(f"{type(self).__name__} does not say what it is about")


def derived_id(*parts: object) -> UUID:
    """A UUIDv5 of `parts`: the same parts give the same id on every machine and in every run."""
    return UUID(bytes=_digest(parts)[:16], version=5)


def derived_name(*parts: object) -> str:
    """derived_id as text, without the detour."""
    text = _digest(parts).hex()
    variant = "89ab"[int(text[16], 16) & 3]
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{variant}{text[17:20]}-{text[20:32]}"


def _digest(parts: tuple[object, ...]) -> bytes:
    # As uuid.uuid5, in half its time: each picture needs two ids.
    name = "|".join(map(str, parts)).encode()
    return hashlib.sha1(NAMESPACE.bytes + name, usedforsecurity=False).digest()
