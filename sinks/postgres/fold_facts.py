"""`facts` to rows: the newest statement about each subject wins; corrections are all kept. Pure."""

import json
from typing import TypeVar

from schemas.envelope import Event
from schemas.fact import CorrectionMade, DeploymentStated, LocationStated, ModelActivated, ModelAdded, PlaceSeen
from sinks.postgres.places import Places
from sinks.postgres.rows import Position, Row, Rows, newer

E = TypeVar("E", bound=Event)


class FactFold:
    """Facts of one batch; removals are RemovalFold's."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._deployments: dict[str, tuple[Position, DeploymentStated]] = {}
        self._models: dict[str, tuple[Position, ModelAdded]] = {}
        self._active: dict[str, tuple[Position, ModelActivated]] = {}
        self._corrections: dict[tuple[str, int, int], Row] = {}

    def add(self, at: Position, event: Event) -> None:
        """Take one fact."""
        if isinstance(event, LocationStated):
            self._places.stated(at, event.name, event.latitude, event.longitude)
        elif isinstance(event, DeploymentStated):
            _keep_newest(self._deployments, str(event.deployment_id), at, event)
        elif isinstance(event, PlaceSeen):
            place = self._places.named(event.location)
            self._places.seen(at, str(event.image_id), place, event.path, event.import_id)
        elif isinstance(event, CorrectionMade):
            key = (str(event.image_id), at.partition, at.offset)
            place = self._places.named(event.location)
            self._corrections[key] = (*key, at.ms, event.class_name, place, event.note, event.made_by)
        elif isinstance(event, ModelAdded):
            _keep_newest(self._models, event.model.id, at, event)
        elif isinstance(event, ModelActivated):
            _keep_newest(self._active, "", at, event)

    def fill(self, rows: Rows) -> None:
        """Add the rows of `deployment`, `model`, `active_model` and `correction`."""
        for key, (at, deployment) in self._deployments.items():
            rows.deployment.append(_deployment_row(key, self._places.named(deployment.location), at, deployment))
        rows.model.extend(_model_row(at, model) for at, model in self._models.values())
        rows.active_model.extend((event.model_id, *at) for at, event in self._active.values())
        rows.correction.extend(self._corrections.values())


def _keep_newest(held: dict[str, tuple[Position, E]], key: str, at: Position, event: E) -> None:
    if key not in held or newer(at, held[key][0]):
        held[key] = (at, event)


def _deployment_row(key: str, place: str | None, at: Position, event: DeploymentStated) -> Row:
    return (key, place, event.camera, event.start, event.end, event.clock_offset_s, *at)


def _model_row(at: Position, event: ModelAdded) -> Row:
    return (
        event.model.id,
        event.model.name,
        event.model.weights_sha256,
        event.model.input_px,
        json.dumps(event.classes, ensure_ascii=False),
        event.store_threshold,
        event.display_threshold,
        event.iou,
        event.max_boxes,
        *at,
    )
