"""When somebody has to look: each rule is a function of one look, the settings and what is raised already; pure.

A rule returns its findings (none: all is well), or None if what it needs could not be read: then nothing is raised and
nothing is resolved. One finding per condition, never one per picture. What is raised is let go of only when the value
is clearly on the good side again (`_limit`), so that a value at the limit does not ring all night.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from processors.monitor.seen import LIVE_GROUP, Disk, Place, Seen, Worker
from thumper.settings import Settings

Raised = Collection[str]
EASE = 0.9
RATE_MINUTES = 10
# Of fewer outcomes, a share says nothing: one broken card reader is not 5 % of a season.
LEAST_OUTCOMES = 100
RESTARTS_WITHIN_S = 600.0
DAY_MS = 86_400_000.0
GIB = 1 << 30


@dataclass(frozen=True, slots=True)
class Finding:
    """A condition that holds now. hold_s: it has to hold for so long before anybody is told."""

    name: str
    summary: str
    observed: str
    threshold: str
    action: str
    hold_s: float = 0.0


Findings = list[Finding] | None
Rule = Callable[[Seen, Settings, Raised], Findings]


def _limit(name: str, raised: Raised, limit: float) -> float:
    return limit * EASE if name in raised else limit


def idle(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """Pictures wait and nobody has any in hand."""
    work, name = seen.work, "idle"
    if work is None:
        return None
    if work.planned or work.processing or work.pending <= _limit(name, raised, settings.alert_idle_pending):
        return []
    hold_s = float(settings.alert_idle_s)
    observed = f"{work.pending:,} pending, 0 in hand"
    threshold = f"more than {settings.alert_idle_pending:,} for {span(hold_s)}"
    action = "`thumper ps`: does a detector run? `thumper logs detector-1` says what it waits for"
    return [Finding(name, f"{work.pending:,} pictures wait and none is in hand", observed, threshold, action, hold_s)]


def failed_pictures(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """Too many pictures stand as failed."""
    work, name = seen.work, "failed_pictures"
    if work is None:
        return None
    if work.failed <= _limit(name, raised, settings.alert_failed):
        return []
    action = "GET /api/failures groups them by message; mend the cause, then queue them again"
    return [Finding(name, f"{work.failed:,} pictures failed", f"{work.failed:,}", f"{settings.alert_failed:,}", action)]


def failure_rate(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """Too large a share of what is looked at fails."""
    name = "failure_rate"
    if seen.windows is None:
        return None
    share = seen.windows.share(LIVE_GROUP, RATE_MINUTES)
    limit = _limit(name, raised, settings.alert_failure_share)
    if share.total < LEAST_OUTCOMES or share.failed_share <= limit:
        return []
    worst = seen.windows.worst(LIVE_GROUP, RATE_MINUTES)
    said = f"{share.failed_share:.1%} of the pictures of the last {RATE_MINUTES} minutes failed"
    summary = f"{said}, most of them of {worst}" if worst else said
    observed = f"{share.failed:,} of {share.total:,}"
    action = "GET /api/failures groups them by message; `thumper logs detector-1`"
    return [Finding(name, summary, observed, f"{settings.alert_failure_share:.0%}", action)]


def slow(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """Work waits, and little of it gets done."""
    name, minutes = "slow", max(1, settings.alert_slow_s // 60)
    if seen.work is None or seen.windows is None:
        return None
    waits_s = seen.past.work_s
    if seen.work.planned or waits_s is None or waits_s < settings.alert_slow_s:
        return []
    rate = seen.windows.per_minute(LIVE_GROUP, minutes)
    limit = settings.alert_slow_per_minute / (EASE if name in raised else 1.0)
    if rate >= limit:
        return []
    threshold = f"{settings.alert_slow_per_minute:,} a minute for {span(settings.alert_slow_s)} while work waits"
    action = "`thumper ps`, `thumper logs detector-1`; docs/performance.md says what can be turned"
    summary = f"{rate:,.0f} pictures a minute while {seen.work.pending:,} wait"
    return [Finding(name, summary, f"{rate:,.0f} a minute", threshold, action)]


def worker_gone(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """A worker fell silent without an orderly end."""
    if seen.workers is None:
        return None
    limit_s = settings.alert_worker_s
    return [_gone(worker, limit_s) for worker in seen.workers if not worker.stopped and worker.silent_s > limit_s]


def _gone(worker: Worker, limit_s: int) -> Finding:
    summary = f"{worker.name} has not been heard of for {span(worker.silent_s)}"
    action = f"`thumper logs {worker.name}`; `thumper up` starts what does not run"
    return Finding(f"worker_gone/{worker.name}", summary, span(worker.silent_s), span(limit_s), action)


def worker_restarts(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """A worker starts again and again."""
    if seen.workers is None:
        return None
    found = []
    for worker in seen.workers:
        # The first of them is no restart.
        again = sum(ago_s <= RESTARTS_WITHIN_S for ago_s in worker.starts_s) - 1
        if again < settings.alert_restarts:
            continue
        summary = f"{worker.name} was started again {again} times within {span(RESTARTS_WITHIN_S)}"
        action = f"`thumper logs {worker.name}` ends with the reason"
        threshold = f"{settings.alert_restarts} within {span(RESTARTS_WITHIN_S)}"
        found.append(Finding(f"worker_restarts/{worker.name}", summary, str(again), threshold, action))
    return found


def lag(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """The oldest unfinished event of a group is too old: exact, by the broker's time of that event."""
    if seen.groups is None or seen.work is None:
        return None
    found = []
    for group, places in seen.groups.items():
        name = f"lag/{group}"
        came = [place.oldest_ms for place in places if place.lag and place.oldest_ms is not None]
        age_s = (seen.now_ms - min(came)) / 1_000 if came else 0.0
        if (seen.work.planned and group == LIVE_GROUP) or age_s <= _limit(name, raised, settings.alert_lag_s):
            continue
        summary = f"{group} is {span(age_s)} behind"
        action = "`thumper lag`: does it fall? More detectors: `thumper up -n 2`"
        found.append(Finding(name, summary, span(age_s), span(settings.alert_lag_s), action))
    return found


