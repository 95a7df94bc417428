"""A detector process that differs from the real one in its backend only: boxes follow from the pixels.

    python -m tests.faults.null_detector detector --name d1 --latency 0.5 [--unread]

--latency: seconds a batch. --unread: pictures are not read at all (blank frames).
"""

import argparse

from cli.parts import until_signalled
from cli.wiring import Brain, run_detector
from processors.detector.backends.fixed import FixedDetector, description
from thumper.settings import read_settings


def main() -> None:
    """Read the words of the command line, and run until signalled."""
    words = argparse.ArgumentParser()
    words.add_argument("part")
    words.add_argument("--name", required=True)
    words.add_argument("--latency", type=float, default=0.0)
    words.add_argument("--unread", action="store_true")
    given = words.parse_args()
    brain = Brain(description(), FixedDetector(given.latency), read=not given.unread)
    run_detector(read_settings(), given.name, until_signalled, lambda _: brain)


if __name__ == "__main__":
    main()
