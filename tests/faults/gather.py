"""From the running system to Evidence: read by a client of its own, without the product's readers of events."""

import json
from collections import defaultdict
from collections.abc import Mapping
from typing import Any
from uuid import uuid5

from confluent_kafka import Message, TopicPartition

from processors.detector.backends.fixed import description
from schemas.envelope import NAMESPACE
from schemas.image import image_id
from tests.faults.evidence import Evidence, Outcome, Place, Row
from tests.faults.ledger import Books
from tests.faults.resets import open_transactions
from tests.faults.stub import Answer, answer
from tests.faults.workload import sample_now
from tests.faults.world import Unhealed, tried
from tests.processes import CLOCK, Processes
from thumper.embedded.waiting import wait_until
from thumper.kafka import Names, make_reader
from thumper.lag import LagReader

READ = ("images", "requests", "detections")
READS_WITHIN_S = 60.0
# A killed detector's transaction is ended by the broker after its time-out and a look a second.
TRANSACTION_ENDS_S = 20.0
ROWS = """
SELECT r.image_id::text, r.model_id, r.log_partition, r.log_offset, r.state, r.batch_id, r.worker,
       coalesce(array_agg(ARRAY[b.confidence, b.x1, b.y1, b.x2, b.y2]::double precision[] ORDER BY b.n)
                FILTER (WHERE b.n IS NOT NULL), '{}')
FROM result r LEFT JOIN box b USING (image_id, model_id)
GROUP BY 1, 2, 3, 4, 5, 6, 7, r.ctid
"""
STATES = "SELECT id::text, processing_status FROM images"
COMPLETED = 1
MODEL = description().ref.id


class Gatherer:
    """Reads on from where it was at the last time, so that a look costs what is new, the rows aside."""

    def __init__(self, parts: Processes, books: Books) -> None:
        settings = parts.settings
        self._settings, self._parts, self._books = settings, parts, books
        self._names = Names(settings)
        self._lags = LagReader(settings)
        self._reader = make_reader(settings)
        self._places = [
            TopicPartition(self._names.topic(topic), number, 0)
            for topic in READ
            for number in range(settings.partitions)
        ]
        self._reader.assign(self._places)
        self.events: dict[Place, str] = {}
        self.request_ids: list[str] = []
        self._outcomes: dict[int, list[Outcome]] = defaultdict(list)

    def gather(self, lag: Mapping[str, int]) -> Evidence:
        """All that is known now. Raises Unhealed if something does not answer."""
        wait_until(lambda: tried(lambda: open_transactions(self._settings)) == [], CLOCK, TRANSACTION_ENDS_S)
        still_open = open_transactions(self._settings)
        if not wait_until(lambda: bool(tried(self._is_read)), CLOCK, READS_WITHIN_S):
            raise Unhealed(f"the log is not read within {READS_WITHIN_S:.0f} s")
        acked, books = self._books.acked(), self._books
        return Evidence(
            acked=acked,
            tried=dict(books.tried),
            events=self.events,
            outcomes=[outcome for number in sorted(self._outcomes) for outcome in self._outcomes[number]],
            rows=[_row(*row) for row in self._parts.sql(ROWS)],
            states=dict(self._parts.sql(STATES)),
            answer_of=answer,
            id_of=_id_of,
            request_ids=self.request_ids,
            resets=list(books.resets),
            recorded={part.number: at for part, at in self._lags.committed("sink", ["detections"]).items()},
            samples=list(books.samples),
            last=sample_now(self._parts, len(acked)),
            lag=lag,
            open_transactions=still_open,
            broken=list(books.broken),
        )

    def count(self) -> int:
        """Events of `images` and `requests` so far."""
        return len(self.events)

    def close(self) -> None:
        """Release the clients."""
        self._reader.close()
        self._lags.close()

    def _is_read(self) -> bool:
        ends = {(self._names.topic(part.topic), part.number): end for part, end in self._lags.ends(READ).items()}
        for message in self._reader.consume(10_000, 0.3):
            if message.error() is None:
                self._take(message)
        return all(
            max(0, place.offset) >= ends[place.topic, place.partition] for place in self._reader.position(self._places)
        )

    def _take(self, message: Message) -> None:
        value = json.loads(message.value() or b"null")
        topic, partition, offset = self._names.own(str(message.topic())), message.partition(), message.offset()
        assert partition is not None
        assert offset is not None
        if topic == "detections":
            self._outcomes[partition].append(_outcome(partition, offset, value))
            return
        self.events[Place(topic, partition, offset)] = str(image_id(value["sha256"]))
        if topic == "requests":
            self.request_ids.append(value["id"])


def _id_of(outcome: Outcome) -> str:
    """By the letter of the design: of the group, the model and the event."""
    return str(uuid5(NAMESPACE, "|".join(map(str, ("detector", MODEL, *outcome.answers)))))


def _outcome(partition: int, offset: int, value: Mapping[str, Any]) -> Outcome:
    origin = value["origin"]
    boxes = tuple((box["confidence"], box["x1"], box["y1"], box["x2"], box["y2"]) for box in value.get("boxes") or ())
    found = Answer("completed", boxes) if value["type"] == "detection.completed" else Answer("failed")
    place = Place(origin["topic"], origin["partition"], origin["offset"])
    return Outcome(partition, offset, value["id"], value["image_id"], place, found, _attempt(value))


def _attempt(value: Mapping[str, Any]) -> str:
    return f"{value['worker']} {(value.get('batch') or {}).get('id')}"


def _row(image: str, model: str, partition: int, offset: int, *rest: Any) -> Row:
    state, batch, worker, boxes = rest
    found = Answer("completed", tuple(map(tuple, boxes))) if state == COMPLETED else Answer("failed")
    return Row(image, model, partition, offset, found, f"{worker} {batch}")
