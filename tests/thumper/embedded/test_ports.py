"""Free ports."""

import socket
from collections.abc import Iterator

import pytest

from thumper.embedded.ports import choose, is_free


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_port_with_a_server_is_not_free(taken: int) -> None:
    assert not is_free(taken)


def test_the_wanted_port_is_chosen_while_it_is_free(taken: int) -> None:
    other = choose(0)
    assert choose(other) == other


def test_a_taken_port_gives_way_to_one_near_it(taken: int) -> None:
    chosen = choose(taken)
    assert chosen != taken
    assert is_free(chosen)


def test_ports_given_to_others_are_left_out(taken: int) -> None:
    free = choose(0)
    assert choose(free, taken=(free,)) != free


def test_an_address_that_is_not_ours_is_not_free() -> None:
    assert not is_free(0, "192.0.2.1")
