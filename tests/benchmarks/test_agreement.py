"""When two boxes are alike."""

from collections.abc import Mapping

import pytest

from benchmarks.agreement import Box, alike

DEER = (1.0, 0.9, 0.0, 0.0, 0.5, 0.5)
SHIFTED = (1.0, 0.8, 0.0, 0.0, 0.5, 0.48)
PIG = (2.0, 0.9, 0.0, 0.0, 0.5, 0.5)


@pytest.mark.parametrize(
    ("ours", "theirs", "counts"),
    [
        pytest.param({"a": [DEER]}, {"a": [SHIFTED]}, (1, 1), id="nearly the same place"),
        pytest.param({"a": [DEER]}, {"a": [PIG]}, (1, 0), id="another class"),
        pytest.param({"a": [DEER, DEER]}, {"a": [SHIFTED]}, (2, 1), id="each like is used once"),
        pytest.param({"a": [DEER]}, {"b": [DEER]}, (1, 0), id="another picture"),
        pytest.param({"a": []}, {"a": [DEER]}, (0, 0), id="no box"),
    ],
)
def test_a_box_has_its_like(
    ours: Mapping[str, list[Box]], theirs: Mapping[str, list[Box]], counts: tuple[int, int]
) -> None:
    assert alike(ours, theirs, 0.9) == counts
    assert alike(ours, theirs, 0.97)[1] == 0
