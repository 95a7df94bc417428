"""The run of a repair: its parts wired from settings, and the order of its steps."""

import secrets
import tempfile
from contextlib import ExitStack
from pathlib import Path

from cli.importing import interruptible
from cli.verify_report import say
from producers.catch_up import wait_for_turn
from producers.delivery import Delivery
from producers.known import ImportLock
from producers.patience import Patience
from producers.repair import RepairParts, RepairPlan, RepairSummary, TableDescriptions, repair
from thumper.audit.stored import unannounced
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.emitter import Emitter
from thumper.settings import Settings
from thumper.store import Store


def repair_store(settings: Settings, clock: Clock, dry_run: bool) -> RepairSummary:
    """Announce what the log lacks. Waits for a running import to end. Raises KafkaDown, DatabaseDown, StoreDown."""
    with ExitStack() as closing:
        stopped = closing.enter_context(interruptible(say))
        patience = Patience(clock, stopped, say)
        store = Store(settings, clock)
        store.open()
        engine = make_engine(settings, read_only=True, application_name="thumper repair")
        closing.callback(engine.dispose)
        lock = ImportLock(engine)
        closing.callback(lock.release)
        if not wait_for_turn(lock, patience):
            return RepairSummary(interrupted=True)
        folder = Path(closing.enter_context(tempfile.TemporaryDirectory(prefix="thumper-repair-")))
        names = unannounced(settings, store, folder, clock)
        emitter = closing.enter_context(Emitter(settings))
        parts = RepairParts(store, Delivery(emitter, patience), TableDescriptions(engine), clock, stopped)
        import_id = f"repair-{clock.wall():%Y%m%dT%H%M%SZ}-{secrets.token_hex(4)}"
        return repair(names, parts, RepairPlan(import_id, dry_run, settings.max_picture_bytes))
