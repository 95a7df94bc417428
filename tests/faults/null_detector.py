"""A detector process that differs from the real one in its backend only: boxes follow from the pixels.

    python -m tests.faults.null_detector detector --name d1 --latency 0.5 [--unread]

--latency: seconds a batch. --unread: pictures are not read at all (blank frames).
"""

import argparse
from functools import partial

from cli.parts import until_signalled
from cli.wiring import Brain, run_detector
from processors.detector.backends.fixed import FixedDetector, description
from thumper.settings import Settings, read_settings


def brain(latency_s: float, read: bool, _: Settings) -> Brain:
    """Also for the child processes that look at pictures alone."""
    return Brain(description(), FixedDetector(latency_s), read)


def main() -> None:
    """Read the words of the command line, and run until signalled."""
    words = argparse.ArgumentParser()
    words.add_argument("part")
    words.add_argument("--name", required=True)
    words.add_argument("--latency", type=float, default=0.0)
    words.add_argument("--unread", action="store_true")
    given = words.parse_args()
    run_detector(read_settings(), given.name, until_signalled, partial(brain, given.latency, not given.unread))


if __name__ == "__main__":
    main()
