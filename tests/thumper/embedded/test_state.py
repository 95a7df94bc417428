"""What a stack remembers."""

import stat
from pathlib import Path

import pytest

from thumper.embedded.state import StackState, load_state, save_state
from thumper.errors import UserError


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    state = StackState.new().model_copy(update={"kafka_port": 9092})
    save_state(tmp_path, state)
    assert load_state(tmp_path) == state


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    save_state(tmp_path, StackState.new())
    assert stat.S_IMODE((tmp_path / "stack.json").stat().st_mode) == 0o600


def test_nothing_was_saved(tmp_path: Path) -> None:
    assert load_state(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"cluster_id": 1}', "\x00" * 100])
def test_a_damaged_file_says_what_to_do(tmp_path: Path, content: str) -> None:
    (tmp_path / "stack.json").write_text(content)
    with pytest.raises(UserError, match=r"stack\.json is damaged") as caught:
        load_state(tmp_path)
    assert "restore it from a backup" in caught.value.hint


def test_passwords_and_ids_differ_from_stack_to_stack() -> None:
    one, other = StackState.new(), StackState.new()
    assert len({one.password, one.superuser_password, other.password, other.superuser_password}) == 4
    assert one.cluster_id != other.cluster_id
    assert len(one.cluster_id) == 22


def test_a_password_shows_in_no_address_of_kafka() -> None:
    state = StackState.new().model_copy(update={"kafka_port": 1, "postgres_port": 2})
    assert state.kafka_bootstrap == "127.0.0.1:1"
    assert state.database_url == f"postgresql://deertrack:{state.password}@127.0.0.1:2/deer_tracking"
