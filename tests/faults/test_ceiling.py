"""A topic full of rubbish: the group waits for a person instead of emptying it into the dead letters."""

import pytest

from schemas.codec import decode
from schemas.image import ImageImported
from tests.processes import Part, Processes, eventually, read_all
from thumper.clock import SystemClock
from thumper.dead_letters import TOPIC
from thumper.emitter import Emitter
from thumper.letter_box import LetterBox, Wanted
from thumper.record import Outgoing
from thumper.settings import Settings

RUN = 5
RUBBISH = 40


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"dead_letter_run": RUN, "partitions": 1})


def letters(parts: Processes, group: str) -> int:
    with LetterBox(parts.settings, SystemClock()) as box:
        return sum(1 for _ in box.scan(Wanted(group=group)))


def waits(parts: Processes, part: Part) -> bool:
    beats = [decode("workers", value) for value in read_all(parts.settings, "workers")]
    last = next((beat for beat in reversed(beats) if beat.worker == part.name), None)
    return last is not None and last.state == "paused" and "too many dead letters" in (last.last_error or "")


def test_it_waits_remembers_that_over_a_kill_and_goes_on_when_allowed(parts: Processes) -> None:
    good = ImageImported(sha256=f"{1:064x}", uri="store:///1.jpg")
    with Emitter(parts.settings) as emitter:
        for number in range(RUBBISH):
            emitter.send(Outgoing("images", None, f"rubbish {number}".encode()))
        emitter.emit("images", good)
        emitter.flush()
    first = parts.null_detector("d1", 0.0, "--unread")
    eventually(lambda: waits(parts, first), "the detector waits")
    assert letters(parts, "detector") <= RUN
    first.kill()
    second = parts.null_detector("d2", 0.0, "--unread")
    eventually(lambda: waits(parts, second), "its successor waits too")
    assert letters(parts, "detector") <= RUN
    assert sum(parts.ends(TOPIC).values()) <= 2 * RUN + 4
    done = parts.run("dead-letters", "allow", "--group", "detector")
    assert done.returncode == 0, done.stderr
    eventually(lambda: parts.lag("detector") == 0, "it goes on")
    assert letters(parts, "detector") == RUBBISH
    assert len(parts.outcomes()) == 1
    with Emitter(parts.settings) as emitter:
        for number in range(RUBBISH):
            emitter.send(Outgoing("images", None, f"more rubbish {number}".encode()))
        emitter.flush()
    eventually(lambda: waits(parts, second), "it waits again for what came later")
    assert letters(parts, "detector") <= RUBBISH + RUN


def test_the_sink_waits_too(parts: Processes) -> None:
    sink = parts.sink()
    with Emitter(parts.settings) as emitter:
        for number in range(RUBBISH):
            emitter.send(Outgoing("requests", None, f"rubbish {number}".encode()))
        emitter.flush()
    eventually(lambda: waits(parts, sink), "the sink waits")
    assert letters(parts, "sink") <= RUN
    assert parts.run("dead-letters", "allow", "--group", "sink").returncode == 0
    eventually(lambda: parts.lag("sink") == 0, "it goes on")
    assert letters(parts, "sink") == RUBBISH
