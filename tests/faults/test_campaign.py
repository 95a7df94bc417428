"""The short form of the soak: one of each fault that matters most, on servers of its own; then all is checked."""

from collections.abc import Iterator

import pytest

from tests.faults.campaign import Campaign
from tests.faults.schedule import Fault, Step
from tests.faults.world import own_folder

SEED = 1
# At a point that nobody comes by in time, it is tried again.
TRIES = 3
AT_ONCE = (
    (Fault("kill_detector", "d1"), Fault("kill_api")),
    (Fault("crash_import", "i1", "after_produce"),),
    (Fault("crash_sink", "s1", "between_commits"), Fault("crash_detector", "d2", "after_send_offsets")),
    (Fault("member_joins", lasting_s=1.0), Fault("out_of_memory", lasting_s=3.0)),
    (Fault("zombie_detector", "d1", "after_flush"), Fault("crash_import", "i1", "after_store")),
    (Fault("broker_killed_in_transaction", "d2", "after_send_offsets"),),
    (Fault("backend_killed_in_copy"), Fault("group_paused", lasting_s=1.0)),
    (Fault("detector_reset", back=100),),
    (Fault("store_gone", lasting_s=2.0),),
    (Fault("postgres_stopped_in_copy"), Fault("kill_detector", "d2")),
)


@pytest.fixture
def campaign() -> Iterator[Campaign]:
    with own_folder() as folder, Campaign(folder, SEED) as found:
        yield found


@pytest.mark.timeout(600)
def test_one_of_each_and_nothing_is_lost_or_twice(campaign: Campaign) -> None:
    for faults in AT_ONCE:
        waiting: tuple[Fault, ...] = faults
        for _ in range(TRIES):
            missed = campaign.strike(Step(0.0, waiting))
            waiting = tuple(missed)
            if not waiting:
                break
        assert not waiting, f"nobody came by: {waiting}"
    wrong = campaign.check()
    assert not wrong, "\n".join(map(str, wrong))
    assert campaign.tally.faults >= sum(map(len, AT_ONCE))
    assert campaign.tally.resets > 0
    assert len(campaign.world.books.samples) > 10
