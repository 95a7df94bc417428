"""The replays in place that the log knows of, and what is left of each; a read that changes nothing."""

from api.snapshot import Lags
from api.status import LIVE_GROUP
from schemas.control import GroupReplayed
from thumper.clock import Clock
from thumper.replay.book import read_book, with_left
from thumper.replay.replayer import TOPIC
from thumper.settings import Settings


def read_replays(settings: Settings, lags: Lags, clock: Clock) -> list[tuple[GroupReplayed, int]]:
    """The newest first, each with the events that the group is still behind. Blocks; raises KafkaDown."""
    book = read_book(settings, clock, LIVE_GROUP)
    return with_left(book, lags.read(LIVE_GROUP, [TOPIC]).partitions)
