-- What follows from the rows: which event is newer, a picture's state, its place and time, and the counters.

-- Whether event a is newer than event b (NULL: there is none): same partition by offset, else by the broker's time.
CREATE FUNCTION log_newer(
    a_partition integer, a_offset bigint, a_ms bigint, b_partition integer, b_offset bigint, b_ms bigint
) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN a_partition IS NOT NULL AND (
    b_partition IS NULL
    OR CASE
        WHEN a_partition = b_partition THEN a_offset > b_offset
        ELSE (a_ms, a_partition) > (b_ms, b_partition)
    END
);

-- A picture is to be done (0) if reset by hand, asked for and not answered, or without an outcome of the active model.
CREATE VIEW image_state_now AS
SELECT
    i.image_id,
    CASE
        WHEN i.hand_reset_at IS NOT NULL THEN 0
        WHEN EXISTS (
            SELECT 1
            FROM request_state AS q
            LEFT JOIN request_state AS a
                ON a.image_id = q.image_id AND a.request_partition = q.request_partition AND a.model_id = ''
            WHERE q.image_id = i.image_id
                AND q.model_id IN ('', m.model_id)
                AND q.asked > COALESCE(a.answered, -1)
        ) THEN 0
        ELSE COALESCE(r.state, 0)
    END::smallint AS state
FROM image AS i
LEFT JOIN active_model AS m ON true
LEFT JOIN result AS r ON r.image_id = i.image_id AND r.model_id = m.model_id;

-- The place: by the newest correction that names one, else as given. The time: the camera's own, plus the clock offset
-- of the deployment (this camera's before any camera's, the later start first) that the corrected time falls into.
-- Kept within the years 1 to 9999, which is all that clients can read.
CREATE VIEW image_description_now AS
SELECT
    p.image_id,
    p.location_id,
    CASE
        WHEN p.captured_at IS NOT NULL THEN LEAST(GREATEST(p.captured_at + COALESCE((
            SELECT d.clock_offset_s
            FROM deployment AS d
            WHERE d.location_id = p.location_id
                AND (d.camera IS NULL OR d.camera IN (p.camera_serial, p.camera_model))
                AND (d.start_at IS NULL OR p.captured_at + d.clock_offset_s * interval '1 second' >= d.start_at)
                AND (d.end_at IS NULL OR p.captured_at + d.clock_offset_s * interval '1 second' <= d.end_at)
            ORDER BY d.camera IS NULL, d.start_at DESC NULLS LAST, d.deployment_id
            LIMIT 1
        ), 0) * interval '1 second', timestamp '0001-01-01'), timestamp '9999-12-31 23:59:59.999999')
    END AS taken_at
FROM (
    SELECT
        i.image_id,
        i.captured_at,
        i.camera_serial,
        i.camera_model,
        COALESCE((
            SELECT c.location_id
            FROM correction AS c
            WHERE c.image_id = i.image_id
                AND c.location_id IS NOT NULL
                AND NOT EXISTS (
                    SELECT 1
                    FROM correction AS later
                    WHERE later.image_id = c.image_id
                        AND later.location_id IS NOT NULL
                        AND log_newer(
                            later.log_partition, later.log_offset, later.log_ms, c.log_partition, c.log_offset, c.log_ms
                        )
                )
        ), i.given_location_id) AS location_id
    FROM image AS i
) AS p;
