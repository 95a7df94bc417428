"""The detector as a stage of the consumer loop: records in, outcomes out, in the order taken."""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from processors.detector.answers import Answers, Measures, Unmeasured
from processors.detector.backends.contract import Detector
from processors.detector.config import StageConfig
from processors.detector.decode import prepare_process
from processors.detector.hands import Hands, place_of
from processors.detector.outcome import Author
from processors.detector.pipeline import Pipeline
from processors.detector.reading import Reader, Reading
from processors.detector.selftest import self_test
from processors.detector.slot import Job, Slot, milliseconds
from processors.detector.suspects import Looker, Suspects
from processors.detector.task import task
from schemas.codec import UnknownMajorVersion, UnreadableEvent, decode
from schemas.image import ImageImported
from schemas.request import ProcessingRequested
from thumper.clock import Clock
from thumper.dead_letters import UNREADABLE, dead_letter
from thumper.errors import NewerEvent, ThumperError
from thumper.record import Done, Outgoing, Record
from thumper.stage import Backpressure

# Outcomes handed out at once, so that a transaction stays short.
MOST_DONE = 1_000
STOP_S = 5.0


class Care(NamedTuple):
    """What keeps a picture that kills the process from stopping the line. See their classes."""

    hands: Hands
    looker: Looker


class DetectorStage:
    """See thumper.stage.Stage. reader(uri, size_bytes) gives a picture's bytes; see Reading."""

    def __init__(
        self,
        detector: Detector,
        reader: Reader,
        config: StageConfig,
        clock: Clock,
        measures: Measures | None = None,
        care: Care | None = None,
    ) -> None:
        self._detector = detector
        self._reading = Reading(reader, clock, config.missing_in_a_row)
        self._config = config
        self._clock = clock
        self._measures = measures or Unmeasured()
        self._hands = care.hands if care else Hands()
        self._looker = care.looker if care else None
        self._suspects: Suspects | None = None
        self._pipeline: Pipeline | None = None
        self._slots: deque[Slot] = deque()
        self._most = 0

    def open(self) -> None:
        """See Stage.open. Loads the model and runs the self-test. Raises ModelError, UserError or Fatal."""
        prepare_process()
        self._detector.open()
        self_test(self._detector)
        self._most = self._config.room(self._detector.parallel, self._detector.batch)
        self._replies = self._answers()
        self._pipeline = Pipeline(self._detector, self._reading, self._replies, self._config, self._clock, self._hands)
        self._pipeline.start()
        if self._looker is not None and self._hands.suspects:
            self._suspects = Suspects(
                self._looker, self._reading, self._clock, self._pipeline.finish, self._pipeline.fail
            )

    def room(self, now_s: float) -> int:
        """See Stage.room."""
        return max(0, self._most - len(self._slots))

    def submit(self, record: Record, now_s: float) -> None:
        """See Stage.submit."""
        if len(self._slots) >= self._most:
            raise Backpressure
        slot = self._slot(record, now_s)
        self._slots.append(slot)
        if not isinstance(slot, Job):
            return
        if self._suspects is not None and place_of(record) in self._hands.suspects:
            self._suspects.give(slot, self._replies)
        else:
            self._opened().give(slot)

    def poll(self, now_s: float) -> Done | None:
        """See Stage.poll."""
        done = self._finished_prefix()
        if done is not None:
            return done
        if self._slots and (refused := self._slots[0].refused) is not None:
            raise refused
        trouble = self._opened().trouble(now_s)
        if trouble is not None:
            raise trouble
        return None

    def wait(self, timeout_s: float) -> None:
        """See Stage.wait."""
        self._opened().wait(timeout_s, self._is_first_ended)

    def drain(self, deadline_s: float) -> Iterator[Done]:
        """See Stage.drain. Ends early, without raising, if something is in the way; the next poll says what."""
        while self._slots:
            now_s = self._clock.now_s()
            try:
                done = self.poll(now_s)
            except ThumperError:
                return
            if done is not None:
                yield done
            elif now_s >= deadline_s:
                return
            else:
                self.wait(deadline_s - now_s)

    def discard(self) -> None:
        """See Stage.discard."""
        for slot in self._slots:
            if isinstance(slot, Job):
                slot.void = True
        self._slots.clear()
        if self._pipeline is not None:
            self._pipeline.clear()

    def waits_for(self) -> None:
        """See Stage. What is away is raised by `poll` here."""

    def in_flight(self) -> int:
        """See Stage.in_flight."""
        return len(self._slots)

    def close(self) -> None:
        """See Stage.close. A backend whose thread hangs is left as it is; the process ends anyway."""
        self.discard()
        if self._suspects is not None:
            self._suspects.stop(STOP_S)
        if self._pipeline is None or self._pipeline.stop(STOP_S):
            self._detector.close()

    def _slot(self, record: Record, now_s: float) -> Slot:
        try:
            event: ImageImported | ProcessingRequested = decode(record.partition.topic, record.value)
        except UnreadableEvent as error:
            return self._dead(record, str(error), UNREADABLE)
        except UnknownMajorVersion as error:
            return Slot(record=record, refused=NewerEvent(str(error), record.partition))
        ours = self._detector.model.id
        if isinstance(event, ProcessingRequested) and event.model_id not in (None, ours):
            return self._dead(record, f"asks for the model {event.model_id}; this group runs {ours}", "OtherModel")
        queue_ms = milliseconds(max(0.0, self._clock.wall().timestamp() - record.timestamp_ms / 1_000))
        return Job(record=record, task=task(record, event), taken_s=now_s, queue_ms=queue_ms)

    def _dead(self, record: Record, reason: str, error_class: str) -> Slot:
        return Slot(record=record, outgoing=dead_letter(record, self._config.group, reason, error_class))

    def _answers(self) -> Answers:
        author = Author(self._config.group, self._config.worker, self._detector.model, self._detector.runtime)
        return Answers(author, self._measures, self._config.display_threshold)

    def _finished_prefix(self) -> Done | None:
        records: list[Record] = []
        outputs: list[Outgoing] = []
        while self._slots and len(records) < MOST_DONE and (outgoing := self._slots[0].outgoing) is not None:
            records.append(self._slots.popleft().record)
            outputs.append(outgoing)
        if self._hands.suspects:
            for record in records:
                self._hands.settled(place_of(record))
        return Done(records, outputs) if records else None

    def _is_first_ended(self) -> bool:
        return bool(self._slots) and (self._slots[0].outgoing is not None or self._slots[0].refused is not None)

    def _opened(self) -> Pipeline:
        if self._pipeline is None:
            raise RuntimeError("open() comes first")
        return self._pipeline