def partition_stuck(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """One partition stands still while others of its group and topic move."""
    if seen.groups is None or seen.work is None:
        return None
    found = []
    for group, places in seen.groups.items():
        if seen.work.planned and group == LIVE_GROUP:
            continue
        for place in places:
            held_s = seen.past.still_s.get((group, place.partition), 0.0)
            if held_s > settings.alert_stuck_s and _others_move(seen, group, place, settings.alert_stuck_s):
                found.append(_stuck(group, place, held_s, settings.alert_stuck_s))
    return found


def _others_move(seen: Seen, group: str, place: Place, within_s: int) -> bool:
    return any(
        moved_s < within_s
        for (other, part), moved_s in seen.past.moved_s.items()
        if other == group and part.topic == place.partition.topic and part != place.partition
    )


def _stuck(group: str, place: Place, still_s: float, limit_s: int) -> Finding:
    part = place.partition
    summary = f"{group} does not get on in {part.topic} {part.number}, at offset {place.position}; others do"
    observed = f"{span(still_s)}, {place.lag:,} offsets behind"
    action = "`thumper logs detector-1` (or sink): what does it say of this partition?"
    return Finding(f"partition_stuck/{group}/{part.topic}/{part.number}", summary, observed, span(limit_s), action)


def dead_letters(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """Messages come that nobody can read."""
    if seen.letters_end is None:
        return None
    grown = seen.past.letters
    if not settings.alert_letters or grown < settings.alert_letters:
        return []
    action = "`thumper dead-letters list` says where they come from and why"
    summary = f"{grown:,} messages could not be read in the last 10 minutes"
    return [Finding("dead_letters", summary, f"{grown:,}", f"{settings.alert_letters:,} in 10 min", action)]


def disk_low(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """Little is left where pictures, log or tables lie. One that cannot be looked at from here is not listed."""
    if seen.disks is None:
        return None
    return [
        _low(disk, settings.alert_disk_bytes)
        for disk in seen.disks
        if disk.free < settings.alert_disk_bytes / (EASE if f"disk_low/{disk.holds}" in raised else 1.0)
    ]


def _low(disk: Disk, limit: int) -> Finding:
    summary = f"{disk.free / GIB:,.1f} GiB are left on the disk of the {disk.holds}"
    action = "make room, or move it to a larger disk; an import refuses to fill it"
    observed = f"{disk.free / GIB:,.1f} of {disk.total / GIB:,.1f} GiB"
    return Finding(f"disk_low/{disk.holds}", summary, observed, f"{limit / GIB:,.1f} GiB", action)


def camera_silent(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """The newest picture of a place is many days old."""
    if seen.cameras is None:
        return None
    days = settings.alert_silent_days
    found = []
    for camera in seen.cameras if days else ():
        silent = (seen.now_ms - camera.newest_ms) / DAY_MS
        if silent <= days:
            continue
        summary = f"the newest picture of {camera.name} was taken {silent:,.0f} days ago"
        action = "battery, card, theft? Fetch its card and import it"
        found.append(
            Finding(f"camera_silent/{camera.name}"[:200], summary, f"{silent:,.0f} days", f"{days} days", action)
        )
    return found


def retention(seen: Seen, settings: Settings, raised: Raised) -> Findings:
    """The broker is about to delete what a group has not read."""
    if seen.groups is None or seen.retention_ms is None:
        return None
    ages: dict[str, tuple[float, float]] = {}
    for group, places in seen.groups.items():
        for place in places:
            kept_ms = seen.retention_ms.get(place.partition.topic)
            if kept_ms is None or not place.lag or place.oldest_ms is None:
                continue
            name = f"retention/{group}/{place.partition.topic}"
            ages[name] = max(ages.get(name, (0.0, 0.0)), (seen.now_ms - place.oldest_ms, kept_ms))
    share = settings.alert_retention_share
    return [
        _expires(name, age_ms, kept_ms, share)
        for name, (age_ms, kept_ms) in ages.items()
        if age_ms > _limit(name, raised, share) * kept_ms
    ]


def _expires(name: str, age_ms: float, kept_ms: float, share: float) -> Finding:
    _, group, topic = name.split("/")
    left = span(max(0.0, kept_ms - age_ms) / 1_000)
    action = f"set retention.ms of {topic} to -1 now (`thumper kafka kafka-configs`), then let {group} catch up"
    observed = f"{span(age_ms / 1_000)} of {span(kept_ms / 1_000)}"
    return Finding(
        name, f"events of {topic} that {group} has not read expire in {left}", observed, f"{share:.0%}", action
    )


def transaction_open(seen: Seen, settings: Settings, _: Raised) -> Findings:
    """A transaction that nobody ends keeps readers from going on."""
    if seen.stable is None:
        return None
    limit_s = settings.alert_transaction_s
    action = "`thumper kafka kafka-transactions find-hanging --broker-id 1`, then `abort` what it names"
    return [
        Finding(
            f"transaction_open/{part.topic}/{part.number}",
            f"a transaction in {part.topic} {part.number} has been open for {span(open_s)}; readers wait behind it",
            span(open_s),
            span(limit_s),
            action,
        )
        for part, open_s in seen.past.open_s.items()
        if open_s > limit_s
    ]


RULES: Mapping[str, Rule] = {
    rule.__name__: rule
    for rule in (
        idle,
        failed_pictures,
        failure_rate,
        slow,
        worker_gone,
        worker_restarts,
        lag,
        partition_stuck,
        dead_letters,
        disk_low,
        camera_silent,
        retention,
        transaction_open,
    )
}


def span(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h`, `5 d`: one unit is enough here."""
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"
