"""A call into native code that may never return: waited for, but not for ever."""

import threading
from collections.abc import Callable
from queue import Empty, SimpleQueue

from thumper.errors import Fatal

RESTART = "this process ends; a supervisor starts it again"


def bounded(call: Callable[[], None], what: str, limit_s: float) -> None:
    """Make `call` on a thread of its own, and raise what it raises.

    Raises Fatal after `limit_s`. The thread cannot be ended and keeps what it holds: only a new process is clean then.
    """
    answer: SimpleQueue[BaseException | None] = SimpleQueue()
    # A daemon: the process has to end without it.
    threading.Thread(target=_answer, args=(call, answer), name=what, daemon=True).start()
    try:
        error = answer.get(timeout=limit_s)
    except Empty:
        raise Fatal(f"{what} has not returned within {limit_s:.0f} s", RESTART) from None
    if error is not None:
        raise error


def _answer(call: Callable[[], None], answer: "SimpleQueue[BaseException | None]") -> None:
    try:
        call()
    except BaseException as error:
        answer.put(error)
    else:
        answer.put(None)
