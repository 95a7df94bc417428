"""What a broker may answer, and what becomes of it: done again, aborted and read again, a fresh producer, or the end.

The brokers are librdkafka's own mock cluster, which gives such answers on order (tests/fakes/brokers.py).
"""

from collections.abc import Iterator, Mapping, Sequence

import pytest
from _pytest.mark.structures import ParameterSet
from confluent_kafka import KafkaError as Code

from tests.fakes.brokers import Api, Brokers, library
from tests.integration.test_source import Nobody
from tests.processes import eventually
from thumper.commit import OffsetCommitter, TransactionCommitter
from thumper.errors import Fatal, KafkaDown, Rewind
from thumper.record import Done, Outgoing, Partition
from thumper.settings import Settings
from thumper.source import KafkaSource

pytestmark = pytest.mark.skipif(library() is None, reason="confluent-kafka is built on the system's librdkafka")

PLACE = Partition("images", 0)
ONE_OUTCOME = Done([], [Outgoing("detections", b"key", b"{}")])
# What the broker says once and the client, or the committer, asks again for.
DONE_AGAIN = {
    Api.PRODUCE: (Code.NOT_LEADER_FOR_PARTITION, Code.NOT_ENOUGH_REPLICAS, Code.REQUEST_TIMED_OUT, Code.INVALID_MSG),
    Api.ADD_PARTITIONS: (
        *(Code.CONCURRENT_TRANSACTIONS, Code.COORDINATOR_NOT_AVAILABLE, Code.NOT_COORDINATOR),
        *(Code.COORDINATOR_LOAD_IN_PROGRESS, Code.UNKNOWN_TOPIC_OR_PART),
    ),
    Api.ADD_OFFSETS: (Code.CONCURRENT_TRANSACTIONS, Code.COORDINATOR_NOT_AVAILABLE, Code.NOT_COORDINATOR),
    Api.TXN_OFFSET_COMMIT: (
        *(Code.COORDINATOR_NOT_AVAILABLE, Code.NOT_COORDINATOR, Code.COORDINATOR_LOAD_IN_PROGRESS),
        Code.UNKNOWN_TOPIC_OR_PART,
    ),
    Api.END_TRANSACTION: (
        *(Code.CONCURRENT_TRANSACTIONS, Code.COORDINATOR_NOT_AVAILABLE, Code.NOT_COORDINATOR),
        Code.COORDINATOR_LOAD_IN_PROGRESS,
    ),
}
# This transaction is over; the producer is not.
ABORTED = {
    Api.PRODUCE: (Code.MSG_SIZE_TOO_LARGE, Code.UNKNOWN_PRODUCER_ID),
    Api.ADD_PARTITIONS: (Code.INVALID_PRODUCER_ID_MAPPING,),
    Api.ADD_OFFSETS: (Code.INVALID_PRODUCER_ID_MAPPING,),
    Api.TXN_OFFSET_COMMIT: (
        *(Code.UNKNOWN_MEMBER_ID, Code.ILLEGAL_GENERATION, Code.FENCED_INSTANCE_ID),
        *(Code.REBALANCE_IN_PROGRESS, Code.STALE_MEMBER_EPOCH),
    ),
    Api.END_TRANSACTION: (Code.INVALID_PRODUCER_ID_MAPPING, Code.REQUEST_TIMED_OUT, Code.UNKNOWN),
}
# The producer is fenced, or cannot know any more what is in the log.
RENEWED = {
    Api.PRODUCE: (Code.INVALID_PRODUCER_EPOCH, Code.OUT_OF_ORDER_SEQUENCE_NUMBER),
    Api.ADD_PARTITIONS: (Code.INVALID_PRODUCER_EPOCH, Code.INVALID_TXN_STATE),
    Api.ADD_OFFSETS: (Code.INVALID_PRODUCER_EPOCH, Code.INVALID_TXN_STATE),
    Api.TXN_OFFSET_COMMIT: (Code.INVALID_PRODUCER_EPOCH, Code.UNSUPPORTED_FOR_MESSAGE_FORMAT),
    Api.END_TRANSACTION: (Code.INVALID_PRODUCER_EPOCH, Code.INVALID_TXN_STATE, Code.PRODUCER_FENCED),
}
FORBIDDEN = {
    Api.PRODUCE: (Code.TOPIC_AUTHORIZATION_FAILED,),
    Api.ADD_PARTITIONS: (Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Code.TOPIC_AUTHORIZATION_FAILED),
    Api.ADD_OFFSETS: (Code.GROUP_AUTHORIZATION_FAILED, Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED),
    Api.TXN_OFFSET_COMMIT: (Code.GROUP_AUTHORIZATION_FAILED,),
    Api.END_TRANSACTION: (Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,),
}
NAMES = {value: name for name, value in vars(Code).items() if name.isupper() and isinstance(value, int)}


