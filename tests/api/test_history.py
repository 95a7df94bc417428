"""api/history.py: what nobody thought of leaves a gap, and the looking goes on."""

from collections.abc import Sequence

from api.history import History
from api.look import Look
from api.status import Worker
from tests.processes import eventually
from thumper.clock import SteppedClock


class Nobody:
    """No worker was heard of."""

    def known(self) -> Sequence[Worker]:
        return ()


def test_it_goes_on_after_whatever_fails() -> None:
    looks: list[int] = []

    def look() -> Look:
        looks.append(1)
        if len(looks) <= 2:
            raise ValueError("nobody thought of it")
        return Look(None, False, None)

    history = History(look, Nobody(), SteppedClock(), every_s=0.01)
    history.start()
    eventually(lambda: len(history.samples()) >= 2, "it looks again")
    history.close()
    ended = len(looks)
    assert len(history.samples()) == ended - 2
