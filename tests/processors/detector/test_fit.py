"""The batch size that fits into the device's memory."""

from processors.detector.fit import BATCHES_BEFORE_GROWTH, BatchFit


def test_refusal_halves_down_to_one() -> None:
    fit = BatchFit(8)
    limits = []
    for _ in range(5):
        fit.refused(fit.limit)
        limits.append(fit.limit)
    assert limits == [4, 2, 1, 1, 1]


def test_a_refused_small_batch_lowers_the_limit_below_itself() -> None:
    fit = BatchFit(16)
    fit.refused(3)
    assert fit.limit == 1


def test_it_grows_again_after_a_long_while_and_never_beyond_the_most() -> None:
    fit = BatchFit(4)
    fit.refused(4)
    for _ in range(BATCHES_BEFORE_GROWTH - 1):
        fit.accepted(2)
    assert fit.limit == 2
    fit.accepted(2)
    assert fit.limit == 4
    for _ in range(2 * BATCHES_BEFORE_GROWTH):
        fit.accepted(4)
    assert fit.limit == 4


def test_small_batches_prove_nothing() -> None:
    fit = BatchFit(8)
    fit.refused(8)
    for _ in range(2 * BATCHES_BEFORE_GROWTH):
        fit.accepted(1)
    assert fit.limit == 4


def test_split_keeps_order() -> None:
    fit = BatchFit(8)
    fit.refused(4)
    assert fit.split([1, 2, 3, 4, 5]) == [[1, 2], [3, 4], [5]]
