"""A sink killed while it writes: its successor writes the same again, and nothing changes twice."""

from tests.faults.synthetic import emit_images
from tests.processes import Processes, assert_each_once, eventually

EVENTS = 6_000
SMALL_BATCH = 200


def test_killed_again_and_again_while_it_writes(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    parts.null_detector("d1", 0.0, "--unread").wait_ready()
    for _ in range(3):
        before = parts.sql("SELECT count(*) FROM result")[0][0]
        sink = parts.start("sink", "--name", "sink", sink_batch_size=SMALL_BATCH)
        eventually(lambda: parts.sql("SELECT count(*) FROM result")[0][0] > before, "the sink writes")  # noqa: B023
        sink.kill()
    assert parts.sql("SELECT count(*) FROM result")[0][0] < EVENTS, "too late: all is written"
    parts.sink()
    parts.wait_drained()
    assert parts.sql("SELECT count(*) FROM image") == [(EVENTS,)]
    assert parts.sql("SELECT processing_status, count(*) FROM images GROUP BY 1") == [("completed", EVENTS)]
    assert_each_once(parts.outcomes(), parts.ends("images"))
