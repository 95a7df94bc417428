"""The command `thumper`: its words, and what its exit codes mean.

Exit codes: 0 done; 1 done with complaints, or failed; 2 asked for wrongly; 3 something that is needed does not answer;
70 this process cannot go on; 130 interrupted.
"""

import sys
from typing import Annotated

import typer

from cli import (
    backup,
    check,
    dead_letters,
    demo,
    grant,
    importing,
    init,
    lag,
    losses,
    parts,
    pausing,
    rebuild,
    remove,
    replay,
    retry,
    skip,
    stack,
    status,
    trace,
    verify,
)
from thumper.errors import ThumperError

app = typer.Typer(
    name="thumper",
    help="Wildlife pictures in, detections out, by way of Kafka.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(stack.app)
app.command("init")(init.init_command)
app.command("grant")(grant.grant_command)
app.command("check")(check.check_command)
app.command("import")(importing.import_command)
app.command("locations")(importing.locations_command)
app.command("status")(status.status_command)
app.command("pause")(pausing.pause_command)
app.command("resume")(pausing.resume_command)
app.command("drain")(pausing.drain_command)
app.command("retry")(retry.retry_command)
app.command("skip")(skip.skip_command)
app.command("lag")(lag.lag_command)
app.command("trace")(trace.trace_command)
app.command("verify")(verify.verify_command)
app.command("repair")(verify.repair_command)
app.command("remove")(remove.remove_command)
app.command("rebuild")(rebuild.rebuild_command)
app.command("backup")(backup.backup_command)
app.command("restore")(backup.restore_command)
app.command("detector")(parts.detector_command)
app.command("sink")(parts.sink_command)
app.command("demo")(demo.demo_command)
app.command("api")(parts.api_command)
app.add_typer(replay.app, name="replay")
app.command("monitor")(parts.monitor_command)
app.add_typer(dead_letters.app, name="dead-letters")
app.command("accept-loss")(losses.accept_loss_command)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"thumper {version('thumper')}")
        raise typer.Exit


@app.callback()
def _root(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Wildlife pictures in, detections out, by way of Kafka."""


def run() -> None:
    """Run the command line; an error of ours is two lines, never a traceback."""
    try:
        app()
    except ThumperError as error:
        print(f"thumper: {error.message}", file=sys.stderr)
        if error.hint:
            print(f"         {error.hint}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)


if __name__ == "__main__":
    run()
