"""A stage that works when the test says so, and a committer that keeps what it was given."""

from collections import deque
from collections.abc import Iterator, Mapping

from tests.fakes.source import ScriptedSource
from thumper.errors import Retriable, ThumperError
from thumper.record import Done, Outgoing, Partition, Record
from thumper.stage import Backpressure


class ManualStage:
    """Takes up to `most` records; hands out those that `work` was told to finish, in the order taken."""

    def __init__(self, most: int = 1_000) -> None:
        self.most = most
        self.taken: deque[Record] = deque()
        self.ready = 0
        self.fail: list[ThumperError] = []
        self.drains = 0

    def open(self) -> None:
        pass

    def room(self, now_s: float) -> int:
        return max(0, self.most - len(self.taken))

    def submit(self, record: Record, now_s: float) -> None:
        if not self.room(now_s):
            raise Backpressure
        self.taken.append(record)

    def work(self, count: int) -> None:
        self.ready += count

    def poll(self, now_s: float) -> Done | None:
        if self.fail:
            raise self.fail.pop()
        count = min(self.ready, len(self.taken))
        if not count:
            return None
        self.ready -= count
        records = [self.taken.popleft() for _ in range(count)]
        return Done(records, [Outgoing("detections", None, str(record.offset).encode()) for record in records])

    def wait(self, timeout_s: float) -> None:
        pass

    def drain(self, deadline_s: float) -> Iterator[Done]:
        self.drains += 1
        self.ready = self.drains_finish
        done = self.poll(0.0)
        if done is not None:
            yield done

    drains_finish = 0

    def discard(self) -> None:
        self.taken.clear()
        self.ready = 0

    def waits_for(self) -> Retriable | None:
        return self.away

    away: Retriable | None = None

    def in_flight(self) -> int:
        return len(self.taken)

    def close(self) -> None:
        pass


class KeepingCommitter:
    """Commits into the source's committed offsets; fails with what the test put into `fail` first."""

    def __init__(self, source: ScriptedSource) -> None:
        self.source = source
        self.outputs: list[tuple[Partition, int]] = []
        self.fail: list[ThumperError] = []

    def open(self) -> None:
        pass

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        if self.fail:
            raise self.fail.pop()
        self.outputs.extend((record.partition, record.offset) for record in done.records)
        self.source.committed.update(offsets)

    def close(self) -> None:
        pass
