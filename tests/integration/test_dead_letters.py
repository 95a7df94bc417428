"""Dead letters on a real log: listed, searched, shown, sent again; by command and API."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from api.app import create_app
from api.deps import open_deps
from cli.wiring import before_apps
from schemas.codec import decode, encode
from schemas.envelope import Event
from schemas.image import ImageImported
from tests.api.serving import serving
from tests.processes import CLOCK, Processes, eventually, read_all
from thumper.dead_letters import RETRY_OF, TOPIC, dead_letter
from thumper.emitter import Emitter
from thumper.errors import KafkaDown, UserError
from thumper.kafka import Names, make_producer
from thumper.letter_box import LetterBox, Wanted, retry
from thumper.record import Outgoing, Partition, Record
from thumper.settings import Settings

pytestmark = pytest.mark.integration
PLACE = Partition("images", 3)


@pytest.fixture
def parts(settings: Settings, tmp_path: Path) -> Iterator[Processes]:
    before_apps(settings)
    with Processes(settings, tmp_path) as found:
        yield found


@pytest.fixture
def box(parts: Processes) -> Iterator[LetterBox]:
    with LetterBox(parts.settings, CLOCK) as found:
        yield found


def picture(number: int) -> Record:
    """A good event, as it would stand in the log."""
    event = ImageImported(sha256=f"{number:064x}", uri=f"store:///{number}.jpg")
    return Record(PLACE, number, encode(event), event.key().encode(), [("mine", b"1")])


def refuse(settings: Settings, *letters: tuple[Record, str, str]) -> None:
    """Letters of these records, by group and reason, as the parts write them."""
    with Emitter(settings) as emitter:
        for record, group, reason in letters:
            emitter.send(dead_letter(record, group, reason, "UnreadableEvent"))
        emitter.flush()


def numbers(box: LetterBox, wanted: Wanted, most: int = 100) -> list[int]:
    return [one.letter.record.offset for one in box.page(wanted, None, most)[0]]


def test_newest_first_in_pages_and_by_what_they_say(parts: Processes, box: LetterBox) -> None:
    before = datetime.now(UTC) - timedelta(minutes=1)
    bad = Record(Partition("detections", 0), 7, b'{"Odd": true}')
    refuse(parts.settings, *((picture(n), "detector", f"reason {n}") for n in range(4)), (bad, "sink", "no outcome"))
    assert numbers(box, Wanted()) == [4, 3, 2, 1, 0]
    first, go_on = box.page(Wanted(), None, 3)
    assert ([one.letter.record.offset for one in first], go_on) == ([4, 3, 2], 2)
    rest, end = box.page(Wanted(), go_on, 3)
    assert ([one.letter.record.offset for one in rest], end) == ([1, 0], None)
    assert numbers(box, Wanted(topic="detections")) == [4]
    assert numbers(box, Wanted(group="detector"), 2) == [3, 2]
    assert numbers(box, Wanted(error_class="OtherModel")) == []
    assert numbers(box, Wanted(text="REASON 2")) == [2]
    assert numbers(box, Wanted(text="odd")) == [4]
    assert numbers(box, Wanted(since=before)) == [4, 3, 2, 1, 0]
    assert numbers(box, Wanted(since=before + timedelta(days=1))) == []
    with pytest.raises(UserError, match="no dead letter 5"):
        box.get(5)


def test_many_steps_backwards_miss_none(parts: Processes, box: LetterBox) -> None:
    refuse(parts.settings, *((picture(n), "sink" if n % 100 else "detector", "why") for n in range(1_000)))
    assert numbers(box, Wanted(group="detector")) == list(range(900, -1, -100))
    assert numbers(box, Wanted(), 450) == list(range(999, 549, -1))


def test_what_is_sent_again_is_the_message_itself_once_for_all_its_letters(parts: Processes, box: LetterBox) -> None:
    refuse(parts.settings, (picture(1), "detector", "why"), (picture(1), "sink", "why"), (picture(2), "sink", "why"))
    letters = [one.letter for one in box.scan(Wanted())]
    with Emitter(parts.settings) as emitter:
        assert retry(letters[:2], emitter, CLOCK, "me") == 1
    assert read_all(parts.settings, "images") == [picture(1).value]
    sent = next(iter(box._reader.records(*_only(parts))))
    assert (sent.key, sent.header("mine"), sent.header(RETRY_OF)) == (picture(1).key, "1", "images/3/1")
    box.forget()
    assert numbers(box, Wanted(retried=True)) == [1, 0]
    assert numbers(box, Wanted(retried=False)) == [2]


def _only(parts: Processes) -> tuple[Partition, int, int]:
    ((part, end),) = [(part, end) for part, end in parts.ends("images").items() if end]
    return part, 0, end


class CutOff:
    """The real emitter, which is interrupted when it comes to marking."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter

    def send(self, message: Outgoing) -> None:
        self._emitter.send(message)

    def emit(self, topic: str, event: Event) -> None:
        raise KafkaDown(f"cut off before {event.type} in {topic}")

    def flush(self, timeout_s: float) -> None:
        self._emitter.flush(timeout_s)


