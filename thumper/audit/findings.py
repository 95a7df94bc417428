"""What the audit found: wrong things by kind, counted, ten of each by name; and what is only in flight. Pure."""

from collections import Counter
from dataclasses import dataclass, field

LISTED = 10

# Every kind of wrong, in the order in which they are told.
KINDS = {
    "other_log": "the tables come from another log; rows were not compared",
    "recorded_beyond_log": "the tables have recorded more than the log holds",
    "recorded_behind": "a row shows an event that is not recorded as far as the tables' own book says",
    "event_without_row": "events in `images` whose picture has no row",
    "row_without_event": "rows of pictures whose event is not in the log",
    "picture_differs": "rows of pictures that differ from their event",
    "older_picture_shown": "rows of pictures that miss a newer (or an earlier first) event of theirs",
    "removed_still_shown": "rows that show what a removed picture's events said",
    "outcome_without_row": "outcomes in `detections` without a row",
    "row_without_outcome": "result rows whose outcome is not in the log",
    "result_differs": "result rows that differ from their outcome",
    "older_outcome_shown": "result rows that show an older outcome than the newest recorded one",
    "boxes_miscounted": "results with another number of boxes than they say",
    "lost": "events that a group passed without an outcome",
    "duplicate": "outcomes that answer an event twice within a pass",
    "unknown_source": "outcomes that answer an event that is not in the log",
    "counter_wrong": "counters that differ from the rows that they count",
    "derived_wrong": "pictures whose state, place or time does not follow from the rows",
    "file_missing": "events whose file is not in the store",
    "file_of_removed": "files in the store whose picture was removed (delete them, or `thumper import --even-removed`)",
    "removal_unfinished": "pictures whose file was removed, but not their rows (the same `thumper remove` again)",
    "file_not_named": "files in the store that no event names (`thumper repair` announces them)",
    "file_damaged": "files in the store whose bytes are not those of their event",
}


@dataclass(slots=True)
class Wrong:
    """One kind of wrong. examples: the first ten."""

    count: int = 0
    examples: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Findings:
    """Collects. in_flight: what the system has still to do. noted: what is as it should be and worth a word."""

    wrong: dict[str, Wrong] = field(default_factory=dict)
    in_flight: Counter[str] = field(default_factory=Counter)
    noted: Counter[str] = field(default_factory=Counter)
    counted: Counter[str] = field(default_factory=Counter)

    def add(self, kind: str, example: str, *parts: object, count: int = 1) -> None:
        """Count `count` of `kind` (a key of KINDS). example: with `{}` for each of `parts`."""
        if kind not in KINDS:
            raise KeyError(kind)
        found = self.wrong.setdefault(kind, Wrong())
        found.count += count
        if len(found.examples) < LISTED:
            found.examples.append(example.format(*parts))

    @property
    def clean(self) -> bool:
        """Whether nothing is wrong."""
        return not self.wrong
