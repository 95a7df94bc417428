"""`detections` against the result rows: exactly one current outcome per picture and model, and it is the newest.

Both are streamed in the order of the log. An outcome that no row stands at was followed by a newer one of the same
picture and model. Mostly that comes by in the same partition soon, so that nothing is asked: up to MOST_WAITING
outcomes wait for it in memory (some 20 MB); what is left then is asked of the tables, where the rule of the sink
(SQL function log_newer) decides. So memory does not grow with pictures, nor with how often they were processed.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple

from thumper.audit.excuses import Excuses
from thumper.audit.findings import Findings
from thumper.audit.lean import Outcome, canonical
from thumper.audit.log import Item
from thumper.audit.ordered import Ordered, Place
from thumper.audit.pictures import SINK, Suspect
from thumper.record import Partition
from thumper.removals import Removals, is_void
from thumper.tables import COMPLETED, FAILED

MOST_WAITING = 50_000
AT_ONCE = 5_000
# Picture and model.
_Key = tuple[str, str]
# An outcome that the database refused leaves a failed row of this class at its place (sinks.postgres.recorder).
REFUSED = "record"


class Waiting(NamedTuple):
    """The newest outcome of a picture and model in one partition, and the newest good one; offset and broker's time."""

    offset: int
    ms: int
    good_offset: int | None
    good_ms: int | None


class ResultRows(NamedTuple):
    """Result rows by the place of what they show; failed ones by that of their good outcome; and a question to them."""

    newest: Iterable[tuple[Place, Any]]
    good: Iterable[tuple[Place, Any]]
    suspects: Callable[[int, Sequence[tuple[_Key, Waiting]]], Iterable[Suspect]]


class Outcomes:
    """Takes the events of `detections` in the order of the log."""

    def __init__(
        self,
        rows: ResultRows,
        recorded: Mapping[Partition, int],
        findings: Findings,
        excuses: Excuses,
        most_waiting: int = MOST_WAITING,
        removals: Removals = MappingProxyType({}),
    ) -> None:
        self._newest: Ordered[Any] = Ordered(rows.newest, self._orphan)
        self._good: Ordered[Any] = Ordered(rows.good, self._orphan)
        self._suspects = rows.suspects
        self._recorded = {part.number: offset for part, offset in recorded.items() if part.topic == "detections"}
        self._findings = findings
        self._excuses = excuses
        self._most_waiting = most_waiting
        self._removals = removals
        self._partition = 0
        self._waiting: dict[_Key, Waiting] = {}

    def take(self, partition: int, item: Item, event: Outcome | None) -> None:
        """The next event; None if nobody can read it."""
        if partition != self._partition:
            self._ask()
            self._partition = partition
        place = (partition, item.offset)
        self._findings.counted["outcomes in detections"] += 1
        row, good = self._newest.at(place), self._good.at(place)
        picture = None if event is None else canonical(event["image_id"])
        if event is None or picture is None or "\0" in event["model"]["id"]:
            self._findings.noted["events in detections that nobody can read"] += 1
            for orphan in filter(None, (row, good)):
                self._orphan(place, orphan)
            return
        if self._removals and is_void(self._removals, picture, event["origin"].get("timestamp_ms", 0)):
            self._void(place, picture, row or good)
            return
        if item.offset >= self._recorded.get(partition, 0):
            if row is None:
                self._findings.in_flight["outcomes not recorded yet"] += 1
                return
            self._findings.add("recorded_behind", "detections {} at offset {} (picture {})", *place, picture)
        self._match(place, item.ms, (picture, event["model"]["id"]), event, (row, good))

    def _void(self, place: Place, picture: str, row: Any) -> None:
        self._findings.noted["outcomes of removed pictures"] += 1
        if row is not None:
            self._findings.add("removed_still_shown", "picture {} (detections {} at offset {})", picture, *place)

    def finish(self) -> None:
        """There are no more events."""
        self._ask()
        self._newest.rest()
        self._good.rest()
        self._findings.counted["results in the tables"] += self._newest.count

    def _match(self, place: Place, ms: int, key: _Key, event: Outcome, found: tuple[Any, Any]) -> None:
        row, good = found
        if good is not None:
            self._tell(place, key, differing_good(good, key, event))
        is_good = event["type"] == "detection.completed"
        if row is not None:
            self._tell(place, key, differing(row, key, event))
            is_good = is_good and row.error_class != REFUSED
        if row is not None and (row.image_id, row.model_id) == key and is_good:
            self._waiting.pop(key, None)
            return
        before = self._waiting.get(key)
        if row is not None and before is None and not is_good:
            return
        good_at = (place[1], ms) if is_good else before[2:] if before else (None, None)
        self._waiting[key] = Waiting(place[1], ms, *good_at)
        if len(self._waiting) >= self._most_waiting:
            self._ask()

    def _tell(self, place: Place, key: _Key, words: str) -> None:
        if words:
            example = "detections {} at offset {} (picture {}, model {}): {}"
            self._findings.add("result_differs", example, *place, *key, words)

    def _orphan(self, place: Place, row: Any) -> None:
        example = "picture {}, model {} (detections {} at offset {})"
        self._findings.add("row_without_outcome", example, row.image_id, row.model_id, *place)

    def _ask(self) -> None:
        left, self._waiting = iter(self._waiting.items()), {}
        while asked := list(islice(left, AT_ONCE)):
            suspects = {one.offset: one for one in self._suspects(self._partition, asked)}
            for offset in self._excuses.without(SINK, Partition("detections", self._partition), sorted(suspects)):
                one = suspects[offset]
                kind = "outcome_without_row" if one.absent else "older_outcome_shown"
                example = "detections {} at offset {} (picture {})"
                self._findings.add(kind, example, self._partition, offset, one.image_id)


def differing(row: Any, key: _Key, event: Outcome) -> str:
    """In what the row at the place of `event` differs from it; empty if in nothing."""
    if (row.image_id, row.model_id) != key:
        return f"the row there is that of picture {row.image_id}, model {row.model_id}"
    origin = event["origin"]
    is_good = event["type"] == "detection.completed"
    words = []
    if (row.group_id, row.origin_topic, row.origin_partition, row.origin_offset) != (
        event["group"],
        origin["topic"],
        origin["partition"],
        origin["offset"],
    ):
        words.append("source")
    if row.state == FAILED and row.error_class == REFUSED:
        return ", ".join(words)
    if row.state != (COMPLETED if is_good else FAILED):
        words.append("state")
    if row.error_class != event.get("error_class"):
        words.append("error class")
    if is_good and (row.good_partition, row.good_offset) != (row.log_partition, row.log_offset):
        words.append("good outcome")
    if is_good and row.box_count != len(event.get("boxes", ())):
        words.append("number of boxes")
    return ", ".join(words)


def differing_good(row: Any, key: _Key, event: Outcome) -> str:
    """The same for a failed row that still shows the boxes of `event`."""
    if (row.image_id, row.model_id) != key or event["type"] != "detection.completed":
        return f"it is shown as the last good one of picture {row.image_id}, model {row.model_id}, and is not"
    return "number of boxes" if row.box_count != len(event.get("boxes", ())) else ""
