"""Runs a command of `thumper` to its end, and says its peak of memory.

    python -m benchmarks.peak import FOLDER --json

Prints one JSON object: peak_bytes (resident), said (what the command printed). Its exit code is the command's.
"""

import json
import resource
import subprocess
import sys

# Linux counts in kilobytes, macOS in bytes.
UNIT_BYTES = 1 if sys.platform == "darwin" else 1_024


def main() -> int:
    """Run, print; the exit code."""
    done = subprocess.run(
        (sys.executable, "-m", "cli.main", *sys.argv[1:]), stdout=subprocess.PIPE, text=True, check=False
    )
    peak_bytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * UNIT_BYTES
    print(json.dumps({"peak_bytes": peak_bytes, "said": done.stdout}))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
