"""The bare loop that the detector's loop is compared with: consume, read, build the outcome, produce, commit.

    python -m benchmarks.bare_loop --group GROUP --count N

Prints events a second, from the moment when it has its partitions until the last transaction is committed. The same
client with the same settings, and transactions as large as they may be; no stage, no threads, no order to keep, no log,
no headers, no heartbeat, no rebalance.
"""

import argparse
import sys

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, Producer, TopicPartition

from benchmarks.words import at_least, ended
from processors.detector.backends.fixed import description
from schemas.codec import SHAPES
from schemas.detection import DetectionCompleted, Runtime, SourceRef, Timings
from schemas.image import ImageImported
from thumper.clock import Clock, SystemClock
from thumper.kafka import Names, make_consumer, make_transactional_producer
from thumper.loop import MOST_COMMITTED
from thumper.settings import Settings, read_settings

MODEL = description().ref
RUNTIME = Runtime(backend="bare", version="1", device="none", precision="none")


def loop(settings: Settings, group: str, count: int, clock: Clock) -> float:
    """Events a second."""
    names = Names(settings)
    consumer, producer = make_consumer(settings, group), make_transactional_producer(settings, group)
    producer.init_transactions(30)
    started_s: list[float] = []

    def start(_: Consumer, places: list[TopicPartition]) -> None:
        for place in places:
            place.offset = OFFSET_BEGINNING
        consumer.assign(places)
        started_s.append(clock.now_s())

    consumer.subscribe([names.topic("images")], on_assign=start)
    done = 0
    while done < count:
        messages = consumer.consume(MOST_COMMITTED, 0.1)
        if messages:
            _commit(consumer, producer, messages, names.topic("detections"))
            done += len(messages)
    took_s = clock.now_s() - started_s[0]
    consumer.close()
    return count / took_s


def _commit(consumer: Consumer, producer: Producer, messages: list[Message], topic: str) -> None:
    producer.begin_transaction()
    for message in messages:
        outcome = _outcome(message)
        producer.produce(topic, key=outcome.key(), value=outcome.model_dump_json(exclude_none=True))
    places = consumer.position(consumer.assignment())
    producer.send_offsets_to_transaction(places, consumer.consumer_group_metadata())
    producer.commit_transaction()


def _outcome(message: Message) -> DetectionCompleted:
    event: ImageImported = SHAPES["images"].validate_json(message.value() or b"", strict=True)
    partition, offset = message.partition() or 0, message.offset() or 0
    event_id = f"images-{partition}-{offset}"
    return DetectionCompleted(
        type="detection.completed",
        id=event_id,
        image_id=event.image,
        group="bare",
        model=MODEL,
        origin=SourceRef(
            topic="images",
            partition=partition,
            offset=offset,
            event_id=event.id or event_id,
            timestamp_ms=message.timestamp()[1],
        ),
        worker="bare",
        runtime=RUNTIME,
        timings=Timings(),
        width_px=640,
        height_px=640,
        boxes=(),
    )


def main() -> None:
    """Read the arguments, run, print. How to reach Kafka stands in the environment, as for every part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--group", required=True)
    parser.add_argument("--count", type=at_least(1), required=True)
    given = parser.parse_args()
    print(f"{loop(read_settings(), given.group, given.count, SystemClock()):.1f} events/s")


if __name__ == "__main__":
    sys.exit(ended(main))
