"""Taking a backup while the system runs: first it is looked where everything ends, then it is read up to there.

An event's bytes are in the store before the event is in the log, and an event before its outcome. So the log is looked
at from its end on: outcomes, then their sources (thumper.audit.log.view_log), and the store is copied last. What is
added meanwhile is for the next run, which reads from where this one ended.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from confluent_kafka import Message

from thumper.audit.answers import LIVE
from thumper.audit.lean import read_outcome
from thumper.audit.log import LogReader, LogView, view_log
from thumper.backup.manifest import UNFINISHED, Manifest, read_manifest, write_manifest
from thumper.backup.segments import Entry, Segment, write_segment
from thumper.backup.store_copy import copy_store, forget_removed
from thumper.clock import Clock
from thumper.errors import KafkaDown, UserError
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings
from thumper.store import Store
from thumper.topics import RECORDED

Say = Callable[[str], None]


def take_backup(settings: Settings, folder: Path, clock: Clock, say: Say) -> Manifest:
    """Bring the backup in `folder` up to now: what is there already is not read again.

    Raises UserError if the folder holds something else; KafkaDown, StoreDown. Broken off, what was complete before
    still is, and the same again goes on.
    """
    with _only_one(folder), closing(LagReader(settings, clock)) as lags, closing(LogReader(settings, clock)) as reader:
        before = _open(folder)
        cluster, topics = lags.topic_identity(RECORDED)
        _same_log(folder, before, cluster, topics)
        (folder / UNFINISHED).write_text(_NOTE)
        recent = lags.ends(["detections"])
        view = view_log(settings, lags, [LIVE], clock)
        if not view.settled:
            raise KafkaDown("a transaction stays open", "try again when it has ended or timed out")
        run = _Run(folder, reader, view, recent, say)
        segments = run.all(before)
        store = Store(settings, clock)
        store.open()
        files = copy_store(store, folder / "store", say)
        starts = {part: view.starts[part] for part in run.parts} | (dict(before.starts) if before else {})
        ends = {part: view.ends[part] for part in run.parts}
        taken_at = clock.wall().isoformat()
        manifest = Manifest(taken_at, cluster, topics, starts, ends, run.positions, segments, files)
        write_manifest(folder, manifest)
        forget_removed(store, folder / "store", say)
        (folder / UNFINISHED).unlink()
    return manifest


_NOTE = "A run of `thumper backup` is under way here, or was broken off: the same again goes on.\n"


@contextmanager
def _only_one(folder: Path) -> Iterator[None]:
    """The folder, made if it is not there, for one run at a time. Raises UserError."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise UserError(f"{folder} cannot be used: {error.strerror}") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise UserError(f"another backup into {folder} is running", "wait until it has ended") from None
    finally:
        os.close(lock)


def _open(folder: Path) -> Manifest | None:
    """What was complete before. Raises UserError unless the folder is empty, or a backup."""
    before = read_manifest(folder)
    if before is None and not (folder / UNFINISHED).exists() and any(folder.iterdir()):
        raise UserError(f"{folder} is not empty and holds no backup", "name a new folder")
    return before


def _same_log(folder: Path, before: Manifest | None, cluster: str, topics: Mapping[str, str]) -> None:
    if before is not None and (before.cluster_id, before.topic_ids) != (cluster, topics):
        raise UserError(f"{folder} holds the backup of another log", "name another folder for this one")


class _Run:
    """The log's part of one backup. positions: where the detectors stand, by what is in it."""

    def __init__(
        self, folder: Path, reader: LogReader, view: LogView, recent: Mapping[Partition, int], say: Say
    ) -> None:
        self._folder, self._reader, self._view, self._recent, self._say = folder, reader, view, recent, say
        self.parts = sorted(part for part in view.ends if part.topic in RECORDED)
        self.positions = dict(view.committed[LIVE])

    def all(self, before: Manifest | None) -> list[Segment]:
        """Write what is new; the files of before and these, in order."""
        segments = list(before.segments) if before else []
        for part in self.parts:
            start = before.ends[part] if before and part in before.ends else self._view.starts[part]
            end = self._view.ends[part]
            # Outcomes of a moment ago say how far the detectors are, even if they are in the backup already.
            self._notice_recent(part, start)
            if start < end:
                segments.append(self._segment(part, start, end))
        return segments

    def _segment(self, part: Partition, start: int, end: int) -> Segment:
        name = f"log/{part.topic}/{part.number}/{start:020}-{end:020}.jsonl.gz"
        count, sha256 = write_segment(self._folder / name, self._entries(part, start, end))
        self._say(f"[INFO] {part.topic} {part.number}: {count:,} events")
        return Segment(name, part.topic, part.number, start, end, count, sha256)

    def _entries(self, part: Partition, start: int, end: int) -> Iterator[Entry]:
        for message in self._reader.messages(part, start, end):
            entry = _entry(message)
            self._notice(part, entry.offset, entry.value)
            yield entry

    def _notice_recent(self, part: Partition, start: int) -> None:
        if part.topic == "detections" and self._recent[part] < start:
            for item in self._reader.read(part, self._recent[part], start):
                self._notice(part, item.offset, item.value)

    def _notice(self, part: Partition, offset: int, value: bytes | None) -> None:
        """An outcome that came about when it was asked where the group stands: the group has gone on to behind it."""
        if part.topic != "detections" or offset < self._recent[part]:
            return
        event = read_outcome(value)
        if event is not None and event["group"] == LIVE:
            source = Partition(event["origin"]["topic"], event["origin"]["partition"])
            answered = event["origin"]["offset"] + 1
            if answered <= self._view.ends.get(source, 0):
                self.positions[source] = max(self.positions.get(source, 0), answered)


def _entry(message: Message) -> Entry:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    told = [(name, value.encode() if isinstance(value, str) else value) for name, value in pairs]
    key, value = message.key(), message.value()
    return Entry(message.offset() or 0, message.timestamp()[1], _raw(key), _raw(value), told)


def _raw(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data
