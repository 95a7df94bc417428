"""Rows to the text format of PostgreSQL's COPY. Pure.

Works by columns and by one format string for all rows, so that the interpreter runs a few C loops instead of a call per
value: 4 microseconds for a result of 32 columns instead of 14.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

from sqlalchemy import JSON, Text

from sinks.postgres.rows import COLUMNS, Row
from thumper.tables import metadata

# What None becomes, as the option NULL of COPY. A text "None" is told apart by a backslash, which COPY takes off again
# after it has looked for this mark.
NULL = "None"
_SPECIAL = re.compile(r"[\\\t\n\r]|\ANone\Z").search
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
        columns[n] = list(map(_escaped, columns[n]))
    line = "\t".join(["%s"] * len(columns)) + "\n"
    return "".join(map(line.__mod__, zip(*columns, strict=True))).encode()


@lru_cache(maxsize=8_192)
def _escaped(value: str | None) -> str | None:
    if value is None or not _SPECIAL(value):
        return value
    return "\\None" if value == NULL else value.translate(_ESCAPES)
