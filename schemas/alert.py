"""`alerts`: raised and resolved."""

from datetime import datetime
from typing import Literal

from schemas.envelope import Event, LongText, ShortText


class Alert(Event):
    """A condition that wants a person's attention, with what to do about it. runbook: the chapter that says more."""

    type: Literal["alert.raised", "alert.resolved"]
    name: ShortText
    summary: LongText
    observed: ShortText | None = None
    threshold: ShortText | None = None
    since: datetime | None = None
    action: LongText | None = None
    runbook: LongText | None = None

    def key(self) -> str:
        """The alert's name."""
        return self.name
