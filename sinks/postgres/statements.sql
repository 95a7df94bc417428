-- What the sink does in its one transaction, in this order. Every statement may be repeated, and finds older rows
-- than those in the tables without changing anything. Batches are sorted by key, so that tables rebuilt are equal.

-- name: staging
-- Temporary tables, one per connection, empty after each transaction: emptied by the writer, since ON COMMIT DELETE ROWS
-- makes new files for all of them at each commit, which takes six times as long as writing one row. stage_applied: rows that got a newer outcome,
-- stage_better: rows that got a newer good one.
CREATE TEMPORARY TABLE stage_location (LIKE location);
CREATE TEMPORARY TABLE stage_deployment (LIKE deployment);
CREATE TEMPORARY TABLE stage_place (LIKE place);
ALTER TABLE stage_place DROP COLUMN place_id;
CREATE TEMPORARY TABLE stage_correction (LIKE correction);
CREATE TEMPORARY TABLE stage_model (LIKE model);
CREATE TEMPORARY TABLE stage_removed (LIKE removed);
CREATE TEMPORARY TABLE stage_gone (image_id uuid NOT NULL);
CREATE TEMPORARY TABLE stage_active_model (LIKE active_model INCLUDING DEFAULTS);
CREATE TEMPORARY TABLE stage_request_state (LIKE request_state);
CREATE TEMPORARY TABLE stage_result (LIKE result);
CREATE TEMPORARY TABLE stage_box (LIKE box);
CREATE TEMPORARY TABLE stage_image (LIKE image INCLUDING DEFAULTS);
CREATE TEMPORARY TABLE stage_recorded (LIKE recorded);
CREATE TEMPORARY TABLE stage_applied (
    image_id uuid NOT NULL, model_id text NOT NULL, fresh boolean NOT NULL
);
CREATE TEMPORARY TABLE stage_better (image_id uuid NOT NULL, model_id text NOT NULL);

-- name: empty_staging
-- For few rows. Those of many are better truncated.
DELETE FROM stage_location;
DELETE FROM stage_deployment;
DELETE FROM stage_place;
DELETE FROM stage_correction;
DELETE FROM stage_model;
DELETE FROM stage_removed;
DELETE FROM stage_gone;
DELETE FROM stage_active_model;
DELETE FROM stage_request_state;
DELETE FROM stage_result;
DELETE FROM stage_box;
DELETE FROM stage_image;
DELETE FROM stage_recorded;
DELETE FROM stage_applied;
DELETE FROM stage_better;

-- name: one_writer
-- One sink writes at a time: an outcome and its picture may be in the hands of two sinks, and each must see the other's
-- row when it computes the state. Also keeps writers from deadlocking. Ends with the transaction.
SELECT pg_advisory_xact_lock(7468756002);

-- name: upsert_removed
-- The newest removal of a picture counts; stage_gone: pictures whose removal was not known before.
WITH applied AS (
    INSERT INTO removed AS r (image_id, log_partition, log_offset, log_ms)
    SELECT image_id, log_partition, log_offset, log_ms
    FROM stage_removed
    ORDER BY image_id
    ON CONFLICT (image_id) DO UPDATE SET
        log_partition = excluded.log_partition,
        log_offset = excluded.log_offset,
        log_ms = excluded.log_ms
    WHERE log_newer(
        excluded.log_partition, excluded.log_offset, excluded.log_ms, r.log_partition, r.log_offset, r.log_ms
    )
    RETURNING r.image_id
)
INSERT INTO stage_gone (image_id)
SELECT image_id FROM applied;

-- name: delete_removed
-- All that the tables say of them: whoever brings a picture back has waited until its removal was recorded.
DELETE FROM image USING stage_gone AS g WHERE image.image_id = g.image_id;
DELETE FROM box USING stage_gone AS g WHERE box.image_id = g.image_id;
DELETE FROM result USING stage_gone AS g WHERE result.image_id = g.image_id;
DELETE FROM place USING stage_gone AS g WHERE place.image_id = g.image_id;
DELETE FROM correction USING stage_gone AS g WHERE correction.image_id = g.image_id;
DELETE FROM request_state USING stage_gone AS g WHERE request_state.image_id = g.image_id;

