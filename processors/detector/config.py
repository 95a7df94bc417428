"""How a detector works: sizes, times and who it is."""

import os
from dataclasses import dataclass

from thumper.batch import BatchPolicy

# In hand at once: enough that, while one batch is inferred, others wait full and more are being decoded, also where
# pictures of several shapes fill several batches side by side.
BATCHES_IN_HAND = 8


@dataclass(frozen=True, slots=True)
class StageConfig:
    """What a detector stage is told.

    batch_size: pictures inferred together, at most; 0 is what suits the device.
    batch_wait_s: a batch is closed so long after its first picture at the latest.
    decode_threads: 0 is one for each core. max_in_flight: pictures taken and not handed out; 0 follows from the rest.
    read: False hands every record to the detector unread, with a blank frame (benches of everything else).
    missing_in_a_row: so many missing pictures mean that the store is away; 0: never.
    hang_limit_s: a picture or batch that takes longer means that the process must end.
    display_threshold: what counts as found in the log line; it changes nothing that is stored.
    """

    group: str
    worker: str
    batch_size: int = 0
    batch_wait_s: float = 0.05
    decode_threads: int = 0
    max_in_flight: int = 0
    read: bool = True
    hang_limit_s: float = 120.0
    display_threshold: float = 0.5
    missing_in_a_row: int = 50

    def threads(self) -> int:
        """Decoding threads."""
        return self.decode_threads or cores()

    def policy(self, suits: int) -> BatchPolicy:
        """When a batch is closed, for a device that batches of `suits` pictures suit best."""
        return BatchPolicy(self.batch_size or suits, self.batch_wait_s)

    def room(self, parallel: int, suits: int) -> int:
        """Pictures in hand at once, for a device that takes `parallel` batches at once, best of `suits` pictures."""
        batches = BATCHES_IN_HAND + parallel
        return self.max_in_flight or batches * self.policy(suits).max_items + 2 * self.threads()


def cores() -> int:
    """Processor cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
