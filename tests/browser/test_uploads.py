"""`POST /api/images` of a real system: what is taken, what is refused, and how; and sockets of strangers."""

from collections.abc import Iterator
from http.client import HTTPConnection
from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from api.routes.uploads import MOST_FILES
from api.security import MAX_UPLOAD_BYTES
from tests.processes import Processes, eventually


@pytest.fixture(scope="module")
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, timeout=120) as found:
        yield found


def jpeg(shade: int) -> bytes:
    kept = BytesIO()
    Image.new("RGB", (64, 48), (200, shade, 10)).save(kept, "JPEG")
    return kept.getvalue()


def send(client: httpx.Client, *files: tuple[str, bytes], place: str = "Gate", **headers: str) -> httpx.Response:
    named = [("files", (name, data, "image/jpeg")) for name, data in files]
    return client.post("/api/images", files=named, data={"location_name": place}, headers=headers)


def taken(answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_pictures_arrive_as_by_an_import_and_only_once(client: httpx.Client, system: Processes) -> None:
    files = [("IMG_1.JPG", jpeg(1)), ("IMG_1.JPG", jpeg(2)), ("../../etc/IMG_2.JPG", jpeg(3))]
    first = taken(send(client, *files))
    assert (first["imported"], first["known"], first["refused"]) == (3, 0, [])
    eventually(lambda: len(_paths(system)) == 3, "the rows are there")
    assert _paths(system) == {"upload/IMG_1.JPG", "upload/IMG_1 (2).JPG", "upload/IMG_2.JPG"}
    again = taken(send(client, *files))
    assert (again["imported"], again["known"]) == (0, 3)
    assert not [*(system.settings.data_dir / "uploads").iterdir()], "nothing is left lying about"


def _paths(system: Processes) -> set[str]:
    rows = system.sql("SELECT i.path FROM image i JOIN location l USING (location_id) WHERE l.name = 'Gate'")
    return {path for (path,) in rows}


def test_each_file_is_judged_by_itself(client: httpx.Client) -> None:
    found = taken(send(client, ("IMG_9.JPG", jpeg(9)), ("run.exe", b"MZ"), ("IMG_8.JPG", b""), (".hidden", b"x")))
    assert found["imported"] == 1
    assert {one["filename"] for one in found["refused"]} == {"run.exe", "IMG_8.JPG", "hidden"}
    assert all(one["reason"] for one in found["refused"])


@pytest.mark.parametrize(
    ("files", "place", "headers", "status"),
    [
        pytest.param([("a.jpg", b"x")], "  ", {}, 422, id="no location"),
        pytest.param([("a.jpg", b"x")], "p" * 201, {}, 422, id="a location too long"),
        pytest.param([], "Gate", {"content-type": "application/json"}, 415, id="no form"),
        pytest.param([("a.jpg", b"x")] * (MOST_FILES + 1), "Gate", {}, 413, id="too many"),
        pytest.param([("a.jpg", b"x")], "Gate", {"origin": "http://elsewhere.example"}, 403, id="another page"),
    ],
)
def test_what_is_not_taken(
    client: httpx.Client, files: list[tuple[str, bytes]], place: str, headers: dict[str, str], status: int
) -> None:
    answer = send(client, *files, place=place, **headers)
    assert answer.status_code == status, answer.text
    assert answer.json()["detail"]


def test_what_is_too_large_is_refused_before_it_is_sent(system: Processes) -> None:
    connection = HTTPConnection("127.0.0.1", system.settings.api_port, timeout=60)
    connection.putrequest("POST", "/api/images")
    connection.putheader("content-type", "multipart/form-data; boundary=b")
    connection.putheader("content-length", str(MAX_UPLOAD_BYTES + 1))
    connection.endheaders()
    assert connection.getresponse().status == 413
    connection.close()


@pytest.mark.parametrize(
    ("origin", "status"),
    [pytest.param("http://elsewhere.example", 403, id="another page"), pytest.param(None, 101, id="our own")],
)
def test_only_our_own_pages_may_open_a_socket(
    client: httpx.Client, address: str, origin: str | None, status: int
) -> None:
    headers = {
        "connection": "Upgrade",
        "upgrade": "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        "origin": origin or address,
    }
    path = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.status_code == status
