"""A consumer made of lists: delivers, revokes, loses and fails when a test says so."""

from collections.abc import Iterable

from thumper.errors import KafkaDown
from thumper.record import Partition, Record
from thumper.source import Listener
from thumper.wishes import Wanted


class ScriptedSource:
    """A log per partition, and committed offsets that a committer of the same test moves."""

    def __init__(self, logs: dict[Partition, int]) -> None:
        self.ends = dict(logs)
        self.committed: dict[Partition, int] = {}
        self.position: dict[Partition, int] = {}
        self.held: set[Partition] = set()
        self.rewinds = 0
        self.fail_rewind = 0
        self.fail_take = 0
        self.closed = False

    def open(self, listener: Listener) -> None:
        self.listener = listener
        self.opened += 1

    opened = 0

    def assign(self, *partitions: Partition) -> None:
        starts = {partition: self.committed.get(partition, 0) for partition in partitions}
        self.position.update(starts)
        self.listener.assigned(starts)

    def revoke(self, *partitions: Partition) -> None:
        self.listener.revoked(partitions)
        for partition in partitions:
            self._forget(partition)

    def lose(self, *partitions: Partition) -> None:
        self.listener.lost(partitions)
        for partition in partitions:
            self._forget(partition)

    def _forget(self, partition: Partition) -> None:
        del self.position[partition]
        self.held.discard(partition)  # as the real client: a pause does not outlive the assignment

    def take(self, most: int, wait_s: float) -> list[Record]:
        if self.fail_take:
            self.fail_take -= 1
            raise KafkaDown("away")
        if self.is_leaving:
            self.is_leaving = False
            self.revoke(*self.position)
        taken: list[Record] = []
        for partition in sorted(self.position):
            while self.position[partition] < self.ends[partition] and partition not in self.held and len(taken) < most:
                taken.append(Record(partition, self.position[partition], b"{}"))
                self.position[partition] += 1
        return taken

    def positions(self) -> dict[Partition, int]:
        return dict(self.position)

    def behind(self) -> dict[Partition, int]:
        return {part: self.ends[part] - at for part, at in self.position.items()}

    def rewind(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        if self.fail_rewind:
            self.fail_rewind -= 1
            raise KafkaDown("away")
        self.rewinds += 1
        starts = {partition: self.committed.get(partition, 0) for partition in partitions if partition in self.position}
        self.position.update(starts)
        return starts

    def hold(self, partitions: Iterable[Partition]) -> None:
        self.held |= set(partitions)

    def release(self, partitions: Iterable[Partition]) -> None:
        self.held -= set(partitions)

    def leave(self) -> None:
        self.is_leaving = True

    is_leaving = False

    def wanted(self) -> Wanted:
        return "running"

    def joined(self) -> bool:
        return bool(self.position)

    def close(self) -> None:
        self.closed = True
