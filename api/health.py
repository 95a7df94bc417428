"""Whether what this depends on answers: each part asked by itself, so that all that is wrong is named at once."""

from collections.abc import Callable

from sqlalchemy import Engine

from api.problems import explain
from api.queries import snapshot
from api.snapshot import Lags
from api.status import LIVE_GROUP
from thumper.errors import ThumperError

OK = "ok"
# Monitors ask every few seconds; many of them shall not make many connections.
HEALTH_MAX_AGE_S = 1.0


def check(engine: Engine, lags: Lags) -> dict[str, str]:
    """Each part, and "ok" or what is wrong with it and what to do. Blocks for some milliseconds, or a time-out."""
    return {
        "kafka": _asked(lambda: lags.read(LIVE_GROUP, ["images"])),
        "database": _asked(lambda: read_tables(engine)),
    }


def read_tables(engine: Engine) -> None:
    """Raises DatabaseDown if the tables cannot be read."""
    with snapshot(engine) as tables:
        tables.row("active_model")


def _asked(ask: Callable[[], object]) -> str:
    try:
        ask()
    except ThumperError as error:
        refusal = explain(error)
        return f"{refusal.detail}; {refusal.hint}" if refusal.hint else str(refusal.detail)
    return OK
