"""Start a program with the environment in a private file: `launch.py FILE COMMAND...`; keeps its process number.

Passwords may stand neither in an argument list nor, with every character they may have, in supervisord's settings.
It is run by its path, without the package: it imports as little as can be.
"""

import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Take over the environment, become the program."""
    os.environ.update(json.loads(Path(sys.argv[1]).read_text("utf-8")))
    os.execvp(sys.argv[2], sys.argv[2:])  # noqa: S606 - the command is of the stack's own making


if __name__ == "__main__":
    main()
