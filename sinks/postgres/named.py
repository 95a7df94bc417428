"""Reading `.sql` files of named statements: each begins with a line `-- name: some_name`."""

import re
from pathlib import Path

_HEADING = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


def named_statements(text: str) -> dict[str, str]:
    """The statements of `text` by name. Raises ValueError for a name that comes twice or has no statement."""
    parts = _HEADING.split(text)
    found: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        statement = body.strip()
        if name in found or not statement:
            raise ValueError(f"statement {name} comes twice or is empty")
        found[name] = statement
    return found


def load_statements(path: Path) -> dict[str, str]:
    """The named statements of a file."""
    return named_statements(path.read_text("utf-8"))
