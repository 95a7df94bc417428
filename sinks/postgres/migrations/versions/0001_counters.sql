-- Counters of image rows per place, partition, block of 4,096 offsets and state, exact in every transaction whoever
-- changes `image` (docs/decisions/0005-counters-by-trigger.md). Key order, so that two writers cannot deadlock.
-- Rows that reach zero go, so that equal pictures give equal counters whatever came before.

CREATE FUNCTION image_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (location_id, log_partition, block, state, pictures)
    SELECT COALESCE(location_id, '00000000-0000-0000-0000-000000000000'), log_partition, log_offset / 4096, state,
        count(*)
    FROM new_rows
    GROUP BY 1, 2, 3, 4
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (location_id, log_partition, block, state)
    DO UPDATE SET pictures = c.pictures + excluded.pictures;
    RETURN NULL;
END $$;

CREATE FUNCTION image_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO counter AS c (location_id, log_partition, block, state, pictures)
    SELECT COALESCE(location_id, '00000000-0000-0000-0000-000000000000'), log_partition, log_offset / 4096, state,
        sum(n)
    FROM (
        SELECT location_id, log_partition, log_offset, state, 1 AS n FROM new_rows
        UNION ALL
        SELECT location_id, log_partition, log_offset, state, -1 FROM old_rows
    ) AS difference
    GROUP BY 1, 2, 3, 4
    HAVING sum(n) <> 0
    ORDER BY 1, 2, 3, 4
    ON CONFLICT (location_id, log_partition, block, state)
    DO UPDATE SET pictures = c.pictures + excluded.pictures;
    IF FOUND THEN
        DELETE FROM counter AS c
        USING (
            SELECT DISTINCT COALESCE(location_id, '00000000-0000-0000-0000-000000000000') AS location_id,
                log_partition, log_offset / 4096 AS block, state
            FROM old_rows
        ) AS o
        WHERE (c.location_id, c.log_partition, c.block, c.state) = (o.location_id, o.log_partition, o.block, o.state)
            AND c.pictures = 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION image_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH gone AS (
        SELECT COALESCE(location_id, '00000000-0000-0000-0000-000000000000') AS location_id, log_partition,
            log_offset / 4096 AS block, state, count(*) AS n
        FROM old_rows
        GROUP BY 1, 2, 3, 4
    ), locked AS MATERIALIZED (
        SELECT gone.*, c.pictures
        FROM counter AS c JOIN gone USING (location_id, log_partition, block, state)
        ORDER BY 1, 2, 3, 4
        FOR UPDATE OF c
    ), emptied AS (
        DELETE FROM counter AS c
        USING locked AS l
        WHERE (c.location_id, c.log_partition, c.block, c.state) = (l.location_id, l.log_partition, l.block, l.state)
            AND l.pictures = l.n
    )
    UPDATE counter AS c
    SET pictures = c.pictures - l.n
    FROM locked AS l
    WHERE (c.location_id, c.log_partition, c.block, c.state) = (l.location_id, l.log_partition, l.block, l.state)
        AND l.pictures <> l.n;
    RETURN NULL;
END $$;

CREATE FUNCTION image_truncated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM counter;
    RETURN NULL;
END $$;

CREATE TRIGGER image_inserted AFTER INSERT ON image
REFERENCING NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION image_inserted();

CREATE TRIGGER image_updated AFTER UPDATE ON image
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION image_updated();

CREATE TRIGGER image_deleted AFTER DELETE ON image
REFERENCING OLD TABLE AS old_rows
FOR EACH STATEMENT EXECUTE FUNCTION image_deleted();

CREATE TRIGGER image_truncated AFTER TRUNCATE ON image
FOR EACH STATEMENT EXECUTE FUNCTION image_truncated();
