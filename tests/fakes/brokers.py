"""Brokers that answer with errors on order: librdkafka's own mock cluster, by its C interface.

It is for the client's error paths alone: it keeps no transactions (a reader of what is committed sees what was aborted
too), so nothing about delivery can be shown with it.
"""

import ctypes
from collections.abc import Sequence
from enum import IntEnum
from pathlib import Path
from typing import Self

import confluent_kafka

PRODUCER = 0  # RD_KAFKA_PRODUCER
_ERROR_BYTES = 512
_SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "rd_kafka_conf_new": (ctypes.c_void_p, []),
    "rd_kafka_conf_set": (
        ctypes.c_int,
        [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_size_t],
    ),
    "rd_kafka_new": (ctypes.c_void_p, [ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t]),
    "rd_kafka_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_new": (ctypes.c_void_p, [ctypes.c_void_p, ctypes.c_int]),
    "rd_kafka_mock_cluster_destroy": (None, [ctypes.c_void_p]),
    "rd_kafka_mock_cluster_bootstraps": (ctypes.c_char_p, [ctypes.c_void_p]),
    "rd_kafka_mock_group_initial_rebalance_delay_ms": (None, [ctypes.c_void_p, ctypes.c_int32]),
    "rd_kafka_mock_topic_create": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int, ctypes.c_int]),
    "rd_kafka_mock_push_request_errors_array": (
        None,
        [ctypes.c_void_p, ctypes.c_int16, ctypes.c_size_t, ctypes.POINTER(ctypes.c_int)],
    ),
    "rd_kafka_mock_clear_request_errors": (None, [ctypes.c_void_p, ctypes.c_int16]),
    "rd_kafka_mock_broker_set_down": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
    "rd_kafka_mock_broker_set_up": (ctypes.c_int, [ctypes.c_void_p, ctypes.c_int32]),
}


class Api(IntEnum):
    """Kinds of requests, by Kafka's numbers."""

    PRODUCE = 0
    OFFSET_COMMIT = 8
    OFFSET_FETCH = 9
    FIND_COORDINATOR = 10
    INIT_PRODUCER_ID = 22
    ADD_PARTITIONS = 24
    ADD_OFFSETS = 25
    END_TRANSACTION = 26
    TXN_OFFSET_COMMIT = 28


def library() -> Path | None:
    """The client library in the wheel; None where confluent-kafka was built on the system's."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    return next(iter(sorted(folder.glob("librdkafka-*.so*"))), None)


class Brokers:
    """So many brokers, with `topics` of so many partitions. A context manager."""

    def __init__(self, count: int, topics: Sequence[str], partitions: int) -> None:
        self._lib = _loaded()
        said = ctypes.create_string_buffer(_ERROR_BYTES)
        config = self._lib.rd_kafka_conf_new()
        # Else it says that it has no brokers of its own to connect to.
        self._lib.rd_kafka_conf_set(config, b"log_level", b"2", said, _ERROR_BYTES)
        self._owner = self._lib.rd_kafka_new(PRODUCER, config, said, _ERROR_BYTES)
        assert self._owner, said.value
        self._cluster = self._lib.rd_kafka_mock_cluster_new(self._owner, count)
        self._lib.rd_kafka_mock_group_initial_rebalance_delay_ms(self._cluster, 0)
        self.count = count
        self.bootstrap: str = self._lib.rd_kafka_mock_cluster_bootstraps(self._cluster).decode()
        for topic in topics:
            assert not self._lib.rd_kafka_mock_topic_create(self._cluster, topic.encode(), partitions, count)

    def will_answer(self, api: Api, *errors: int) -> None:
        """The next requests of this kind get these errors, one each; those after them are answered rightly."""
        self._lib.rd_kafka_mock_push_request_errors_array(
            self._cluster, api, len(errors), (ctypes.c_int * len(errors))(*errors)
        )

    def forget(self) -> None:
        """No error is on order any more."""
        for api in Api:
            self._lib.rd_kafka_mock_clear_request_errors(self._cluster, api)

    def all_down(self) -> None:
        """Connections are closed, and refused."""
        for broker in range(1, self.count + 1):
            self._lib.rd_kafka_mock_broker_set_down(self._cluster, broker)

    def all_up(self) -> None:
        """After `all_down`."""
        for broker in range(1, self.count + 1):
            self._lib.rd_kafka_mock_broker_set_up(self._cluster, broker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lib.rd_kafka_mock_cluster_destroy(self._cluster)
        self._lib.rd_kafka_destroy(self._owner)


def _loaded() -> ctypes.CDLL:
    path = library()
    assert path is not None
    found = ctypes.CDLL(str(path))
    for name, (result, arguments) in _SIGNATURES.items():
        function = getattr(found, name)
        function.restype, function.argtypes = result, arguments
    return found
