-- The predecessor's tables as views over the active model, and its one hand-written UPDATE.

CREATE VIEW images AS
SELECT
    i.image_id AS id,
    i.filename,
    i.path,
    i.taken_at AS "timestamp",
    i.location_id,
    CASE i.state WHEN 0 THEN 'pending' WHEN 1 THEN 'completed' ELSE 'failed' END AS processing_status,
    CASE WHEN i.state = 2 THEN (
        SELECT r.error_message
        FROM result AS r
        WHERE r.image_id = i.image_id AND r.model_id = (SELECT m.model_id FROM active_model AS m)
    ) END AS error_message,
    to_timestamp(i.first_ms / 1000.0) AS created_at,
    to_timestamp(GREATEST(i.log_ms, (
        SELECT r.log_ms
        FROM result AS r
        WHERE r.image_id = i.image_id AND r.model_id = (SELECT m.model_id FROM active_model AS m)
    )) / 1000.0) AS updated_at
FROM image AS i;

CREATE VIEW locations AS
SELECT l.location_id AS id, l.name, l.latitude, l.longitude
FROM location AS l;

CREATE VIEW detections AS
SELECT
    md5(b.image_id::text || '|' || b.model_id || '|' || b.n)::uuid AS id,
    b.image_id,
    b.class_name,
    b.class_id,
    b.confidence,
    b.x1,
    b.y1,
    b.x2,
    b.y2,
    b.model_id,
    (
        SELECT to_timestamp(r.good_ms / 1000.0)
        FROM result AS r
        WHERE r.image_id = b.image_id AND r.model_id = b.model_id
    ) AS created_at
FROM box AS b
JOIN active_model AS a ON a.model_id = b.model_id
LEFT JOIN model AS m ON m.model_id = b.model_id
WHERE b.confidence >= COALESCE(m.display_threshold, 0)::real;

-- A row set to 'pending' by hand is to be done again; the next outcome of the active model ends that.
CREATE FUNCTION images_reset_by_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.processing_status IS DISTINCT FROM 'pending'
        OR (NEW.error_message IS NOT NULL AND NEW.error_message IS DISTINCT FROM OLD.error_message)
        OR (NEW.id, NEW.filename, NEW.path, NEW."timestamp", NEW.location_id, NEW.created_at, NEW.updated_at)
            IS DISTINCT FROM (OLD.id, OLD.filename, OLD.path, OLD."timestamp", OLD.location_id, OLD.created_at, OLD.updated_at)
    THEN
        RAISE EXCEPTION 'images is a view: rows come from events, and nothing else was changed'
            USING HINT = 'By hand a row can only be set back: processing_status = ''pending'', error_message = NULL. '
                'Places, times and classes are corrected by events (thumper correct, or the API).',
            ERRCODE = 'feature_not_supported';
    END IF;
    UPDATE image SET hand_reset_at = clock_timestamp(), state = 0 WHERE image_id = OLD.id;
    RETURN NEW;
END $$;

CREATE TRIGGER images_reset_by_hand INSTEAD OF UPDATE ON images
FOR EACH ROW EXECUTE FUNCTION images_reset_by_hand();

CREATE FUNCTION refuse_write() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is a view: rows come from events, % is refused', TG_TABLE_NAME, TG_OP
        USING HINT = 'Import pictures or emit an event instead; nothing was changed.', ERRCODE = 'feature_not_supported';
END $$;

CREATE TRIGGER images_refuse INSTEAD OF INSERT OR DELETE ON images FOR EACH ROW EXECUTE FUNCTION refuse_write();
CREATE TRIGGER locations_refuse INSTEAD OF INSERT OR UPDATE OR DELETE ON locations
FOR EACH ROW EXECUTE FUNCTION refuse_write();
CREATE TRIGGER detections_refuse INSTEAD OF INSERT OR UPDATE OR DELETE ON detections
FOR EACH ROW EXECUTE FUNCTION refuse_write();
