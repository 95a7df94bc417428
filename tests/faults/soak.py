"""`make soak`: every fault that this machine can have, for so many minutes, by a seed that can be run again.

    python -m tests.faults.soak --minutes 10 --seed 1

Exit code 0: nothing was wrong; 1: something was; 130: interrupted, and nothing was wrong until then.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from random import SystemRandom

from tests.faults.campaign import Campaign
from tests.faults.checker import Violation
from tests.faults.disks import faketime, small_disk
from tests.faults.schedule import KINDS, Step, steps
from tests.faults.world import DISK, Unhealed, own_folder
from tests.processes import CLOCK

STEPS_A_CHECK = 12
SEEDS = 1_000_000


def main() -> int:
    """Read the words of the command line, and run."""
    given = _words().parse_args()
    seed = SystemRandom().randrange(SEEDS) if given.seed is None else given.seed
    say(
        f"soak: seed {seed}, {given.minutes:g} minutes; the same again: make soak SEED={seed} MINUTES={given.minutes:g}"
    )
    with ExitStack() as closing:
        folder = closing.enter_context(own_folder())
        skipped = closing.enter_context(small_disk(folder / DISK))
        kinds = _kinds(skipped, given.only)
        campaign = closing.enter_context(Campaign(folder, seed))
        interrupted = _run(campaign, steps(seed, kinds), given.minutes * 60)
        _keep_books(campaign, seed)
        return _close(campaign, seed, interrupted)


def _words() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(prog="make soak")
    found.add_argument("--minutes", type=float, default=10.0)
    found.add_argument("--seed", type=int)
    found.add_argument("--only", nargs="*", choices=KINDS, default=[], help="only faults of these kinds")
    return found


def _kinds(no_disk: str | None, only: list[str]) -> list[str]:
    """What this machine can have; says what it cannot."""
    why = {
        "disk_full": no_disk,
        "clock_skewed": None if faketime() else "libfaketime is not installed",
    }
    for kind, reason in why.items():
        if reason:
            say(f"soak: {kind} skipped: {reason}")
    return [kind for kind in KINDS if not why.get(kind) and (not only or kind in only)]


def _run(campaign: Campaign, schedule: Iterator[Step], seconds: float) -> bool:
    """Strike and check until the time is over; whether somebody wanted it to end earlier."""
    until_s = CLOCK.now_s() + seconds
    try:
        while CLOCK.now_s() < until_s and not campaign.tally.violations:
            for step in islice(schedule, STEPS_A_CHECK):
                campaign.strike(step)
                if CLOCK.now_s() >= until_s:
                    break
            _check(campaign)
    except KeyboardInterrupt:
        say("soak: ending: healing and checking once more")
        _check(campaign)
        return True
    except (Unhealed, RuntimeError) as error:
        say(f"WRONG  {error}")
        campaign.tally.violations.append(Violation("stuck" if isinstance(error, Unhealed) else "broken", str(error)))
    return False


def _check(campaign: Campaign) -> None:
    for violation in campaign.check():
        say(f"WRONG  {violation}")
    tally = campaign.tally
    say(
        f"soak: check {tally.checks}: {tally.faults} faults, {tally.events:,} events, {tally.outcomes:,} outcomes, "
        f"{tally.resets} partitions set back, recovered in {tally.recoveries_s[-1]:.1f} s"
    )


def _close(campaign: Campaign, seed: int, interrupted: bool) -> int:
    tally = campaign.tally
    for line in campaign.coverage():
        say(f"points hit: {line}")
    slowest_s = max(tally.recoveries_s, default=0.0)
    say(
        f"{tally.missed} faults did not hit (nothing came by in time); recovered in {slowest_s:.1f} s "
        f"at most; {len(campaign.world.books.samples):,} status samples; {campaign.workload.asked} calls"
    )
    say(f"soak: {tally.faults} faults, {tally.events} events, lost {tally.lost}, twice {tally.twice}, seed {seed}")
    if tally.violations:
        return 1
    return 130 if interrupted else 0


def _keep_books(campaign: Campaign, seed: int) -> None:
    """Where something was wrong, the history and the logs stay."""
    if not campaign.tally.violations:
        return
    kept = Path("build") / f"soak-{seed}"
    shutil.rmtree(kept, ignore_errors=True)
    kept.mkdir(parents=True)
    for path in campaign.world.folder.glob("*"):
        if path.is_file():
            shutil.copy2(path, kept)
    say(f"soak: history and logs are kept in {kept}")


def say(line: str) -> None:
    """To whoever watches."""
    print(line, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
