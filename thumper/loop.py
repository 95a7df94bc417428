"""The one consumer loop: take, submit, commit, rebalance, rewind, drain. Detector and sink differ in their stages only.

One thread owns the consumer, the committer and the stage's verbs. Order of things, and why it is safe:

- A record counts as taken before the stage gets it, and as finished when the stage hands it out in a Done. What may be
  committed follows from that alone (OffsetLedger).
- A Done is committed together with its offsets; if that fails in any way but success, everything in hand is thrown away
  and read again from the committed offsets (rewind). Stages therefore need no undo.
- When partitions are revoked, the stage gets a bounded time to finish; what it finishes is committed while the
  partitions are still ours; what it does not is thrown away, and the partitions that stay are rewound.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import structlog

from thumper.clock import Clock
from thumper.errors import Fatal, NewerEvent, Retriable, Rewind, ThumperError
from thumper.ledger import OffsetLedger
from thumper.loss import Loss
from thumper.record import Done, Partition, Record
from thumper.source import Source
from thumper.stage import Backpressure, Committer, Stage
from thumper.wishes import Wanted

log = structlog.get_logger("thumper.loop")

# Records asked of the client at once: a third of a second of a fast sink. A stage gets no more than it has room for:
# what only waits here would keep the loop from the client, and so from rebalances, for as long as it takes.
MOST_TAKEN = 2_000
# Events per transaction, or per commit of offsets: at 5,000 the commit costs 2 % of producing them.
MOST_COMMITTED = 5_000
# While others are in hand, what is finished waits so long for company since the commit before: a transaction costs the
# broker, the sink and the database as much for one outcome as for a hundred.
COMMIT_EVERY_S = 0.25
# The stage says when something is finished; further records are noticed this often meanwhile.
GLANCE_S = 0.01
# A full stage shorter than this is not worth pausing for, since that throws the client's fetched records away;
# a longer one is, since the group wants to hear from us.
PATIENCE_S = 1.0
# An idle group looks this often whether transaction markers have moved its position.
IDLE_COMMIT_S = 0.2
BACKOFF_S = (0.2, 10.0)
# After a failure nothing need be left to do here, since others may have done it: nothing came for so long.
SETTLED_S = 5.0


class Stopped(NamedTuple):
    """Why a partition delivers nothing until somebody decides. kind: like "data_loss"; action: what to do."""

    kind: str
    reason: str
    action: str


@dataclass(frozen=True, slots=True)
class Health:
    """What the loop tells whoever watches, about once a second and at every change.

    paused: it takes nothing, because what waits_for names (an error's class) is away; it goes on by itself.
    in_flight: records in hand, finished and not yet committed ones among them; what was only fetched still waits.
    rewinds: since the start, by the class of the error, or "revoked" or "paused".
    partitions: those that are ours. stopped: those of them that wait for a person, and why.
    wanted: of the group; see left.
    """

    joined: bool
    paused: bool
    in_flight: int
    done_total: int
    last_error: str | None
    rewinds: Mapping[str, int] = field(default_factory=dict)
    waits_for: Retriable | None = None
    partitions: frozenset[Partition] = frozenset()
    stopped: Mapping[Partition, Stopped] = field(default_factory=dict)
    wanted: Wanted = "running"

    @property
    def left(self) -> bool:
        """Whether it has left the group, or did not join, because the group is wanted paused."""
        return self.wanted == "paused" and not self.joined and not self.partitions


class ConsumerLoop:
    """Runs a stage over a source. `watch` is called with the loop's health at every turn; it must be quick."""

    def __init__(
        self,
        source: Source,
        stage: Stage,
        committer: Committer,
        clock: Clock,
        watch: Callable[[Health], None] = lambda _: None,
        grace_s: float = 5.0,
    ) -> None:
        self._source = source
        self._stage = stage
        self._committer = committer
        self._clock = clock
        self._watch = watch
        self._grace_s = grace_s
        self._ledger = OffsetLedger()
        self._backlog: deque[Record] = deque()
        self._ready: list[Done] = []
        self._commit_s = 0.0
        self._committed: dict[Partition, int | None] = {}
        self._stopped: dict[Partition, Stopped] = {}
        # What was away at the last failure, until something is finished, or there is nothing left to do.
        self._away: Retriable | None = None
        self._rewind_wanted = False
        self._held = False
        self._stopping = False
        self._failures = 0
        self._resume_s = 0.0
        self._moved_s = 0.0
        self._idle_s = 0.0
        self._done_total = 0
        self._last_error: str | None = None
        self._rewinds: Counter[str] = Counter()

    def stop(self) -> None:
        """Ask the loop to finish what it has and return. For signal handlers."""
        self._stopping = True

    def run(self) -> None:
        """Work until `stop`. Raises Fatal when only a new process can go on."""
        try:
            self._until_it_works(self._stage.open)
            self._until_it_works(self._committer.open)
            if not self._stopping:
                log.info("joins the group")
                self._source.open(self)
            while not self._stopping:
                self.turn()
            self._last_commit()
        finally:
            self._source.close()
            self._committer.close()
            self._stage.close()

    def turn(self) -> None:
        """One round: hand over, commit what is finished, take more."""
        try:
            self._mend()
            self._hand_over()
            self._commit_finished()
            self._commit_idle()
            self._take()
        except Rewind as reason:
            self._want_rewind(str(reason), "Rewind")
        except NewerEvent as error:
            self._stopped[error.partition] = Stopped("newer_event", str(error), error.hint)
            self._want_rewind(str(error), "NewerEvent")
        except Retriable as error:
            self._back_off(error)
        self._watch(self.health())

    def health(self) -> Health:
        """How it goes."""
        away = self._stage.waits_for() or self._away
        return Health(
            joined=self._source.joined(),
            paused=away is not None,
            in_flight=self._in_flight(),
            done_total=self._done_total,
            last_error=self._last_error or (away.message if away is not None else None),
            rewinds=dict(self._rewinds),
            waits_for=away,
            partitions=frozenset(self._ledger.partitions()),
            stopped=dict(self._stopped),
            wanted=self._source.wanted(),
        )

    # What the source tells (Listener).

    def assigned(self, starts: Mapping[Partition, int]) -> None:
        """See Listener. An offset that was never committed is committed at once, by _commit_idle."""
        self._ledger.assign(list(starts))
        self._committed.update(dict.fromkeys(starts, None))
        if self._held:
            self._source.hold(starts)
        else:
            # The client brings a partition back as it went: held, if it was when it was revoked.
            self._source.release(starts)
        log.info("partitions assigned", partitions=_words(starts))

    def revoked(self, partitions: Sequence[Partition]) -> None:
        """See Listener."""
        self._backlog = deque(record for record in self._backlog if record.partition not in set(partitions))
        try:
            self._finish(self._grace_s)
        except (Rewind, Retriable) as reason:
            self._want_rewind(str(reason), type(reason).__name__)
        self._let_go(partitions)
        log.info("partitions revoked", partitions=_words(partitions))

    def lost(self, partitions: Sequence[Partition]) -> None:
        """See Listener."""
        self._let_go(partitions)
        log.warning("partitions lost", partitions=_words(partitions))

    def gone(self, loss: Loss) -> None:
        """See Listener."""
        self._last_error = f"data loss: {loss}"
        action = f"find out why; then `thumper accept-loss`, or set the offset of {loss.partition.topic} by hand"
        if self._stopped.get(loss.partition, _NOT).reason != self._last_error:
            log.error("data loss; the partition waits until it is accepted", loss=str(loss), hint=action)
        self._stopped[loss.partition] = Stopped("data_loss", self._last_error, action)

    def accepted(self, loss: Loss, start: int) -> None:
        """See Listener."""
        # What is in hand of it was delivered before the loss, and is finished as ever.
        self._stopped.pop(loss.partition, None)
        self._committed[loss.partition] = None
        self._last_error = None
        log.warning("data loss accepted; the partition goes on", loss=str(loss), offset=start)

    # The steps of a turn.

    def _mend(self) -> None:
        now_s = self._clock.now_s()
        if now_s < self._resume_s:
            return
        if self._rewind_wanted:
            self._rewind()
        if self._held and not self._backlog and self._stage.room(now_s):
            self._source.release(part for part in self._ledger.partitions() if part not in self._stopped)
            self._held = False

    def _hand_over(self) -> None:
        now_s = self._clock.now_s()
        while self._backlog:
            try:
                self._stage.submit(self._backlog[0], now_s)
            except Backpressure:
                return
            self._backlog.popleft()
            self._moved_s = now_s

    def _commit_finished(self) -> None:
        try:
            self._gather()
        except ThumperError:
            # What is finished need not be done again, and a partition that stops here keeps what came before.
            self._commit_ready()
            raise
        if self._is_commit_due():
            self._commit_ready()

    def _gather(self) -> None:
        while self._ready_count() < MOST_COMMITTED and (done := self._stage.poll(self._clock.now_s())) is not None:
            self._ready.append(done)

    def _is_commit_due(self) -> bool:
        # Nobody else in hand: a picture that comes alone is answered at once.
        alone = not self._stage.in_flight()
        return alone or self._clock.now_s() >= self._commit_s or self._ready_count() >= MOST_COMMITTED

    def _commit_ready(self) -> None:
        if not self._ready:
            return
        ready, self._ready = self._ready, []
        self._commit_s = self._clock.now_s() + COMMIT_EVERY_S
        records = [record for done in ready for record in done.records]
        self._commit(Done(records, [output for done in ready for output in done.outputs]))

    def _ready_count(self) -> int:
        return sum(len(done.records) for done in self._ready)

    def _in_flight(self) -> int:
        return self._stage.in_flight() + self._ready_count()

    def _commit_idle(self) -> None:
        now_s = self._clock.now_s()
        if now_s >= self._idle_s and not self._rewind_wanted and now_s >= self._resume_s:
            self._idle_s = now_s + IDLE_COMMIT_S
            self._commit(Done(()))
            if self._away is not None and now_s - max(self._moved_s, self._resume_s) > SETTLED_S:
                self._healed()

    def _take(self) -> None:
        now_s = self._clock.now_s()
        room = 0 if self._backlog else min(MOST_TAKEN, self._stage.room(now_s))
        if not room:
            self._wait_for_room(now_s)
            return
        records = self._source.take(room, self._wait_s(now_s))
        if not records and self._ledger.in_hand():
            self._stage.wait(GLANCE_S)
        if self._rewind_wanted or self._resume_s > now_s:
            return
        for record in records:
            epoch = self._ledger.epoch(record.partition)
            if epoch is None or record.partition in self._stopped:
                continue
            current = record.under(epoch)
            self._ledger.taken(current)
            self._backlog.append(current)
        if records:
            self._moved_s = now_s

    def _wait_for_room(self, now_s: float) -> None:
        if now_s - self._moved_s < PATIENCE_S:
            self._stage.wait(GLANCE_S)
            return
        if not self._held:
            self._held = True
            self._source.hold(self._ledger.partitions())
        late = self._source.take(MOST_TAKEN, GLANCE_S)
        if late:
            # Delivered between two holds (a partition that was just assigned): nothing of it is lost by going back.
            self._want_rewind("records came while paused", "paused")

    def _wait_s(self, now_s: float) -> float:
        if self._resume_s > now_s:
            return min(0.1, self._resume_s - now_s)
        return 0.0 if self._ledger.in_hand() else 0.1

    # Committing and going back.

    def _commit(self, done: Done) -> None:
        """Commit `done` with what may be committed now. Raises Rewind, Retriable or Fatal."""
        if self._ledger.finished(done.records) != len(done.records):
            raise Fatal("the stage handed out a record that it had been told to discard")
        offsets = self._ledger.committable(self._source.positions())
        behind = [record for record in done.records if record.offset >= offsets[record.partition]]
        if behind:
            raise Fatal(f"the stage handed out offset {behind[0].offset} of {behind[0].partition} out of order")
        changed = {part: offset for part, offset in offsets.items() if self._committed.get(part) != offset}
        if done.outputs or changed:
            self._committer.commit(done, changed)
            self._committed.update(changed)
        if done.records:
            self._done_total += len(done.records)
            self._healed()

    def _healed(self) -> None:
        self._failures = 0
        self._away = None
        self._last_error = next((stopped.reason for stopped in self._stopped.values()), None)

    def _finish(self, within_s: float) -> None:
        """Let the stage finish what it has, and commit it."""
        self._commit_ready()
        for done in self._stage.drain(self._clock.now_s() + within_s):
            self._commit(done)

    def _last_commit(self) -> None:
        """Finish and commit what can be; what cannot stays uncommitted and is read again by whoever comes next."""
        try:
            self._finish(self._grace_s)
            self._commit(Done(()))
        except (Rewind, Retriable) as reason:
            log.warning("stopped with work in hand", reason=str(reason), in_flight=self._ledger.in_hand())

    def _let_go(self, partitions: Sequence[Partition]) -> None:
        for partition in partitions:
            self._committed.pop(partition, None)
            self._stopped.pop(partition, None)
        self._ledger.revoke(partitions)
        gone = set(partitions)
        self._backlog = deque(record for record in self._backlog if record.partition not in gone)
        if self._in_flight():
            self._want_rewind("partitions went with work in hand", "revoked")

    def _want_rewind(self, reason: str, kind: str) -> None:
        if not self._rewind_wanted:
            self._rewinds[kind] += 1
        log.info("rewind", reason=reason)
        self._backlog.clear()
        self._ready.clear()
        self._stage.discard()
        self._rewind_wanted = True

    def _rewind(self) -> None:
        partitions = self._ledger.partitions()
        self._ledger.assign(partitions)
        for partition, offset in self._source.rewind(partitions).items():
            self._committed[partition] = offset
        if self._stopped:
            self._source.hold(self._stopped)
        self._rewind_wanted = False

    def _back_off(self, error: Retriable) -> None:
        if self._clock.now_s() < self._resume_s:
            # The source itself cannot be asked meanwhile: everything is void already, and this was said.
            self._clock.sleep(GLANCE_S)
            return
        least_s, most_s = BACKOFF_S
        wait_s = min(most_s, least_s * math.pow(2, self._failures))
        self._failures = min(self._failures + 1, 16)
        self._last_error, self._away = str(error), error
        log.warning("waiting", error=str(error), hint=error.hint, seconds=round(wait_s, 1))
        self._want_rewind(str(error), type(error).__name__)
        self._held = True
        self._source.hold(self._ledger.partitions())
        self._resume_s = self._clock.now_s() + wait_s

    def _until_it_works(self, call: Callable[[], None]) -> None:
        while not self._stopping:
            try:
                call()
                return
            except Retriable as error:
                self._back_off(error)
                self._clock.sleep(self._resume_s - self._clock.now_s())


_NOT = Stopped("", "", "")


def _words(partitions: Iterable[Partition]) -> str:
    by_topic: dict[str, list[int]] = {}
    for partition in partitions:
        by_topic.setdefault(partition.topic, []).append(partition.number)
    return "; ".join(f"{topic} {','.join(map(str, sorted(numbers)))}" for topic, numbers in sorted(by_topic.items()))