-- name: any_removed
-- Whether any picture was ever removed.
SELECT EXISTS (SELECT FROM removed);

-- name: removals_touched
-- Removals of the pictures that this batch speaks of.
SELECT r.image_id::text, r.log_ms
FROM removed AS r
WHERE r.image_id IN (
    SELECT image_id FROM stage_image
    UNION SELECT image_id FROM stage_result
    UNION SELECT image_id FROM stage_request_state
    UNION SELECT image_id FROM stage_place
    UNION SELECT image_id FROM stage_correction
);

-- name: upsert_location
-- A place exists from the first time it is named; its position is the newest stated one.
INSERT INTO location AS l (location_id, name, latitude, longitude, log_partition, log_offset, log_ms)
SELECT location_id, name, latitude, longitude, log_partition, log_offset, log_ms
FROM stage_location
ORDER BY location_id
ON CONFLICT (location_id) DO UPDATE SET
    latitude = excluded.latitude,
    longitude = excluded.longitude,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE log_newer(
    excluded.log_partition, excluded.log_offset, excluded.log_ms, l.log_partition, l.log_offset, l.log_ms
);

-- name: upsert_deployment
-- The newest statement about a deployment wins.
INSERT INTO deployment AS d (
    deployment_id, location_id, camera, start_at, end_at, clock_offset_s, log_partition, log_offset, log_ms
)
SELECT deployment_id, location_id, camera, start_at, end_at, clock_offset_s, log_partition, log_offset, log_ms
FROM stage_deployment
ORDER BY deployment_id
ON CONFLICT (deployment_id) DO UPDATE SET
    end_at = excluded.end_at,
    clock_offset_s = excluded.clock_offset_s,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE log_newer(
    excluded.log_partition, excluded.log_offset, excluded.log_ms, d.log_partition, d.log_offset, d.log_ms
);

-- name: insert_correction
-- Corrections are all kept.
INSERT INTO correction (
    image_id, log_partition, log_offset, log_ms, class_name, location_id, note, made_by
)
SELECT image_id, log_partition, log_offset, log_ms, class_name, location_id, note, made_by
FROM stage_correction
ORDER BY image_id, log_partition, log_offset
ON CONFLICT (image_id, log_partition, log_offset) DO NOTHING;

-- name: upsert_model
-- The newest description of a model wins.
INSERT INTO model AS m (
    model_id, name, weights_sha256, input_px, classes, store_threshold, display_threshold, iou, max_boxes,
    log_partition, log_offset, log_ms
)
SELECT
    model_id, name, weights_sha256, input_px, classes, store_threshold, display_threshold, iou, max_boxes,
    log_partition, log_offset, log_ms
FROM stage_model
ORDER BY model_id
ON CONFLICT (model_id) DO UPDATE SET
    name = excluded.name,
    weights_sha256 = excluded.weights_sha256,
    input_px = excluded.input_px,
    classes = excluded.classes,
    store_threshold = excluded.store_threshold,
    display_threshold = excluded.display_threshold,
    iou = excluded.iou,
    max_boxes = excluded.max_boxes,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE log_newer(
    excluded.log_partition, excluded.log_offset, excluded.log_ms, m.log_partition, m.log_offset, m.log_ms
);

-- name: upsert_active_model
-- The newest activation wins; a change is answered by recomputing the states of all pictures.
INSERT INTO active_model AS a (one, model_id, log_partition, log_offset, log_ms)
SELECT one, model_id, log_partition, log_offset, log_ms
FROM stage_active_model
ON CONFLICT (one) DO UPDATE SET
    model_id = excluded.model_id,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE log_newer(
    excluded.log_partition, excluded.log_offset, excluded.log_ms, a.log_partition, a.log_offset, a.log_ms
);

-- name: upsert_request_state
-- Asked and answered only grow.
INSERT INTO request_state AS r (image_id, request_partition, model_id, asked, answered)
SELECT image_id, request_partition, model_id, asked, answered
FROM stage_request_state
ORDER BY image_id, request_partition, model_id
ON CONFLICT (image_id, request_partition, model_id) DO UPDATE SET
    asked = GREATEST(r.asked, excluded.asked),
    answered = GREATEST(r.answered, excluded.answered)
