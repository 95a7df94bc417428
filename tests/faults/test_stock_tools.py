"""Kafka's own tools beside a working system, and a counter that shares no client with it (aiokafka)."""

import asyncio
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from pathlib import Path

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition  # type: ignore[import-untyped]

from tests.faults.planted.scene import GROUPS, Scene
from tests.processes import CLOCK, PATIENCE_S, eventually
from thumper.kafka import Names
from thumper.settings import Settings

PICTURES = 60
# A batch of eight takes so long: there is work for as long as a tool takes to start.
SLOW_S = 0.5
QUIET_MS = 6_000
FEW = 8


@pytest.fixture
def scene(settings: Settings, tmp_path: Path) -> Iterator[Scene]:
    with Scene(settings, tmp_path) as found:
        yield found


def tool(scene: Scene, name: str, *words: str) -> str:
    done = scene.parts.run("kafka", name, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def described(scene: Scene) -> dict[tuple[str, str, int], tuple[int, int, int]]:
    """(group, topic, partition) to (committed, end, lag), as kafka-consumer-groups prints it."""
    names = [Names(scene.settings).group(group) for group in GROUPS]
    text = tool(scene, "kafka-consumer-groups", "--describe", *(word for name in names for word in ("--group", name)))
    rows = [line.split() for line in text.splitlines() if line.startswith(tuple(names))]
    return {(row[0], row[1], int(row[2])): (int(row[3]), int(row[4]), int(row[5])) for row in rows if row[3] != "-"}


def ends(scene: Scene, topic: str) -> dict[int, int]:
    """Partition to end, as kafka-get-offsets prints it."""
    lines = tool(scene, "kafka-get-offsets", "--topic", Names(scene.settings).topic(topic)).splitlines()
    return {int(number): int(end) for _, number, end in (line.rsplit(":", 2) for line in lines)}


def consumed(scene: Scene, level: str, most: int) -> list[str]:
    """The ids of the first outcomes that kafka-console-consumer prints, or of all, if there are no more for a while."""
    topic = ("--topic", Names(scene.settings).topic("detections"), "--from-beginning", "--isolation-level", level)
    words = ("--max-messages", str(most), "--timeout-ms", str(QUIET_MS))
    text = tool(scene, "kafka-console-consumer", *topic, *words)
    return [json.loads(line)["id"] for line in text.splitlines() if line.startswith("{")]


async def counted(settings: Settings, topic: str) -> list[str]:
    """The ids of all committed events of a topic, by a client of another make, in nobody's group."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_bootstrap, isolation_level="read_committed", enable_auto_commit=False
    )
    await consumer.start()
    try:
        places = [TopicPartition(Names(settings).topic(topic), number) for number in range(settings.partitions)]
        consumer.assign(places)
        await consumer.seek_to_beginning(*places)
        last, found, until_s = await consumer.end_offsets(places), list[str](), CLOCK.now_s() + PATIENCE_S
        while any([await consumer.position(place) < last[place] for place in places]):
            assert CLOCK.now_s() < until_s, f"{topic} cannot be read to its end"
            for messages in (await consumer.getmany(timeout_ms=200)).values():
                found += [json.loads(message.value)["id"] for message in messages]
        return found
    finally:
        await consumer.stop()


@pytest.mark.slow
@pytest.mark.skipif(find_spec("cramjam") is None, reason="aiokafka reads our compressed events by cramjam")
def test_they_see_what_we_see_and_disturb_nothing(scene: Scene) -> None:
    names = Names(scene.settings)
    scene.start("sink", "s1")
    scene.bring(PICTURES)
    # What it has written is in the log, and never committed.
    scene.dies(scene.start("detector", "d1", latency_s=SLOW_S), "after_flush")
    scene.start("detector", "d1", latency_s=SLOW_S)
    scene.has_results()
    with ThreadPoolExecutor(3) as pool:
        groups, there = pool.submit(described, scene), pool.submit(ends, scene, "images")
        printed = pool.submit(consumed, scene, "read_committed", FEW)
        assert all(committed + lag == end for committed, end, lag in groups.result().values())
        assert {names.group(group) for group in GROUPS} == {group for group, _, _ in groups.result()}
        assert there.result() == {part.number: end for part, end in scene.parts.ends("images").items()}
        assert len(set(printed.result())) == FEW
    eventually(lambda: not any(scene.parts.lag(group) for group in GROUPS), "all is done")

    ours = sorted(str(outcome.id) for outcome in scene.parts.outcomes())
    assert len(set(ours)) == PICTURES
    assert sorted(asyncio.run(counted(scene.settings, "detections"))) == ours
    assert len(asyncio.run(counted(scene.settings, "images"))) == PICTURES
    with ThreadPoolExecutor(3) as pool:
        groups, committed = pool.submit(described, scene), pool.submit(consumed, scene, "read_committed", 2 * PICTURES)
        written = pool.submit(consumed, scene, "read_uncommitted", PICTURES + 1)
        assert {lag for _, _, lag in groups.result().values()} == {0}
        assert sorted(committed.result()) == ours
        assert len(written.result()) > PICTURES, "nothing was ever aborted"
    assert scene.violations() == []
