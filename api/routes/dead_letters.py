"""`/api/dead-letters`: messages that could not be read: which, why, and sent again."""

from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import APIRouter, Path, Query, Security
from fastapi.security import HTTPBearer

from api.deps import Deps, Parts
from api.problems import Refusal
from api.responses import DeadLetter, DeadLetterDetail, LettersRetried, Page
from schemas.envelope import NO_NUL
from thumper.dead_letters import shown
from thumper.errors import UserError
from thumper.letter_box import Found, LetterBox, Wanted, retry

T = TypeVar("T")
MOST_OFFSET = 2**63 - 1
# Callers that wait for their turn hold a connection each.
MOST_WAITING = 50
bearer = HTTPBearer(auto_error=False, description="THUMPER_API_TOKEN, where one is set")

router = APIRouter(prefix="/api/dead-letters", tags=["dead letters"])
Number = Annotated[int, Path(ge=0, le=MOST_OFFSET, description="its offset among the dead letters")]
Word = Annotated[str | None, Query(max_length=200, pattern=NO_NUL)]


@router.get("", operation_id="list_dead_letters")
async def dead_letters(  # noqa: PLR0913, PLR0917 - one parameter of the query each
    parts: Parts,
    topic: Word = None,
    group: Word = None,
    error_class: Word = None,
    text: Annotated[str | None, Query(max_length=200, description="within the reason or the value")] = None,
    since: Annotated[datetime | None, Query(description="refused at or after; UTC if it does not say")] = None,
    retried: Annotated[bool | None, Query(description="only those that were sent again, or only the others")] = None,
    cursor: Annotated[int | None, Query(ge=0, le=MOST_OFFSET, description="`next` of the page before")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Page[DeadLetter]:
    """Dead letters, the newest first. A page may be short, or empty, and yet have a next one: each looks at 5,000."""
    at = since.replace(tzinfo=UTC) if since is not None and since.tzinfo is None else since
    wanted = Wanted(topic, group, error_class, text, at, retried)
    return await _in_turn(parts.reading, partial(read_page, parts, wanted, cursor, limit))


def read_page(parts: Deps, wanted: Wanted, cursor: int | None, limit: int) -> Page[DeadLetter]:
    """A page of dead letters. Blocks. Raises KafkaDown."""
    with LetterBox(parts.settings, parts.clock) as box:
        found, go_on = box.page(wanted, cursor, limit)
    return Page(items=[DeadLetter(**_told(one)) for one in found], next=None if go_on is None else str(go_on))


@router.get("/{number}", operation_id="get_dead_letter")
async def dead_letter(parts: Parts, number: Number) -> DeadLetterDetail:
    """One dead letter with its headers and its value."""
    found = await _with_box(parts, partial(_get, number), parts.reading)
    headers = [(shown(name.encode()), shown(content, 1_000)) for name, content in found.letter.headers]
    return DeadLetterDetail(**_told(found), headers=headers, value=shown(found.letter.record.value))


@router.post("/{number}/retry", operation_id="retry_dead_letter", dependencies=[Security(bearer)])
async def retry_dead_letter(
    parts: Parts,
    number: Number,
    again: Annotated[bool, Query(description="even if it was sent again before")] = False,
) -> LettersRetried:
    """Send the message again: same topic, key, bytes and headers. Answers when the broker has it.

    One that was sent again already is left alone, so that the same call twice sends it once.
    """
    return LettersRetried(sent=await _with_box(parts, partial(_retry, parts, number, again), parts.queueing))


def _retry(parts: Deps, number: int, again: bool, box: LetterBox) -> int:
    found = _get(number, box)
    if found.retried and not again:
        return 0
    try:
        return retry([found.letter], parts.sender, parts.clock, "thumper api")
    except UserError as error:
        raise Refusal(409, error.message, error.hint) from None


def _get(number: int, box: LetterBox) -> Found:
    try:
        return box.get(number)
    except UserError:
        raise Refusal(404, f"there is no dead letter {number}", "GET /api/dead-letters lists them") from None


async def _with_box(parts: Deps, use: Callable[[LetterBox], T], limiter: CapacityLimiter) -> T:
    def work() -> T:
        with LetterBox(parts.settings, parts.clock) as box:
            return use(box)

    return await _in_turn(limiter, work)


async def _in_turn(limiter: CapacityLimiter, work: Callable[[], T]) -> T:
    if limiter.statistics().tasks_waiting >= MOST_WAITING:
        raise Refusal(429, "too many callers look at the dead letters", "call again", {"Retry-After": "5"})
    return await to_thread.run_sync(work, limiter=limiter)


def _told(found: Found) -> dict[str, object]:
    letter, origin = found.letter, found.letter.origin
    return {
        "number": letter.record.offset,
        "at": datetime.fromtimestamp(letter.record.timestamp_ms / 1_000, UTC),
        "topic": None if origin is None else shown(origin.partition.topic.encode()),
        "partition": None if origin is None else origin.partition.number,
        "offset": None if origin is None else origin.offset,
        "group": shown(letter.group.encode(), 1_000),
        "stage": shown(letter.stage.encode(), 1_000),
        "error_class": shown(letter.error_class.encode(), 1_000),
        "reason": shown(letter.reason.encode(), 4_000),
        "key": shown(letter.record.key, 1_000),
        "value_bytes": letter.value_bytes,
        "cut": list(letter.cut),
        "retried": found.retried,
    }
