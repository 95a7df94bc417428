-- name: active_model
-- Whose outcomes are shown, and from which confidence on; display_threshold is NULL for a model nobody has described.
SELECT a.model_id, m.display_threshold
FROM active_model a LEFT JOIN model m ON m.model_id = a.model_id;

-- name: recorded
-- How far the sink has ever come.
SELECT topic, log_partition, next_offset FROM recorded;

-- name: tallies
-- Image rows by place and by partition, each by state, below and beyond the committed offsets: whole blocks from the
-- counters; of the block that a committed offset cuts through, the shorter side from the rows themselves.
WITH committed (log_partition, next_offset, block, upper) AS (
    SELECT c.log_partition, c.next_offset, c.next_offset / :block_size,
           c.next_offset % :block_size >= :block_size / 2
    FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[])) AS c (log_partition, next_offset)
), split AS (
    SELECT k.location_id, k.log_partition, k.state, k.pictures,
           CASE WHEN k.block > c.block OR (k.block = c.block AND NOT c.upper) THEN k.pictures ELSE 0 END AS ahead
    FROM counter k LEFT JOIN committed c USING (log_partition)
    UNION ALL
    SELECT cut.location_id, c.log_partition, cut.state, 0, CASE WHEN c.upper THEN cut.pictures ELSE -cut.pictures END
    FROM committed c CROSS JOIN LATERAL (
        SELECT coalesce(i.location_id, CAST(:nowhere AS uuid)) AS location_id, i.state, count(*) AS pictures
        FROM image i
        WHERE i.log_partition = c.log_partition
          AND i.log_offset >= CASE WHEN c.upper THEN c.next_offset ELSE c.block * :block_size END
          AND i.log_offset < CASE WHEN c.upper THEN (c.block + 1) * :block_size ELSE c.next_offset END
        GROUP BY 1, 2
    ) cut
)
SELECT location_id, log_partition, state,
       CAST(sum(ahead) AS bigint) AS ahead, CAST(sum(pictures - ahead) AS bigint) AS behind
FROM split
GROUP BY GROUPING SETS ((location_id, state), (log_partition, state));

-- name: locations
-- Places by name.
SELECT location_id, name, latitude, longitude FROM location ORDER BY name, location_id;

-- name: newest_event
-- Broker time (ms) of the newest record that the sink knows of: since then nothing has happened.
SELECT max(log_ms) AS log_ms FROM recorded WHERE topic IN ('images', 'requests', 'detections');

-- name: pictures
-- One page of pictures, newest first; those without a time (dated = false) are pages of their own after the others.
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
SELECT i.image_id, i.filename, i.path, i.location_id, l.name AS location, i.taken_at, i.width_px, i.height_px,
       CASE WHEN i.state = 0 OR i.log_offset >= c.next_offset THEN 'pending'
            WHEN i.state = 1 THEN 'completed' ELSE 'failed' END AS status,
       CASE WHEN r.state = 2 THEN r.error_class END AS error_class,
       CASE WHEN r.state = 2 THEN r.error_message END AS error_message,
       (SELECT count(*) FROM box b
        WHERE b.image_id = i.image_id AND b.model_id = CAST(:model AS text)
          AND b.confidence >= CAST(:confidence AS real)) AS detection_count
