"""Replays in place: looked at, done, and undone. One at a time.

What the group had reached goes into the log first, then the offsets are set, then they are read back. Killed in
between, the log knows where the group had been, and `undo` brings it there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import ProgrammingError

from schemas.control import GroupReplayed, OffsetMoved
from thumper.clock import Clock
from thumper.database import translated
from thumper.emptied import GroupControl, Pause, Say
from thumper.errors import DatabaseDown, UserError
from thumper.groups import ACKNOWLEDGED_WITHIN_S, Sender
from thumper.lag import LagReader, PartitionLag
from thumper.positions import NotPlaced, place_group
from thumper.replay.book import Book, left, moves_of, read_book, under_way, with_left
from thumper.replay.plan import Move, Wish, plan, undo
from thumper.replay.preview import Preview, lately, look
from thumper.settings import Settings

GROUP, TOPIC = "detector", "images"
SOURCE = "thumper/replay"
# Held by whoever begins or undoes a replay in place, in any process on this database. Others who move the group (a
# skip, stock tools) do not ask for it: what they did shows when the offsets are read back.
LOCK_KEY = 0x7468_756D_7065_7203


@dataclass(frozen=True, slots=True)
class ReplayParts:
    """What replays are done with. rate: pictures a minute that live detectors do now; 0 or less if none does."""

    settings: Settings
    engine: Engine
    lags: LagReader
    sender: Sender
    clock: Clock
    say: Say = lambda _: None
    rate: Callable[[], float] = lambda: 0.0


class Replayer:
    """For one thread. Methods raise KafkaDown, DatabaseDown, and UserError for what cannot be done as asked."""

    def __init__(self, parts: ReplayParts) -> None:
        self._parts = parts
        self._control = GroupControl(parts.settings, parts.lags, parts.sender, parts.clock, SOURCE, parts.say)

    def preview(self, wish: Wish) -> Preview:
        """What it would do; changes nothing. Refused while another is under way, as doing it would be."""
        self._refuse_second(self._book())
        stands = self._stands()
        moves = tuple(self._plan(wish, stands))
        members = self._parts.lags.members(GROUP)
        with self._connected() as connection:
            again = look(connection, moves)
            # Another database than the log's says so here, before anything is set.
            rate = max(0.0, self._parts.rate()) or lately(connection)
        return Preview(wish, moves, again, sum(stand.lag for stand in stands), members, rate)

    def start(self, wish: Wish, by: str, pause: Pause) -> GroupReplayed:
        """Set the group back. Returns when every partition was read back and stands where it shall."""
        with self._alone():
            book = self._book()
            self._refuse_second(book)
            with self._control.emptied(GROUP, pause):
                moves = self._plan(wish, self._stands())
                if not moves:
                    raise UserError(f"nothing is done again by going back {wish}", "nothing was changed")
                replay = self._replay(wish, moves, by)
                self._note(replay, "begun")
                self._place(moves, lambda: self._note(replay, "refused"))
                return self._note(replay, "placed")

    def undo(self, by: str, pause: Pause) -> GroupReplayed:
        """Set the group forward to where it had been. What was done again meanwhile stays done."""
        with self._alone():
            book = self._book()
            self._last(book)
            with self._control.emptied(GROUP, pause):
                stands = self._stands()
                replay = self._last(book)
                self._place(undo(moves_of(replay), stands), lambda: None)
                return self._note(replay, "undone")

    def replays(self) -> list[tuple[GroupReplayed, int]]:
        """All that were ever begun, the newest first, and how many offsets each is still behind."""
        return with_left(self._book(), self._stands())

    def _stands(self) -> Sequence[PartitionLag]:
        return self._parts.lags.read(GROUP, [TOPIC]).partitions

    def _plan(self, wish: Wish, stands: Sequence[PartitionLag]) -> list[Move]:
        # Negative ones have meanings of their own there; nothing was imported before 1970.
        at_ms = None if wish.at is None else max(0, int(wish.at.timestamp() * 1_000))
        at_time = {} if at_ms is None else self._parts.lags.at_time([TOPIC], at_ms)
        return plan(wish, stands, at_time, self._parts.clock.wall())

    def _book(self) -> Book:
        return read_book(self._parts.settings, self._parts.clock, GROUP)

    def _refuse_second(self, book: Book) -> None:
        stands = self._stands()
        if (first := under_way(book, stands)) is not None:
            raise UserError(
                f"a replay is under way: {first.wish}, begun {first.begun_at:%Y-%m-%d %H:%M:%S} UTC, "
                f"{left(first, stands):,} events left",
                "wait for it, or end it: `thumper replay undo`",
            )

    def _last(self, book: Book) -> GroupReplayed:
        found = under_way(book, self._stands())
        if found is None:
            raise UserError(
                "no replay is under way, so there is nothing to undo",
                "one that has come to its end has replaced the results; `thumper replay list` shows all",
            )
        return found

    def _replay(self, wish: Wish, moves: Sequence[Move], by: str) -> GroupReplayed:
        now = self._parts.clock.wall()
        return GroupReplayed(
            type="group.replayed",
            source=SOURCE,
            replay_id=f"replay-{now:%Y%m%d-%H%M%S}-{uuid4().hex[:4]}",
            group=GROUP,
            topic=TOPIC,
            state="begun",
            wish=str(wish)[:200],
            moves=tuple(OffsetMoved(partition=move.partition.number, before=move.before, to=move.to) for move in moves),
            begun_at=now,
            replayed_by=by,
        )

    def _note(self, replay: GroupReplayed, state: Literal["begun", "placed", "refused", "undone"]) -> GroupReplayed:
        noted = replay.model_copy(
            update={
                "state": state,
                "id": f"group.replayed:{replay.replay_id}:{state}",
                "time": self._parts.clock.wall(),
            }
        )
        self._parts.sender.emit("control", noted)
        self._parts.sender.flush(ACKNOWLEDGED_WITHIN_S)
        return noted

    def _place(self, moves: Sequence[Move], refused: Callable[[], object]) -> None:
        """Set, read back, and compare each partition. refused: called if the broker has set none."""
        wanted = {move.partition: move.to for move in moves}
        try:
            place_group(self._parts.settings, GROUP, wanted, self._parts.clock)
        except NotPlaced:
            refused()
            raise
        found = self._parts.lags.committed(GROUP, [TOPIC])
        if wrong := {part: found.get(part) for part, to in wanted.items() if found.get(part) != to}:
            part, at = next(iter(sorted(wrong.items())))
            raise UserError(
                f"{part.topic} {part.number} stands at {at}, not at {wanted[part]} ({len(wrong)} partitions differ): "
                "somebody else moved the group",
                "stop its processes; `thumper replay undo` brings it back to where it had been",
            )

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with self._connected() as connection, connection.begin():
            if not connection.execute(_TRY_LOCK, {"key": LOCK_KEY}).scalar():
                raise UserError("another replay is being set up at this moment", "nothing was changed; try again")
            yield

    @contextmanager
    def _connected(self) -> Iterator[Connection]:
        try:
            with translated(), self._parts.engine.connect() as connection:
                yield connection
        except ProgrammingError as error:
            raise DatabaseDown(
                "the tables are not there, or may not be read", "start the sink: it makes them"
            ) from error


_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
