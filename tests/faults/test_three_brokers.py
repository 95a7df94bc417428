"""Three brokers, two of which must have a record: one is lost, then a second; then they come back."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.planted.scene import REAL, Scene
from tests.faults.schedule import DETECTORS
from tests.faults.three import NODES, ThreeBrokers, three_brokers
from tests.faults.workload import AWAY
from tests.faults.world import is_frozen
from tests.processes import Part, eventually
from thumper.embedded.servers import mark_of
from thumper.embedded.stack import EmbeddedStack
from thumper.errors import Fatal
from thumper.kafka import Names, make_admin
from thumper.settings import Settings

PICTURES = 40
SECOND_LOSS_AT = "before_begin"
ROLES = {"s1": "sink", **dict.fromkeys(DETECTORS, "detector")}


class Kept:
    """The parts, started again when they end, as their supervisor does it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.parts: dict[str, Part] = {name: scene.start(role, name) for name, role in ROLES.items()}

    def drained(self) -> bool:
        for name, part in self.parts.items():
            if part.process.poll() is not None:
                assert part.process.returncode == Fatal.exit_code, part.log[-4_000:]
                self.parts[name] = self._scene.start(ROLES[name], name)
        return all(self._scene.parts.lag(group) == 0 for group in ("detector", "sink"))


@pytest.fixture
def brokers(stack: EmbeddedStack, tmp_path: Path) -> Iterator[ThreeBrokers]:
    with three_brokers(tmp_path, mark_of(stack.data_dir)) as found:
        yield found


@pytest.fixture
def scene(settings: Settings, brokers: ThreeBrokers, tmp_path: Path) -> Iterator[Scene]:
    cluster = {"kafka_bootstrap": brokers.bootstrap, "replication_factor": len(NODES)}
    with Scene(settings.model_copy(update=cluster), tmp_path) as found:
        yield found


def coordinator(settings: Settings) -> int:
    """The broker that the detectors' group depends on most."""
    name, admin = Names(settings).group("detector"), make_admin(settings)
    found = admin.describe_consumer_groups([name], request_timeout=30)[name].result(30)
    assert found.coordinator is not None
    return int(found.coordinator.id)


def recorded(scene: Scene) -> int:
    return int(scene.parts.sql("SELECT count(*) FROM result")[0][0])


class Import:
    """A new card of so many pictures; the same import again where Kafka was away, as the command says."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        card, self._numbers = scene.books.card(PICTURES)
        words = ("import", "--name", "i1", "--orders", str(scene.orders.folder))
        self._words = (*words, "--ledger", str(scene.books.ledger.path), "--card", str(card))
        self._part = scene.parts.start(*self._words, program=REAL)

    def waits(self) -> bool:
        return "trying again" in self._part.log or self._part.process.poll() == AWAY

    def end(self) -> None:
        while (code := self._part.process.wait(120)) == AWAY:
            self._part = self._scene.parts.start(*self._words, program=REAL)
        assert code == 0, self._part.log
        self._scene.books.complete.update(self._numbers)


def waits(part: Part) -> bool:
    """It says so; or it has ended, because a call of the client did not return."""
    return '"waiting"' in part.log or part.process.poll() == Fatal.exit_code


@pytest.mark.slow
def test_work_goes_on_without_one_waits_without_two_and_nothing_is_lost_or_twice(
    scene: Scene, brokers: ThreeBrokers
) -> None:
    kept = Kept(scene)
    scene.bring(PICTURES)
    eventually(kept.drained, "all is done with three")

    first = coordinator(scene.settings)
    brokers.kill(first)
    Import(scene).end()
    eventually(lambda: recorded(scene) == 2 * PICTURES and kept.drained(), "all is done with two")
    assert first not in brokers.running()

    before = recorded(scene)
    for name in DETECTORS:
        scene.orders.give(name, SECOND_LOSS_AT, "freeze")
    scene.bring(PICTURES)
    eventually(lambda: any(is_frozen(kept.parts[name]) for name in DETECTORS), "outcomes are ready to be committed")
    second = next(iter(brokers.running()))
    brokers.kill(second)
    acknowledged = scene.books.ledger.count()
    importing = Import(scene)
    for name in DETECTORS:
        scene.orders.withdraw(name, SECOND_LOSS_AT)
        kept.parts[name].send(signal.SIGCONT)
    eventually(lambda: any(waits(kept.parts[name]) for name in DETECTORS), "a detector waits")
    eventually(importing.waits, "the import waits")
    assert recorded(scene) == before
    assert scene.books.ledger.count() == acknowledged

    brokers.start(first, second)
    importing.end()
    eventually(lambda: recorded(scene) == 4 * PICTURES and kept.drained(), "all is done with three again")
    assert scene.violations() == []
    audit = scene.parts.run("verify", "--deep")
    assert audit.returncode == 0, audit.stdout
    assert [part.stop() for part in kept.parts.values()] == [0, 0, 0]
