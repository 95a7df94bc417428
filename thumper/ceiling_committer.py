"""A committer that refuses to empty a topic into the dead letters: past the ceiling the group waits for a person."""

from collections.abc import Mapping

from schemas.control import LettersAllowed
from thumper.audit.log import LogReader
from thumper.ceiling import Ceiling, CeilingPolicy, Judged
from thumper.clock import Clock
from thumper.control_log import CONTROL, decision
from thumper.dead_letters import TOPIC, read_letter
from thumper.errors import TooManyLetters
from thumper.lag import LagReader
from thumper.record import Done, Outgoing, Partition, Record
from thumper.settings import Settings
from thumper.stage import Committer

LETTERS = Partition(TOPIC, 0)
# Looked into at the first letter after a start: more than any window holds.
NEWEST = 5_000
LOOK_S = 1.0


class CeilingCommitter:
    """See Committer. Reads the log only when there are letters to commit, and then once a second at most."""

    def __init__(self, committer: Committer, settings: Settings, group: str, clock: Clock) -> None:
        self._committer = committer
        self._settings = settings
        self._group = group
        self._clock = clock
        self._ceiling = Ceiling(CeilingPolicy(settings.dead_letter_run, settings.dead_letter_share))
        self._read_to: dict[Partition, int] = {}
        self._look_s = 0.0
        self._lags: LagReader | None = None
        self._reader: LogReader | None = None

    def open(self) -> None:
        """See Committer."""
        self._committer.open()

    def commit(self, done: Done, offsets: Mapping[Partition, int]) -> None:
        """See Committer. Raises TooManyLetters beside what the other one raises."""
        letters = [output for output in done.outputs if output.topic == TOPIC]
        if not letters:
            self._committer.commit(done, offsets)
            return
        bad = [place for letter in letters if (place := _origin(letter)) is not None]
        self._judge(done, set(bad))
        self._committer.commit(done, offsets)
        for partition, offset in bad:
            self._ceiling.learn(partition, offset)
        self._ceiling.forget_before(bad)

    def close(self) -> None:
        """See Committer."""
        self._committer.close()
        for client in (self._reader, self._lags):
            if client is not None:
                client.close()

    def _judge(self, done: Done, bad: set[tuple[Partition, int]]) -> None:
        self._catch_up()
        for partition in {place[0] for place in bad}:
            records = [
                Judged(record.offset, (partition, record.offset) in bad)
                for record in done.records
                if record.partition == partition
            ]
            if (reason := self._ceiling.excess(partition, records)) is not None:
                raise TooManyLetters(
                    f"too many dead letters: {reason}",
                    "see `thumper dead-letters list`; mend who writes them, or `thumper dead-letters allow --group "
                    f"{self._group}`",
                )

    def _catch_up(self) -> None:
        now_s = self._clock.now_s()
        if now_s < self._look_s:
            return
        lags, reader = self._clients()
        starts, ends = lags.starts([TOPIC, CONTROL.topic]), lags.ends([TOPIC, CONTROL.topic])
        first = max(starts[LETTERS], ends[LETTERS] - NEWEST, self._read_to.get(LETTERS, 0))
        for group, partition, offset in reader.letters(first, ends[LETTERS]):
            if group == self._group:
                self._ceiling.learn(partition, offset)
        first = max(starts[CONTROL], self._read_to.get(CONTROL, 0))
        for item in reader.read(CONTROL, first, ends[CONTROL]):
            self._allow(item.value)
        self._read_to = {place: ends[place] for place in (LETTERS, CONTROL)}
        self._look_s = self._clock.now_s() + LOOK_S

    def _allow(self, value: bytes | None) -> None:
        event = decision(value)
        if isinstance(event, LettersAllowed) and event.group == self._group:
            self._ceiling.allow(Partition(event.topic, event.partition), event.until)

    def _clients(self) -> tuple[LagReader, LogReader]:
        if self._lags is None or self._reader is None:
            self._lags, self._reader = (
                LagReader(self._settings, self._clock),
                LogReader(self._settings, self._clock),
            )
        return self._lags, self._reader


def _origin(letter: Outgoing) -> tuple[Partition, int] | None:
    origin = read_letter(Record(LETTERS, 0, letter.value, letter.key, letter.headers)).origin
    return None if origin is None else (origin.partition, origin.offset)
