"""Rows as they go to the staging tables: plain tuples, in the order of COLUMNS. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from thumper.removals import Removals

Row = tuple[object, ...]

_LOG = ("log_partition", "log_offset", "log_ms")

# Staging tables and their columns, in the order in which rows carry them.
COLUMNS: dict[str, tuple[str, ...]] = {
    "location": ("location_id", "name", "latitude", "longitude", *_LOG),
    "deployment": ("deployment_id", "location_id", "camera", "start_at", "end_at", "clock_offset_s", *_LOG),
    "place": ("image_id", "location_id", "path", "import_id", *_LOG),
    "correction": ("image_id", *_LOG, "class_name", "location_id", "note", "made_by"),
    "model": (
        "model_id",
        "name",
        "weights_sha256",
        "input_px",
        "classes",
        "store_threshold",
        "display_threshold",
        "iou",
        "max_boxes",
        *_LOG,
    ),
    "active_model": ("model_id", *_LOG),
    "removed": ("image_id", *_LOG),
    "request_state": ("image_id", "request_partition", "model_id", "asked", "answered"),
    "result": (
        "image_id",
        "model_id",
        "state",
        "error_class",
        "error_message",
        "group_id",
        "origin_topic",
        "origin_partition",
        "origin_offset",
        "origin_event_id",
        "worker",
        *_LOG,
        "good_partition",
        "good_offset",
        "good_ms",
        "width_px",
        "height_px",
        "box_count",
        "boxes_dropped",
        "batch_id",
        "batch_size",
        "backend",
        "backend_version",
        "device",
        "precision",
        "queue_ms",
        "read_ms",
        "decode_ms",
        "infer_ms",
        "total_ms",
    ),
    "box": ("image_id", "model_id", "n", "class_id", "class_name", "confidence", "x1", "y1", "x2", "y2"),
    "image": (
        "image_id",
        "sha256",
        "uri",
        "size_bytes",
        "media_type",
        "filename",
        "path",
        "given_location_id",
        "captured_at",
        "utc_offset_minutes",
        "captured_at_source",
        "width_px",
        "height_px",
        "orientation",
        "camera_make",
        "camera_model",
        "camera_serial",
        "latitude",
        "longitude",
        "altitude_m",
        "exif",
        "import_id",
        "first_partition",
        "first_offset",
        "first_ms",
        *_LOG,
    ),
    "recorded": ("topic", "log_partition", "next_offset", "log_ms"),
}


class Position(NamedTuple):
    """Where an event stands in the log. ms: the broker's time."""

    partition: int
    offset: int
    ms: int


def newer(a: Position, b: Position) -> bool:
    """Whether `a` wins over `b`: same partition by offset, else by the broker's time, else the higher partition.

    The same rule as the SQL function log_newer.
    """
    if a[0] == b[0]:
        return a[1] > b[1]
    return (a[2], a[0]) > (b[2], b[0])


@dataclass(slots=True)
class Rows:
    """What one transaction writes: per staging table its rows, at most one per key.

    removals: those that were known when these rows were made.
    """

    location: list[Row] = field(default_factory=list)
    deployment: list[Row] = field(default_factory=list)
    place: list[Row] = field(default_factory=list)
    correction: list[Row] = field(default_factory=list)
    model: list[Row] = field(default_factory=list)
    active_model: list[Row] = field(default_factory=list)
    removed: list[Row] = field(default_factory=list)
    request_state: list[Row] = field(default_factory=list)
    result: list[Row] = field(default_factory=list)
    box: list[Row] = field(default_factory=list)
    image: list[Row] = field(default_factory=list)
    recorded: list[Row] = field(default_factory=list)
    removals: Removals = field(default_factory=dict)

    def filled(self) -> Iterator[tuple[str, list[Row]]]:
        """Staging tables that have rows, with them."""
        for table in COLUMNS:
            rows: list[Row] = getattr(self, table)
            if rows:
                yield table, rows
