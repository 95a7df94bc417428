"""What every benchmark stands on: embedded servers of their own with nothing in them, a folder, and what was asked."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr

from benchmarks import cpu
from benchmarks.turns import Say, Side, unwatched
from cli.wiring import before_apps
from thumper.embedded import postgres
from thumper.embedded.leftovers import MARK
from thumper.embedded.servers import mark_of
from thumper.embedded.stack import ANY_PORTS, EmbeddedStack
from thumper.kafka import Names, make_admin
from thumper.settings import Settings
from thumper.topics import TOPICS

WORK = Path(__file__).parent / "work"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line asks for. names: the rows that are wanted; pictures: the user's own; work: a folder."""

    names: tuple[str, ...]
    rounds: int
    quick: bool
    pictures: Path | None
    work: Path = WORK


@dataclass(frozen=True, slots=True)
class World:
    """settings: reach the servers. marks: in the environment of every process, so that none is left behind."""

    asked: Asked
    work: Path
    stack: EmbeddedStack
    settings: Settings
    marks: dict[str, str]
    say: Say

    def servers(self) -> dict[str, int]:
        """The servers' process ids, by name."""
        return {name: program.pid for name, program in self.stack.programs().items()}

    def measure(self, side: Side) -> tuple[float, float]:
        """Run a side when the machine is quiet; its rate, and what others used meanwhile (percent)."""
        return unwatched(side) if self.asked.quick else cpu.Watch(self.servers().values()).measured(side)

    @property
    def logs(self) -> Path:
        """Where the parts' logs stay until the next run."""
        return self.work / "logs"

    def folder(self, name: str) -> Path:
        """A folder with nothing in it, which is gone after the run."""
        path = self.work / "run" / name
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
        return path


@contextmanager
def opened(asked: Asked, say: Say) -> Iterator[World]:
    """A world of its own; whatever it started is stopped at the end, and what it stored is removed."""
    asked.work.mkdir(exist_ok=True)
    stack = EmbeddedStack(asked.work / "stack", ports=ANY_PORTS, say=lambda line: say(line.lower()))
    stack.remove()  # what a killed run left
    shutil.rmtree(asked.work / "logs", ignore_errors=True)
    try:
        settings = stack.start(Settings(_env_file=None, data_dir=stack.data_dir), apps=False, before_apps=before_apps)
        yield World(asked, asked.work, stack, settings, {MARK: mark_of(stack.data_dir)}, say)
    finally:
        stack.remove()
        shutil.rmtree(asked.work / "run", ignore_errors=True)


@contextmanager
def apart(world: World, name: str, **changed: object) -> Iterator[Settings]:
    """Settings with a database, topics and groups of their own, which are gone afterwards. Nothing is in them yet.

    name: a plain identifier. changed: further settings.
    """
    state = world.stack.state()
    own = {"topic_prefix": f"{name}.", "group_prefix": f"{name}.", **changed}
    settings = world.settings.model_copy(
        update={"database_url": SecretStr(postgres.create_database(state, name)), **own}
    )
    try:
        yield settings
    finally:
        _remove_topics(settings)
        postgres.drop_database(state, name)


def _remove_topics(settings: Settings) -> None:
    admin, names = make_admin(settings), Names(settings)
    ours = [topic for topic in admin.list_topics(timeout=30).topics if topic in map(names.topic, TOPICS)]
    for future in admin.delete_topics(ours).values() if ours else ():
        future.result(30)
