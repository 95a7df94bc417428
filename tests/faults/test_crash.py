"""Pictures that kill or hang the detector's process: found, looked at alone, and the line goes on."""

from pathlib import Path

import pytest
from PIL import Image

from schemas.detection import DetectionFailed
from tests.faults.poison import MAGENTA
from tests.processes import Part, Processes, assert_each_once, eventually
from tests.producers.pictures import card
from thumper.settings import Settings

PICTURES = 30
PROGRAM = "tests.faults.poison"
# One that ends, and the one after it.
LIVES = 2


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"hang_limit_s": 2})


@pytest.fixture
def loaded(parts: Processes, tmp_path: Path) -> Processes:
    """The sink runs; thirty pictures wait, and in the middle of them one in magenta and a PNG."""
    place = card(tmp_path / "card", Hayfield=PICTURES) / "Hayfield"
    Image.new("RGB", (16, 12), MAGENTA).save(place / "IMG_0010_magenta.JPG")
    Image.new("RGB", (16, 12), (9, 9, 9)).save(place / "IMG_0020_plain.PNG")
    parts.sink().wait_ready()
    done = parts.run("import", str(tmp_path / "card"))
    assert done.returncode == 0, done.stderr
    return parts


def kept_alive(parts: Processes, how: str) -> list[Part]:
    """As a supervisor does it: started again each time that it ends, until all is done. Every life of it."""
    lives = [parts.start("detector", "--name", "d1", "--how", how, program=PROGRAM)]

    def done() -> bool:
        if lives[-1].process.poll() is not None:
            lives.append(parts.start("detector", "--name", "d1", "--how", how, program=PROGRAM))
        return parts.lag("detector") == 0 and parts.lag("sink") == 0

    eventually(done, "all is done")
    return lives


@pytest.mark.parametrize(
    ("how", "victim", "said", "exit_code"),
    [
        pytest.param("abort", "IMG_0010_magenta.JPG", "signal SIGABRT", -6, id="a native abort while inferring"),
        pytest.param("exit", "IMG_0010_magenta.JPG", "exit code 3", 3, id="gone while inferring"),
        pytest.param("hang", "IMG_0010_magenta.JPG", "did not end within 2 s", 70, id="a hang while inferring"),
        pytest.param("decode", "IMG_0020_plain.PNG", "signal SIGABRT", -6, id="a native abort while decoding"),
    ],
)
def test_the_line_goes_on_and_only_that_picture_fails(
    loaded: Processes, how: str, victim: str, said: str, exit_code: int
) -> None:
    lives = kept_alive(loaded, how)
    assert len(lives) == LIVES
    assert lives[0].process.returncode == exit_code
    assert lives[1].process.poll() is None
    failed = [one for one in loaded.outcomes() if isinstance(one, DetectionFailed)]
    assert [one.error_class for one in failed] == ["crash"]
    assert said in failed[0].error_message
    assert_each_once(loaded.outcomes(), loaded.ends("images"))
    rows = loaded.sql("SELECT filename, error_message FROM images WHERE processing_status = 'failed'")
    assert [row[0] for row in rows] == [victim]
    assert loaded.sql("SELECT count(*) FROM images WHERE processing_status = 'completed'") == [(PICTURES + 1,)]
    assert lives[1].stop() == 0


def test_what_was_in_hand_at_a_kill_gets_its_normal_outcomes(loaded: Processes) -> None:
    first = loaded.null_detector("d1", 0.5)
    eventually(lambda: len(loaded.outcomes()) > 0, "it is at work")
    first.kill()
    second = loaded.null_detector("d1", 0.0)
    eventually(lambda: "looking at a picture alone" in second.log, "suspects are looked at alone")
    loaded.wait_drained()
    assert loaded.sql("SELECT processing_status, count(*) FROM images GROUP BY 1") == [("completed", PICTURES + 2)]
    assert_each_once(loaded.outcomes(), loaded.ends("images"))
