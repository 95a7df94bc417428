"""What the removal of a picture makes void. Pure.

A removal is a fact. Whatever the log says of the picture up to the broker's time of its newest removal counts for
nothing, in whatever order it is read; what the log says later (an import that was told to bring it back) counts. An
outcome speaks of the event that it answers, whose time counts: an answer that comes late to an old event is void.
"""

from collections.abc import Mapping

# By image id, in the tables' spelling: the broker's time of its newest removal, in ms.
Removals = Mapping[str, int]


def is_void(removals: Removals, image_id: str, said_ms: int) -> bool:
    """Whether what was said at `said_ms` of this picture was taken back by its removal."""
    removed_ms = removals.get(image_id)
    return removed_ms is not None and said_ms <= removed_ms