WHERE excluded.asked > COALESCE(r.asked, -1) OR excluded.answered > COALESCE(r.answered, -1);

-- name: upsert_result
-- The newest outcome per picture and model wins. A new row brings its good outcome along.
WITH applied AS (
    INSERT INTO result AS r (
        image_id, model_id, state, error_class, error_message, group_id, origin_topic, origin_partition,
        origin_offset, origin_event_id, worker, log_partition, log_offset, log_ms, good_partition, good_offset,
        good_ms, width_px, height_px, box_count, boxes_dropped, batch_id, batch_size, backend, backend_version,
        device, precision, queue_ms, read_ms, decode_ms, infer_ms, total_ms
    )
    SELECT
        image_id, model_id, state, error_class, error_message, group_id, origin_topic, origin_partition,
        origin_offset, origin_event_id, worker, log_partition, log_offset, log_ms, good_partition, good_offset,
        good_ms, width_px, height_px, box_count, boxes_dropped, batch_id, batch_size, backend, backend_version,
        device, precision, queue_ms, read_ms, decode_ms, infer_ms, total_ms
    FROM stage_result
    ORDER BY image_id, model_id
    ON CONFLICT (image_id, model_id) DO UPDATE SET
        state = excluded.state,
        error_class = excluded.error_class,
        error_message = excluded.error_message,
        group_id = excluded.group_id,
        origin_topic = excluded.origin_topic,
        origin_partition = excluded.origin_partition,
        origin_offset = excluded.origin_offset,
        origin_event_id = excluded.origin_event_id,
        worker = excluded.worker,
        log_partition = excluded.log_partition,
        log_offset = excluded.log_offset,
        log_ms = excluded.log_ms
    WHERE log_newer(
        excluded.log_partition, excluded.log_offset, excluded.log_ms, r.log_partition, r.log_offset, r.log_ms
    )
    RETURNING r.image_id, r.model_id, r.xmax = 0 AS fresh
)
INSERT INTO stage_applied (image_id, model_id, fresh)
SELECT image_id, model_id, fresh FROM applied;

-- name: count_fresh_results
-- How many of them are new rows: if all, there is nothing to replace, and the boxes need no staging.
SELECT count(*) FROM stage_applied WHERE fresh;

-- name: update_good_result
-- In rows that were there before, the newest good outcome wins, whatever the newest outcome is.
WITH better AS (
    UPDATE result AS r SET
        good_partition = s.good_partition,
        good_offset = s.good_offset,
        good_ms = s.good_ms,
        width_px = s.width_px,
        height_px = s.height_px,
        box_count = s.box_count,
        boxes_dropped = s.boxes_dropped,
        batch_id = s.batch_id,
        batch_size = s.batch_size,
        backend = s.backend,
        backend_version = s.backend_version,
        device = s.device,
        precision = s.precision,
        queue_ms = s.queue_ms,
        read_ms = s.read_ms,
        decode_ms = s.decode_ms,
        infer_ms = s.infer_ms,
        total_ms = s.total_ms
    FROM stage_result AS s
    WHERE (r.image_id, r.model_id) = (s.image_id, s.model_id)
        AND log_newer(
            s.good_partition, s.good_offset, s.good_ms, r.good_partition, r.good_offset, r.good_ms
        )
    RETURNING r.image_id, r.model_id
)
INSERT INTO stage_better (image_id, model_id)
SELECT image_id, model_id FROM better;

-- name: delete_replaced_boxes
-- Boxes go with the good outcome that they belong to.
DELETE FROM box AS b
USING stage_better AS s
WHERE (b.image_id, b.model_id) = (s.image_id, s.model_id);

-- name: insert_boxes
-- Boxes of the good outcomes that just got into their rows.
INSERT INTO box (image_id, model_id, n, class_id, class_name, confidence, x1, y1, x2, y2)
SELECT image_id, model_id, n, class_id, class_name, confidence, x1, y1, x2, y2
FROM stage_box
JOIN (
    SELECT image_id, model_id FROM stage_applied WHERE fresh
    UNION ALL
    SELECT image_id, model_id FROM stage_better
) AS good USING (image_id, model_id)
ORDER BY image_id, model_id, n;

