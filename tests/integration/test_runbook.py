"""The chapters of docs/runbook.md for trouble and emergencies, walked through on a running system, row by row.

In their tables the second column holds what is typed, and the third what is then seen: its words in code are looked for
in the output. So the page cannot say what is not so.
"""

import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cli.main import app
from cli.wiring import before_apps
from tests.processes import CLOCK, ROOT, eventually
from tests.producers.pictures import card, jpeg
from thumper.embedded.stack import ANY_PORTS, EmbeddedStack
from thumper.embedded.waiting import wait_until
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import GROUPS

pytestmark = [pytest.mark.integration, pytest.mark.slow]
PAGE = (ROOT / "docs" / "runbook.md").read_text("utf-8")
CHAPTERS = ("Troubleshooting", "Emergency procedures")
CODE = re.compile(r"`([^`]+)`")
TYPED = ("thumper ", "curl ")
# What the predecessor's two chapters have people type or look at.
PREDECESSORS = (
    "pending > 0",
    "redis-cli LLEN ml_processing",
    "continuous_queue.sh",
    '/batch?limit=10000"',
    "docker-compose restart worker",
    'grep "celery@"',
    "failed > 100",
    "SELECT error_message, COUNT(*)",
    "grep ERROR",
    "docker-compose down",
    "docker-compose up -d",
    "docker-compose ps",
    "curl http://localhost:8001/health",
    "redis-cli FLUSHDB",
    "LIKE '%specific error pattern%'",
    "ALL failed images",
)
GOOD, BROKEN, LATER = 4, 2, 3


@dataclass(frozen=True)
class Row:
    """section: the heading above. typed: the commands of its second column. seen: the words that must come."""

    section: str
    before: str
    typed: tuple[str, ...]
    seen: tuple[str, ...]


def rows() -> Iterator[Row]:
    """The rows of all tables `before | now | one sees` of the chapters, in the page's order."""
    for chapter in CHAPTERS:
        text = PAGE.partition(f"\n## {chapter}\n")[2].partition("\n## ")[0]
        for section in text.split("\n### ")[1:]:
            table = section.partition("| before | now | one sees |")[2].partition("\n\n")[0]
            for line in table.splitlines()[2:]:
                before, now, sees = (cell.replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:4])
                typed = tuple(code for code in CODE.findall(now) if code.startswith(TYPED))
                seen = tuple(code for code in CODE.findall(sees) if not code.startswith(("--", *TYPED)))
                yield Row(section.partition("\n")[0], before, typed, seen)


def test_every_line_of_the_predecessor_has_its_row() -> None:
    befores = "\n".join(row.before for row in rows())
    assert [line for line in PREDECESSORS if line not in befores] == []
    assert all(row.typed or "not needed" in PAGE for row in rows())


@dataclass(frozen=True)
class Scene:
    """A whole system, as `thumper up` starts it, and whoever types at it."""

    settings: Settings
    folder: Path

    def type(self, line: str) -> str:
        """Run a line of the page; what is printed. Words of ours run in this process: each start costs a second."""
        line = line.replace("localhost:8001", f"127.0.0.1:{self.settings.api_port}")
        name = shlex.split(line)[1]
        if line.startswith("thumper ") and "|" not in line and name != "psql":
            done = CliRunner().invoke(app, shlex.split(line)[1:], input="detector\n", catch_exceptions=False)
            assert done.exit_code == 0, (line, done.output)
            return done.output
        line = re.sub(r"^thumper ", f"{shlex.quote(sys.executable)} -m cli.main ", line)
        typed = subprocess.run(
            ("bash", "-o", "pipefail", "-c", line),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert typed.returncode == 0, (line, typed.stdout, typed.stderr)
        return typed.stdout + typed.stderr

    def bring(self, name: str, good: int, broken: int = 0) -> None:
        """Import new pictures; the broken ones end in the middle."""
        folder = card(self.folder / name, Hayfield=0)
        for number in range(good + broken):
            whole = jpeg(number + 1_000 * len(name), size=(640, 480))
            (folder / "Hayfield" / f"{number}.jpg").write_bytes(whole if number < good else whole[:900])
        CliRunner().invoke(app, ["import", str(folder)], catch_exceptions=False)

    def wait_done(self) -> None:
        lags = LagReader(self.settings)
        eventually(lambda: all(not lags.read(group, topics).lag for group, topics in GROUPS.items()), "all is done")
        lags.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    # Through pytest's own private folder, PostgreSQL's user does not come when the caller is root.
    data_dir = Path(os.environ["THUMPER_TEST_RUN"]) / tmp_path_factory.mktemp("runbook").name
    stack = EmbeddedStack(data_dir, ports=ANY_PORTS, durable=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("THUMPER_DATA_DIR", str(data_dir))
        patch.setenv("COLUMNS", "200")
        given = Settings(data_dir=data_dir, partitions=2, store_reserve_bytes=0, api_port=0)
        try:
            yield Scene(stack.start(given, before_apps=before_apps), tmp_path_factory.mktemp("cards"))
        finally:
            stack.remove()


def test_the_page_says_what_one_sees(scene: Scene) -> None:
    scene.bring("first", GOOD, BROKEN)
    scene.wait_done()

    def backlog() -> None:
        scene.type("thumper pause detector")
        scene.bring("second", LATER)

    def no_backlog() -> None:
        scene.type("thumper resume detector")
        scene.wait_done()

    before: dict[str, Callable[[], None]] = {
        "Clear a stuck queue": backlog,
        "Reset failed images to pending": no_backlog,
    }
    for row in rows():
        before.pop(row.section, lambda: None)()
        for line in row.typed:
            out = io.StringIO()

            def is_seen(line: str = line, out: io.StringIO = out, row: Row = row) -> bool:
                out.write(scene.type(line))
                return all(word in out.getvalue() for word in row.seen)

            # Heartbeats and sinks take a moment, so looking again is what people do too.
            assert wait_until(is_seen, CLOCK, 20.0, 0.2), (row, out.getvalue())
    assert before == {}
    scene.wait_done()
    eventually(lambda: f"{GOOD + LATER} " in scene.type("thumper status"), "everything is done in the end")
    assert "verify: clean" in scene.type("thumper verify")