def each(table: Mapping[Api, Sequence[int]]) -> Sequence[ParameterSet]:
    return [pytest.param(api, code, id=f"{api.name} {NAMES[code]}") for api, codes in table.items() for code in codes]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Brokers]:
    with Brokers(1, ["images", "detections"], 2) as found:
        yield found


@pytest.fixture
def brokers(cluster: Brokers) -> Iterator[Brokers]:
    yield cluster
    cluster.forget()


@pytest.fixture(scope="module")
def near(cluster: Brokers) -> Settings:
    return Settings(kafka_bootstrap=cluster.bootstrap, transaction_timeout_ms=2_000, session_timeout_ms=6_000)


@pytest.fixture(scope="module")
def source(near: Settings) -> Iterator[KafkaSource]:
    found = KafkaSource(near, "detector", ["images"])
    found.open(Nobody())
    yield found
    found.close()


@pytest.fixture
def member(source: KafkaSource) -> KafkaSource:
    """It has its partitions."""

    def has_them() -> bool:
        source.take(1, 0.0)
        return source.joined() and len(source.positions()) == 2

    eventually(has_them, "it is a member of the group")
    return source


@pytest.fixture
def committer(near: Settings, member: KafkaSource) -> TransactionCommitter:
    found = TransactionCommitter(near, "d1", member.consumer)
    found.open()
    return found


def commit(committer: TransactionCommitter) -> None:
    committer.commit(ONE_OUTCOME, {PLACE: 1})


def goes_on(committer: TransactionCommitter) -> bool:
    """Whether the same work is committed later: the loop reads it again after each rewind."""
    for _ in range(3):
        try:
            commit(committer)
        except Rewind:
            continue
        return True
    return False


@pytest.mark.parametrize(("api", "code"), each(DONE_AGAIN))
def test_what_passes_is_asked_again_and_the_work_is_committed(
    brokers: Brokers, committer: TransactionCommitter, api: Api, code: int
) -> None:
    brokers.will_answer(api, code)
    commit(committer)
    assert goes_on(committer)


@pytest.mark.parametrize(("api", "code"), each(ABORTED))
def test_what_ends_a_transaction_is_aborted_and_the_same_producer_goes_on(
    brokers: Brokers, committer: TransactionCommitter, api: Api, code: int
) -> None:
    producer = committer._producer
    brokers.will_answer(api, code)
    with pytest.raises(Rewind, match="the transaction was aborted"):
        commit(committer)
    assert committer._producer is producer
    assert goes_on(committer)


@pytest.mark.parametrize(("api", "code"), each(RENEWED))
def test_what_ends_a_producer_makes_a_fresh_one_with_the_same_id(
    brokers: Brokers, committer: TransactionCommitter, api: Api, code: int
) -> None:
    producer = committer._producer
    brokers.will_answer(api, code)
    with pytest.raises(Rewind, match="the producer was renewed"):
        commit(committer)
    assert committer._producer is not producer
    assert goes_on(committer)


@pytest.mark.parametrize(("api", "code"), each(FORBIDDEN))
def test_what_is_forbidden_ends_the_process_with_a_word_on_what_to_do(
    brokers: Brokers, committer: TransactionCommitter, api: Api, code: int
) -> None:
    brokers.will_answer(api, code)
    with pytest.raises(Fatal, match="no right to write") as told:
        commit(committer)
    assert "give this user" in told.value.hint


