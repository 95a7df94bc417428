"""Removals in the tables: all of a picture goes, only its id stays, and a rebuild from the log gives the same."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from schemas.envelope import Event
from schemas.fact import CorrectionMade, ImageRemoved, PlaceSeen
from sinks.postgres.fold import Item
from tests.sinks.events import at, box, completed, failed, image, imported, origin, requested
from tests.sinks.tables import Tables, tables
from thumper.embedded import postgres
from thumper.embedded.state import StackState

pytestmark = pytest.mark.integration
PICTURES = 3
KINDS = ("import", "answer", "late answer", "ask", "place", "correct", "remove")


def removal(n: int) -> ImageRemoved:
    return ImageRemoved(type="image.removed", image_id=image(n))


@dataclass
class Life:
    """A log as it comes to be: whoever answers or asks for a picture knows it."""

    log: list[Item] = field(default_factory=list)
    # What can be answered, by picture: topic, offset, time; all of it, and what was said since the last removal.
    said: dict[int, list[tuple[str, int, int]]] = field(default_factory=dict)
    live: dict[int, list[tuple[str, int, int]]] = field(default_factory=dict)
    _ends: dict[str, int] = field(default_factory=dict)

    def happens(self, kind: str, n: int, pick: int) -> None:
        """One step, if it can happen now."""
        if kind == "import":
            self._say(n, self._log("images", imported(n, ["Hayfield", "Sanctuary"][pick % 2])))
        elif kind == "answer" and self.live.get(n):
            self._answer(n, self.live[n], pick)
        elif kind == "late answer" and self.said.get(n):
            self._answer(n, self.said[n], pick)
        elif kind == "remove":
            self._log("facts", removal(n))
            self.live[n] = []
        elif kind == "ask" and self.live.get(n):
            self._say(n, self._log("requests", requested(n)))
        elif kind == "place" and self.live.get(n):
            self._log("facts", PlaceSeen(type="place.seen", image_id=image(n), location="Creek", path=f"{pick}.jpg"))
        elif kind == "correct" and self.live.get(n):
            self._log("facts", CorrectionMade(type="correction.made", image_id=image(n), location="Barn"))

    def _answer(self, n: int, of: list[tuple[str, int, int]], pick: int) -> None:
        topic, offset, ms = of[pick % len(of)]
        source = origin(offset, 0, topic).model_copy(update={"timestamp_ms": ms})
        found = failed(n, of=source) if pick % 3 == 0 else completed(n, *[box()] * (pick % 3), of=source)
        self._log("detections", found)

    def _say(self, n: int, said: tuple[str, int, int]) -> None:
        self.said.setdefault(n, []).append(said)
        self.live.setdefault(n, []).append(said)

    def _log(self, topic: str, event: Event) -> tuple[str, int, int]:
        offset, ms = self._ends.get(topic, 0), 1_000 + len(self.log)
        self._ends[topic] = offset + 1
        self.log.append((at(topic, offset, 0, ms), event))
        return topic, offset, ms


@pytest.fixture(scope="module")
def db(stack_state: StackState) -> Iterator[Tables]:
    name = f"test_{uuid4().hex[:12]}"
    with tables(postgres.create_database(stack_state, name)) as found:
        yield found
    postgres.drop_database(stack_state, name)


steps = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, PICTURES - 1), st.integers(0, 5)), max_size=30)


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps, st.integers(1, 7), st.randoms(use_true_random=False))
def test_a_rebuild_in_any_order_gives_what_was_there(
    db: Tables, happened: list[tuple[str, int, int]], size: int, random: Random
) -> None:
    life = Life()
    for step in happened:
        life.happens(*step)
    db.clear()
    for start in range(0, len(life.log), size):
        db.write(*life.log[start : start + size])
        assert db.wrong_counters() == []
        assert db.wrong_states() == []
    lived = db.rows()
    for n in range(PICTURES):
        if not life.live.get(n):
            gone = str(image(n))
            left = {name for name, found in lived.items() if any(gone in row for row in found)}
            assert left <= {"removed"}
    # Removals first, as the sink does with new tables; then all of it, in any order, removals again.
    removals = [item for item in life.log if isinstance(item[1], ImageRemoved)]
    shuffled = list(life.log)
    random.shuffle(shuffled)
    db.clear()
    if removals:
        db.write(*removals)
    for start in range(0, len(shuffled), size):
        db.write(*shuffled[start : start + size])
        assert db.wrong_counters() == []
    assert db.rows() == lived


def test_all_of_it_goes_and_late_answers_change_nothing(db: Tables) -> None:
    db.clear()
    db.write(
        (at("images", 0), imported(1)),
        (at("images", 1), imported(2)),
        (at("detections", 0), completed(1, box(), box(), of=origin(0))),
        (at("detections", 1), completed(2, box(), of=origin(1))),
        (at("requests", 0), requested(1)),
        (at("facts", 0), PlaceSeen(type="place.seen", image_id=image(1), location="Creek", path="x.jpg")),
        (at("facts", 1), CorrectionMade(type="correction.made", image_id=image(1), class_name="person")),
    )
    fact = (at("facts", 2, ms=5_000), removal(1))
    assert db.write(fact).rows["removed"] == 1
    assert db.ask("SELECT image_id, log_offset, log_ms FROM removed") == [(image(1), 2, 5_000)]
    late = (at("detections", 2, ms=9_000), completed(1, box(), of=origin(0)))
    db.write(late, (at("requests", 1, ms=4_999), requested(1)))
    db.write(fact)
    for name, rows in db.rows("removed").items():
        assert not [row for row in rows if str(image(1)) in row], name
    assert db.ask("SELECT count(*) FROM image") == [(1,)]
    assert db.ask("SELECT sum(pictures) FROM counter") == [(1,)]
    assert db.ask("SELECT count(*) FROM box") == [(1,)]

    # Brought back by a later import, it has nothing of before.
    db.write((at("images", 2, ms=9_500), imported(1, "Sanctuary")), late)
    assert db.ask("SELECT first_ms, state FROM image WHERE image_id = :id", id=image(1)) == [(9_500, 0)]
    again = origin(2).model_copy(update={"timestamp_ms": 9_500})
    db.write((at("detections", 3, ms=9_600), completed(1, box(), of=again)), fact)
    assert db.ask("SELECT count(*) FROM box WHERE image_id = :id", id=image(1)) == [(1,)]
