"""Image events without pictures, for detectors that do not read any."""

from schemas.image import ImageImported
from thumper.emitter import Emitter
from thumper.settings import Settings

LOCATIONS = ("Hayfield", "270_Jason", "Sanctuary")


def emit_images(settings: Settings, count: int, start: int = 0) -> None:
    """Events of the pictures number `start` to `count`, taken in turn at three places."""
    with Emitter(settings) as emitter:
        for number in range(start, count):
            sha256 = f"{number:064x}"
            place = LOCATIONS[number % len(LOCATIONS)]
            emitter.emit("images", ImageImported(sha256=sha256, uri=f"store:///{sha256[:2]}/{sha256}", location=place))
        emitter.flush()
