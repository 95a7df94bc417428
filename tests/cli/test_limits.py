"""What fits into memory is let through, and only that."""

import psutil
import pytest

from cli.limits import BYTES_A_PIXEL, refuse_batch_beyond_memory
from thumper.errors import SettingError


def test_a_batch_is_refused_from_the_first_picture_on_that_does_not_fit() -> None:
    most = psutil.virtual_memory().total // (1_024**2 * BYTES_A_PIXEL)
    refuse_batch_beyond_memory(most, 1_024)
    with pytest.raises(SettingError, match=f"--batch is {most + 1:,}: such a batch takes"):
        refuse_batch_beyond_memory(most + 1, 1_024, "--batch")
