"""Garbage is looked for seldom, and not among what was there at the start."""

import gc
from collections.abc import Iterator

import pytest

from thumper.garbage import settle


@pytest.fixture
def unsettled() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.mark.usefixtures("unsettled")
def test_what_is_there_stays_and_the_rest_is_looked_at_seldom() -> None:
    settle()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 10_000
    assert gc.get_threshold()[0] > 10_000
