"""One generated picture through a detector, to see whether it works at all."""

import io

import numpy as np
from PIL import Image

from processors.detector.backends.contract import Detector
from processors.detector.decode import decode
from thumper.errors import Fatal

WIDTH, HEIGHT = 800, 600


def picture() -> bytes:
    """A JPEG of colour ramps; always the same."""
    across = np.linspace(0, 255, WIDTH, dtype=np.uint8)[None, :].repeat(HEIGHT, axis=0)
    down = np.linspace(0, 255, HEIGHT, dtype=np.uint8)[:, None].repeat(WIDTH, axis=1)
    out = io.BytesIO()
    Image.fromarray(np.stack([across, down, across[:, ::-1]], axis=2)).save(out, "JPEG", quality=90)
    return out.getvalue()


def self_test(detector: Detector) -> None:
    """Decode and detect, as for any picture. Raises Fatal if that does not work: then no picture would.

    Which boxes are found is not checked: that these are the right weights is what their sha256 is for.
    """
    try:
        found = detector.detect([decode(picture(), detector.canvas)])
    except Fatal:
        raise
    except Exception as error:
        hint = "check the device and the weights"
        raise Fatal(f"the detector fails on its self-test picture: {error}", hint) from error
    if len(found) != 1:
        raise Fatal(f"the detector gave {len(found)} answers for its self-test picture")
