"""What a backup holds. The manifest is replaced when a run of `thumper backup` is complete, and not before."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from thumper.backup.segments import Segment, sha256_of
from thumper.errors import UserError
from thumper.record import Partition

FORMAT = 1
NAME = "manifest.json"
UNFINISHED = "UNFINISHED"


@dataclass(frozen=True, slots=True)
class Manifest:
    """topic_ids, cluster_id: which log. starts, ends: offsets of each partition, transaction markers included.

    positions: where the group `detector` stood, by what it had answered. segments: the files, per partition in order.
    """

    taken_at: str
    cluster_id: str
    topic_ids: Mapping[str, str]
    starts: Mapping[Partition, int]
    ends: Mapping[Partition, int]
    positions: Mapping[Partition, int]
    segments: Sequence[Segment]
    files: int

    def of(self, partition: Partition) -> list[Segment]:
        """The files of one partition, in order."""
        return [one for one in self.segments if (one.topic, one.partition) == partition]

    @property
    def records(self) -> int:
        """How many events the log of the backup holds."""
        return sum(one.records for one in self.segments)


def read_manifest(folder: Path) -> Manifest | None:
    """The newest complete backup in `folder`; None if there is none. Raises UserError for what is not one of ours."""
    path = folder / NAME
    if not path.exists():
        return None
    try:
        told = json.loads(path.read_text("utf-8"))
        if told["format"] != FORMAT:
            raise UserError(f"{path} has format {told['format']}; this release reads {FORMAT}", "use a newer release")
        return Manifest(
            told["taken_at"],
            told["cluster_id"],
            told["topic_ids"],
            _places(told["starts"]),
            _places(told["ends"]),
            _places(told["positions"]),
            [Segment(**one) for one in told["segments"]],
            told["files"],
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is not the manifest of a backup: {error}") from None


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace it, durably."""
    told = {
        "format": FORMAT,
        "taken_at": manifest.taken_at,
        "cluster_id": manifest.cluster_id,
        "topic_ids": dict(manifest.topic_ids),
        "starts": _told(manifest.starts),
        "ends": _told(manifest.ends),
        "positions": _told(manifest.positions),
        "segments": [one.as_dict() for one in manifest.segments],
        "files": manifest.files,
    }
    aside = folder / f"{NAME}.partial"
    with aside.open("w", encoding="utf-8") as file:
        json.dump(told, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / NAME)


def check_segments(folder: Path, manifest: Manifest) -> None:
    """Compare every file with its SHA-256. Raises UserError that names the first wrong one."""
    for one in manifest.segments:
        if sha256_of(folder / one.file) != one.sha256:
            raise UserError(f"the backup's file {folder / one.file} is damaged: its sha256 is another")


def _told(offsets: Mapping[Partition, int]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for part, offset in sorted(offsets.items()):
        found.setdefault(part.topic, {})[str(part.number)] = offset
    return found


def _places(told: dict[str, dict[str, Any]]) -> dict[Partition, int]:
    return {Partition(topic, int(number)): int(at) for topic, parts in told.items() for number, at in parts.items()}
