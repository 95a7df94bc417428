"""Where the next page starts, as an opaque word: pages stay right while pictures arrive."""

import base64
import binascii
from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.problems import Refusal


class Cursor(BaseModel):
    """The last item of the page before. dated: whether it is among the pictures with a time, which come first."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    dated: bool = True
    time: datetime | None = None
    id: UUID | None = None
    n: int | None = Field(None, ge=-(2**31), le=2**31 - 1)

    def word(self) -> str:
        """Fit for a URL."""
        return base64.urlsafe_b64encode(self.model_dump_json(exclude_none=True).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, word: str | None) -> Self:
        """The cursor in `word`; None: the first page. Raises Refusal (422)."""
        if word is None:
            return cls()
        try:
            found = cls.model_validate_json(base64.b64decode(word + "=" * (-len(word) % 4), b"-_", validate=True))
        except (ValidationError, binascii.Error, ValueError):
            raise _damaged() from None
        if (found.id is not None and found.dated and found.time is None) or (found.time and found.time.tzinfo):
            raise _damaged()
        return found


def _damaged() -> Refusal:
    return Refusal(422, "the cursor is not one of ours", "leave it out for the first page, then pass `next` as it came")
