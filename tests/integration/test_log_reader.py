"""The reader of whole partitions: the same one again and again, forwards and backwards."""

import pytest

from tests.processes import CLOCK
from thumper.audit.log import LogReader
from thumper.emitter import Emitter
from thumper.record import Outgoing, Partition
from thumper.settings import Settings
from thumper.topics import ensure_topics

pytestmark = pytest.mark.integration
PLACE = Partition("workers", 0)


def test_a_partition_that_was_read_is_read_again_from_any_place(settings: Settings) -> None:
    ensure_topics(settings)
    with Emitter(settings) as emitter:
        for number in range(5):
            emitter.send(Outgoing("workers", None, str(number).encode()))
        emitter.flush()
    reader = LogReader(settings, CLOCK)
    for _ in range(30):
        for start, end in ((0, 5), (2, 5), (0, 2), (0, 2), (4, 5)):
            assert [item.offset for item in reader.read(PLACE, start, end)] == list(range(start, end))
    reader.close()
