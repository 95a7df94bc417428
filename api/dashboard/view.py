"""What a page is: an address, a name, and a function that draws it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar
from uuid import UUID

from api.dashboard.markup import Markup
from api.deps import Deps
from api.problems import Refusal

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a browser asks for. query: the address's; word: what stands in its path after the page's own name."""

    parts: Deps
    query: Mapping[str, str] = field(default_factory=dict)
    word: str = ""

    def text(self, name: str, most: int = 200) -> str | None:
        """What was given; None if nothing was. Raises Refusal if it cannot be meant."""
        value = self.query.get(name, "").strip()
        if len(value) > most or "\0" in value:
            raise Refusal(422, f"{name} is not something that can be looked for")
        return value or None

    def parsed(self, name: str, parse: Callable[[str], T], like: str) -> T | None:
        """The same, understood. Raises Refusal that says what it should look like."""
        value = self.text(name, 1_000)
        try:
            return None if value is None else parse(value)
        except (ValueError, OverflowError):  # the end of a calendar's last day is after all times
            raise Refusal(422, f"{name} is not understood", f"like {like}") from None

    def place(self) -> UUID | None:
        """The location asked for."""
        return self.parsed("location_id", UUID, "a location of the list")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A page's regions by name, in order: each is renewed by itself. title: in place of the view's own."""

    regions: Mapping[str, Markup]
    title: str | None = None


@dataclass(frozen=True, slots=True)
class View:
    """A page. every_s: how often it is drawn anew; None: only when it is opened. inner: it takes a word in its path.

    draw blocks; raises Refusal, ThumperError.
    """

    path: str
    title: str
    icon: str
    draw: Callable[[Asked], Drawing]
    every_s: float | None = None
    inner: bool = False
