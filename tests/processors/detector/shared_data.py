"""The folder of real pictures, odd files and weights that lies beside a checkout; tests skip where it is not there."""

from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[4] / "shared" / "data"


def shared(name: str) -> Path:
    """The file or folder `name` in it, or skip."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"{path} is not there")
    return path
