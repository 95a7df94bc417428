"""Which model weights are: their identity, classes and thresholds."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from processors.detector import metadata
from schemas.detection import ModelRef
from schemas.envelope import Sha256, ShortText, Unit
from schemas.fact import ModelAdded
from thumper.errors import ModelError

# The predecessor's, except that everything from 0.05 is kept, so that the display threshold can be moved later.
STORE_THRESHOLD = 0.05
DISPLAY_THRESHOLD = 0.5
IOU = 0.45
MAX_BOXES = 20
INPUT_PX = 640


class Card(BaseModel):
    """The file `<weights' stem>.json` beside weights. What is missing is taken from the weights, or is the default.

    sha256: by file name, so that one card serves the same model in several forms.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: ShortText | None = None
    classes: tuple[ShortText, ...] | None = Field(default=None, min_length=1, max_length=10_000)
    input_px: int | None = Field(default=None, ge=32, le=8_192, multiple_of=32)
    store_threshold: Unit = STORE_THRESHOLD
    display_threshold: Unit = DISPLAY_THRESHOLD
    iou: Unit = IOU
    max_boxes: int = Field(default=MAX_BOXES, ge=1, le=1_000)
    sha256: dict[str, Sha256] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ModelDescription:
    """A model that can be run. iou and max_boxes apply where it needs suppression."""

    weights: Path
    name: str
    weights_sha256: str
    classes: tuple[str, ...]
    input_px: int
    store_threshold: float = STORE_THRESHOLD
    display_threshold: float = DISPLAY_THRESHOLD
    iou: float = IOU
    max_boxes: int = MAX_BOXES

    @property
    def id(self) -> str:
        """16 hex digits over all that decides which boxes are stored; not over what computes them."""
        parts = [self.weights_sha256, self.classes, self.input_px, self.store_threshold, self.iou, self.max_boxes]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]

    @property
    def ref(self) -> ModelRef:
        """As outcomes name it."""
        return ModelRef(id=self.id, name=self.name, weights_sha256=self.weights_sha256, input_px=self.input_px)

    def added_fact(self) -> ModelAdded:
        """The fact that makes it known."""
        return ModelAdded(
            type="model.added",
            model=self.ref,
            classes=self.classes,
            store_threshold=self.store_threshold,
            display_threshold=self.display_threshold,
            iou=self.iou,
            max_boxes=self.max_boxes,
        )

    def load(self) -> bytes:
        """The weights' bytes, which are those that were described. Raises ModelError if they changed since."""
        data = _bytes(self.weights)
        if hashlib.sha256(data).hexdigest() != self.weights_sha256:
            raise ModelError(f"{self.weights} changed while it was being loaded", "start again once it is complete")
        return data


def describe(
    weights: Path, store_threshold: float | None = None, display_threshold: float | None = None
) -> ModelDescription:
    """The model in `weights` (.onnx or .pt), by the card beside it and its own metadata; thresholds given here win.

    Raises ModelError for weights that are not there, not a model, or not those that the card speaks of.
    """
    if weights.suffix not in (".onnx", ".pt"):
        raise ModelError(f"{weights} is neither .onnx nor .pt", "give weights of a YOLO detection model")
    data = _bytes(weights)
    sha256 = hashlib.sha256(data).hexdigest()
    card = _card(weights.with_suffix(".json"))
    _check(card.sha256.get(weights.name), sha256, weights)
    own = metadata.Metadata(card.classes, card.input_px)
    if own.classes is None or own.input_px is None:
        own = _metadata(weights, data)
    classes = card.classes or own.classes
    if not classes:
        raise ModelError(
            f"{weights} does not say its classes", f'write {weights.with_suffix(".json").name} with "classes": [...]'
        )
    return ModelDescription(
        weights=weights,
        name=card.name or weights.stem[:200],
        weights_sha256=sha256,
        classes=classes,
        input_px=card.input_px or _rounded(own.input_px),
        store_threshold=card.store_threshold if store_threshold is None else store_threshold,
        display_threshold=card.display_threshold if display_threshold is None else display_threshold,
        iou=card.iou,
        max_boxes=card.max_boxes,
    )


def _metadata(weights: Path, data: bytes) -> metadata.Metadata:
    if weights.suffix == ".onnx":
        return metadata.of_onnx(data, str(weights))
    from processors.detector.backends.ultralytics import metadata_of  # noqa: PLC0415  torch, for those only who use it

    return metadata_of(weights)


def _card(path: Path) -> Card:
    try:
        return Card.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Card()
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ModelError(f"{path} does not describe a model: {where}: {first['msg']}") from None


def _check(expected: str | None, found: str, weights: Path) -> None:
    if expected is not None and expected != found:
        raise ModelError(
            f"{weights} has sha256 {found[:16]}..., but {weights.with_suffix('.json').name} says {expected[:16]}...",
            "the file is damaged or was exchanged: copy it again, or correct the description",
        )


def _bytes(weights: Path) -> bytes:
    try:
        data = weights.read_bytes()
    except FileNotFoundError:
        raise ModelError(f"no weights at {weights}", "set THUMPER_WEIGHTS to a file .onnx or .pt") from None
    except OSError as error:
        raise ModelError(f"the weights {weights} cannot be read: {error.strerror}") from None
    if not data:
        raise ModelError(f"the weights {weights} are an empty file", "copy them again")
    return data


def _rounded(input_px: int | None) -> int:
    return -(-(input_px or INPUT_PX) // 32) * 32
