"""HTML that is built and not glued: text is escaped unless it is markup already. Pure.

Names of places, files and errors come from cameras and strangers; none of them gets into a page in another way.
"""

from collections.abc import Iterable
from html import escape
from typing import TypeAlias
from urllib.parse import urlencode

_VOID = frozenset({"img", "input", "br", "hr", "meta", "link"})


class Markup(str):
    """HTML that is safe to send as it is. Made by `tag`, `join` and `own` only."""

    __slots__ = ()


Child: TypeAlias = "str | int | Markup | Iterable[Child] | None"
Value: TypeAlias = str | int | float | bool | None


def tag(name: str, /, *children: Child, **attributes: Value) -> Markup:
    """An element. `class_` stands for class, `data_post` for data-post; True: no value; None and False: left out."""
    words = "".join(_attribute(key, value) for key, value in attributes.items())
    if name in _VOID:
        return Markup(f"<{name}{words}>")
    return Markup(f"<{name}{words}>{join(children)}</{name}>")


def join(children: Child) -> Markup:
    """One after the other."""
    if children is None:
        return Markup("")
    if isinstance(children, Markup):
        return children
    if isinstance(children, str | int):
        return Markup(escape(str(children)))
    return Markup("".join(join(child) for child in children))


def own(html: str) -> Markup:
    """Markup that stands in this program's own files: never anything that came from outside."""
    return Markup(html)


def link(path: str, **query: Value) -> str:
    """An address of this server; what is None or empty is left out."""
    given = {key.rstrip("_"): value for key, value in query.items() if value is not None and value != ""}
    return f"{path}?{urlencode(given)}" if given else path


def _attribute(key: str, value: Value) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
