"""What the demo found, read as its users would: over HTTP, in SQL, from the log; and whether the three agree."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from api.responses import FullStatus
from schemas.image import image_id
from thumper.clock import SystemClock
from thumper.database import make_engine
from thumper.errors import KafkaDown
from thumper.lag import LagReader
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

Bar = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
LOOK_S = 0.2
# No picture takes that long: whoever waits should look instead of waiting on.
STANDSTILL_S = 120.0
# A box that covers this much of the union with the true one has found the animal (the usual mAP50 criterion).
FOUND_IOU = 0.5

Corners = tuple[float, float, float, float]


@dataclass(frozen=True)
class LocationRow:
    """One location in SQL."""

    name: str
    pictures: int
    completed: int
    failed: int
    with_boxes: int


@dataclass(frozen=True)
class Found:
    """A box as the tables show it."""

    class_name: str
    corners: Corners


@dataclass(frozen=True)
class Result:
    """status: by the API; locations and boxes: by SQL; lag: offsets that detector and sink have not finished."""

    status: FullStatus
    locations: Sequence[LocationRow]
    boxes: Mapping[UUID, Sequence[Found]]
    lag: int

    def disagreements(self) -> list[str]:
        """What does not add up; nothing, if all is well."""
        sql = [sum(getattr(row, name) for row in self.locations) for name in ("pictures", "completed", "failed")]
        api = [self.status.total, self.status.completed, self.status.failed]
        lines = []
        if sql != api:
            lines.append(f"API and SQL differ: total, completed, failed are {api} and {sql}")
        if self.status.completed + self.status.failed != self.status.total:
            lines.append(f"{self.status.pending + self.status.processing} pictures are not accounted for")
        if self.lag:
            lines.append(f"lag is {self.lag}, not 0")
        return lines

    def truth_line(self, truth: Path) -> str:
        """How many of the animals that were drawn were found, with their class."""
        drawn = json.loads(truth.read_text())
        animals, found = found_of(drawn, self.boxes)
        extra = sum(map(len, self.boxes.values())) - found
        share = f"{found / max(1, animals):.0%}"
        return f"Found {found} of the {animals} animals that were drawn ({share}), and {extra} more boxes"


def found_of(drawn: Mapping[str, Any], boxes: Mapping[UUID, Sequence[Found]]) -> tuple[int, int]:
    """(animals drawn, animals found): same class, IoU of at least FOUND_IOU, each box used once."""
    animals = found = 0
    for picture in drawn.values():
        left = list(boxes.get(image_id(picture["sha256"]), ()))
        for animal in picture["animals"]:
            animals += 1
            same = [box for box in left if box.class_name == animal["class_name"]]
            best = max(same, key=lambda box: iou(box.corners, tuple(animal["box"])), default=None)
            if best is not None and iou(best.corners, tuple(animal["box"])) >= FOUND_IOU:
                found += 1
                left.remove(best)
    return animals, found


def iou(one: Corners, other: Corners) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2); 0.0 if both are empty."""
    width = max(0.0, min(one[2], other[2]) - max(one[0], other[0]))
    height = max(0.0, min(one[3], other[3]) - max(one[1], other[1]))
    shared = width * height
    union = _area(one) + _area(other) - shared
    return shared / union if union > 0 else 0.0


def _area(box: Corners) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def wait_until_done(settings: Settings, bar: Bar) -> FullStatus:
    """Follow the API until nothing waits and all lag is 0. Raises KafkaDown at a standstill."""
    clock = SystemClock()
    log = LagReader(settings)
    status = read_status(settings)
    with bar("Detecting", status.total) as move:
        moved_s, seen = clock.now_s(), -1
        while status.pending + status.processing or total_lag(log):
            finished = status.completed + status.failed
            if finished != seen:
                moved_s, seen = clock.now_s(), finished
                move(finished)
            if clock.now_s() - moved_s > STANDSTILL_S:
                raise KafkaDown(f"nothing has moved for {STANDSTILL_S:.0f} s", "thumper logs detector-1")
            clock.sleep(LOOK_S)
            status = read_status(settings)
        move(status.completed + status.failed)
    log.close()
    return status


def total_lag(log: LagReader) -> int:
    """Offsets that detector and sink have not finished."""
    return log.read("detector", WORK).lag + log.read("sink", RECORDED).lag


def read_status(settings: Settings) -> FullStatus:
    """What the API says. Raises KafkaDown if it does not answer."""
    connection = HTTPConnection("127.0.0.1", settings.api_port, timeout=10)
    try:
        connection.request("GET", "/api/status")
        answer = connection.getresponse()
        body = answer.read()
    except (OSError, HTTPException) as error:
        raise KafkaDown(f"the API does not answer: {error}", "thumper logs api") from None
    finally:
        connection.close()
    if answer.status != 200:
        raise KafkaDown(f"the API answers {answer.status}: {body[:200]!r}", "thumper logs api")
    return FullStatus.model_validate_json(body)


def read_result(settings: Settings, status: FullStatus) -> Result:
    """All of it, once the work is done."""
    log = LagReader(settings)
    engine = make_engine(settings, read_only=True)
    try:
        with engine.connect() as connection:
            locations = [LocationRow(*row) for row in connection.execute(text(LOCATIONS_SQL))]
            boxes: dict[UUID, list[Found]] = {}
            for image, name, *corners in connection.execute(text(BOXES_SQL)):
                boxes.setdefault(image, []).append(Found(name, (corners[0], corners[1], corners[2], corners[3])))
        return Result(status, locations, boxes, total_lag(log))
    finally:
        log.close()
        engine.dispose()


LOCATIONS_SQL = """
SELECT coalesce(l.name, '(no location)'), count(*),
       count(*) FILTER (WHERE i.processing_status = 'completed'),
       count(*) FILTER (WHERE i.processing_status = 'failed'),
       count(*) FILTER (WHERE EXISTS (SELECT FROM detections d WHERE d.image_id = i.id))
FROM images i LEFT JOIN locations l ON l.id = i.location_id GROUP BY 1 ORDER BY 1
"""
BOXES_SQL = "SELECT image_id, class_name, x1, y1, x2, y2 FROM detections ORDER BY confidence DESC"
