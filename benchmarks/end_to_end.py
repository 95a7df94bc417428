"""The whole way of pictures, from the log to the tables, against a bare loop and against `yolo predict`.

All four take turns on the same pictures (the peers of ultralytics on an even share of them) and on the same weights;
each is a process of its own whose model is loaded before its clock starts. What ours measures stands in passes.Passes.
While the others run, the pipeline's servers idle and no detector exists.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks import peers, pictures
from benchmarks.machine import has_bfloat16
from benchmarks.parts import Parts
from benchmarks.passes import Pass, Passes
from benchmarks.report import Question, Row
from benchmarks.turns import OURS, Side, best, take_turns
from benchmarks.weights import ultralytics_environment, yolo26n
from benchmarks.world import World
from processors.detector.config import cores

CEILING, SHIPPED, TUNED = "end_to_end_vs_ceiling", "end_to_end_vs_yolo_predict", "end_to_end_vs_yolo_predict_tuned"
MEGADETECTOR = "end_to_end_vs_megadetector"
UNIT = "pictures/s"
PICTURES, QUICK_PICTURES = 1_000, 60
# Of these, so many for `yolo predict`, which takes three times as long; and for finding its best settings.
FOR_YOLO, FOR_TUNING = 200, 50


def questions() -> list[Question]:
    """What is asked. Where the processor computes in bfloat16, more is wanted: ultralytics does not use it."""
    shipped, tuned = (3.4, 2.2) if has_bfloat16() else (2.5, 1.5)
    return [
        Question(CEILING, UNIT, "decoding and inference in a bare loop (benchmarks.ceiling)", 0.9),
        Question(SHIPPED, UNIT, "yolo predict as shipped: batch 1, its own torch threads", shipped),
        Question(TUNED, UNIT, "yolo predict at its best batch and torch threads here", tuned),
        Question(MEGADETECTOR, UNIT, "MegaDetector's batch runner on the same weights, batch 1, a thread a core"),
    ]


def run(world: World, asked: Sequence[Question]) -> list[Row]:
    """The rows that are asked for. Raises SideFailed."""
    weights, onnx = yolo26n(world.work, world.marks)
    card = world.folder("card")
    source = pictures.choose(world.asked.pictures, world.work, world.say)
    made = pictures.distinct(source, QUICK_PICTURES if world.asked.quick else PICTURES, card)
    settings = world.settings.model_copy(update={"weights": onnx.absolute()})
    with Parts(settings, world.logs, world.marks) as parts:
        contest = _Contest(world, Passes(settings, parts, world.servers()), (weights, onnx), card, made)
        try:
            contest.prepare()
            turns = take_turns(contest.sides([one.name for one in asked]), world.asked.rounds, world.say, world.measure)
        finally:
            contest.ours.close()
    whole = [one.name for one in asked if not turns.failed.keys() & {OURS, one.name}]
    return [turns.row(one, contest.words(one.name) if one.name in whole else "") for one in asked]


@dataclass
class _Contest:
    """Ours and its peers, ready to run in turn."""

    world: World
    ours: Passes
    weights: tuple[Path, Path]
    card: Path
    made: list[Path]
    passes: list[Pass] = field(default_factory=list)
    first: Pass | None = None
    tuned: str = ""
    ceiling_ms: list[float] = field(default_factory=list)

    def prepare(self) -> None:
        """Import, and pass once, so that broker, database and files are warm."""
        self.ours.prepare(self.card, len(self.made))
        self.first = self.ours.one()
        self.world.say(f"first pass, not counted: {self.first.rate:.1f} {UNIT}")

    def sides(self, names: list[str]) -> dict[str, Side]:
        """Ours and those peers that are asked for."""
        prepared: dict[str, Callable[[], Side]] = {
            CEILING: lambda: self._ceiling,
            SHIPPED: self._shipped,
            TUNED: self._tuned,
            MEGADETECTOR: self._megadetector,
        }
        return {OURS: self._pass, **{name: prepared[name]() for name in names}}

    def words(self, name: str) -> str:
        """What is worth knowing besides about the row of this name."""
        first = f", first pass {self.first.rate:.1f}" if self.first else ""
        steady = f"{len(self.made)} pictures; steady {median(one.steady for one in self.passes):.1f} {UNIT}{first}"
        if name == CEILING:
            return f"{steady}; {self._used()}"
        return f"{steady}; {self.tuned}" if name == TUNED else steady

    def _used(self) -> str:
        """The processor time, and whose it was."""
        used_ms, bare_ms = median(one.used_ms for one in self.passes), median(self.ceiling_ms)
        shares = {name: median(one.shares[name] for one in self.passes) for name in self.passes[0].shares}
        whose = ", ".join(f"{name} {share:.1f}" for name, share in shares.items())
        return f"processor time of a picture: {used_ms:.1f} ms, of the ceiling's {bare_ms:.1f} ms; in %: {whose}"

    def _pass(self) -> float:
        self.passes.append(self.ours.one())
        return self.passes[-1].rate

    def _ceiling(self) -> float:
        words = ("--weights", self.weights[1], "--pictures", self.card)
        said = peers.run("ceiling", *words, marks=self.world.marks)
        self.ceiling_ms.append(float(said.partition(" ms processor time")[0].split()[-1]))
        return float(said.split()[0])

    def _shipped(self) -> Side:
        return partial(self._yolo, pictures.flat(self.made, FOR_YOLO, self.world.folder("flat")))

    def _megadetector(self) -> Side:
        folder = pictures.flat(self.made, FOR_YOLO, self.world.folder("flat-megadetector"))
        words = ("--weights", self.weights[0], "--pictures", folder)
        return lambda: peers.rate_of("megadetector_batch", *words, marks=self.world.marks)

    def _tuned(self) -> Side:
        some = pictures.flat(self.made, FOR_TUNING, self.world.folder("flat-tuning"))
        folder = pictures.flat(self.made, FOR_YOLO, self.world.folder("flat-tuned"))
        candidates = [f"--batch {batch} --threads {cores()}" for batch in (1, 4, 8)]

        def run() -> float:
            if not self.tuned:
                self.tuned = best(candidates, partial(self._yolo, some), self.world.say, self.world.measure)
            return self._yolo(folder, self.tuned)

        return run

    def _yolo(self, folder: Path, settings: str = "") -> float:
        marks = {**self.world.marks, **ultralytics_environment(self.world.work)}
        words = ("--weights", self.weights[0], "--pictures", folder, *settings.split())
        return peers.rate_of("yolo_predict", *words, marks=marks)
