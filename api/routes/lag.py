"""`/api/lag` and `/api/workers`: how far each group is behind, and who is working."""

from collections.abc import Sequence

from fastapi import APIRouter

from api.deps import Parts
from api.lag_words import Windows
from api.responses import GroupPosition, Lag, LagWord, PartitionPosition, WorkerAnswer
from api.snapshot import Lags
from api.status import Worker
from thumper.lag import GroupLag, PartitionLag
from thumper.topics import GROUPS

router = APIRouter(prefix="/api", tags=["lag"])


@router.get("/lag", operation_id="lag")
def lag(parts: Parts) -> Lag:
    """Per group, topic and partition: start, committed offset, end, lag, and Burrow's words for the last minutes."""
    return read_lag(parts.lags, parts.windows)


@router.get("/workers", operation_id="list_workers")
def workers(parts: Parts) -> list[WorkerAnswer]:
    """Everybody heard of in the last hour; alive: within the last five seconds."""
    return described(parts.workers.known(), parts.clock.now_s())


def read_lag(lags: Lags, windows: Windows | None = None) -> Lag:
    """All groups, with words if there are `windows` of earlier readings. Raises KafkaDown."""
    groups = [_group(lags.read(group, topics), windows) for group, topics in GROUPS.items()]
    return Lag(lag=sum(group.lag for group in groups), groups=groups)


def _group(read: GroupLag, windows: Windows | None) -> GroupPosition:
    judged = None if windows is None else windows.judge(read)
    return GroupPosition(
        group=read.group,
        lag=read.lag,
        status=None if judged is None else judged.word,
        complete=None if judged is None else judged.complete,
        partitions=[
            _partition(part, None if judged is None else judged.partitions[part.partition]) for part in read.partitions
        ],
    )


def _partition(part: PartitionLag, word: LagWord | None) -> PartitionPosition:
    return PartitionPosition(
        topic=part.partition.topic,
        partition=part.partition.number,
        start=part.start,
        committed=part.committed,
        end=part.end,
        lag=part.lag,
        status=word,
    )


def described(known: Sequence[Worker], now_s: float) -> list[WorkerAnswer]:
    """Workers as the API answers them."""
    keep = set(WorkerAnswer.model_fields)
    return [
        WorkerAnswer(
            **worker.beat.model_dump(include=keep), alive=worker.alive(now_s), age_s=round(now_s - worker.seen_s, 1)
        )
        for worker in known
    ]
