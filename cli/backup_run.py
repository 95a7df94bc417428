"""The steps of a restore. The mark of the topics comes off last: until then nothing starts, and it can begin anew."""

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from cli.rebuild_run import Say, follow_sink
from cli.wiring import DETECTOR, SINK, before_apps
from sinks.postgres.migrate import migrate
from sinks.postgres.rebuild import empty_tables, held
from thumper.backup.manifest import NAME, UNFINISHED, Manifest, check_segments, read_manifest
from thumper.backup.restoring import restore_log
from thumper.backup.store_copy import restore_store
from thumper.clock import Clock
from thumper.database import make_engine
from thumper.embedded.stack import EmbeddedStack, connect
from thumper.errors import UserError
from thumper.kafka import make_admin
from thumper.lag import LagReader
from thumper.positions import place_group, wait_until_left
from thumper.settings import Settings
from thumper.store import Store
from thumper.topics import RECORDED, ensure_topics, finish_restored, list_topics, make_restored, unfinished_topics


class Restore:
    """One restore. A context manager: servers that it has started are stopped again if it does not come to its end."""

    def __init__(self, given: Settings, folder: Path, clock: Clock, say: Say) -> None:
        """Checks the backup, starts what is needed, changes nothing. Raises UserError, Fatal."""
        self._given, self._folder, self._clock, self._say = given, folder, clock, say
        self._manifest = _manifest(folder)
        say("[INFO] Checking the backup's files")
        check_segments(folder, self._manifest)
        self._started: EmbeddedStack | None = None
        self._settings = self._connected()
        self._closing = ExitStack()
        self._engine = make_engine(self._settings, statement_timeout_ms=0, application_name="thumper restore")
        self._closing.callback(self._engine.dispose)
        self._lags = LagReader(self._settings, clock)
        self._closing.callback(self._lags.close)

    def plan(self) -> list[str]:
        """What would be done. Raises UserError if it cannot be: parts run, or topics hold events."""
        for group in (DETECTOR, SINK):
            wait_until_left(self._lags, group, 0.0, self._clock)
        present = list_topics(self._settings, make_admin(self._settings))
        half = [topic for topic in unfinished_topics(self._settings) if topic in RECORDED]
        for topic in RECORDED:
            if topic in present and topic not in half and any(self._lags.ends([topic]).values()):
                raise UserError(
                    f"the topic {topic} holds events: a backup is restored into empty topics only",
                    "name a new data folder (THUMPER_DATA_DIR) or another topic prefix; thumper down stops the old one",
                )
        migrate(self._settings)
        rows = held(self._engine)
        lines = [
            f"[INFO] The backup is of {self._manifest.taken_at}: {self._manifest.records:,} events, "
            f"{self._manifest.files:,} files"
        ]
        if half:
            lines.append("[INFO] An earlier restore was broken off; it begins anew")
        if rows.pictures:
            lines.append(f"[WARN] The tables hold {rows.pictures:,} pictures; they are emptied and rebuilt")
        return lines

    def all(self) -> None:
        """Store, log, groups, tables; then take the mark off. Raises KafkaDown, DatabaseDown, StoreDown, Fatal."""
        store = Store(self._settings, self._clock)
        store.open_or_create()
        self._say(f"[INFO] {restore_store(self._folder / 'store', store, self._say):,} files put back")
        counts = {topic: sum(part.topic == topic for part in self._manifest.ends) for topic in RECORDED}
        make_restored(self._settings, counts)
        restore_log(self._settings, self._folder, self._manifest, self._clock, self._say)
        place_group(self._settings, DETECTOR, self._manifest.positions, self._clock)
        place_group(self._settings, SINK, self._lags.starts(RECORDED), self._clock)
        empty_tables(self._engine)
        finish_restored(self._settings, RECORDED)
        # Workers read `control` before they begin, and tell of themselves in others.
        ensure_topics(self._settings)

    def finish(self, timeout_s: float) -> str:
        """Start everything on the embedded stack, and wait for the tables; what came out."""
        told = f"{self._manifest.records:,} events, {self._manifest.files:,} files"
        if not self._given.embedded:
            return f"restore: {told}; start sink, detectors and API: the sink fills the tables"
        stack, self._started = EmbeddedStack(self._given.data_dir, say=self._say), None
        stack.start(self._given, before_apps=before_apps, timeout_s=timeout_s)
        follow_sink(self._lags, self._manifest.ends, self._clock, self._say)
        rows = held(self._engine)
        return f"restore: {told}; {rows.pictures:,} pictures, {rows.results:,} results in the tables"

    def _connected(self) -> Settings:
        if not self._given.embedded:
            return self._given
        stack = EmbeddedStack(self._given.data_dir, say=self._say)
        try:
            stack.programs()
        except UserError:
            self._started = stack
            return stack.start(self._given, apps=False)
        return connect(self._given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.close()
        if self._started is not None:
            self._started.stop()


def _manifest(folder: Path) -> Manifest:
    """Raises UserError."""
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}")
    found = read_manifest(folder)
    if found is None:
        begun = (folder / UNFINISHED).exists()
        why = "a backup was begun there, and broken off before it was complete" if begun else f"it has no {NAME}"
        raise UserError(f"{folder} holds no complete backup: {why}", "`thumper backup` again completes it" * begun)
    return found
