"""What the checker is given: plain values, wherever they come from."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tests.faults.stub import Answer


class Place(NamedTuple):
    """An event of `images` or `requests` in the log."""

    topic: str
    partition: int
    offset: int


class Outcome(NamedTuple):
    """One committed outcome, and where it stands in `detections`. attempt: what tells it from a repeat of itself."""

    partition: int
    offset: int
    id: str
    image_id: str
    answers: Place
    answer: Answer
    attempt: str


class Row(NamedTuple):
    """One result row, and the outcome that it says it shows."""

    image_id: str
    model_id: str
    partition: int
    offset: int
    answer: Answer
    attempt: str


class Sample(NamedTuple):
    """One answer of the API. acked: what the ledger held before it was asked."""

    acked: int
    total: int
    pending: int
    processing: int
    completed: int
    failed: int

    @property
    def is_done(self) -> bool:
        """Whether it says that nothing is left to do."""
        return self.pending == self.processing == 0


class Reset(NamedTuple):
    """A group that stood at `stood` in a partition of its source was set to `to`."""

    topic: str
    partition: int
    stood: int
    to: int


@dataclass(frozen=True)
class Evidence:
    """All that is known after healing and draining.

    acked: image id to the picture's number, for every event that must be there. tried: the same for all that may be.
    events: every event in the log, and whose picture it is of; request_ids: of `requests`.
    outcomes: in the order of each partition. answer_of: what is right for a number. id_of: what an outcome's id is.
    states: processing_status of each picture. resets: of the detector's group, in order.
    recorded: per partition of `detections`, the sink's committed offset. lag: per group, T_rec after healing.
    last: what the API says now that all is drained. open_transactions: partitions whose end is not stable.
    broken: what parts have said that no part may say.
    """

    acked: Mapping[str, int]
    tried: Mapping[str, int]
    events: Mapping[Place, str]
    outcomes: Sequence[Outcome]
    rows: Sequence[Row]
    states: Mapping[str, str]
    answer_of: Callable[[int], Answer]
    id_of: Callable[[Outcome], str]
    request_ids: Sequence[str] = ()
    resets: Sequence[Reset] = ()
    recorded: Mapping[int, int] = field(default_factory=dict)
    samples: Sequence[Sample] = ()
    last: Sample | None = None
    lag: Mapping[str, int] = field(default_factory=dict)
    open_transactions: Sequence[str] = ()
    broken: Sequence[str] = ()
