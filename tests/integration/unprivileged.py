"""Runs `thumper` for whom rights mean something, root included: `python -m tests.integration.unprivileged WORDS...`.

Exit code 77: root may not give its own rights away here.
"""

import ctypes
import os
import sys

# From linux/prctl.h and linux/capability.h.
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
NOT_POSSIBLE = 77


def main() -> None:
    """Become `thumper`, without the right to pass over files' rights."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        if any(libc.prctl(PR_CAPBSET_DROP, right, 0, 0, 0) for right in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH)):
            sys.exit(NOT_POSSIBLE)
    os.execv(sys.executable, (sys.executable, "-m", "cli.main", *sys.argv[1:]))  # noqa: S606 - words of our own


if __name__ == "__main__":
    main()
