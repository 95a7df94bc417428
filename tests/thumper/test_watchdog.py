"""A process whose interpreter is held by native code for ever is ended all the same."""

import subprocess
import sys

PROGRAM = """
import ctypes
from thumper.clock import SystemClock
from thumper.watchdog import Watchdog

dog = Watchdog(1, SystemClock(), beyond_s=0.5)
dog.watch()
ctypes.PyDLL(None).pause()  # PyDLL keeps the interpreter's lock
"""


def test_native_code_that_never_returns_and_keeps_the_lock() -> None:
    done = subprocess.run((sys.executable, "-c", PROGRAM), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert "Timeout" in done.stderr


def test_one_that_is_put_off_in_time_does_nothing() -> None:
    program = PROGRAM.replace(
        "ctypes.PyDLL(None).pause()", "[(SystemClock().sleep(0.2), dog.watch()) for _ in range(15)]"
    )
    done = subprocess.run((sys.executable, "-c", program), capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
