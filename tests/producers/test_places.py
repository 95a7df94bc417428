"""Locations and deployments from a CSV."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from producers.places import parse_places, read_places
from schemas.codec import encode
from schemas.fact import DeploymentStated, LocationStated
from thumper.errors import UserError

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def deployments(text: str) -> list[DeploymentStated]:
    return [fact for fact in parse_places(text, NOW) if isinstance(fact, DeploymentStated)]


def test_a_full_row() -> None:
    place, stay = parse_places(
        "name,latitude,longitude,camera,from,to,clock offset\n"
        "270_Jason,30.26,-97.74,RCNX-3,2024-02-06 21:33,2024-05-01,-1:00\n",
        NOW,
    )
    assert isinstance(place, LocationStated)
    assert (place.name, place.latitude, place.longitude) == ("270_Jason", 30.26, -97.74)
    assert isinstance(stay, DeploymentStated)
    assert (stay.location, stay.camera, stay.clock_offset_s) == ("270_Jason", "RCNX-3", -3_600)
    assert (stay.start, stay.end) == (datetime(2024, 2, 6, 21, 33), datetime(2024, 5, 1, 23, 59, 59))
    assert encode(place)
    assert encode(stay)


def test_only_the_name_must_be_filled() -> None:
    (place,) = parse_places("name\nHayfield\n", NOW)
    assert isinstance(place, LocationStated)
    assert (place.latitude, place.longitude) == (None, None)


def test_ids_do_not_depend_on_the_time() -> None:
    text = "name,camera\nHayfield,a\nHayfield,b\n"
    first, second = parse_places(text, NOW), parse_places(text, datetime(2027, 1, 1, tzinfo=UTC))
    assert [fact.id for fact in first] == [fact.id for fact in second]
    assert len(first) == 3


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("Location;Lat;Lon\r\nHayfield;30,26;-97,74\r\n", id="semicolons and decimal commas"),
        pytest.param("location\tlat\tlng\nHayfield\t30.26\t-97.74\n", id="tabs"),
        pytest.param("LONGITUDE,note,Name,LATITUDE\n-97.74,x,Hayfield,30.26\n", id="any order, other columns"),
        pytest.param('name,latitude,longitude\n"Hayfield",30.26,-97.74\n\n,,\n', id="quotes and empty lines"),
    ],
)
def test_as_people_write_it(text: str) -> None:
    (place,) = parse_places(text, NOW)
    assert isinstance(place, LocationStated)
    assert (place.name, place.latitude, place.longitude) == ("Hayfield", 30.26, -97.74)


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("-90", -90), ("1:00", 3_600), ("+01:30:05", 5_405), ("-0:00:30", -30)]
)
def test_clock_offsets(text: str, seconds: int) -> None:
    assert deployments(f"name,clock_offset\nHayfield,{text}\n")[0].clock_offset_s == seconds


def test_bad_rows_are_named_by_line_and_nothing_is_stated() -> None:
    text = (
        "name,latitude,longitude,from,to,clock offset\n"
        "Good,30,-97,,,\n"
        ",30,-97,,,\n"
        "North,91,0,,,\n"
        "Half,30,,,,\n"
        "Words,north,0,,,\n"
        "Backwards,,,2024-05-01,2024-02-01,\n"
        "Zone,,,2024-05-01T10:00+02:00,,\n"
        "Clock,,,,,soon\n"
    )
    with pytest.raises(UserError) as caught:
        parse_places(text, NOW)
    lines = caught.value.message.splitlines()
    assert [line.split(":")[0] for line in lines[1:]] == [f"line {number}" for number in range(3, 10)]
    assert "name is empty" in lines[1]
    assert "latitude" in lines[2]
    assert "belong together" in lines[3]
    assert "a deployment ends after it starts" in lines[5]


def test_many_bad_rows_are_counted() -> None:
    with pytest.raises(UserError, match="and 80 more"):
        parse_places("name,latitude\n" + "x,1\n" * 100, NOW)


def test_no_name_column() -> None:
    with pytest.raises(UserError, match="names no column `name`") as caught:
        parse_places("place,where\nx,y\n", NOW)
    assert "clock offset" in caught.value.hint


@pytest.mark.parametrize(
    ("data", "match"),
    [
        pytest.param(None, "cannot be read", id="no such file"),
        pytest.param(b"name\n\xff\xfe\n", "not UTF-8", id="not UTF-8"),
        pytest.param(b"name\n\x00\n", "line 2", id="NUL"),
        pytest.param(b"", "names no column", id="empty"),
    ],
)
def test_files_that_are_no_list(tmp_path: Path, data: bytes | None, match: str) -> None:
    if data is not None:
        (tmp_path / "places.csv").write_bytes(data)
    with pytest.raises(UserError, match=match):
        read_places(tmp_path / "places.csv", NOW)


def test_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_bytes(b"\xef\xbb\xbfname\nHayfield\n")
    assert len(read_places(tmp_path / "places.csv", NOW)) == 1
