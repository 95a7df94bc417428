"""Whether the tables belong to this log: cluster and topic ids, and how far it was recorded."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from sqlalchemy import Connection, Engine, select
from sqlalchemy.dialects.postgresql import insert

from thumper.database import translated
from thumper.errors import Fatal
from thumper.record import Partition
from thumper.tables import log_identity, recorded

TOPICS = ("images", "requests", "detections", "facts")
HINT = (
    "wrong cluster, prefix or database? correct the settings. "
    "Else the tables are to be rebuilt from this log: `thumper rebuild`"
)


class Log(Protocol):
    """What knows the log (thumper.lag.LagReader)."""

    def topic_identity(self, topics: Sequence[str]) -> tuple[str, dict[str, str]]:
        """The cluster's id and each topic's."""
        ...

    def starts(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The first offset of each partition."""
        ...

    def ends(self, topics: Sequence[str]) -> dict[Partition, int]:
        """The last stable offset of each partition."""
        ...

    def committed(self, group: str, topics: Sequence[str]) -> dict[Partition, int]:
        """Where a group stands, where it has committed."""
        ...


def check_identity(engine: Engine, log: Log, group: str = "sink", prepare: Callable[[], object] = lambda: None) -> None:
    """Compare the tables with the log; the first time, note which log it is, once `prepare` is done.

    Raises Fatal if the tables come from another log, or from more of it than there is, or are new while the group has
    passed events already; KafkaDown, DatabaseDown.
    """
    cluster, topics = log.topic_identity(TOPICS)
    with translated(), engine.begin() as connection:
        positions = _positions(connection)
        known = _known(connection)
        judge(known, {topic: (cluster, found) for topic, found in topics.items()})
        if not known:
            judge_new(log.committed(group, TOPICS), log.starts(TOPICS))
            prepare()
        # Ends are read after positions: they only grow.
        judge_positions(positions, log.ends(TOPICS))
        rows = [{"topic": topic, "cluster_id": cluster, "topic_id": found} for topic, found in sorted(topics.items())]
        connection.execute(insert(log_identity).on_conflict_do_nothing(), rows)


def judge(known: Mapping[str, tuple[str, str]], found: Mapping[str, tuple[str, str]]) -> None:
    """Compare (cluster id, topic id) per topic. Raises Fatal."""
    for topic, identity in found.items():
        if known.get(topic, identity) != identity:
            raise Fatal(
                f"the tables come from another log: topic {topic} is {identity[1]} of cluster {identity[0]}, "
                f"they were written from {known[topic][1]} of cluster {known[topic][0]}",
                HINT,
            )


def judge_positions(positions: Mapping[Partition, int], ends: Mapping[Partition, int]) -> None:
    """Compare what is recorded with where the log ends. Raises Fatal."""
    for partition, position in sorted(positions.items()):
        end = ends.get(partition, 0)
        if position > end:
            raise Fatal(
                f"the tables hold more than the log: {partition.topic} {partition.number} is recorded "
                f"up to {position}, the log ends at {end}",
                HINT,
            )


def judge_new(committed: Mapping[Partition, int], starts: Mapping[Partition, int]) -> None:
    """New tables need all that the log holds: compare where the group stands with where it starts. Raises Fatal."""
    for partition, position in sorted(committed.items()):
        if position > starts.get(partition, 0):
            raise Fatal(
                f"the tables are empty, but the group has passed {partition.topic} {partition.number} "
                f"up to {position}: what lies before would be missing",
                HINT,
            )


def _known(connection: Connection) -> dict[str, tuple[str, str]]:
    rows = connection.execute(select(log_identity.c.topic, log_identity.c.cluster_id, log_identity.c.topic_id))
    return {topic: (cluster, found) for topic, cluster, found in rows}


def _positions(connection: Connection) -> dict[Partition, int]:
    rows = connection.execute(select(recorded.c.topic, recorded.c.log_partition, recorded.c.next_offset))
    return {Partition(topic, number): position for topic, number, position in rows}
