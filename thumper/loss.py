"""What a group has lost: offsets that it had still to read, and that the log does not have any more. Pure."""

from typing import NamedTuple

from thumper.record import Partition


class Loss(NamedTuple):
    """Offsets [from_offset, to_offset) that the group has not seen are gone; equal: the log ends before that offset."""

    partition: Partition
    from_offset: int
    to_offset: int

    def __str__(self) -> str:
        where = f"{self.partition.topic} {self.partition.number}"
        if self.to_offset > self.from_offset:
            return f"{where}: offsets {self.from_offset} to {self.to_offset - 1} are not in the log any more"
        return f"{where}: the log ends before offset {self.from_offset}, at which the group stands"


def loss_of(partition: Partition, position: int, start: int) -> Loss:
    """What a group has lost that stands at `position`, outside of a log that begins at `start`."""
    return Loss(partition, position, max(position, start))
