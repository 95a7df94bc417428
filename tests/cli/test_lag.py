"""cli/lag.py: the terminal says what the API says, with its words where it has any."""

from pathlib import Path

from api.responses import GroupPosition, Lag, PartitionPosition
from cli.lag import lag_table, notes, with_words, words_of_api
from tests.cli.command import NOWHERE, assert_refused, thumper
from tests.cli.test_status import shown
from thumper.settings import Settings

PARTS = [
    PartitionPosition(topic="images", partition=0, start=0, committed=3, end=5, lag=2),
    PartitionPosition(topic="images", partition=1, start=0, committed=None, end=5, lag=5),
]
FOUND = Lag(lag=7, groups=[GroupPosition(group="detector", lag=7, partitions=PARTS)])


def rows(found: Lag) -> list[list[str]]:
    return [line.split() for line in shown(lag_table(found)).splitlines()][1:]


def test_lag_by_group_topic_and_partition() -> None:
    assert rows(FOUND) == [
        ["detector", "images", "0", "0", "3", "5", "2", "-"],
        ["detector", "images", "1", "0", "-", "5", "5", "-"],
        ["detector", "all", "7", "-"],
    ]
    assert "--watch" in str(notes(FOUND)[0])


def test_the_words_come_from_the_api_and_the_numbers_from_the_log() -> None:
    said = [PARTS[0].model_copy(update={"lag": 1, "status": "STALL"})]
    group = GroupPosition(group="detector", lag=1, status="ERR", complete=1.0, partitions=said)
    found = with_words(FOUND, Lag(lag=1, groups=[group]))
    assert [row[-2:] for row in rows(found)] == [["2", "STALL"], ["5", "-"], ["7", "ERR"]]
    assert notes(found) == []
    half = with_words(FOUND, Lag(lag=1, groups=[group.model_copy(update={"complete": 0.5})]))
    assert "50%" in str(notes(half)[0])
    assert with_words(FOUND, None) == FOUND


def test_no_api_no_words() -> None:
    assert words_of_api(Settings(api_port=9)) is None


def test_without_a_broker_it_says_so(tmp_path: Path) -> None:
    assert_refused(thumper(tmp_path, "lag", **NOWHERE), 3, "Kafka does not answer")
