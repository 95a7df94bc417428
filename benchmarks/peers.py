"""Peers as processes of their own: a module of this package that prints its rate as the first word of its last line."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from benchmarks.turns import SideFailed

ROOT = Path(__file__).parent.parent
LIMIT_S = 1_800


def rate_of(module: str, *words: object, marks: Mapping[str, str]) -> float:
    """Run `python -m benchmarks.<module> WORDS` to its end; what it says is its rate. Raises SideFailed."""
    lines = run(module, *words, marks=marks).strip().splitlines()
    try:
        return float(lines[-1].split()[0])
    except (IndexError, ValueError):
        raise SideFailed(f"{module} did not say a rate: {lines[-1:]}") from None


def run(module: str, *words: object, marks: Mapping[str, str]) -> str:
    """What it prints. marks: variables by which an interrupted one is found. Raises SideFailed with its last line."""
    try:
        done = subprocess.run(
            (sys.executable, "-m", f"benchmarks.{module}", *map(str, words)),
            cwd=ROOT,
            env={**os.environ, **marks},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise SideFailed(f"{module} took longer than {LIMIT_S} s") from None
    if done.returncode == -signal.SIGKILL:
        raise SideFailed(f"{module} was killed: was there too little memory for it?")
    if done.returncode != 0:
        last = (done.stderr.strip() or done.stdout.strip() or "no word").splitlines()[-1]
        raise SideFailed(f"{module} ended with {done.returncode}: {last[:300]}")
    return done.stdout