FROM image i
LEFT JOIN committed c ON c.log_partition = i.log_partition
LEFT JOIN location l ON l.location_id = i.location_id
LEFT JOIN result r ON r.image_id = i.image_id AND r.model_id = CAST(:model AS text)
WHERE ((:dated AND i.taken_at IS NOT NULL) OR (NOT :dated AND i.taken_at IS NULL))
  AND (CAST(:after_id AS uuid) IS NULL
       OR (:dated AND (i.taken_at, i.image_id) < (CAST(:after_time AS timestamp), CAST(:after_id AS uuid)))
       OR (NOT :dated AND i.image_id < CAST(:after_id AS uuid)))
  AND (CAST(:image AS uuid) IS NULL OR i.image_id = CAST(:image AS uuid))
  AND (CAST(:location AS uuid) IS NULL OR i.location_id = CAST(:location AS uuid))
  AND (CAST(:since AS timestamp) IS NULL OR i.taken_at >= CAST(:since AS timestamp))
  AND (CAST(:until AS timestamp) IS NULL OR i.taken_at < CAST(:until AS timestamp))
  AND (CAST(:state AS smallint) IS NULL OR (i.state = CAST(:state AS smallint) AND r.state = CAST(:state AS smallint)
       AND (c.next_offset IS NULL OR i.log_offset < c.next_offset)))
  AND (NOT :waiting OR i.state = 0 OR i.log_offset >= c.next_offset)
  AND (NOT :boxed OR EXISTS (
        SELECT 1 FROM box b
        WHERE b.image_id = i.image_id AND b.model_id = CAST(:model AS text)
          AND b.confidence >= CAST(:confidence AS real)
          AND (CAST(:class_name AS text) IS NULL OR b.class_name = CAST(:class_name AS text))))
ORDER BY i.taken_at DESC, i.image_id DESC
LIMIT :limit;

-- name: picture_before
-- The picture that stands right before another one in the list `pictures`, under the same filters.
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
SELECT i.image_id
FROM image i
LEFT JOIN committed c ON c.log_partition = i.log_partition
LEFT JOIN result r ON r.image_id = i.image_id AND r.model_id = CAST(:model AS text)
WHERE ((:dated AND i.taken_at IS NOT NULL) OR (NOT :dated AND i.taken_at IS NULL))
  AND (CAST(:after_id AS uuid) IS NULL
       OR (:dated AND (i.taken_at, i.image_id) > (CAST(:after_time AS timestamp), CAST(:after_id AS uuid)))
       OR (NOT :dated AND i.image_id > CAST(:after_id AS uuid)))
  AND (CAST(:location AS uuid) IS NULL OR i.location_id = CAST(:location AS uuid))
  AND (CAST(:since AS timestamp) IS NULL OR i.taken_at >= CAST(:since AS timestamp))
  AND (CAST(:until AS timestamp) IS NULL OR i.taken_at < CAST(:until AS timestamp))
  AND (CAST(:state AS smallint) IS NULL OR (i.state = CAST(:state AS smallint) AND r.state = CAST(:state AS smallint)
       AND (c.next_offset IS NULL OR i.log_offset < c.next_offset)))
  AND (NOT :waiting OR i.state = 0 OR i.log_offset >= c.next_offset)
  AND (NOT :boxed OR EXISTS (
        SELECT 1 FROM box b
        WHERE b.image_id = i.image_id AND b.model_id = CAST(:model AS text)
          AND b.confidence >= CAST(:confidence AS real)
          AND (CAST(:class_name AS text) IS NULL OR b.class_name = CAST(:class_name AS text))))
ORDER BY i.taken_at, i.image_id
LIMIT 1;

-- name: picture
-- All that one picture's row and its newest outcome say.
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
SELECT i.image_id, i.sha256, i.size_bytes, i.media_type, i.filename, i.path, i.location_id, l.name AS location,
       i.captured_at, i.taken_at, i.utc_offset_minutes, i.captured_at_source, i.width_px, i.height_px, i.orientation,
       i.camera_make, i.camera_model, i.camera_serial, i.latitude, i.longitude, i.altitude_m, i.exif, i.import_id,
       CASE WHEN i.state = 0 OR i.log_offset >= c.next_offset THEN 'pending'
            WHEN i.state = 1 THEN 'completed' ELSE 'failed' END AS status,
       CASE WHEN r.state = 2 THEN r.error_class END AS error_class,
       CASE WHEN r.state = 2 THEN r.error_message END AS error_message,
       r.model_id, r.worker, r.backend, r.backend_version, r.device, r.precision, r.batch_size,
       r.queue_ms, r.read_ms, r.decode_ms, r.infer_ms, r.total_ms
FROM image i
LEFT JOIN committed c ON c.log_partition = i.log_partition
LEFT JOIN location l ON l.location_id = i.location_id
LEFT JOIN result r ON r.image_id = i.image_id AND r.model_id = CAST(:model AS text)
WHERE i.image_id = CAST(:image AS uuid);

