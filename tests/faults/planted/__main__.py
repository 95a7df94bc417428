"""A part with a bug: `python -m tests.faults.planted BUG detector --name d1 --orders FOLDER`; see tests.faults.part."""

import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from confluent_kafka import Consumer

from cli.parts import until_signalled
from cli.wiring import run_detector, run_sink
from tests.faults.hooks import HookedTransactions, hook_copies, hooked
from tests.faults.orders import Orders
from tests.faults.part import brain_of, words
from tests.faults.planted import committers, pieces
from thumper.settings import Settings, read_settings


def main() -> None:
    """Plant the bug that the first word names into the part that the others describe."""
    bug, *rest = sys.argv[1:]
    given = words().parse_args(rest)
    orders = Orders(given.orders, given.part, given.name)
    makers = replace(hooked(orders), **BUGS[bug](orders))
    if given.part == "detector":
        brain = partial(brain_of, given.orders, given.latency)
        run_detector(read_settings(), given.name, until_signalled, brain, makers)
    else:
        hook_copies(orders)
        run_sink(read_settings(), given.name, until_signalled, makers)


def _committer(kind: type[HookedTransactions], orders: Orders) -> dict[str, Any]:
    def make(settings: Settings, name: str, consumer: Consumer) -> HookedTransactions:
        return kind(settings, name, consumer, orders)

    return {"transactions": make}


def _piece(name: str, kind: object, _: Orders) -> dict[str, Any]:
    return {name: kind}


BUGS: dict[str, Callable[[Orders], dict[str, Any]]] = {
    "commit_before_write": partial(_piece, "stage", pieces.CommitBeforeWrite),
    "position_committed": partial(_piece, "loop", pieces.PositionCommitted),
    "last_offset_only": partial(_committer, committers.LastOffsetOnly),
    "no_rewind": partial(_committer, committers.NoRewind),
    "latest": partial(_piece, "source", pieces.Latest),
    "random_ids": partial(_piece, "stage", pieces.RandomIds),
    "stale_metadata": partial(_committer, committers.StaleMetadata),
    "read_uncommitted": partial(_piece, "source", pieces.ReadUncommitted),
    "no_keys": partial(_piece, "stage", pieces.without_keys),
    "no_transactions": partial(_committer, committers.NoTransactions),
}

if __name__ == "__main__":
    main()
