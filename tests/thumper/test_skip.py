"""thumper/skip.py: what is passed over, and where the group stands when that is taken back."""

import pytest

from schemas.control import GroupSkipped, OffsetsSkipped
from thumper.lag import GroupLag, PartitionLag
from thumper.record import Partition
from thumper.skip import count, targets, waiting

IMAGES, MORE = Partition("images", 0), Partition("images", 1)


def read(*parts: PartitionLag) -> GroupLag:
    return GroupLag("detector", parts, 0.0)


def skipped(place: Partition, first: int, end: int) -> OffsetsSkipped:
    return OffsetsSkipped(topic=place.topic, partition=place.number, from_offset=first, to_offset=end)


@pytest.mark.parametrize(
    ("part", "found"),
    [
        pytest.param(PartitionLag(IMAGES, 0, 4, 10), (skipped(IMAGES, 4, 10),), id="from where it stands to the end"),
        pytest.param(PartitionLag(IMAGES, 2, None, 10), (skipped(IMAGES, 2, 10),), id="never committed"),
        pytest.param(PartitionLag(IMAGES, 6, 4, 10), (skipped(IMAGES, 6, 10),), id="what the log lacks does not wait"),
        pytest.param(PartitionLag(IMAGES, 0, 10, 10), (), id="nothing waits"),
    ],
)
def test_what_waits(part: PartitionLag, found: tuple[OffsetsSkipped, ...]) -> None:
    assert waiting(read(part)) == found


@pytest.mark.parametrize(
    ("stands", "back"),
    [
        pytest.param(PartitionLag(IMAGES, 0, 10, 10), {IMAGES: 4}, id="to where it stood"),
        pytest.param(PartitionLag(IMAGES, 0, 15, 20), {IMAGES: 4}, id="though it has gone on since"),
        pytest.param(PartitionLag(IMAGES, 6, 10, 10), {IMAGES: 6}, id="to what the log still has"),
        pytest.param(PartitionLag(IMAGES, 0, 2, 10), {}, id="never forward: somebody has set it back further"),
        pytest.param(PartitionLag(MORE, 0, 10, 10), {}, id="a partition that is not there any more"),
    ],
)
def test_taking_it_back(stands: PartitionLag, back: dict[Partition, int]) -> None:
    event = GroupSkipped(type="group.skipped", group="detector", state="placed", skipped=(skipped(IMAGES, 4, 10),))
    assert targets(event, read(stands)) == back


def test_counted_in_offsets() -> None:
    assert count((skipped(IMAGES, 4, 10), skipped(MORE, 0, 3))) == 9
