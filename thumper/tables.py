"""The tables' definitions. Only the sink writes them; everybody may read.

Every column comes from an event or from the broker's time of it, so that tables rebuilt from the log are equal row by
row. There are no foreign keys: topics are read independently, so an outcome may come before its picture. The one
exception is `hand_reset_at`, which a person sets through the view `images`; a rebuild forgets it.

Positions: `log_partition`, `log_offset` and `log_ms` (the broker's time) say which event a row shows; a newer event
wins: in the same partition the higher offset, else the later broker time (SQL function `log_newer`).

What is derived stands in views, so that sink, status and audit share one rule: `image_state_now` (image_id, state) and
`image_description_now` (image_id, location_id, taken_at). `images`, `locations` and `detections` are views for people.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, REAL

metadata = MetaData()

# States of an image row, as far as the tables know; what waits in the log is added by the status (api/status.py).
TODO, COMPLETED, FAILED = 0, 1, 2
STATE_WORDS = {TODO: "pending", COMPLETED: "completed", FAILED: "failed"}

# One counter row covers this many offsets of a partition, so that the row that a committed offset cuts through is
# counted in at most this many image rows.
BLOCK = 4_096

# Stands for "no location" in counters, whose key cannot hold NULL.
NOWHERE = "00000000-0000-0000-0000-000000000000"


def _position(prefix: str = "log", *, nullable: bool = False) -> list[Column[int]]:
    return [
        Column(f"{prefix}_partition", Integer, nullable=nullable),
        Column(f"{prefix}_offset", BigInteger, nullable=nullable),
        Column(f"{prefix}_ms", BigInteger, nullable=nullable),
    ]


# first_*: the earliest `images` event, whose description the row shows. log_*: the newest one, for the status.
# given_location_id: the place by that first event; location_id: by corrections, else the given one.
# taken_at: captured_at with the clock offset of the matching deployment.
# state and the place follow from other tables too (see above); no index may cover `state`: it changes once per picture,
# and half-filled pages let that happen in place (HOT), at a quarter of the cost. Rows in a state are found through
# `counter` (which blocks) and the index image_log, failed ones through result_failed.
image = Table(
    "image",
    metadata,
    Column("image_id", Uuid, primary_key=True),
    Column("sha256", Text, nullable=False),
    Column("uri", Text, nullable=False),
    Column("size_bytes", BigInteger),
    Column("media_type", Text),
    Column("filename", Text),
    Column("path", Text),
    Column("given_location_id", Uuid),
    Column("location_id", Uuid),
    Column("captured_at", DateTime),
    Column("taken_at", DateTime),
    Column("utc_offset_minutes", Integer),
    Column("captured_at_source", Text),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("orientation", SmallInteger),
    Column("camera_make", Text),
    Column("camera_model", Text),
    Column("camera_serial", Text),
    Column("latitude", Double),
    Column("longitude", Double),
    Column("altitude_m", Double),
    Column("exif", JSONB),
    Column("import_id", Text),
    *_position("first"),
    *_position(),
    Column("hand_reset_at", DateTime(timezone=True)),
    Column("state", SmallInteger, nullable=False, server_default=text("0")),
    CheckConstraint("state IN (0, 1, 2)", name="image_state"),
    postgresql_with={"fillfactor": 50},
)
Index("image_log", image.c.log_partition, image.c.log_offset)
Index("image_taken", image.c.taken_at, image.c.image_id)
Index("image_location_taken", image.c.location_id, image.c.taken_at, image.c.image_id)
Index("image_hand_reset", image.c.image_id, postgresql_where=image.c.hand_reset_at.is_not(None))

# Offsets in one partition of `requests`. asked: the newest request for that model, '' for whichever is active.
# answered (in the row of '' only): the newest request that any outcome answers. A picture is to be done again while
# `asked` of '' or of the active model is above `answered` (or that is NULL).
request_state = Table(
    "request_state",
    metadata,
    Column("image_id", Uuid, nullable=False),
    Column("request_partition", Integer, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("asked", BigInteger),
    Column("answered", BigInteger),
    PrimaryKeyConstraint("image_id", "request_partition", "model_id"),
)

# state and error_*: the newest outcome. All from good_partition on: the newest completed one, which a failure leaves.
result = Table(
    "result",
    metadata,
    Column("image_id", Uuid, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("error_class", Text),
    Column("error_message", Text),
    Column("group_id", Text, nullable=False),
    Column("origin_topic", Text, nullable=False),
    Column("origin_partition", Integer, nullable=False),
    Column("origin_offset", BigInteger, nullable=False),
    Column("origin_event_id", Text, nullable=False),
    Column("worker", Text, nullable=False),
    *_position(),
    *_position("good", nullable=True),
    Column("width_px", Integer),
    Column("height_px", Integer),
    Column("box_count", Integer),
    Column("boxes_dropped", BigInteger),
    Column("batch_id", Text),
    Column("batch_size", Integer),
    Column("backend", Text),
    Column("backend_version", Text),
    Column("device", Text),
    Column("precision", Text),
    Column("queue_ms", Double),
    Column("read_ms", Double),
    Column("decode_ms", Double),
    Column("infer_ms", Double),
    Column("total_ms", Double),
    PrimaryKeyConstraint("image_id", "model_id"),
    CheckConstraint("state IN (1, 2)", name="result_state"),
)
Index("result_failed", result.c.model_id, result.c.error_class, postgresql_where=result.c.state == FAILED)

# Corners relative to the upright picture, in [0, 1], origin top left; n: 0 is the most confident.
box = Table(
    "box",
    metadata,
    Column("image_id", Uuid, nullable=False),
    Column("model_id", Text, nullable=False),
    Column("n", SmallInteger, nullable=False),
    Column("class_id", Integer, nullable=False),
    Column("class_name", Text, nullable=False),
    Column("confidence", REAL, nullable=False),
    Column("x1", REAL, nullable=False),
    Column("y1", REAL, nullable=False),
    Column("x2", REAL, nullable=False),
    Column("y2", REAL, nullable=False),
    PrimaryKeyConstraint("image_id", "model_id", "n"),
)
Index("box_class", box.c.model_id, box.c.class_name, box.c.confidence)

# A place exists as soon as a picture names it; log_*: the newest statement of its position, if any.
location = Table(
    "location",
    metadata,
    Column("location_id", Uuid, primary_key=True),
    Column("name", Text, nullable=False),
    Column("latitude", Double),
    Column("longitude", Double),
    *_position(nullable=True),
)

deployment = Table(
    "deployment",
    metadata,
    Column("deployment_id", Uuid, primary_key=True),
    Column("location_id", Uuid, nullable=False),
    Column("camera", Text),
    Column("start_at", DateTime),
    Column("end_at", DateTime),
    Column("clock_offset_s", BigInteger, nullable=False),
    *_position(),
)
Index("deployment_location", deployment.c.location_id)

# Further places of known pictures: by facts, and by every `images` event but the first. place_id: from place and path.
place = Table(
    "place",
    metadata,
    Column("image_id", Uuid, nullable=False),
    Column("place_id", Uuid, nullable=False),
    Column("location_id", Uuid),
    Column("path", Text, nullable=False),
    Column("import_id", Text),
    *_position(),
    PrimaryKeyConstraint("image_id", "place_id"),
)

correction = Table(
    "correction",
    metadata,
    Column("image_id", Uuid, nullable=False),
    *_position(),
    Column("class_name", Text),
    Column("location_id", Uuid),
    Column("note", Text),
    Column("made_by", Text),
    PrimaryKeyConstraint("image_id", "log_partition", "log_offset"),
)

# Only the id stays. log_*: the newest removal; what the log says of the picture up to its time is void.
removed = Table("removed", metadata, Column("image_id", Uuid, primary_key=True), *_position())

model = Table(
    "model",
    metadata,
    Column("model_id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("weights_sha256", Text, nullable=False),
    Column("input_px", Integer, nullable=False),
    Column("classes", JSONB, nullable=False),
    Column("store_threshold", Double, nullable=False),
    Column("display_threshold", Double, nullable=False),
    Column("iou", Double, nullable=False),
    Column("max_boxes", Integer, nullable=False),
    *_position(),
)

# At most one row: whose outcomes the views and the status speak of.
active_model = Table(
    "active_model",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("model_id", Text, nullable=False),
    *_position(),
    CheckConstraint("one", name="active_model_only_one"),
)

# The highest offset + 1 ever recorded. Read by status and verify, never used to seek.
recorded = Table(
    "recorded",
    metadata,
    Column("topic", Text, nullable=False),
    Column("log_partition", Integer, nullable=False),
    Column("next_offset", BigInteger, nullable=False),
    Column("log_ms", BigInteger, nullable=False),
    PrimaryKeyConstraint("topic", "log_partition"),
)

# Which log the rows come from.
log_identity = Table(
    "log_identity",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("cluster_id", Text, nullable=False),
    Column("topic_id", Text, nullable=False),
)

# Image rows by place, block of offsets (log_offset / BLOCK) and state; kept exact by a trigger on `image`.
counter = Table(
    "counter",
    metadata,
    Column("location_id", Uuid, nullable=False),
    Column("log_partition", Integer, nullable=False),
    Column("block", BigInteger, nullable=False),
    Column("state", SmallInteger, nullable=False),
    Column("pictures", BigInteger, nullable=False),
    PrimaryKeyConstraint("location_id", "log_partition", "block", "state"),
)
