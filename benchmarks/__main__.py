"""`python -m benchmarks`: all benchmarks, or some; a table, and benchmarks/results.json.

Exit code 0: all was measured; 1: some of it could not be, and its row says why; 130: interrupted.
"""

import argparse
import fcntl
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import (
    agreement,
    detector_loop,
    end_to_end,
    importing,
    latency,
    pictures,
    rebalance,
    replay,
    sink,
    workers,
)
from benchmarks.machine import machine_facts, picture_facts
from benchmarks.report import Question, Row, document, table, unmeasured
from benchmarks.world import WORK, Asked, World, opened
from thumper.embedded import postgres
from thumper.errors import ThumperError, UserError

RESULTS = Path(__file__).parent / "results.json"
ROUNDS, QUICK_ROUNDS = 5, 1

Bench = Callable[[World, Sequence[Question]], list[Row]]


def main() -> int:
    """Run what is asked; the exit code."""
    for name in [name for name in os.environ if name.startswith("THUMPER_")]:
        del os.environ[name]  # measured as it is shipped
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asked = _asked()
        with _only_one():
            return _run(asked)
    except ThumperError as error:
        print(f"benchmarks: {error.message}\n            {error.hint}".rstrip(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("benchmarks: interrupted; nothing is left running", file=sys.stderr)
        return 130


def _run(asked: Asked) -> int:
    machine = machine_facts()
    source = pictures.choose(asked.pictures, WORK, _say)  # what is wrong with them is said before anything is started
    machine["pictures"] = picture_facts(source.what, source.paths)
    with opened(asked, _say) as world:
        rows = [row for questions, bench in _benches() for row in _rows(world, questions, bench)]
    RESULTS.write_text(document(rows, machine))
    print(table(rows))
    print(f"\n{machine['cores']} cores of {machine['cpu']}; {source.what}; all of it: {RESULTS}")
    return 1 if any(row.reason for row in rows) else 0


def _benches() -> list[tuple[list[Question], Bench]]:
    return [
        (end_to_end.questions(), end_to_end.run),
        (detector_loop.QUESTIONS, detector_loop.run),
        (workers.QUESTIONS, workers.run),
        (rebalance.QUESTIONS, rebalance.run),
        (replay.QUESTIONS, replay.run),
        (replay.SINK_QUESTIONS, replay.run_sink),
        (latency.QUESTIONS, latency.run),
        (sink.QUESTIONS, _sink),
        (importing.QUESTIONS, importing.run),
        (agreement.QUESTIONS, agreement.run),
    ]


def _rows(world: World, questions: Sequence[Question], bench: Bench) -> list[Row]:
    """The answers to what was asked for; one that cannot be given says why."""
    asked = [question for question in questions if question.name in world.asked.names]
    try:
        return bench(world, asked) if asked else []
    except ThumperError as error:
        return [unmeasured(question, str(error)) for question in asked]


def _sink(world: World, asked: Sequence[Question]) -> list[Row]:
    state = world.stack.state()
    url = postgres.create_database(state, "bench_sink")
    try:
        rows = sink.run(url, rounds=2 if world.asked.quick else sink.ROUNDS)
    finally:
        postgres.drop_database(state, "bench_sink")
    return [row for row in rows if row.name in [question.name for question in asked]]


def _asked() -> Asked:
    names = [question.name for questions, _ in _benches() for question in questions]
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--rounds", type=int, default=0, help=f"of each comparison; default {ROUNDS}")
    parser.add_argument("--pictures", type=Path, help="a folder of your own pictures for the end_to_end rows")
    parser.add_argument("--quick", action="store_true", help="few pictures: to see that it runs, not how fast")
    given = parser.parse_args()
    if given.rounds < 0:
        parser.error("--rounds: at least 1")
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    return Asked(tuple(given.only), rounds, given.quick, given.pictures)


@contextmanager
def _only_one() -> Iterator[None]:
    """Two at once would measure each other. Raises UserError."""
    WORK.mkdir(exist_ok=True)
    with (WORK / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError("a benchmark runs here already", "wait until it has ended") from None
        yield


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
