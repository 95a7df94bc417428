"""What dead letters excuse, and what of the log is read together. Reading itself: tests/integration/test_verify.py."""

import pytest

from schemas.codec import encode
from tests.sinks.events import imported, requested
from thumper.audit.log import NEAR, Letters, answerable, near_runs
from thumper.record import Partition

IMAGES = Partition("images", 1)


def test_letters_are_known_by_group_and_place() -> None:
    letters = Letters({IMAGES: 10})
    for offset in (3, 9, 10, -1):
        letters.add("detector", IMAGES, offset)
    letters.add("detector", Partition("images", 7), 3)
    assert letters.count == 5
    assert [offset for offset in range(-1, 12) if letters.has("detector", IMAGES, offset)] == [3, 9]
    assert not letters.has("sink", IMAGES, 3)


@pytest.mark.parametrize(
    ("offsets", "runs"),
    [
        pytest.param([], [], id="none"),
        pytest.param([5], [(0, 1)], id="one"),
        pytest.param([5, 6, 6 + NEAR], [(0, 3)], id="near"),
        pytest.param([5, 6, 7 + NEAR, 8 + 3 * NEAR], [(0, 2), (2, 3), (3, 4)], id="far"),
    ],
)
def test_what_is_near_is_read_together(offsets: list[int], runs: list[tuple[int, int]]) -> None:
    assert list(near_runs(offsets)) == runs


@pytest.mark.parametrize(
    ("topic", "value", "models", "expected"),
    [
        pytest.param("images", encode(imported(1)), {"m1"}, True, id="a picture"),
        pytest.param("images", b"no event", {"m1"}, False, id="nobody can read it"),
        pytest.param("images", b'{"version": "9.0"}', None, False, id="only a newer release can read it"),
        pytest.param("images", None, None, False, id="null"),
        pytest.param("requests", encode(requested(1)), {"m1"}, True, id="for whichever model"),
        pytest.param("requests", encode(requested(1, "m1")), {"m1"}, True, id="for the group's model"),
        pytest.param("requests", encode(requested(1, "m2")), {"m1"}, False, id="for another model"),
        pytest.param("requests", encode(requested(1, "m2")), None, True, id="no model is asked about"),
    ],
)
def test_which_events_a_group_must_answer(
    topic: str, value: bytes | None, models: set[str] | None, expected: bool
) -> None:
    assert answerable(topic, value, None if models is None else frozenset(models)) == expected
