"""Events that are deleted before they were read: never a silent jump; the partition waits until that is accepted."""

import signal

from confluent_kafka import TopicPartition

from schemas.codec import decode
from tests.faults.synthetic import emit_images
from tests.processes import CLOCK, Processes, eventually, read_all
from thumper.alerts import raised_alerts
from thumper.kafka import Names, make_admin
from thumper.record import Partition
from thumper.settings import Settings

EVENTS = 80
KEPT = 3


def delete_all_but(settings: Settings, part: Partition, end: int) -> None:
    """By Kafka's own means: the log of `part` begins at `end` - KEPT afterwards."""
    place = TopicPartition(Names(settings).topic(part.topic), part.number, end - KEPT)
    admin = make_admin(settings)
    admin.list_topics(place.topic, timeout=30)  # else it does not know yet who leads the partition
    for future in admin.delete_records([place]).values():
        future.result(30)


def alerts(parts: Processes) -> dict[str, str]:
    return {alert.name: alert.summary for alert in raised_alerts(parts.settings, CLOCK)}


def answered(parts: Processes, part: Partition) -> list[int]:
    return [one.origin.offset for one in parts.outcomes() if one.origin.partition == part.number]


def test_what_is_deleted_before_a_start_is_told_and_only_its_partition_waits(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    first = parts.null_detector("d1", 0.0, "--unread")
    eventually(lambda: parts.lag("detector") == 0, "all is done")
    assert first.stop() == 0
    part, stood = next(iter(parts.ends("images").items()))
    emit_images(parts.settings, 2 * EVENTS, EVENTS)
    end = parts.ends("images")[part]
    assert end - KEPT > stood
    delete_all_but(parts.settings, part, end)
    name = f"data_loss/detector/images/{part.number}"
    second = parts.null_detector("d2", 0.0, "--unread")
    eventually(lambda: name in alerts(parts), "the alert is raised")
    assert f"offsets {stood} to {end - KEPT - 1} are not in the log any more" in alerts(parts)[name]
    eventually(lambda: parts.lag("detector") == KEPT, "the other partitions go on")
    beats = [decode("workers", value) for value in read_all(parts.settings, "workers")]
    assert (beats[-1].state, "data loss" in (beats[-1].last_error or "")) == ("running", True)
    told = parts.run("accept-loss")
    assert told.returncode == 1
    assert f"detector: images {part.number}: offsets {stood} to {end - KEPT - 1}" in told.stdout
    assert parts.lag("detector") == KEPT
    done = parts.run("accept-loss", "--group", "detector", f"images:{part.number}", "--yes")
    assert done.returncode == 0, done.stderr
    eventually(lambda: parts.lag("detector") == 0, "it goes on")
    assert answered(parts, part) == [*range(stood), *range(end - KEPT, end)]
    eventually(lambda: alerts(parts) == {}, "the alert is resolved")
    assert parts.run("accept-loss", "--group", "detector").stdout == "nothing is lost\n"
    assert "data loss accepted" in second.log
    assert second.stop() == 0


def test_what_is_deleted_under_a_running_detector(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    detector = parts.null_detector("d1", 0.0, "--unread")
    eventually(lambda: parts.lag("detector") == 0, "all is done")
    part, stood = next(iter(parts.ends("images").items()))
    # Frozen, so that it has not fetched what is deleted.
    detector.send(signal.SIGSTOP)
    emit_images(parts.settings, 2 * EVENTS, EVENTS)
    end = parts.ends("images")[part]
    delete_all_but(parts.settings, part, end)
    detector.send(signal.SIGCONT)
    name = f"data_loss/detector/images/{part.number}"
    eventually(lambda: name in alerts(parts), "the alert is raised")
    eventually(lambda: parts.lag("detector") == KEPT, "the other partitions go on")
    assert answered(parts, part) == list(range(stood))
    assert parts.run("accept-loss", "--yes", "--group", "detector").returncode == 0
    eventually(lambda: parts.lag("detector") == 0, "it goes on")
    assert answered(parts, part) == [*range(stood), *range(end - KEPT, end)]
    emit_images(parts.settings, 3 * EVENTS, 2 * EVENTS)
    eventually(lambda: parts.lag("detector") == 0, "and takes what comes later")
    assert detector.stop() == 0


def test_what_was_accepted_while_nobody_ran_is_remembered(parts: Processes) -> None:
    emit_images(parts.settings, EVENTS)
    first = parts.null_detector("d1", 0.0, "--unread")
    eventually(lambda: parts.lag("detector") == 0, "all is done")
    assert first.stop() == 0
    part, _ = next(iter(parts.ends("images").items()))
    emit_images(parts.settings, 2 * EVENTS, EVENTS)
    delete_all_but(parts.settings, part, parts.ends("images")[part])
    assert parts.run("accept-loss", "--yes").returncode == 0
    parts.null_detector("d1", 0.0, "--unread")
    eventually(lambda: parts.lag("detector") == 0, "it goes on")
