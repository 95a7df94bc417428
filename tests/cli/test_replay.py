"""`thumper replay` where it is asked for wrongly: said before anything is connected to."""

from pathlib import Path

import pytest

from tests.cli.command import NOWHERE, assert_refused, thumper


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param(("in-place",), "exactly one must be said", id="nothing"),
        pytest.param(("in-place", "--to-datetime", "tomorrow"), "'tomorrow' is no time", id="no time"),
        pytest.param(("in-place", "--shift-by", "3"), "a shift by 3 does not go back", id="forward"),
        pytest.param(("in-place", "--to-offset", "3"), "name it: --partition", id="an offset of all partitions"),
        pytest.param(("pictures", "--to", "never"), "--to 'never' is no time", id="no capture time"),
        pytest.param(("pictures", "--ids", "none.txt"), "none.txt cannot be read", id="no file of ids"),
    ],
)
def test_what_cannot_be_meant(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    assert_refused(thumper(tmp_path, "replay", *words, **NOWHERE), 2, said)
