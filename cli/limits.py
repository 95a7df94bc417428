"""What a machine cannot do, refused before anything is started."""

import psutil

from thumper.errors import SettingError

# Of a batch, at the very least: three colours, as decoded and once more in single precision.
BYTES_A_PIXEL = 3 * (1 + 4)


def refuse_batch_beyond_memory(batch_size: int, input_px: int, setting: str = "THUMPER_BATCH_SIZE") -> None:
    """Raises SettingError: such a batch would fill the memory until the system kills this process, or another one."""
    needed, there = batch_size * input_px**2 * BYTES_A_PIXEL, psutil.virtual_memory().total
    if needed > there:
        raise SettingError(
            f"{setting} is {batch_size:,}: such a batch takes {needed / 1e9:,.0f} GB of memory,"
            f" and this machine has {there / 1e9:,.0f}",
            "8 to 32 is fastest nearly everywhere",
        )
