"""Placing a consumer group: its committed offsets are set from outside, which Kafka allows while it has no members."""

from collections.abc import Callable, Mapping

from confluent_kafka import KafkaError, KafkaException, TopicPartition

from thumper.clock import Clock
from thumper.embedded.waiting import wait_until
from thumper.errors import KafkaDown, UserError
from thumper.kafka import Names, make_offsets_reader, when_coordinated
from thumper.lag import LagReader
from thumper.record import Partition
from thumper.settings import Settings

# The broker's words for "this group has members, and you are none of them".
_HAS_MEMBERS = {KafkaError.UNKNOWN_MEMBER_ID, KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS}
ANSWERS_WITHIN_S = 15.0


class NotPlaced(UserError):
    """The broker has set nothing."""


def place_group(settings: Settings, group: str, offsets: Mapping[Partition, int], clock: Clock) -> None:
    """Commit `offsets` (own topic names) for `group`, all or none.

    Raises NotPlaced if the group has members, KafkaDown if the broker does not answer.
    """
    names = Names(settings)
    places = [TopicPartition(names.topic(part.topic), part.number, offset) for part, offset in sorted(offsets.items())]
    consumer = make_offsets_reader(settings, group)
    try:
        when_coordinated(lambda _: consumer.commit(offsets=places, asynchronous=False) or [], ANSWERS_WITHIN_S, clock)
    except KafkaException as error:
        if error.args[0].code() in _HAS_MEMBERS:
            raise NotPlaced(f"the group {names.group(group)} has members, so it cannot be placed", _STOP) from None
        raise KafkaDown(f"the group {group} cannot be placed: {error.args[0].str()}", "`thumper check`") from None
    finally:
        consumer.close()


def wait_until_left(
    lags: LagReader, group: str, wait_s: float, clock: Clock, say: Callable[[str], None] = lambda _: None
) -> None:
    """Wait until `group` has no members. Raises UserError after `wait_s`; KafkaDown."""
    if lags.members(group):
        say(f"[INFO] Waiting until the group {group} has no members: stop what runs elsewhere of it")
    if not wait_until(lambda: lags.members(group) == 0, clock, wait_s):
        raise UserError(f"the group {group} still has members after {wait_s:.0f} s; nothing was changed", _STOP)


_STOP = "stop its processes first; one that was killed counts until its session is over (10 to 45 s)"
