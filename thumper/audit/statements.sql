-- What the audit asks of the tables, in one snapshot. Streams come in the order of the log.

-- name: recorded
-- How far the sink says that it has recorded.
SELECT topic, log_partition, next_offset FROM recorded;

-- name: removals
-- Removed pictures, and the broker's time of the newest removal.
SELECT CAST(image_id AS text) AS image_id, log_ms FROM removed;

-- name: identity
-- Which log the rows come from.
SELECT topic, cluster_id, topic_id FROM log_identity;

-- name: import_runs
-- Whether somebody holds the lock of imports at this moment.
SELECT EXISTS (
    SELECT FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
        AND classid = :high AND objid = :low AND granted
) AS runs;

-- name: pictures
-- Image rows by the place of their newest event. is_first: the same event also describes them.
SELECT log_partition, log_offset, CAST(image_id AS text) AS image_id, sha256, uri,
    (first_partition, first_offset) = (log_partition, log_offset) AS is_first
FROM image
ORDER BY log_partition, log_offset;

-- name: first_pictures
-- The others, by the place of the event that describes them.
SELECT first_partition, first_offset, CAST(image_id AS text) AS image_id, sha256, uri
FROM image
WHERE (first_partition, first_offset) <> (log_partition, log_offset)
ORDER BY first_partition, first_offset;

-- name: suspect_pictures
-- Of these events those whose picture has no row, or a row that they are newer than, or earlier than its first event.
SELECT k.log_partition, k.log_offset, CAST(k.image_id AS text) AS image_id, i.image_id IS NULL AS absent
FROM unnest(CAST(:ids AS uuid[]), CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]), CAST(:ms AS bigint[]))
    AS k (image_id, log_partition, log_offset, log_ms)
LEFT JOIN image AS i ON i.image_id = k.image_id
WHERE i.image_id IS NULL
    OR log_newer(k.log_partition, k.log_offset, k.log_ms, i.log_partition, i.log_offset, i.log_ms)
    OR log_newer(i.first_partition, i.first_offset, i.first_ms, k.log_partition, k.log_offset, k.log_ms)
ORDER BY 1, 2;

-- name: results
-- Result rows by the place of the outcome that they show.
SELECT log_partition, log_offset, CAST(image_id AS text) AS image_id, model_id, state, error_class, group_id,
    origin_topic, origin_partition, origin_offset, good_partition, good_offset, box_count
FROM result
ORDER BY log_partition, log_offset;

-- name: good_results
-- Failed ones that still show an earlier good outcome, by the place of that.
SELECT good_partition, good_offset, CAST(image_id AS text) AS image_id, model_id, box_count
FROM result
WHERE good_partition IS NOT NULL AND (good_partition, good_offset) <> (log_partition, log_offset)
ORDER BY good_partition, good_offset;

-- name: suspect_outcomes
-- Of these outcomes those that have no row, or are newer than what it shows, or (good_*) newer than its good one.
SELECT k.log_partition, k.log_offset, CAST(k.image_id AS text) AS image_id, k.model_id, r.image_id IS NULL AS absent
FROM unnest(
    CAST(:ids AS uuid[]), CAST(:models AS text[]),
    CAST(:partitions AS integer[]), CAST(:offsets AS bigint[]), CAST(:ms AS bigint[]),
    CAST(:good_offsets AS bigint[]), CAST(:good_ms AS bigint[])
) AS k (image_id, model_id, log_partition, log_offset, log_ms, good_offset, good_ms)
LEFT JOIN result AS r ON r.image_id = k.image_id AND r.model_id = k.model_id
WHERE r.image_id IS NULL
    OR log_newer(k.log_partition, k.log_offset, k.log_ms, r.log_partition, r.log_offset, r.log_ms)
    OR (k.good_offset IS NOT NULL
        AND log_newer(k.log_partition, k.good_offset, k.good_ms, r.good_partition, r.good_offset, r.good_ms))
ORDER BY 1, 2;

-- name: boxes
-- Results that have another number of boxes than they say; boxes without a result.
SELECT CAST(image_id AS text) AS image_id, model_id, COALESCE(r.box_count, 0) AS said, COALESCE(b.n, 0) AS found
FROM result AS r
FULL JOIN (SELECT image_id, model_id, count(*) AS n FROM box GROUP BY image_id, model_id) AS b
    USING (image_id, model_id)
WHERE COALESCE(r.box_count, 0) <> COALESCE(b.n, 0);

-- name: counters
-- Counters that differ from the image rows that they count.
SELECT CAST(location_id AS text) AS location_id, log_partition, block, state,
    COALESCE(k.pictures, 0) AS kept, COALESCE(c.pictures, 0) AS counted
FROM counter AS k
FULL JOIN (
    SELECT COALESCE(location_id, CAST(:nowhere AS uuid)) AS location_id, log_partition, log_offset / :block_size AS block,
        state, count(*) AS pictures
    FROM image
    GROUP BY 1, 2, 3, 4
) AS c USING (location_id, log_partition, block, state)
WHERE COALESCE(k.pictures, 0) <> COALESCE(c.pictures, 0);

-- name: derived
-- Pictures whose state, place or time is not what follows from the rows.
SELECT CAST(i.image_id AS text) AS image_id, i.state AS kept, n.state AS follows
FROM image AS i
JOIN image_state_now AS n USING (image_id)
JOIN image_description_now AS d USING (image_id)
WHERE i.state <> n.state OR (i.location_id, i.taken_at) IS DISTINCT FROM (d.location_id, d.taken_at);
