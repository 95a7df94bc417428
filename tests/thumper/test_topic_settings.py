"""A broker that does not say how topics are set is away, whatever its reason: no traceback, no end of who asks."""

from concurrent.futures import Future

import pytest
from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import ConfigEntry

from thumper.errors import KafkaDown
from thumper.topics import described


def test_who_may_not_ask_is_told_which_right_is_missing() -> None:
    answer: Future[dict[str, ConfigEntry]] = Future()
    answer.set_exception(KafkaException(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED)))
    with pytest.raises(KafkaDown, match="authorization failed") as caught:
        described(answer, 1.0)
    assert "DESCRIBE_CONFIGS" in caught.value.hint


def test_no_answer_in_time_is_a_broker_that_is_away() -> None:
    with pytest.raises(KafkaDown):
        described(Future(), 0.0)


def test_an_answer_is_handed_on() -> None:
    answer: Future[dict[str, ConfigEntry]] = Future()
    answer.set_result({"retention.ms": ConfigEntry("retention.ms", "5")})
    assert described(answer, 1.0)["retention.ms"].value == "5"