def test_an_interrupt_between_sending_and_marking_loses_nothing_and_counts_nothing_twice(
    parts: Processes, box: LetterBox
) -> None:
    parts.sink()
    refuse(parts.settings, (picture(1), "detector", "why"))
    with Emitter(parts.settings) as emitter:
        with pytest.raises(KafkaDown):
            retry([one.letter for one in box.scan(Wanted())], CutOff(emitter), CLOCK, "me")
        box.forget()
        assert numbers(box, Wanted(retried=False)) == [0]
        assert retry([one.letter for one in box.scan(Wanted())], emitter, CLOCK, "me") == 1
    box.forget()
    assert numbers(box, Wanted(retried=False)) == []
    assert len(read_all(parts.settings, "images")) == 2
    eventually(lambda: parts.lag("sink") == 0, "all is recorded")
    assert parts.sql("SELECT count(*) FROM image") == [(1,)]


def test_by_command_with_real_parts_that_refuse(parts: Processes) -> None:
    producer = make_producer(parts.settings)
    producer.produce(Names(parts.settings).topic("images"), value=b"\x1b[2Jrubbish", key=b"k", partition=0)
    assert producer.flush(30) == 0
    parts.sink()
    parts.null_detector()
    eventually(lambda: sum(parts.ends(TOPIC).values()) >= 2, "both have refused it")
    eventually(lambda: len(_listed(parts)) == 2, "both letters are there")
    assert {one["group"] for one in _listed(parts)} == {"detector", "sink"}
    number = str(_listed(parts, "--group", "sink")[0]["number"])
    shown = parts.run("dead-letters", "show", number)
    assert shown.returncode == 0, shown.stderr
    assert "\\x1b[2Jrubbish" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert parts.run("dead-letters", "retry", "--all", "--dry-run").stdout.startswith("1 messages would be sent")
    done = parts.run("dead-letters", "retry", "--all")
    assert done.stdout == "1 messages were sent again, 0 cannot be\n", done.stderr
    eventually(lambda: len(_listed(parts)) == 4, "both have refused it again")
    assert [one["retried"] for one in _listed(parts)].count(True) == 2
    whole = json.loads(parts.run("dead-letters", "show", str(_listed(parts)[0]["number"]), "--json").stdout)
    assert whole["headers"][RETRY_OF] == "images/0/0"


def _listed(parts: Processes, *words: str) -> list[dict[str, object]]:
    done = parts.run("dead-letters", "list", "--json", *words)
    assert done.returncode == 0, done.stderr
    found: list[dict[str, object]] = json.loads(done.stdout)["items"]
    return found


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("show", "99"), "there is no dead letter 99", id="none"),
        pytest.param(("retry",), "which letters?", id="none named"),
        pytest.param(("retry", "1", "--all"), "which letters?", id="both ways"),
    ],
)
def test_what_is_asked_wrongly_is_said_in_two_lines(parts: Processes, words: tuple[str, ...], said: str) -> None:
    done = parts.run("dead-letters", *words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


@pytest.fixture
def client(parts: Processes) -> Iterator[httpx.Client]:
    settings = parts.settings.model_copy(update={"api_token": SecretStr("word")})
    with open_deps(settings) as deps, serving(create_app(deps)) as found:
        yield found


def test_by_the_api(parts: Processes, client: httpx.Client) -> None:
    refuse(parts.settings, *((picture(n), "detector", f"reason {n}") for n in range(3)))
    first = client.get("/api/dead-letters", params={"limit": 2}).json()
    assert [one["number"] for one in first["items"]] == [2, 1]
    rest = client.get("/api/dead-letters", params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["number"] for one in rest["items"]] == [0]
    assert rest["next"] is None
    one = client.get("/api/dead-letters/1").json()
    assert (one["topic"], one["partition"], one["offset"], one["reason"]) == ("images", 3, 1, "reason 1")
    assert one["headers"] == [["mine", "1"]]
    assert decode("images", one["value"].encode()).sha256 == f"{1:064x}"
    assert client.get("/api/dead-letters/3").status_code == 404
    assert client.get("/api/dead-letters/9223372036854775808").status_code == 422
    assert client.post("/api/dead-letters/1/retry").status_code == 401
    bearer = {"Authorization": "Bearer word"}
    stranger = {**bearer, "Origin": "http://elsewhere.example"}
    assert client.post("/api/dead-letters/1/retry", headers=stranger).status_code == 403
    assert client.post("/api/dead-letters/1/retry", headers=bearer).json() == {"sent": 1}
    assert client.post("/api/dead-letters/1/retry", headers=bearer).json() == {"sent": 0}
    assert client.post("/api/dead-letters/1/retry", params={"again": True}, headers=bearer).json() == {"sent": 1}
    assert client.get("/api/dead-letters", params={"retried": True}).json()["items"][0]["number"] == 1
    assert len(read_all(parts.settings, "images")) == 2
