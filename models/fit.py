"""Trains the demo model from nothing on a CPU, first coarsely, then at its real input size."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Plan:
    """How long and how large: most epochs run at `coarse_px`, where a picture costs half as much as at `input_px`."""

    coarse_epochs: int
    epochs: int
    coarse_px: int
    input_px: int
    batch: int
    workers: int
    seed: int


def fit(data: Path, work: Path, plan: Plan, coarse: Path | None = None) -> Path:
    """The best weights (`best.pt`) after both stages, trained on the pictures that `data` (YAML) names.

    `coarse` are weights that the first stage has already written.
    """
    coarse = coarse or _stage("yolo26n.yaml", data, work / "coarse", plan, fine=False)
    return _stage(str(coarse), data, work / "fine", plan, fine=True)


def _stage(start: str, data: Path, folder: Path, plan: Plan, fine: bool) -> Path:
    from ultralytics.models.yolo.model import YOLO  # noqa: PLC0415  the torch extra, for those only who train

    model = YOLO(start)
    model.add_callback("on_train_start", _keep_loss_exact)
    with _bfloat16():
        model.train(
            data=str(data),
            project=str(folder.parent),
            name=folder.name,
            exist_ok=True,
            device="cpu",
            epochs=plan.epochs if fine else plan.coarse_epochs,
            imgsz=plan.input_px if fine else plan.coarse_px,
            batch=plan.batch,
            workers=plan.workers,
            seed=plan.seed,
            cache="ram",
            optimizer="AdamW",
            lr0=0.0012 if fine else 0.002,
            lrf=0.02 if fine else 0.3,
            cos_lr=True,
            warmup_epochs=0.3 if fine else 1.0,
            mosaic=0.4 if fine else 0.7,
            close_mosaic=2 if fine else 0,
            scale=0.3,
            # Judged by the head that is exported, the one without suppression.
            nms=False,
            plots=False,
            amp=False,
        )
    return folder / "weights" / "best.pt"


@contextmanager
def _bfloat16() -> Iterator[None]:
    """Convolutions in bfloat16, which this CPU does twice as fast; ultralytics itself offers that on GPUs only."""
    import torch  # noqa: PLC0415  the torch extra, for those only who train

    with torch.autocast("cpu", dtype=torch.bfloat16):
        yield


def _keep_loss_exact(trainer: Any) -> None:
    """Makes the head of the model in training answer in float32; the averaged copy that is saved has no hook."""
    trainer.model.model[-1].register_forward_hook(lambda _module, _inputs, output: _as_float(output))


def _as_float(output: Any) -> Any:
    if isinstance(output, dict):
        return {key: _as_float(value) for key, value in output.items()}
    if isinstance(output, (list, tuple)):
        return type(output)(_as_float(value) for value in output)
    return output.float() if hasattr(output, "float") else output
