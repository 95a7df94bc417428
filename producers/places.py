"""Locations and deployments from a CSV file, as facts. All rows are checked before the first fact is made."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from producers.import_events import SOURCE
from schemas.envelope import derived_id
from schemas.fact import DeploymentStated, LocationStated
from thumper.errors import UserError

PlaceFact = LocationStated | DeploymentStated
T = TypeVar("T")

# Column names as people write them, without case, blanks and underscores.
COLUMNS = {
    "name": "name",
    "location": "name",
    "latitude": "latitude",
    "lat": "latitude",
    "longitude": "longitude",
    "lon": "longitude",
    "lng": "longitude",
    "camera": "camera",
    "from": "from",
    "start": "from",
    "to": "to",
    "end": "to",
    "clockoffset": "clock offset",
    "offset": "clock offset",
}
WANTED = "name, latitude, longitude, camera, from, to, clock offset"
MAX_BYTES = 50 << 20
LISTED = 20
_OFFSET = re.compile(r"([+-]?)(\d+):([0-5]\d)(?::([0-5]\d))?")
_DAY = timedelta(days=1, seconds=-1)


def read_places(path: Path, now: datetime) -> list[PlaceFact]:
    """The facts that the CSV file at `path` states.

    Columns: WANTED, in any order; only `name` must be filled. Separated by comma, semicolon or tab; with semicolons, a
    comma may stand for the decimal point. from and to: local dates or times of the camera, both inclusive.
    clock offset: seconds or [-]hours:minutes[:seconds] to be added to the camera's time.
    Raises UserError that names each wrong row by its line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise UserError(f"{path} has more than {MAX_BYTES:,} bytes: is it a list of locations?")
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UserError(f"{path} is not UTF-8", "save it as CSV UTF-8") from None
    return parse_places(text, now)


def parse_places(text: str, now: datetime) -> list[PlaceFact]:
    """See read_places."""
    separator = max(",;\t", key=text.partition("\n")[0].count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    columns = _columns(next(rows, []))
    facts: dict[str, PlaceFact] = {}
    wrong: list[str] = []
    try:
        for row in rows:
            if any(cell.strip() for cell in row):
                cells = {name: row[at].strip() for name, at in columns.items() if at < len(row)}
                try:
                    facts |= {str(fact.id): fact for fact in _facts(cells, now, decimal_comma=separator == ";")}
                except ValueError as error:
                    wrong.append(f"line {rows.line_num}: {_why(error)}")
    except csv.Error as error:
        wrong.append(f"line {rows.line_num}: {error}")
    if wrong:
        more = [f"and {len(wrong) - LISTED} more"] if len(wrong) > LISTED else []
        raise UserError("\n".join(["nothing was stated, because some rows are wrong:", *wrong[:LISTED], *more]))
    return list(facts.values())


def _columns(header: list[str]) -> dict[str, int]:
    plain = [re.sub(r"[\s_-]", "", cell).lower() for cell in header]
    found = {COLUMNS[cell]: at for at, cell in enumerate(plain) if cell in COLUMNS}
    if "name" not in found:
        raise UserError("the first line names no column `name`", f"columns: {WANTED}")
    return found


def _facts(cells: Mapping[str, str], now: datetime, *, decimal_comma: bool) -> list[PlaceFact]:
    def cell(name: str, read: Callable[[str], T]) -> T | None:
        if not cells.get(name):
            return None
        try:
            return read(cells[name])
        except ValueError as error:
            raise ValueError(f"{name} {cells[name][:40]!r}: {error}") from None

    def degrees(text: str) -> float:
        return float(text.replace(",", ".") if decimal_comma else text)

    name, latitude, longitude = cells.get("name", ""), cell("latitude", degrees), cell("longitude", degrees)
    if not name:
        raise ValueError("name is empty")
    if (latitude is None) != (longitude is None):
        raise ValueError("latitude and longitude belong together")
    place = LocationStated(
        type="location.stated",
        id=f"location:{derived_id('location-stated', name, latitude, longitude)}",
        time=now,
        source=SOURCE,
        name=name,
        latitude=latitude,
        longitude=longitude,
    )
    start, end, offset = cell("from", _moment), cell("to", _last_moment), cell("clock offset", _seconds)
    if not (cells.get("camera") or start or end or offset):
        return [place]
    camera = cells.get("camera") or None
    stated = derived_id("deployment-stated", name, camera, start, end, offset or 0)
    return [
        place,
        DeploymentStated(
            type="deployment.stated",
            id=f"deployment:{stated}",
            time=now,
            source=SOURCE,
            location=name,
            camera=camera,
            start=start,
            end=end,
            clock_offset_s=offset or 0,
        ),
    ]


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is not None:
        raise ValueError("is the camera's local time, without offset")
    return moment


def _last_moment(text: str) -> datetime:
    """A day without time of day ends with its last second."""
    return _moment(text) + (_DAY if re.fullmatch(r"\d{4}-?\d{2}-?\d{2}", text) else timedelta())


def _seconds(text: str) -> int:
    found = _OFFSET.fullmatch(text)
    if found is None:
        return int(text)
    seconds = 3_600 * int(found[2]) + 60 * int(found[3]) + int(found[4] or 0)
    return -seconds if found[1] == "-" else seconds


def _why(error: ValueError) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'row'}: {item['msg']}" for item in error.errors()[:3])
