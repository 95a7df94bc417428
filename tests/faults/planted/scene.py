"""A short directed run on the tests' own servers: parts with and without a bug, and what the checker says then."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Self

from cli.import_report import ImportReport
from cli.import_run import Asked, Wires
from cli.importing import sources_of
from cli.wiring import before_apps
from producers.delivery import Sender
from tests.faults.checker import Violation, check
from tests.faults.gather import Gatherer
from tests.faults.hooks import LedgerImport
from tests.faults.ledger import Books
from tests.faults.orders import DIE, FREEZE, Orders
from tests.faults.world import is_frozen
from tests.processes import CLOCK, Part, Processes, eventually
from thumper.embedded.waiting import wait_until
from thumper.settings import Settings

REAL, PLANTED = "tests.faults.part", "tests.faults.planted"
GROUPS = ("detector", "sink")
# What is not done by then counts as stuck. Nothing is stuck where no bug makes it so.
DRAINS_S = 15.0


class Scene:
    """Nothing runs at first. A context manager."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        before_apps(settings)
        self.settings = settings
        self.parts = Processes(settings, folder)
        self.books = Books(folder, CLOCK)
        (folder / "orders").mkdir()
        self.orders = Orders(folder / "orders")

    def start(self, role: str, name: str, bug: str = "", latency_s: float = 0.01) -> Part:
        """A part, with a bug if one is named."""
        words = [role, "--name", name, "--orders", str(self.orders.folder), "--latency", str(latency_s)]
        return self.parts.start(*([bug] if bug else []), *words, program=PLANTED if bug else REAL)

    def bring(self, count: int, around: Callable[[Sender], Sender] = lambda sender: sender) -> None:
        """Import a card of so many pictures, to the end. around: what the events are sent by."""
        card, numbers = self.books.card(count)
        asked = Asked(sources_of((os.fsencode(card),)))
        wires = Wires(CLOCK, ImportReport(CLOCK), lambda: False)
        with LedgerImport(self.settings, asked, wires, self.books.ledger, self.orders) as run:
            run.send_by(around)
            assert run.all(()).exit_code == 0
        self.books.complete.update(numbers)

    def dies(self, part: Part, point: str) -> None:
        """Have it die at a point, and see it dead."""
        self.orders.give(part.name, point, DIE)
        self.is_dead(part)

    def is_dead(self, part: Part) -> None:
        """Wait until an order has killed it."""
        eventually(lambda: part.process.poll() is not None, f"{part.name} comes by; its log: {part.log[-2_000:]}")
        assert part.process.returncode == -9, part.log

    def freezes(self, part: Part, point: str) -> None:
        """Have it freeze at a point, and see it frozen."""
        self.orders.give(part.name, point, FREEZE)
        eventually(lambda: is_frozen(part), f"{part.name} comes by {point}")

    def has_results(self) -> None:
        """Wait until the tables have some."""
        eventually(lambda: self.parts.sql("SELECT count(*) FROM result")[0][0] > 0, "there are results")

    def violations(self) -> list[Violation]:
        """Drain, if it will, and look at everything."""
        wait_until(lambda: not any(self.parts.lag(group) for group in GROUPS), CLOCK, DRAINS_S)
        gatherer = Gatherer(self.parts, self.books)
        try:
            return check(gatherer.gather({group: self.parts.lag(group) for group in GROUPS}))
        finally:
            gatherer.close()

    def kinds(self) -> set[str]:
        """The classes of what is wrong."""
        return {violation.kind for violation in self.violations()}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.parts.close()
