"""From findings to alerts: each is raised once when it has held long enough, and resolved once when over; pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from processors.monitor.orphans import Orphans
from processors.monitor.rules import RULES, Finding, Rule
from processors.monitor.seen import Seen
from schemas.alert import Alert
from thumper.alerts import Words, make_alert
from thumper.settings import Settings

# Over only when it has been over for so long.
CLEAR_S = 30.0
SOURCE = "thumper/monitor"
GONE = "its worker has not been heard of for an hour"


@dataclass
class _Kind:
    """What one rule has found. first: when each finding was first seen; over: since when a raised one is not found."""

    first: dict[str, tuple[float, datetime]] = field(default_factory=dict)
    raised: set[str] = field(default_factory=set)
    over: dict[str, float] = field(default_factory=dict)


class Watch:
    """Looks at one look after the other. raised: names of alerts that an earlier life has left raised in the log."""

    def __init__(self, settings: Settings, raised: Iterable[str], rules: Mapping[str, Rule] = RULES) -> None:
        self._settings = settings
        self._rules = rules
        self._orphans = Orphans()
        self._kinds = {kind: _Kind() for kind in rules}
        for name in raised:
            if (known := self._kinds.get(name.partition("/")[0])) is not None:
                known.raised.add(name)

    def step(self, seen: Seen) -> list[Alert]:
        """What is to be said after this look."""
        said: list[Alert] = []
        for kind, rule in self._rules.items():
            state = self._kinds[kind]
            found = rule(seen, self._settings, state.raised)
            if found is None:
                # Not known is neither bad nor good; and what has to hold for a while has to be seen all the while.
                state.first = {name: first for name, first in state.first.items() if name in state.raised}
                state.over.clear()
            else:
                said += self._raise(state, found, seen) + self._resolve(state, {one.name for one in found}, seen)
        return said + [self._over(name, GONE, seen.wall) for name in self._orphans.step(seen)]

    def _raise(self, state: _Kind, found: Iterable[Finding], seen: Seen) -> list[Alert]:
        said = []
        for finding in found:
            state.over.pop(finding.name, None)
            first_s, since = state.first.setdefault(finding.name, (seen.now_s, seen.wall))
            if finding.name not in state.raised and seen.now_s - first_s >= finding.hold_s:
                state.raised.add(finding.name)
                said.append(self._alert(finding, since, seen.wall))
        return said

    def _resolve(self, state: _Kind, found: set[str], seen: Seen) -> list[Alert]:
        state.first = {name: first for name, first in state.first.items() if name in found}
        said = []
        for name in sorted(state.raised - found):
            if seen.now_s - state.over.setdefault(name, seen.now_s) >= CLEAR_S:
                state.raised.remove(name)
                del state.over[name]
                said.append(self._over(name, "it is over", seen.wall))
        return said

    def _over(self, name: str, why: str, now: datetime) -> Alert:
        return make_alert(name, Words(why), now, SOURCE, self._settings.alert_runbook)

    def _alert(self, finding: Finding, since: datetime, now: datetime) -> Alert:
        words = Words(finding.summary, finding.action, finding.observed, finding.threshold, since)
        return make_alert(finding.name, words, now, SOURCE, self._settings.alert_runbook)