-- name: claim
-- Where a picture's bytes are, and whether they have ever killed a worker.
SELECT i.sha256, i.uri, i.size_bytes, i.media_type, r.error_class
FROM image i LEFT JOIN result r ON r.image_id = i.image_id AND r.model_id = CAST(:model AS text)
WHERE i.image_id = CAST(:image AS uuid);

-- name: boxes
-- One picture's boxes, most confident first.
SELECT class_id, class_name, confidence, x1, y1, x2, y2
FROM box
WHERE image_id = CAST(:image AS uuid) AND model_id = CAST(:model AS text)
  AND confidence >= CAST(:confidence AS real)
ORDER BY n;

-- name: places
-- Where else a picture was found.
SELECT p.location_id, l.name AS location, p.path
FROM place p LEFT JOIN location l ON l.location_id = p.location_id
WHERE p.image_id = CAST(:image AS uuid)
ORDER BY p.place_id;

-- name: detections
-- One page of detections, newest picture first, most confident first within a picture.
SELECT b.image_id, b.n, b.class_id, b.class_name, b.confidence, b.x1, b.y1, b.x2, b.y2,
       i.filename, i.location_id, l.name AS location, i.taken_at
FROM image i
JOIN box b ON b.image_id = i.image_id AND b.model_id = CAST(:model AS text)
LEFT JOIN location l ON l.location_id = i.location_id
WHERE ((:dated AND i.taken_at IS NOT NULL) OR (NOT :dated AND i.taken_at IS NULL))
  AND (CAST(:after_id AS uuid) IS NULL
       OR (:dated AND (i.taken_at, i.image_id) < (CAST(:after_time AS timestamp), CAST(:after_id AS uuid)))
       OR (NOT :dated AND i.image_id < CAST(:after_id AS uuid))
       OR (i.image_id = CAST(:after_id AS uuid) AND b.n > CAST(:after_n AS integer)))
  AND (NOT :dated OR CAST(:after_time AS timestamp) IS NULL OR i.taken_at <= CAST(:after_time AS timestamp))
  AND (CAST(:image AS uuid) IS NULL OR i.image_id = CAST(:image AS uuid))
  AND (CAST(:location AS uuid) IS NULL OR i.location_id = CAST(:location AS uuid))
  AND (CAST(:since AS timestamp) IS NULL OR i.taken_at >= CAST(:since AS timestamp))
  AND (CAST(:until AS timestamp) IS NULL OR i.taken_at < CAST(:until AS timestamp))
  AND (CAST(:class_name AS text) IS NULL OR b.class_name = CAST(:class_name AS text))
  AND b.confidence >= CAST(:confidence AS real)
ORDER BY i.taken_at DESC, i.image_id DESC, b.n
LIMIT :limit;

-- name: failures
-- Failed pictures by what went wrong, most frequent first.
WITH committed (log_partition, next_offset) AS (
    SELECT * FROM unnest(CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]))
)
SELECT r.error_class, r.error_message, count(*) AS pictures,
       CAST(min(CAST(i.image_id AS text)) AS uuid) AS example_image_id
FROM image i
LEFT JOIN committed c ON c.log_partition = i.log_partition
JOIN result r ON r.image_id = i.image_id AND r.model_id = CAST(:model AS text)
WHERE i.state = 2 AND r.state = 2 AND (c.next_offset IS NULL OR i.log_offset < c.next_offset)
  AND (CAST(:location AS uuid) IS NULL OR i.location_id = CAST(:location AS uuid))
GROUP BY r.error_class, r.error_message
ORDER BY pictures DESC, r.error_class, r.error_message
LIMIT :limit;

-- name: models
-- Every model that was ever described or made active.
SELECT coalesce(m.model_id, a.model_id) AS model_id, m.name, m.weights_sha256, m.input_px, m.classes,
       m.store_threshold, m.display_threshold, m.iou, m.max_boxes, a.model_id IS NOT NULL AS active
FROM model m FULL JOIN active_model a ON a.model_id = m.model_id
ORDER BY active DESC, m.name, 1;

