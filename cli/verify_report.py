"""What `thumper verify` and `thumper repair` print."""

import json
import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from thumper.audit.answers import Passes, summary
from thumper.audit.audit import Report
from thumper.audit.findings import KINDS, Findings

if TYPE_CHECKING:
    from producers.repair import RepairSummary


def say_step(step: str) -> None:
    """What is being done, to whoever watches; it does not get into the answer, nor into a log."""
    if sys.stderr.isatty():
        print(f"[INFO] {step}", file=sys.stderr, flush=True)


def say(line: str) -> None:
    """What somebody should know meanwhile, beside the answer."""
    print(line, file=sys.stderr, flush=True)


def as_words(report: Report) -> str:
    """For people: what was looked at, what is on its way, what is wrong, and a closing line."""
    findings = report.findings
    lines = [*_counts("looked at", findings.counted), *_passes(report), *_counts("on its way", findings.in_flight)]
    lines += _counts("noted", findings.noted)
    for kind, words in KINDS.items():
        if kind in findings.wrong:
            lines.append(f"WRONG  {findings.wrong[kind].count:,} {words} [{kind}]")
            lines += _examples(findings, kind)
    return "\n".join([*lines, closing(findings)])


def closing(findings: Findings) -> str:
    """One line that says it all."""
    if findings.clean:
        pictures, outcomes = findings.counted["pictures in the tables"], findings.counted["outcomes in detections"]
        return f"verify: clean: {pictures:,} pictures, {outcomes:,} outcomes, nothing lost, nothing twice"
    kinds = ", ".join(f"{kind} {findings.wrong[kind].count:,}" for kind in KINDS if kind in findings.wrong)
    return f"verify: WRONG: {kinds}"


def to_json(report: Report) -> str:
    """For programs."""
    findings = report.findings
    return json.dumps(
        {
            "clean": findings.clean,
            "wrong": {kind: asdict(findings.wrong[kind]) for kind in KINDS if kind in findings.wrong},
            "in_flight": _present(findings.in_flight),
            "noted": _present(findings.noted),
            "counted": dict(findings.counted),
            "passes": [asdict(line) for line in report.passes if _is_worth_a_line(line)],
            "seconds": round(report.seconds, 3),
            "outcomes_per_s": round(report.events_per_s),
        },
        indent=2,
    )


def repair_as_words(found: "RepairSummary", dry_run: bool) -> str:
    """For people."""
    lines = [f"[WARN] {complaint}" for complaint in found.complaints]
    if found.refused > len(found.complaints):
        lines.append(f"[WARN] and {found.refused - len(found.complaints):,} more")
    lines += [f"       {example}" for example in found.examples] if dry_run else []
    if found.stopped_because is not None:
        lines.append(f"[ERROR] {found.stopped_because}; the same again sends the rest")
    if dry_run:
        return "\n".join([*lines, f"repair: {found.announced:,} pictures would be announced again"])
    left = f", {found.not_in_log:,} not acknowledged" if found.not_in_log else ""
    return "\n".join([*lines, f"repair: {found.announced:,} pictures announced again{left}"])


def repair_as_json(found: "RepairSummary") -> str:
    """For programs."""
    return json.dumps(asdict(found), indent=2)


def _counts(title: str, counts: Mapping[str, int]) -> list[str]:
    shown = _present(counts)
    if not shown:
        return []
    return [f"{title:<11}" + " · ".join(f"{count:,} {what}" for what, count in shown.items())]


def _passes(report: Report) -> Iterator[str]:
    for group, found in summary(report.passes).items():
        passes = "1 pass" if found["passes"] <= 1 else f"up to {found['passes']:,} passes"
        if found["outcomes"]:
            yield f"{'answered':<11}group {group}: {found['outcomes']:,} outcomes in {passes}"


def _examples(findings: Findings, kind: str) -> Iterator[str]:
    wrong = findings.wrong[kind]
    yield from (f"         {example}" for example in wrong.examples)
    if wrong.count > len(wrong.examples):
        yield "         ..."


def _present(counts: Mapping[str, int]) -> dict[str, int]:
    return {what: count for what, count in counts.items() if count}


def _is_worth_a_line(line: Passes) -> bool:
    return bool(line.outcomes or line.lost or line.unanswered or line.again)
