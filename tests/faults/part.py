"""The real parts with points at which they can be told to die or to freeze.

python -m tests.faults.part detector --name d1 --orders FOLDER [--latency 0.01]
python -m tests.faults.part sink --name s1 --orders FOLDER
python -m tests.faults.part import --name i1 --orders FOLDER --ledger FILE --card FOLDER
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

from cli.import_report import ImportReport
from cli.import_run import Asked, Wires
from cli.importing import interruptible, sources_of
from cli.parts import until_signalled
from cli.wiring import Brain, run_detector, run_sink
from processors.detector.backends.fixed import description
from tests.faults.hooks import LedgerImport, hook_copies, hooked
from tests.faults.ledger import Ledger
from tests.faults.orders import Orders
from tests.faults.stub import StubDetector
from thumper.clock import SystemClock
from thumper.errors import ThumperError
from thumper.settings import Settings, read_settings

MEMORY = "out-of-memory"


def words() -> argparse.ArgumentParser:
    """What can be said."""
    found = argparse.ArgumentParser()
    found.add_argument("part", choices=("detector", "sink", "import"))
    found.add_argument("--name", required=True)
    found.add_argument("--orders", type=Path, required=True)
    found.add_argument("--latency", type=float, default=0.0)
    found.add_argument("--ledger", type=Path)
    found.add_argument("--card", type=Path)
    return found


def main() -> None:
    """Read the words of the command line, and run."""
    given = words().parse_args()
    orders = Orders(given.orders, given.part, given.name)
    if given.part == "detector":
        brain = partial(brain_of, given.orders, given.latency)
        run_detector(read_settings(), given.name, until_signalled, brain, hooked(orders))
    elif given.part == "sink":
        hook_copies(orders)
        run_sink(read_settings(), given.name, until_signalled, hooked(orders))
    else:
        sys.exit(run_import(given, orders))


def brain_of(orders: Path, latency_s: float, _: Settings) -> Brain:
    """The stub: here, and in the process that looks at a picture alone."""
    return Brain(description(), StubDetector(latency_s, orders / MEMORY))


def run_import(given: argparse.Namespace, orders: Orders) -> int:
    """Import one card; the exit code of `thumper import`."""
    clock = SystemClock()
    report = ImportReport(clock)
    asked = Asked(sources_of((os.fsencode(given.card),)))
    with (
        interruptible(report.say) as stopped,
        LedgerImport(read_settings(), asked, Wires(clock, report, stopped), Ledger(given.ledger), orders) as run,
    ):
        summary = run.all(())
    return summary.exit_code


if __name__ == "__main__":
    try:
        main()
    except ThumperError as error:
        print(error.message, error.hint)  # noqa: T201 - into its log
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
