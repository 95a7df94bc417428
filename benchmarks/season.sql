-- Rows of a season that nobody photographed: picture n lies at offset n / partitions of partition n % partitions, on a
-- card of so many pictures in a row from one place. The first ones are done, a hundredth of them failed; the rest waits.

-- name: images
INSERT INTO image (
    image_id, sha256, uri, size_bytes, media_type, filename, path, given_location_id, location_id, captured_at, taken_at,
    captured_at_source, width_px, height_px, import_id, first_partition, first_offset, first_ms, log_partition,
    log_offset, log_ms, state
)
SELECT
    md5(n::text)::uuid, lpad(to_hex(n), 64, '0'),
    'store:///' || lpad(to_hex(n % 256), 2, '0') || '/' || lpad(to_hex(n), 64, '0') || '.jpg',
    2000000 + n, 'image/jpeg', 'IMG_' || n % 10000 || '.JPG', 'card-' || n / :card || '/IMG_' || n % 10000 || '.JPG',
    md5('place ' || n / :card % :places)::uuid, md5('place ' || n / :card % :places)::uuid,
    timestamp '2020-01-01' + n * interval '15 seconds', timestamp '2020-01-01' + n * interval '15 seconds',
    'exif', 4000, 3000, 'bench', n % :partitions, n / :partitions, 1700000000000 + n, n % :partitions,
    n / :partitions, 1700000000000 + n,
    CASE WHEN n >= :done THEN 0 WHEN n % 100 = 7 THEN 2 ELSE 1 END
FROM generate_series(CAST(:first AS bigint), CAST(:last AS bigint)) AS n;

-- name: results
INSERT INTO result (
    image_id, model_id, state, error_class, error_message, group_id, origin_topic, origin_partition, origin_offset,
    origin_event_id, worker, log_partition, log_offset, log_ms, width_px, height_px, box_count, batch_size, backend,
    backend_version, device, precision, queue_ms, read_ms, decode_ms, infer_ms, total_ms
)
SELECT
    md5(n::text)::uuid, 'bench', CASE WHEN n % 100 = 7 THEN 2 ELSE 1 END, CASE WHEN n % 100 = 7 THEN 'decode' END,
    CASE WHEN n % 100 = 7 THEN 'the file is empty (0 bytes)' END, 'detector', 'images', n % :partitions,
    n / :partitions, 'images-' || n % :partitions || '-' || n / :partitions, 'detector-1',
    n % :partitions, n / :partitions, 1700000000000 + n, 4000, 3000, CASE WHEN n % 100 <> 7 THEN n % 2 END, 8, 'openvino', '2026.4', 'cpu', 'bf16',
    100, 2, 8, 12, 130
FROM generate_series(CAST(:first AS bigint), least(CAST(:last AS bigint), CAST(:done AS bigint) - 1)) AS n;

-- name: boxes
-- Every second picture has one, but none that failed (n % 100 = 7 is odd: those are left out).
INSERT INTO box (image_id, model_id, n, class_id, class_name, confidence, x1, y1, x2, y2)
SELECT
    md5(n::text)::uuid, 'bench', 0, n % 5, (ARRAY['cattle', 'pig', 'raccoon', 'doe', 'buck'])[n % 5 + 1],
    0.3 + (n % 70) / 100.0, 0.1, 0.1, 0.5, 0.5
FROM generate_series(CAST(:first AS bigint), least(CAST(:last AS bigint), CAST(:done AS bigint) - 1)) AS n
WHERE n % 2 = 1 AND n % 100 <> 7;

-- name: others
INSERT INTO location (location_id, name) SELECT md5('place ' || k)::uuid, 'Place ' || k
FROM generate_series(0, :places - 1) AS k;
INSERT INTO model (
    model_id, name, weights_sha256, input_px, classes, store_threshold, display_threshold, iou, max_boxes,
    log_partition, log_offset, log_ms
) VALUES ('bench', 'bench', repeat('0', 64), 640, '["cattle", "pig", "raccoon", "doe", "buck"]', 0.05, 0.5, 0.45, 300, 0, 0, 0);
INSERT INTO active_model (one, model_id, log_partition, log_offset, log_ms) VALUES (true, 'bench', 0, 1, 0);
INSERT INTO recorded (topic, log_partition, next_offset, log_ms)
SELECT 'images', log_partition, max(log_offset) + 1, max(log_ms) FROM image GROUP BY log_partition;

-- name: count
-- What the trigger would have counted, all at once; `thumper verify` recounts in the same words.
INSERT INTO counter (location_id, log_partition, block, state, pictures)
SELECT COALESCE(location_id, CAST(:nowhere AS uuid)), log_partition, log_offset / :block_size, state, count(*)
FROM image
GROUP BY 1, 2, 3, 4;

-- name: indexes
SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, k.conname AS key,
    pg_get_constraintdef(k.oid) AS key_definition
FROM pg_index AS i
JOIN pg_class AS c ON c.oid = i.indexrelid
LEFT JOIN pg_constraint AS k ON k.conindid = i.indexrelid AND k.contype = 'p'
WHERE i.indrelid = CAST(:table AS regclass);
