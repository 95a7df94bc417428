"""`control`: the wanted state of a consumer group."""

from typing import Literal

from schemas.envelope import Event, ShortText


class GroupWanted(Event):
    """What a group shall do: run, leave its consumer group (paused), or finish what it has, then pause (draining)."""

    type: Literal["group.wanted"] = "group.wanted"
    group: ShortText
    state: Literal["running", "paused", "draining"]
    model_id: ShortText | None = None
    wanted_by: ShortText | None = None

    def key(self) -> str:
        """The group."""
        return self.group
