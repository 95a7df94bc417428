-- The base tables as of release 0.1; thumper/tables.py describes the newest state, this file stays what it was.

CREATE TABLE image (
    image_id uuid PRIMARY KEY,
    sha256 text NOT NULL,
    uri text NOT NULL,
    size_bytes bigint,
    media_type text,
    filename text,
    path text,
    given_location_id uuid,
    location_id uuid,
    captured_at timestamp,
    taken_at timestamp,
    utc_offset_minutes integer,
    captured_at_source text,
    width_px integer,
    height_px integer,
    orientation smallint,
    camera_make text,
    camera_model text,
    camera_serial text,
    latitude double precision,
    longitude double precision,
    altitude_m double precision,
    exif jsonb,
    import_id text,
    first_partition integer NOT NULL,
    first_offset bigint NOT NULL,
    first_ms bigint NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    hand_reset_at timestamptz,
    state smallint NOT NULL DEFAULT 0,
    CONSTRAINT image_state CHECK (state IN (0, 1, 2))
) WITH (fillfactor = 50);
CREATE INDEX image_log ON image (log_partition, log_offset);
CREATE INDEX image_taken ON image (taken_at, image_id);
CREATE INDEX image_location_taken ON image (location_id, taken_at, image_id);
CREATE INDEX image_hand_reset ON image (image_id) WHERE hand_reset_at IS NOT NULL;

CREATE TABLE request_state (
    image_id uuid NOT NULL,
    request_partition integer NOT NULL,
    model_id text NOT NULL,
    asked bigint,
    answered bigint,
    PRIMARY KEY (image_id, request_partition, model_id)
);

CREATE TABLE result (
    image_id uuid NOT NULL,
    model_id text NOT NULL,
    state smallint NOT NULL,
    error_class text,
    error_message text,
    group_id text NOT NULL,
    origin_topic text NOT NULL,
    origin_partition integer NOT NULL,
    origin_offset bigint NOT NULL,
    origin_event_id text NOT NULL,
    worker text NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    good_partition integer,
    good_offset bigint,
    good_ms bigint,
    width_px integer,
    height_px integer,
    box_count integer,
    boxes_dropped bigint,
    batch_id text,
    batch_size integer,
    backend text,
    backend_version text,
    device text,
    precision text,
    queue_ms double precision,
    read_ms double precision,
    decode_ms double precision,
    infer_ms double precision,
    total_ms double precision,
    PRIMARY KEY (image_id, model_id),
    CONSTRAINT result_state CHECK (state IN (1, 2))
);
CREATE INDEX result_failed ON result (model_id, error_class) WHERE state = 2;

CREATE TABLE box (
    image_id uuid NOT NULL,
    model_id text NOT NULL,
    n smallint NOT NULL,
    class_id integer NOT NULL,
    class_name text NOT NULL,
    confidence real NOT NULL,
    x1 real NOT NULL,
    y1 real NOT NULL,
    x2 real NOT NULL,
    y2 real NOT NULL,
    PRIMARY KEY (image_id, model_id, n)
);
CREATE INDEX box_class ON box (model_id, class_name, confidence);

CREATE TABLE location (
    location_id uuid PRIMARY KEY,
    name text NOT NULL,
    latitude double precision,
    longitude double precision,
    log_partition integer,
    log_offset bigint,
    log_ms bigint
);

CREATE TABLE deployment (
    deployment_id uuid PRIMARY KEY,
    location_id uuid NOT NULL,
    camera text,
    start_at timestamp,
    end_at timestamp,
    clock_offset_s bigint NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL
);
CREATE INDEX deployment_location ON deployment (location_id);

CREATE TABLE place (
    image_id uuid NOT NULL,
    place_id uuid NOT NULL,
    location_id uuid,
    path text NOT NULL,
    import_id text,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    PRIMARY KEY (image_id, place_id)
);

CREATE TABLE correction (
    image_id uuid NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    class_name text,
    location_id uuid,
    note text,
    made_by text,
    PRIMARY KEY (image_id, log_partition, log_offset)
);

CREATE TABLE model (
    model_id text PRIMARY KEY,
    name text NOT NULL,
    weights_sha256 text NOT NULL,
    input_px integer NOT NULL,
    classes jsonb NOT NULL,
    store_threshold double precision NOT NULL,
    display_threshold double precision NOT NULL,
    iou double precision NOT NULL,
    max_boxes integer NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL
);

CREATE TABLE active_model (
    one boolean PRIMARY KEY DEFAULT true,
    model_id text NOT NULL,
    log_partition integer NOT NULL,
    log_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    CONSTRAINT active_model_only_one CHECK (one)
);

CREATE TABLE recorded (
    topic text NOT NULL,
    log_partition integer NOT NULL,
    next_offset bigint NOT NULL,
    log_ms bigint NOT NULL,
    PRIMARY KEY (topic, log_partition)
);

CREATE TABLE log_identity (
    topic text PRIMARY KEY,
    cluster_id text NOT NULL,
    topic_id text NOT NULL
);

CREATE TABLE counter (
    location_id uuid NOT NULL,
    log_partition integer NOT NULL,
    block bigint NOT NULL,
    state smallint NOT NULL,
    pictures bigint NOT NULL,
    PRIMARY KEY (location_id, log_partition, block, state)
);