def test_a_commit_that_stays_unanswered_is_never_followed_by_another_of_the_same_producer(
    brokers: Brokers, committer: TransactionCommitter
) -> None:
    """A late answer could hit the next transaction (KIP-890)."""
    producer = committer._producer
    brokers.will_answer(Api.END_TRANSACTION, *[Code.COORDINATOR_NOT_AVAILABLE] * 100)
    with pytest.raises(Rewind, match="the producer was renewed"):
        commit(committer)
    assert committer._producer is not producer
    brokers.forget()
    assert goes_on(committer)


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        pytest.param(Code.COORDINATOR_LOAD_IN_PROGRESS, None, id="the coordinator loads"),
        pytest.param(Code.NOT_COORDINATOR, None, id="the coordinator has moved"),
        pytest.param(Code.CONCURRENT_TRANSACTIONS, None, id="the predecessor's transaction is being ended"),
        pytest.param(Code.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, Fatal, id="forbidden"),
        pytest.param(Code.PRODUCER_FENCED, KafkaDown, id="somebody of this name has just come"),
    ],
)
def test_a_first_producer(
    brokers: Brokers, near: Settings, member: KafkaSource, code: int, raised: type | None
) -> None:
    committer = TransactionCommitter(near, "d2", member.consumer)
    brokers.will_answer(Api.INIT_PRODUCER_ID, code)
    if raised is not None:
        with pytest.raises(raised, match="cannot start transactions"):
            committer.open()
    committer.open()
    assert goes_on(committer)


def test_who_is_no_member_commits_nothing(near: Settings, member: KafkaSource) -> None:
    """A consumer that has not joined carries generation -1, which the broker does not fence."""
    stranger = KafkaSource(near, "detector", ["images"])
    committer = TransactionCommitter(near, "d3", stranger.consumer)
    committer.open()
    with pytest.raises(Rewind, match="not a member"):
        commit(committer)
    stranger.close()


@pytest.mark.parametrize(
    "code",
    [
        *(Code.COORDINATOR_LOAD_IN_PROGRESS, Code.NOT_COORDINATOR, Code.COORDINATOR_NOT_AVAILABLE),
        Code.UNSTABLE_OFFSET_COMMIT,
    ],
    ids=lambda code: NAMES[code],
)
def test_committed_offsets_are_waited_for(brokers: Brokers, member: KafkaSource, code: int) -> None:
    """The last one says that a predecessor's transaction is open: its offsets are not to be read yet (KIP-447)."""
    brokers.will_answer(Api.OFFSET_FETCH, code, code)
    assert member.rewind([PLACE]).keys() == {PLACE}


def test_committed_offsets_that_may_not_be_read_are_not_guessed(brokers: Brokers, member: KafkaSource) -> None:
    brokers.will_answer(Api.OFFSET_FETCH, Code.GROUP_AUTHORIZATION_FAILED)
    with pytest.raises(KafkaDown, match="cannot be read"):
        member.rewind([PLACE])


@pytest.mark.parametrize(
    ("code", "raised"),
    [
        pytest.param(Code.COORDINATOR_LOAD_IN_PROGRESS, None, id="the coordinator loads"),
        pytest.param(Code.NOT_COORDINATOR, None, id="the coordinator has moved"),
        pytest.param(Code.REQUEST_TIMED_OUT, None, id="the coordinator was slow"),
        pytest.param(Code.REBALANCE_IN_PROGRESS, Rewind, id="a rebalance"),
        pytest.param(Code.STALE_MEMBER_EPOCH, Rewind, id="a rebalance that it has not heard of"),
        pytest.param(Code.GROUP_AUTHORIZATION_FAILED, KafkaDown, id="forbidden"),
        pytest.param(Code.ILLEGAL_GENERATION, Rewind, id="the group has moved on"),
        pytest.param(Code.UNKNOWN_MEMBER_ID, Rewind, id="the group has forgotten it"),
    ],
)
def test_the_sinks_offsets(
    brokers: Brokers, near: Settings, member: KafkaSource, code: int, raised: type | None
) -> None:
    committer = OffsetCommitter(near, member.consumer)
    committer.open()
    brokers.will_answer(Api.OFFSET_COMMIT, code)
    if raised is None:
        committer.commit(Done(()), {PLACE: 1})
    else:
        with pytest.raises(raised, match="the offsets were"):
            committer.commit(Done(()), {PLACE: 1})
    committer.close()