-- name: upsert_place
-- Further places. `images` and `facts` both name them, and their offsets do not compare: the broker's time decides.
INSERT INTO place AS p (image_id, place_id, location_id, path, import_id, log_partition, log_offset, log_ms)
SELECT
    image_id, md5(COALESCE(location_id::text, '') || '|' || path)::uuid, location_id, path, import_id,
    log_partition, log_offset, log_ms
FROM stage_place
ORDER BY 1, 2
ON CONFLICT (image_id, place_id) DO UPDATE SET
    import_id = excluded.import_id,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE (excluded.log_ms, excluded.log_partition, excluded.log_offset, COALESCE(excluded.import_id, '') COLLATE "C")
    > (p.log_ms, p.log_partition, p.log_offset, COALESCE(p.import_id, '') COLLATE "C");

-- name: upsert_image
-- A new picture, or a newer event of a known one.
WITH applied AS (
    INSERT INTO image AS i (
        image_id, sha256, uri, size_bytes, media_type, filename, path, given_location_id, captured_at,
        utc_offset_minutes, captured_at_source, width_px, height_px, orientation, camera_make, camera_model,
        camera_serial, latitude, longitude, altitude_m, exif, import_id, first_partition, first_offset, first_ms,
        log_partition, log_offset, log_ms, location_id, taken_at
    )
    SELECT
        image_id, sha256, uri, size_bytes, media_type, filename, path, given_location_id, captured_at,
        utc_offset_minutes, captured_at_source, width_px, height_px, orientation, camera_make, camera_model,
        camera_serial, latitude, longitude, altitude_m, exif, import_id, first_partition, first_offset, first_ms,
        log_partition, log_offset, log_ms, given_location_id, captured_at
    FROM stage_image
    ORDER BY image_id
    ON CONFLICT (image_id) DO UPDATE SET
        log_partition = excluded.log_partition,
        log_offset = excluded.log_offset,
        log_ms = excluded.log_ms
    WHERE log_newer(
        excluded.log_partition, excluded.log_offset, excluded.log_ms, i.log_partition, i.log_offset, i.log_ms
    )
    RETURNING i.xmax = 0 AS fresh
)
SELECT count(*), count(*) FILTER (WHERE fresh) FROM applied;

-- name: upsert_place_of_later_event
-- Of two `images` events of a picture the later one says that it was also seen elsewhere. Before update_first_event.
INSERT INTO place AS p (image_id, place_id, location_id, path, import_id, log_partition, log_offset, log_ms)
SELECT
    image_id, md5(COALESCE(location_id::text, '') || '|' || path)::uuid, location_id, path, import_id,
    log_partition, log_offset, log_ms
FROM (
    SELECT
        i.image_id,
        CASE WHEN o.held_is_later THEN i.given_location_id ELSE s.given_location_id END AS location_id,
        CASE WHEN o.held_is_later THEN COALESCE(NULLIF(i.path, ''), NULLIF(i.filename, ''), i.uri)
            ELSE COALESCE(NULLIF(s.path, ''), NULLIF(s.filename, ''), s.uri) END AS path,
        CASE WHEN o.held_is_later THEN i.import_id ELSE s.import_id END AS import_id,
        CASE WHEN o.held_is_later THEN i.first_partition ELSE s.first_partition END AS log_partition,
        CASE WHEN o.held_is_later THEN i.first_offset ELSE s.first_offset END AS log_offset,
        CASE WHEN o.held_is_later THEN i.first_ms ELSE s.first_ms END AS log_ms
    FROM stage_image AS s
    JOIN image AS i USING (image_id)
    CROSS JOIN LATERAL (
        SELECT log_newer(
            i.first_partition, i.first_offset, i.first_ms, s.first_partition, s.first_offset, s.first_ms
        ) AS held_is_later
    ) AS o
    WHERE (s.first_partition, s.first_offset) <> (i.first_partition, i.first_offset)
) AS later
ORDER BY image_id
ON CONFLICT (image_id, place_id) DO UPDATE SET
    import_id = excluded.import_id,
    log_partition = excluded.log_partition,
    log_offset = excluded.log_offset,
    log_ms = excluded.log_ms
