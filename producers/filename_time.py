"""Capture times in file names, for pictures whose EXIF has none."""

import re
from datetime import datetime

# Year, month, day, then the time, with the usual separators or none: 20240206_213334, 2024-02-06 21-33-34,
# IMG_20240206_213334123, 2024-02-06__21-33-34(1). Digits on either side would make it another number.
_STAMP = re.compile(
    r"(?<!\d)((?:19|20)\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?:[-_.T ]{0,2}|__| at )(\d{2})[-_.:h]?(\d{2})[-_.:m]?(\d{2})"
    r"(?:\d{3})?(?!\d)"
)


def time_in_name(name: str) -> datetime | None:
    """The first date with time of day in `name`, by the camera's own clock; None if there is none that exists."""
    for found in _STAMP.finditer(name):
        try:
            return datetime(*(int(part) for part in found.groups()))  # type: ignore[arg-type]
        except ValueError:
            continue
    return None
