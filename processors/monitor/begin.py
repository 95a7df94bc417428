"""Where a monitor begins: an hour back at most. What is older is in no window that anybody looks at."""

from contextlib import suppress

import structlog
from confluent_kafka import KafkaException, TopicPartition

from processors.monitor.faust_app import GROUP, SOURCE
from processors.monitor.windows import KEPT_S
from thumper.clock import Clock
from thumper.errors import KafkaDown
from thumper.kafka import Names, committed_offsets, make_offsets_reader
from thumper.lag import LagReader
from thumper.settings import Settings

WAIT_S = 10.0
log = structlog.get_logger("thumper")


def begin_recent(settings: Settings, lags: LagReader, clock: Clock) -> int:
    """Move the monitor's group forward to the outcomes of the last hour; how many partitions it has. Raises KafkaDown.

    A season's millions of outcomes are then not read for counts that expire at once. Nobody but the monitor is moved.
    """
    name, ends = Names(settings).topic(SOURCE), lags.ends([SOURCE])
    since_ms = int((clock.wall().timestamp() - KEPT_S) * 1_000)
    consumer = make_offsets_reader(settings, GROUP)
    try:
        places = [TopicPartition(name, part.number) for part in ends]
        stands = {place.partition: place.offset for place in committed_offsets(consumer, places, WAIT_S, clock)}
        asked = [TopicPartition(name, part.number, since_ms) for part in ends]
        recent = {place.partition: place.offset for place in consumer.offsets_for_times(asked, WAIT_S)}
        moved = []
        for part, end in ends.items():
            wanted = recent[part.number] if recent[part.number] >= 0 else end
            if stands[part.number] < wanted:
                moved.append(TopicPartition(name, part.number, wanted))
        if moved:
            # Refused while a predecessor that was killed still counts as a member: then it stood where it was just now.
            with suppress(KafkaException):
                consumer.commit(offsets=moved, asynchronous=False)
    except KafkaException as error:
        raise KafkaDown(f"Kafka does not answer: {error.args[0].str()}", "is it running? `thumper check`") from None
    finally:
        consumer.close()
    return len(ends)
