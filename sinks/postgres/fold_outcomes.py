"""`requests` and `detections` to rows: what was asked and answered, the newest outcome, the newest good one. Pure."""

from schemas.detection import DetectionCompleted, DetectionFailed, Outcome
from schemas.request import ProcessingRequested
from sinks.postgres.rows import COLUMNS, Position, Row, Rows, newer
from thumper.tables import COMPLETED, FAILED

_Key = tuple[str, str]
_GOOD = COLUMNS["result"].index("good_partition")
_NO_GOOD_ONE: Row = (None,) * (len(COLUMNS["result"]) - _GOOD)


class RequestFold:
    """Offsets asked and answered only grow, so their order does not matter.

    A request that names a model counts while that model is the active one: nobody else answers it. Which model is
    active is not asked here but where the state is computed, so that the order of requests and activations is free.
    """

    def __init__(self) -> None:
        self._asked: dict[tuple[str, int, str], int] = {}
        self._answered: dict[tuple[str, int, str], int] = {}

    def asked(self, at: Position, event: ProcessingRequested) -> None:
        """Take one request."""
        key = (str(event.image), at.partition, event.model_id or "")
        self._asked[key] = max(at.offset, self._asked.get(key, -1))

    def answered(self, image_id: str, partition: int, offset: int) -> None:
        """An outcome answers the request at `offset` of `partition`, and every earlier one of that picture there."""
        key = (image_id, partition, "")
        self._answered[key] = max(offset, self._answered.get(key, -1))

    def fill(self, rows: Rows) -> None:
        """Add the rows of `request_state`."""
        for key in sorted(self._asked.keys() | self._answered.keys()):
            rows.request_state.append((*key, self._asked.get(key), self._answered.get(key)))


class OutcomeFold:
    """One row per picture and model; the boxes of its newest good outcome."""

    def __init__(self, requests: RequestFold) -> None:
        self._requests = requests
        self._newest: dict[_Key, tuple[Position, Outcome]] = {}
        self._good: dict[_Key, tuple[Position, DetectionCompleted]] = {}

    def add(self, at: Position, event: DetectionCompleted | DetectionFailed) -> None:
        """Take one outcome."""
        image_id = str(event.image_id)
        key = (image_id, event.model.id)
        origin = event.origin
        if origin.topic == "requests":
            self._requests.answered(image_id, origin.partition, origin.offset)
        held = self._newest.get(key)
        if held is None or newer(at, held[0]):
            self._newest[key] = (at, event)
        if isinstance(event, DetectionCompleted):
            good = self._good.get(key)
            if good is None or newer(at, good[0]):
                self._good[key] = (at, event)

    def fill(self, rows: Rows) -> None:
        """Add the rows of `result` and `box`, by key."""
        for key in sorted(self._newest):
            at, newest = self._newest[key]
            good = self._good.get(key)
            if good is None:
                rows.result.append(_newest_part(key, at, newest) + _NO_GOOD_ONE)
                continue
            rows.result.append(_newest_part(key, at, newest) + _good_part(*good))
            for n, box in enumerate(good[1].boxes):
                corners = (box.x1, box.y1, box.x2, box.y2)
                rows.box.append((*key, n, box.class_id, box.class_name, box.confidence, *corners))


def _newest_part(key: _Key, at: Position, event: Outcome) -> Row:
    state, error_class, error_message = COMPLETED, None, None
    if isinstance(event, DetectionFailed):
        state, error_class, error_message = FAILED, event.error_class, event.error_message
    origin = event.origin
    return (
        *key,
        state,
        error_class,
        error_message,
        event.group,
        origin.topic,
        origin.partition,
        origin.offset,
        origin.event_id,
        event.worker,
        *at,
    )


def _good_part(at: Position, event: DetectionCompleted) -> Row:
    batch, runtime, timings = event.batch, event.runtime, event.timings
    return (
        *at,
        event.width_px,
        event.height_px,
        len(event.boxes),
        event.boxes_dropped,
        batch and batch.id,
        batch and batch.size,
        runtime.backend,
        runtime.version,
        runtime.device,
        runtime.precision,
        timings.queue_ms,
        timings.read_ms,
        timings.decode_ms,
        timings.infer_ms,
        timings.total_ms,
    )
