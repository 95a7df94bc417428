"""The commands of the embedded stack: up, down, restart, ps, logs, psql, kafka."""

import json
import signal
import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import typer

from thumper.clock import SystemClock
from thumper.errors import UserError
from thumper.heartbeat import LEFT
from thumper.settings import Settings, read_settings

if TYPE_CHECKING:
    from thumper.embedded.parts import Part

app = typer.Typer()
# What follows is for another program, its --help included.
_PASS_ON = {"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []}
_FOLLOW_S = 0.25


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@app.command()
def up(
    foreground: Annotated[bool, typer.Option("--foreground", help="Stay, and stop everything at Ctrl-C.")] = False,
    detectors: Annotated[int | None, typer.Option("--detectors", "-n", help="How many detectors.")] = None,
    weights: Annotated[str | None, typer.Option("--weights", help="The model: an .onnx or .pt file.")] = None,
    device: Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds until a part must be ready.")] = 120.0,
) -> None:
    """Start Kafka, PostgreSQL, sink, detectors, monitor and API, and wait until all are ready.

    On a running stack: start what does not run, and take over changed settings.
    """
    from cli.wiring import before_apps, brain_of
    from thumper.embedded.stack import EmbeddedStack

    settings = read_settings(detectors=detectors, weights=weights, device=device)
    brain_of(settings)  # refused before anything is started, or a detector that works is replaced
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    stack = EmbeddedStack(settings.data_dir, say=_say)
    clock = SystemClock()
    start_s = clock.now_s()
    connected = stack.start(settings, before_apps=before_apps, timeout_s=timeout_s)
    _say_ready(connected, clock.now_s() - start_s)
    if foreground:
        _say("Ctrl-C stops everything")
        try:
            stack.wait()
            _say("It was stopped elsewhere")
        except KeyboardInterrupt:
            stack.stop()


def _say_ready(settings: Settings, took_s: float) -> None:
    host = "127.0.0.1" if settings.api_host == "0.0.0.0" else settings.api_host  # noqa: S104 - compared, not bound
    # Without the password: it is in the state file, and `thumper psql` needs none.
    database = settings.database_url.get_secret_value().rpartition("@")[2] if settings.database_url else "?"
    print(f"Ready after {took_s:.1f} s")
    print(f"  Kafka       {settings.kafka_bootstrap}")
    print(f"  PostgreSQL  {database}")
    print(f"  API         http://{host}:{settings.api_port}")
    print("  Import pictures: thumper import FOLDER    Look: thumper status, thumper ps    Stop: thumper down")


@app.command()
def down() -> None:
    """Stop everything in order, also what a crashed stack left behind. The data stays."""
    from thumper.embedded.stack import EmbeddedStack

    settings = read_settings()
    was_running = EmbeddedStack(settings.data_dir, say=_say).stop()
    print("Stopped" if was_running else f"Nothing was running in {settings.data_dir.absolute()}")


@app.command()
def restart(
    parts: Annotated[list[str] | None, typer.Argument(help="Like detector-1, or kafka; default: everything.")] = None,
    timeout_s: Annotated[float, typer.Option("--timeout", help="Seconds until a part must be ready.")] = 120.0,
) -> None:
    """Stop everything in order, or some parts, and start it again as it was; returns when all is ready.

    Changed settings are taken over by `thumper up`, not by this.
    """
    from thumper.embedded.stack import EmbeddedStack

    settings, clock = read_settings(), SystemClock()
    start_s = clock.now_s()
    EmbeddedStack(settings.data_dir, say=_say).restart(parts or [], settings.api_host, timeout_s)
    print(f"Ready again after {clock.now_s() - start_s:.1f} s")


@app.command()
def ps(as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False) -> None:
    """Show each part: state, pid, uptime, restarts, memory. Exit code 1 when one of them is not ready."""
    from thumper.embedded.stack import EmbeddedStack

    settings = read_settings()
    parts = EmbeddedStack(settings.data_dir).parts(settings.api_host)
    if as_json:
        print(json.dumps([asdict(part) for part in parts], indent=2))
    else:
        _print_parts(parts)
    if not all(part.ready for part in parts):
        raise typer.Exit(1)


def _print_parts(parts: Sequence["Part"]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("part", "state", box=None)
    for name in ("pid", "uptime", "restarts", "memory"):
        table.add_column(name, justify="right")
    for part in parts:
        state = "ready" if part.ready else part.state.lower()
        if part.ready and part.waits_for:
            state = "paused" if part.waits_for.startswith(LEFT) else "waits"
        pid = str(part.pid) if part.pid else "-"
        memory = f"{part.memory_bytes / (1 << 20):.0f} MiB" if part.pid else "-"
        table.add_row(part.name, state, pid, duration(part.uptime_s), str(part.restarts), memory)
    Console().print(table)
    for part in parts:
        if part.waits_for.startswith(LEFT):
            print(f"{part.name} is {part.waits_for}")
        elif part.waits_for:
            print(f"{part.name} waits: {part.waits_for}")


def duration(seconds: int) -> str:
    """`3 d 4 h`, `2 h 5 min`, `3 min 20 s`, `12 s`: the two largest units."""
    units = (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1))
    for (large, size), (small, part) in pairwise(units):
        if seconds >= size:
            return f"{seconds // size} {large} {seconds % size // part} {small}"
    return f"{seconds} s"


@app.command()
def logs(
    part: Annotated[
        str | None, typer.Argument(help="kafka, postgres, sink, api, monitor, detector-1, ...; default: all.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with what is added.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """Show what the parts have logged."""
    from thumper.embedded.log_files import Follower, tail

    folder = read_settings().data_dir.absolute() / "logs"
    known = sorted(path.stem for path in folder.glob("*.log"))
    chosen = known if part is None else [part]
    if not known or not set(chosen) <= set(known):
        what = f"no log of {part!r}" if part else "no logs"
        raise UserError(f"{what} in {folder}", f"there are: {', '.join(known)}" if known else "start it: `thumper up`")
    width = 0 if len(chosen) == 1 else max(map(len, chosen)) + 3
    heads = {name: f"{name} | ".rjust(width) if width else "" for name in chosen}
    followers = {name: Follower(folder / f"{name}.log") for name in chosen}
    for name, head in heads.items():
        for line in tail(folder / f"{name}.log", lines):
            print(head + line)
    while follow:
        for name, head in heads.items():
            for line in followers[name].read_new():
                print(head + line, flush=True)
        SystemClock().sleep(_FOLLOW_S)


@app.command(context_settings=_PASS_ON)
def psql(context: typer.Context) -> None:
    """Run PostgreSQL's psql on the database: `thumper psql -c 'SELECT count(*) FROM images'`."""
    from thumper.embedded.postgres import run_psql
    from thumper.embedded.stack import connect

    settings = connect(read_settings())
    assert settings.database_url is not None  # noqa: S101 - connect fills it
    raise typer.Exit(run_psql(settings.database_url.get_secret_value(), context.args))


@app.command(context_settings=_PASS_ON)
def kafka(context: typer.Context) -> None:
    """Run one of Kafka's own tools on the cluster: `thumper kafka kafka-topics --list`; `ui`: look into it."""
    from thumper.embedded.stack import connect
    from thumper.embedded.tools import TOOLS, run_tool, tool_class

    if not context.args or context.args[0] in ("--help", "-h"):
        print("thumper kafka TOOL ARGS...\n\n  " + "\n  ".join(TOOLS))
        print("\nthumper kafka ui [admin | consumer -t TOPIC]: a UI in the terminal (kaskade, installed on first use)")
        return
    name, *words = context.args
    if name == "ui":
        from thumper.embedded.kaskade import run_ui

        raise typer.Exit(run_ui(connect(read_settings()), words, _say))
    tool_class(name)
    raise typer.Exit(run_tool(connect(read_settings()), name, words, _say))