-- name: trace_image
-- Where a picture's events stand in the log, and what its row says.
SELECT i.sha256, i.uri, i.filename, i.path, l.name AS location, i.import_id, i.state, i.hand_reset_at,
       i.first_partition, i.first_offset, i.first_ms, i.log_partition, i.log_offset
FROM image i LEFT JOIN location l ON l.location_id = i.location_id
WHERE i.image_id = CAST(:image AS uuid);

-- name: trace_results
-- Where a picture's newest outcomes stand, of every model.
SELECT model_id, state, error_class, error_message, box_count, log_partition, log_offset, good_partition, good_offset
FROM result WHERE image_id = CAST(:image AS uuid);

-- name: trace_requests
-- The newest request of each partition and model, and whether it is answered.
SELECT request_partition, model_id, asked, answered FROM request_state WHERE image_id = CAST(:image AS uuid);

-- name: trace_facts
-- Where what was stated of a picture stands. Places may come from an event of `images` too.
SELECT 'removed' AS kind, log_partition, log_offset FROM removed WHERE image_id = CAST(:image AS uuid)
UNION ALL
SELECT 'corrected', log_partition, log_offset FROM correction WHERE image_id = CAST(:image AS uuid)
UNION ALL
SELECT 'placed', log_partition, log_offset FROM place WHERE image_id = CAST(:image AS uuid);

-- name: sightings
-- Of the newest pictures with a time, how many show each class, by place, day and hour: bounded by :most pictures.
WITH newest AS (
    SELECT image_id, location_id, taken_at
    FROM image
    WHERE taken_at IS NOT NULL
      AND (CAST(:location AS uuid) IS NULL OR location_id = CAST(:location AS uuid))
      AND (CAST(:since AS timestamp) IS NULL OR taken_at >= CAST(:since AS timestamp))
      AND (CAST(:until AS timestamp) IS NULL OR taken_at < CAST(:until AS timestamp))
    ORDER BY taken_at DESC, image_id DESC
    LIMIT :most
), seen AS (
    SELECT DISTINCT n.image_id, n.location_id, n.taken_at, b.class_name
    FROM newest n
    JOIN box b ON b.image_id = n.image_id AND b.model_id = CAST(:model AS text)
    WHERE b.confidence >= CAST(:confidence AS real)
      AND (CAST(:class_name AS text) IS NULL OR b.class_name = CAST(:class_name AS text))
)
SELECT location_id, class_name, CAST(taken_at AS date) AS day, CAST(extract(hour FROM taken_at) AS integer) AS hour,
       count(*) AS pictures
FROM seen
GROUP BY 1, 2, 3, 4;

-- name: sightings_span
-- How many pictures `sightings` looked through, and from when they are.
SELECT count(*) AS pictures, min(taken_at) AS first, max(taken_at) AS last
FROM (
    SELECT taken_at
    FROM image
    WHERE taken_at IS NOT NULL
      AND (CAST(:location AS uuid) IS NULL OR location_id = CAST(:location AS uuid))
      AND (CAST(:since AS timestamp) IS NULL OR taken_at >= CAST(:since AS timestamp))
      AND (CAST(:until AS timestamp) IS NULL OR taken_at < CAST(:until AS timestamp))
    ORDER BY taken_at DESC, image_id DESC
    LIMIT :most
) newest;

-- name: imports
-- Imports among the newest :each pictures of every partition of the log, the newest first.
SELECT n.import_id, count(*) AS pictures, min(n.log_ms) AS first_ms, max(n.log_ms) AS last_ms,
       count(*) FILTER (WHERE n.state = 1) AS completed, count(*) FILTER (WHERE n.state = 2) AS failed,
       count(DISTINCT n.location_id) AS places, min(l.name) AS place
FROM recorded r
CROSS JOIN LATERAL (
    SELECT i.import_id, i.log_ms, i.state, i.location_id
    FROM image i
    WHERE i.log_partition = r.log_partition
    ORDER BY i.log_offset DESC
    LIMIT :each
) n
LEFT JOIN location l ON l.location_id = n.location_id
WHERE r.topic = 'images'
GROUP BY n.import_id
ORDER BY last_ms DESC
LIMIT :limit;
