"""The errors of this system, as a tree: each says what to do, and its branch says whether trying again can help.

ThumperError
├── UserError           the person at the keyboard can mend it (exit code 2)
│   └── SettingError    a setting is missing or wrong: names it
├── Retriable           infrastructure: wait, then do the same again; never a picture's fault
│   ├── KafkaDown
│   ├── DatabaseDown
│   ├── StoreDown
│   ├── TooManyLetters  a group cannot read what it gets: waits for a person instead of giving all of it up
│   └── NewerEvent      a newer release wrote this: its partition waits until the readers are upgraded
├── Poison              this one record can never work: dead letter or failed outcome, then go on
│   └── PictureError    a picture that gets a failed outcome; carries its error class
├── Rewind              what is in hand is void (aborted, fenced): back to the committed offset
└── Fatal               this process must end; a supervisor may start it again
    └── ModelError      weights that cannot be used: says what they are
"""

from schemas.detection import ErrorClass
from thumper.record import Partition


class ThumperError(Exception):
    """The root. `hint` says what to do, in one line; empty where the message says it already."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UserError(ThumperError):
    """Something asked for cannot be done as asked."""

    exit_code = 2


class SettingError(UserError):
    """A setting is missing or wrong."""


class Retriable(ThumperError):
    """Infrastructure does not answer; the same call may work later."""

    exit_code = 3


class KafkaDown(Retriable):
    """The broker cannot be reached or does not answer in time."""


class DatabaseDown(Retriable):
    """PostgreSQL cannot be reached, or refuses for reasons of its own (full, starting, too many connections)."""


class StoreDown(Retriable):
    """The place where pictures lie cannot be reached: no fault of any picture."""


class TooManyLetters(Retriable):
    """So many messages would become dead letters that it is no accident: a person has to look."""


class NewerEvent(Retriable):
    """An event of a major version that this release does not know. Nothing is skipped: upgrade, then start again."""

    def __init__(self, message: str, partition: Partition) -> None:
        super().__init__(message, "upgrade this process; readers are upgraded before writers")
        self.partition = partition


class Poison(ThumperError):
    """One record that can never be processed."""


class PictureError(Poison):
    """One picture that cannot be processed; becomes a failed outcome of this class."""

    def __init__(self, error_class: ErrorClass, message: str) -> None:
        super().__init__(message)
        self.error_class: ErrorClass = error_class


class Rewind(ThumperError):
    """The batch in hand was not committed and must be read again from the committed offset."""


class Fatal(ThumperError):
    """The process cannot go on."""

    exit_code = 70


class ModelError(Fatal):
    """Weights that are missing, damaged, or of a layout that is not understood."""

    exit_code = 2
