"""Watching: what has arrived, and rounds of import until stopped."""

from collections.abc import Iterable, Iterator

from producers.find import Found, Trouble
from producers.tally import ImportSummary
from producers.watch import SETTLED_S, Arrivals, watch
from thumper.clock import SteppedClock

WALL_S = 1_800_000_000.0


def found(name: str, size: int = 10, age_s: float = 100.0) -> Found:
    return Found(name.encode(), "Hayfield", name, size, WALL_S - age_s)


class TestArrivals:
    def test_an_old_file_is_there_at_first_sight_and_only_once(self) -> None:
        arrivals = Arrivals()
        assert list(arrivals.ready([found("a")], 0, WALL_S)) == [found("a")]
        assert list(arrivals.ready([found("a")], 1, WALL_S + 1)) == []

    def test_a_file_being_written_is_waited_for(self) -> None:
        arrivals = Arrivals()
        for second in range(5):
            growing = found("a", size=second, age_s=-second)
            assert list(arrivals.ready([growing], second, WALL_S + second)) == []
        assert arrivals.waiting == 1
        whole = found("a", size=4, age_s=-4)
        assert list(arrivals.ready([whole], 4 + SETTLED_S - 0.1, WALL_S)) == []
        assert list(arrivals.ready([whole], 4 + SETTLED_S, WALL_S)) == [whole]
        assert arrivals.waiting == 0

    def test_another_clock_on_the_share_does_not_matter(self) -> None:
        arrivals, ahead = Arrivals(), found("a", age_s=-3_600)
        assert list(arrivals.ready([ahead], 0, WALL_S)) == []
        assert list(arrivals.ready([ahead], SETTLED_S, WALL_S + SETTLED_S)) == [ahead]

    def test_a_file_that_is_written_again_arrives_again(self) -> None:
        arrivals = Arrivals()
        list(arrivals.ready([found("a")], 0, WALL_S))
        changed = found("a", size=11)
        assert list(arrivals.ready([changed], 1, WALL_S)) == [changed]

    def test_a_file_that_goes_while_it_is_waited_for_is_forgotten(self) -> None:
        arrivals = Arrivals()
        list(arrivals.ready([found("a", age_s=0)], 0, WALL_S))
        list(arrivals.ready([], 1, WALL_S))
        assert arrivals.waiting == 0

    def test_trouble_is_told_once(self) -> None:
        arrivals, trouble = Arrivals(), Trouble(b"a", "a link to nothing")
        assert list(arrivals.ready([trouble], 0, WALL_S)) == [trouble]
        assert list(arrivals.ready([trouble], 1, WALL_S)) == []


class Folder:
    """A folder that a new old-enough picture falls into with each walk, up to `last`."""

    def __init__(self, last: int) -> None:
        self.walks = 0
        self._last = last

    def __iter__(self) -> Iterator[Found | Trouble]:
        self.walks += 1
        return iter([found(str(number)) for number in range(min(self.walks, self._last))])


def test_rounds_until_stopped() -> None:
    folder, clock, rounds = Folder(3), SteppedClock(), []

    def import_round(items: Iterable[Found | Trouble]) -> ImportSummary:
        rounds.append([item.path for item in items])
        return ImportSummary(imported=len(rounds[-1]), read_bytes=10)

    total = watch(folder, import_round, clock, lambda: clock.now_s() > 30)
    assert rounds == [[b"0"], [b"1"], [b"2"]]
    assert (total.imported, total.read_bytes, total.exit_code) == (3, 30, 0)
    assert folder.walks > 10


def test_a_round_that_ends_early_ends_it() -> None:
    clock = SteppedClock()
    stopping = ImportSummary(stopped_because="the card is gone")
    total = watch(Folder(3), lambda items: stopping, clock, lambda: False)
    assert total.exit_code == 3


def test_summaries_add_up() -> None:
    total = ImportSummary()
    one = ImportSummary(imported=2, seconds=1.5)
    one.locations["Hayfield"] = 2
    total.add(one)
    total.add(one)
    assert (total.imported, total.seconds, total.locations["Hayfield"]) == (4, 3.0, 4)
