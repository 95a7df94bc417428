"""How often a process looks for garbage: Python's own answer suits scripts, not loops with thousands of records."""

import gc

# Objects made and not yet gone, between two looks. Python's own 700 are thirty records: a loop with thousands in hand
# looks through them again and again, which took a fifth of the detector's loop without a model. What is in no circle
# of references goes at once, as ever.
MOST_UNSEEN = 200_000


def settle() -> None:
    """Call once, when the program is loaded: what exists by now stays, and is not looked at again. Takes 0.1 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(MOST_UNSEEN)
