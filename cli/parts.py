"""The long-running parts as commands: `thumper detector`, `thumper sink`, `thumper api`, `thumper monitor`."""

import signal
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from thumper.settings import Settings, read_settings

Name = Annotated[str | None, typer.Option("--name", help="This worker's name, unique among those that run.")]
Device = Annotated[str | None, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Weights = Annotated[Path | None, typer.Option("--weights", help="An .onnx, or a .pt with the extra torch.")]
MetricsPort = Annotated[
    int | None, typer.Option("--metrics-port", help="Serve /metrics for Prometheus here; 0: do not.")
]


def detector_command(
    name: Name = None, device: Device = None, weights: Weights = None, metrics_port: MetricsPort = None
) -> None:
    """Run one detector: takes events, looks at pictures, sends outcomes."""
    from cli import wiring

    settings = settings_for_parts(read_settings(device=device, weights=weights, metrics_port=metrics_port))
    wiring.run_detector(settings, name, until_signalled)


def sink_command(name: Name = None, metrics_port: MetricsPort = None) -> None:
    """Run one sink: records what is in the log into PostgreSQL."""
    from cli import wiring

    wiring.run_sink(settings_for_parts(read_settings(metrics_port=metrics_port)), name, until_signalled)


def api_command(
    host: Annotated[str | None, typer.Option("--host", help="Address to listen at.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen at.")] = None,
) -> None:
    """Run the HTTP API (default: 127.0.0.1:8001)."""
    from cli import wiring

    wiring.run_api(settings_for_parts(read_settings(api_host=host, api_port=port)))


def monitor_command(name: Name = None) -> None:
    """Run the monitor: counts outcomes, raises and delivers alerts, asks for pictures that were reset by hand."""
    from cli import wiring

    wiring.run_monitor(settings_for_parts(read_settings()), name, until_signalled)


def settings_for_parts(settings: Settings) -> Settings:
    """Settings with addresses in them: as given, or those of the embedded stack that runs here."""
    if not settings.embedded:
        return settings
    from thumper.embedded.stack import connect

    return connect(settings)


def until_signalled(stop: Callable[[], None]) -> None:
    """SIGTERM and SIGINT ask for an orderly end."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())
