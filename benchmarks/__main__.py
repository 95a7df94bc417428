"""`python -m benchmarks`: all benchmarks, or some; a table, benchmarks/results.json, and a picture of it, results.svg.

Exit code 0: all was measured; 1: some of it could not be, and its row says why; 130: interrupted.
"""

import argparse
import fcntl
import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks import (
    agreement,
    detector_loop,
    detector_memory,
    end_to_end,
    import_memory,
    importing,
    latency,
    pictures,
    plot,
    rebalance,
    replay,
    sink,
    stages,
    status_page,
    workers,
)
from benchmarks.machine import machine_facts, picture_facts
from benchmarks.report import Question, Row, document, table, unmeasured
from benchmarks.words import at_least
from benchmarks.world import WORK, Asked, World, opened
from thumper.embedded import postgres
from thumper.errors import ThumperError, UserError

ROUNDS, QUICK_ROUNDS = 5, 1

Bench = Callable[[World, Sequence[Question]], list[Row]]


def main() -> int:
    """Run what is asked; the exit code."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        asked = _asked()
        _as_shipped()
        with _only_one(asked.work):
            return _run(asked)
    except ThumperError as error:
        print(f"benchmarks: {error.message}\n            {error.hint}".rstrip(), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("benchmarks: interrupted; nothing is left running", file=sys.stderr)
        return 130


def _run(asked: Asked) -> int:
    machine = machine_facts()
    source = pictures.choose(
        asked.pictures, asked.work, _say
    )  # what is wrong with them is said before anything is started
    machine["pictures"] = picture_facts(source.what, source.paths)
    with opened(asked, _say) as world:
        rows = [row for questions, bench in _benches() for row in _rows(world, questions, bench)]
    results = asked.work.with_name("results.json")
    results.write_text(document(rows, machine))
    drawn = json.loads(results.read_text())
    results.with_suffix(".svg").write_text(plot.svg(drawn["rows"], plot.subtitle(drawn)))
    print(table(rows))
    print(f"\n{machine['cores']} cores of {machine['cpu']}; {source.what}; all of it: {results}, results.svg")
    return 1 if any(row.reason for row in rows) else 0


def _as_shipped() -> None:
    """Without the settings of whoever calls. Raises UserError for a device that is not measured on."""
    device = os.environ.get("THUMPER_DEVICE", "auto")
    if device not in ("auto", "cpu"):
        raise UserError(f"THUMPER_DEVICE is {device}: these benchmarks measure the processor", "unset it, or set cpu")
    for name in [name for name in os.environ if name.startswith("THUMPER_")]:
        _say(f"{name} is left out: measured as it is shipped")
        del os.environ[name]


def _benches() -> list[tuple[list[Question], Bench]]:
    return [
        (end_to_end.questions(), end_to_end.run),
        (stages.QUESTIONS, stages.run),
        (detector_loop.QUESTIONS, detector_loop.run),
        (workers.QUESTIONS, workers.run),
        (rebalance.QUESTIONS, rebalance.run),
        (replay.QUESTIONS, replay.run),
        (replay.SINK_QUESTIONS, replay.run_sink),
        (latency.QUESTIONS, latency.run),
        (sink.QUESTIONS, _sink),
        (importing.QUESTIONS, importing.run),
        (agreement.QUESTIONS, agreement.run),
        (status_page.QUESTIONS, status_page.run),
        (import_memory.QUESTIONS, import_memory.run),
        (detector_memory.QUESTIONS, detector_memory.run),
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
    parser.add_argument("--rounds", type=at_least(1), help=f"of each comparison; default {ROUNDS}")
    parser.add_argument("--pictures", type=Path, help="a folder of your own pictures for the end_to_end rows")
    parser.add_argument("--quick", action="store_true", help="few pictures: to see that it runs, not how fast")
    parser.add_argument(
        "--work", type=Path, default=WORK, help="a folder of its own, made if need be; results.json comes beside it"
    )
    given = parser.parse_args()
    rounds = given.rounds or (QUICK_ROUNDS if given.quick else ROUNDS)
    return Asked(tuple(given.only), rounds, given.quick, given.pictures, given.work.absolute())


@contextmanager
def _only_one(work: Path) -> Iterator[None]:
    """Two at once would measure each other. Raises UserError."""
    try:
        work.mkdir(exist_ok=True)
    except OSError as error:
        raise UserError(f"{work} cannot be made: {error.strerror}", "give another folder: --work FOLDER") from None
    with (work / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError("a benchmark runs here already", "wait until it has ended") from None
        yield


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
