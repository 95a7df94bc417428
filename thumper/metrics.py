"""Every metric, declared once: name, kind, unit, labels, who serves it, and what it means.

Names of group lag are kafka_exporter's, which dashboards know; the others begin with `thumper_`.
docs/metrics.md shows this table, and a test keeps it equal.
"""

from thumper.metric import Metric

API, DETECTOR, SINK = ("api",), ("detector",), ("sink",)
WORKERS = (*DETECTOR, *SINK)

# Upper bounds in seconds: of what a machine does, and of what waits in a log (up to a day; a replay waits longer).
WORK_S = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
WAIT_S = (0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 3_600.0, 21_600.0, 86_400.0)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0)
_PART = ("topic", "partition")
_GROUP_PART = ("consumergroup", *_PART)
_MODEL = ("model", "version")

GROUP_LAG = Metric(
    "kafka_consumergroup_lag",
    "gauge",
    "offsets",
    API,
    _GROUP_PART,
    "Offsets from the group's position to the last stable offset. Never committed: from the log's start. On detections"
    " transaction markers count too, so there it is no number of events.",
)
GROUP_LAG_SUM = Metric(
    "kafka_consumergroup_lag_sum",
    "gauge",
    "offsets",
    API,
    ("consumergroup", "topic"),
    "The same, summed over the topic's partitions.",
)
GROUP_LAG_SECONDS = Metric(
    "kafka_consumergroup_lag_seconds",
    "gauge",
    "seconds",
    API,
    _GROUP_PART,
    "Age of the oldest event that the group has not finished: now minus the broker's time of it. 0: none is left.",
)
GROUP_OFFSET = Metric(
    "kafka_consumergroup_current_offset",
    "gauge",
    "offsets",
    API,
    _GROUP_PART,
    "The group's committed offset. Absent where it has never committed.",
)
GROUP_MEMBERS = Metric(
    "kafka_consumergroup_members", "gauge", "members", API, ("consumergroup",), "Members of the group, by the broker."
)
GROUP_NEVER = Metric(
    "thumper_consumergroup_never_committed",
    "gauge",
    "partitions",
    API,
    ("consumergroup",),
    "Partitions in which the group has never committed; their lag counts from the log's start.",
)
GROUP_STATUS = Metric(
    "thumper_consumergroup_status",
    "gauge",
    "0 or 1",
    API,
    ("consumergroup", "status"),
    "1 for Burrow's word for the group: OK, WARN, ERR or NOTFOUND.",
)
GROUP_PARTITIONS = Metric(
    "thumper_consumergroup_partitions",
    "gauge",
    "partitions",
    API,
    ("consumergroup", "status"),
    "Partitions that are WARN, STOP, STALL or REWIND, by Burrow's words.",
)
TOPIC_END = Metric(
    "kafka_topic_partition_current_offset",
    "gauge",
    "offsets",
    API,
    _PART,
    "The partition's last stable offset: what a reader of committed events can reach.",
)
TOPIC_START = Metric(
    "kafka_topic_partition_oldest_offset", "gauge", "offsets", API, _PART, "The partition's first offset."
)
KAFKA_UP = Metric(
    "thumper_kafka_up",
    "gauge",
    "0 or 1",
    API,
    (),
    "Whether the broker has answered. 0: lag and pictures are unknown, and their samples absent.",
)
DATABASE_UP = Metric(
    "thumper_database_up",
    "gauge",
    "0 or 1",
    API,
    (),
    "Whether PostgreSQL has answered. 0: pictures are unknown, and their samples absent.",
)
PICTURES = Metric(
    "thumper_pictures",
    "gauge",
    "pictures",
    API,
    ("state",),
    "Pictures that are pending, processing, completed or failed, as in /api/processing/status. Their sum is the total.",
)
STATE = Metric(
    "thumper_state",
    "gauge",
    "0 or 1",
    API,
    ("state",),
    "1 for the state of the whole: Idle, Active, Stuck, Replaying or Paused.",
)
ALERT_RAISED = Metric(
    "thumper_alert_raised",
    "gauge",
    "0 or 1",
    API,
    ("alert",),
    "1 for each alert of the topic alerts that is raised now. Absent: it is not.",
)
API_REQUESTS = Metric(
    "thumper_api_requests_total",
    "counter",
    "requests",
    API,
    ("method", "route", "status"),
    "Requests. route: the path's pattern, or (none). status: the answer's, or (none) where the caller was gone before.",
)
API_SECONDS = Metric(
    "thumper_api_request_seconds",
    "histogram",
    "seconds",
    API,
    ("route",),
    "From a request to the end of its answer.",
    WORK_S,
)
IN_FLIGHT = Metric(
    "thumper_in_flight", "gauge", "events", WORKERS, ("group",), "Events that are in hand, without an outcome yet."
)
FINISHED = Metric(
    "thumper_finished_total", "counter", "events", WORKERS, ("group",), "Events that were finished and committed."
)
PAUSED = Metric(
    "thumper_paused",
    "gauge",
    "0 or 1",
    WORKERS,
    ("group",),
    "1 while it takes nothing, because something that it needs is away.",
)
WAITING = Metric(
    "thumper_waiting",
    "gauge",
    "0 or 1",
    WORKERS,
    ("group", "reason"),
    "1 for what it waits for: StoreDown, DatabaseDown, KafkaDown, or TooManyLetters (then for a person).",
)
STOPPED = Metric(
    "thumper_stopped_partitions",
    "gauge",
    "partitions",
    WORKERS,
    ("group", "reason"),
    "Partitions that deliver nothing until somebody decides. reason: data_loss, or newer_event (upgrade the readers).",
)
REWINDS = Metric(
    "thumper_rewinds_total",
    "counter",
    "rewinds",
    WORKERS,
    ("group", "reason"),
    "Times that all in hand was thrown away and read again from the committed offsets. reason: the error's class;"
    " revoked: partitions went with work in hand; paused: events came while it took none.",
)
COMMIT_SECONDS = Metric(
    "thumper_commit_seconds",
    "histogram",
    "seconds",
    WORKERS,
    ("group",),
    "One commit. Of a detector: producing the outcomes and committing the transaction. Of the sink: its offsets.",
    WORK_S,
)
COMMIT_FAILURES = Metric(
    "thumper_commit_failures_total",
    "counter",
    "commits",
    WORKERS,
    ("group", "reason"),
    "Commits that failed. Rewind: aborted, fenced or refused, and what was in hand is read again."
    " KafkaDown: the broker is away. Fatal: the process ends.",
)
IMAGES = Metric(
    "thumper_detector_images_total",
    "counter",
    "pictures",
    DETECTOR,
    ("outcome", *_MODEL),
    "Pictures with an outcome: completed, or the error class. Includes those of batches that were not committed.",
)
MODEL_INFO = Metric(
    "thumper_detector_model_info",
    "gauge",
    "1",
    DETECTOR,
    _MODEL,
    "The model that this detector runs. Joined by instance, it splits thumper_commit_seconds by model.",
)
BATCHES = Metric(
    "thumper_detector_batches_total", "counter", "batches", DETECTOR, _MODEL, "Batches that were inferred."
)
BATCH_SIZE = Metric(
    "thumper_detector_batch_size",
    "histogram",
    "pictures",
    DETECTOR,
    _MODEL,
    "Pictures in a batch, as it was closed.",
    SIZES,
)
QUEUE_SECONDS = Metric(
    "thumper_detector_queue_seconds",
    "histogram",
    "seconds",
    DETECTOR,
    _MODEL,
    "From the broker's time of a picture's event to its being taken.",
    WAIT_S,
)
READ_SECONDS = Metric(
    "thumper_detector_read_seconds", "histogram", "seconds", DETECTOR, _MODEL, "Reading a picture's bytes.", WORK_S
)
DECODE_SECONDS = Metric(
    "thumper_detector_decode_seconds", "histogram", "seconds", DETECTOR, _MODEL, "Decoding a picture.", WORK_S
)
INFER_SECONDS = Metric(
    "thumper_detector_infer_seconds", "histogram", "seconds", DETECTOR, _MODEL, "Inferring a batch.", WORK_S
)
PICTURE_SECONDS = Metric(
    "thumper_detector_picture_seconds",
    "histogram",
    "seconds",
    DETECTOR,
    _MODEL,
    "From a picture's event being taken to its outcome.",
    WORK_S,
)
READ_ERRORS = Metric(
    "thumper_detector_read_errors_total",
    "counter",
    "tries",
    DETECTOR,
    _MODEL,
    "Tries to read a picture that failed in a way that may pass; each picture is tried up to three times.",
)
OUT_OF_MEMORY = Metric(
    "thumper_detector_out_of_memory_total",
    "counter",
    "batches",
    DETECTOR,
    _MODEL,
    "Batches that the device had no room for. They are halved and tried again.",
)
SINK_ROWS = Metric(
    "thumper_sink_rows_total",
    "counter",
    "rows",
    SINK,
    ("table",),
    "Rows that were new, or newer than those in the table.",
)
SINK_BATCHES = Metric(
    "thumper_sink_batches_total", "counter", "batches", SINK, (), "Database transactions that were committed."
)
SINK_SECONDS = Metric(
    "thumper_sink_record_seconds",
    "histogram",
    "seconds",
    SINK,
    (),
    "Recording a batch: one committed database transaction.",
    WORK_S,
)
SINK_ABSORBED = Metric(
    "thumper_sink_absorbed_total",
    "counter",
    "rows",
    SINK,
    (),
    "Pictures and outcomes that were in the tables already, or older than those there. They change nothing.",
)
SINK_REFUSED = Metric(
    "thumper_sink_refused_total",
    "counter",
    "batches",
    SINK,
    (),
    "Batches that the database refused; they are halved until the bad row is found.",
)
SINK_WAITS = Metric(
    "thumper_sink_database_waits_total",
    "counter",
    "tries",
    SINK,
    (),
    "Tries to record that failed because PostgreSQL was away or busy. The batch is tried again.",
)
SINK_WAITING = Metric(
    "thumper_sink_waiting", "gauge", "0 or 1", SINK, (), "1 from a try that failed so until one that worked."
)

METRICS = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