WHERE (excluded.log_ms, excluded.log_partition, excluded.log_offset, COALESCE(excluded.import_id, '') COLLATE "C")
    > (p.log_ms, p.log_partition, p.log_offset, COALESCE(p.import_id, '') COLLATE "C");

-- name: update_first_event
-- Of a known picture the earliest event describes it.
UPDATE image AS i SET
    sha256 = s.sha256,
    uri = s.uri,
    size_bytes = s.size_bytes,
    media_type = s.media_type,
    filename = s.filename,
    path = s.path,
    given_location_id = s.given_location_id,
    captured_at = s.captured_at,
    utc_offset_minutes = s.utc_offset_minutes,
    captured_at_source = s.captured_at_source,
    width_px = s.width_px,
    height_px = s.height_px,
    orientation = s.orientation,
    camera_make = s.camera_make,
    camera_model = s.camera_model,
    camera_serial = s.camera_serial,
    latitude = s.latitude,
    longitude = s.longitude,
    altitude_m = s.altitude_m,
    exif = s.exif,
    import_id = s.import_id,
    first_partition = s.first_partition,
    first_offset = s.first_offset,
    first_ms = s.first_ms
FROM stage_image AS s
WHERE i.image_id = s.image_id
    AND log_newer(i.first_partition, i.first_offset, i.first_ms, s.first_partition, s.first_offset, s.first_ms);

-- name: anything_to_describe
-- Whether place or time of any picture can be another than its event gives.
SELECT EXISTS (SELECT FROM correction) OR EXISTS (SELECT FROM deployment);

-- name: describe_images
-- Place and time of pictures that this batch says something about, where corrections or deployments change them.
UPDATE image AS i
SET location_id = d.location_id, taken_at = d.taken_at
FROM image_description_now AS d
WHERE d.image_id = i.image_id
    AND i.image_id IN (SELECT image_id FROM stage_image UNION SELECT image_id FROM stage_correction)
    AND (i.location_id, i.taken_at) IS DISTINCT FROM (d.location_id, d.taken_at);

-- name: describe_deployed_images
-- The same for all pictures of places whose deployments this batch changes.
UPDATE image AS i
SET taken_at = d.taken_at
FROM image_description_now AS d
WHERE d.image_id = i.image_id
    AND i.location_id IN (SELECT location_id FROM stage_deployment)
    AND i.taken_at IS DISTINCT FROM d.taken_at;

-- name: end_hand_resets
-- An outcome of the active model that just became the newest one ends a reset by hand.
UPDATE image AS i
SET hand_reset_at = NULL
FROM stage_applied AS a
JOIN active_model AS m USING (model_id)
WHERE i.image_id = a.image_id AND i.hand_reset_at IS NOT NULL;

-- name: update_touched_states
-- States of the pictures that this batch says something about, by key: neighbours share pages of the indexes.
-- A reset by hand that comes between reading and writing a row stays (the last condition looks at the newest row).
UPDATE image AS i
SET state = n.state
FROM (
    SELECT image_id, n.state
    FROM (
        SELECT image_id FROM stage_applied
        UNION SELECT image_id FROM stage_image
        UNION SELECT image_id FROM stage_request_state
        ORDER BY image_id
    ) AS touched
    JOIN image_state_now AS n USING (image_id)
    OFFSET 0
) AS n
WHERE i.image_id = n.image_id
    AND i.state <> n.state
    AND (i.hand_reset_at IS NULL OR n.state = 0);

-- name: update_all_states
-- After another model became the active one: the states of all pictures.
UPDATE image AS i
SET state = n.state
FROM image_state_now AS n
WHERE n.image_id = i.image_id AND i.state <> n.state AND (i.hand_reset_at IS NULL OR n.state = 0);

-- name: upsert_recorded
-- How far the log is recorded, in the same transaction as the rows.
INSERT INTO recorded AS r (topic, log_partition, next_offset, log_ms)
SELECT topic, log_partition, next_offset, log_ms
FROM stage_recorded
ORDER BY topic, log_partition
ON CONFLICT (topic, log_partition) DO UPDATE SET
    next_offset = GREATEST(r.next_offset, excluded.next_offset),
    log_ms = GREATEST(r.log_ms, excluded.log_ms);
