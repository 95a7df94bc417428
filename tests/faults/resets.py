"""Groups set back the stock way: stopped, altered by Kafka's own admin call, each partition's answer looked at."""

from collections.abc import Mapping

from confluent_kafka import ConsumerGroupTopicPartitions, IsolationLevel, TopicPartition
from confluent_kafka.admin import OffsetSpec

from tests.faults.evidence import Reset
from tests.faults.schedule import DETECTORS, SINK
from tests.faults.world import World
from thumper.kafka import Names, make_admin
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings
from thumper.topics import RECORDED, WORK

MEMBERS = {"detector": (*DETECTORS,), "sink": (SINK,)}
TOPICS = {"detector": WORK, "sink": RECORDED}
ANSWERS_S = 30.0


class Resets:
    """Does it, and remembers what was done to the detector's group."""

    def __init__(self, world: World) -> None:
        self._world = world

    def set_back(self, group: str, back: int) -> bool:
        """Each partition of `group` by `back` offsets. Its members end before, and begin after."""
        self._world.stop(*MEMBERS[group])
        lags = LagReader(self._world.settings)
        try:
            self._world.wait(lambda: lags.members(group) == 0, f"{group} is empty")
            self._world.wait(lambda: not open_transactions(self._world.settings), "transactions are ended")
            stood = lags.committed(group, TOPICS[group])
            wanted = {part: max(0, offset - back) for part, offset in stood.items()}
            if wanted:
                self._world.wait(lambda: alter(self._world.settings, group, wanted), f"{group} is set back")
            if group == "detector":
                self._world.books.resets.extend(Reset(*part, stood[part], offset) for part, offset in wanted.items())
        finally:
            lags.close()
            self._world.want(*MEMBERS[group])
        return bool(wanted)


def alter(settings: Settings, group: str, wanted: Mapping[Partition, int]) -> bool:
    """Set a group's offsets; whether every single partition was set, which the answer as a whole does not say."""
    names = Names(settings)
    places = [TopicPartition(names.topic(part.topic), part.number, offset) for part, offset in wanted.items()]
    asked = [ConsumerGroupTopicPartitions(names.group(group), places)]
    admin = make_admin(settings)
    (future,) = admin.alter_consumer_group_offsets(asked).values()
    return all(place.error is None for place in future.result(ANSWERS_S).topic_partitions)


def open_transactions(settings: Settings) -> list[str]:
    """The partitions of `detections` whose end is not stable."""
    admin = make_admin(settings)
    topic = Names(settings).topic("detections")
    places = [TopicPartition(topic, number) for number in range(settings.partitions)]

    def ends(level: IsolationLevel) -> list[int]:
        futures = admin.list_offsets(dict.fromkeys(places, OffsetSpec.latest()), isolation_level=level)
        return [futures[place].result(ANSWERS_S).offset for place in places]

    stable, last = ends(IsolationLevel.READ_COMMITTED), ends(IsolationLevel.READ_UNCOMMITTED)
    return [
        f"detections {place.partition}" for place, low, high in zip(places, stable, last, strict=True) if high > low
    ]
