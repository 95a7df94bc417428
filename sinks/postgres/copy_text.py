"""Rows to the text format of PostgreSQL's COPY. Pure.

Works by columns and by one format string for all rows, so that the interpreter runs a few C loops instead of a call per
value: 3 microseconds for a result of 32 columns instead of 14.
"""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import JSON, Text

from sinks.postgres.rows import COLUMNS, Row
from thumper.tables import metadata

# What None becomes, as the option NULL of COPY. A text "None" is told apart by a backslash, which COPY takes off again
# after it has looked for this mark.
NULL = "None"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})

# Where text can stand that somebody else chose; numbers, times and ids need no look.
_TEXTS: dict[str, tuple[int, ...]] = {
    table: tuple(
        n for n, column in enumerate(columns) if isinstance(metadata.tables[table].c[column].type, Text | JSON)
    )
    for table, columns in COLUMNS.items()
}


def copy_text(table: str, rows: Sequence[Row]) -> bytes:
    """`rows` of a staging table (a key of COLUMNS) as COPY reads them, UTF-8.

    Raises UnicodeEncodeError for a lone surrogate.
    """
    columns: list[Sequence[object]] = list(zip(*rows, strict=True))
    for n in _TEXTS[table]:
        columns[n] = _escaped(cast(Sequence[str | None], columns[n]))
    line = "\t".join(["%s"] * len(columns)) + "\n"
    return "".join(map(line.__mod__, zip(*columns, strict=True))).encode()


def _escaped(values: Sequence[str | None]) -> Sequence[str | None]:
    """One look at all values together: hardly ever is there anything to escape."""
    text = "".join(filter(None, values))
    if text.isprintable() and "\\" not in text and NULL not in values:
        return values
    return [_escaped_value(value) for value in values]


def _escaped_value(value: str | None) -> str | None:
    if value is None:
        return None
    return "\\None" if value == NULL else value.translate(_ESCAPES)
