CREATE OR REPLACE FUNCTION record.caught_up(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = record, pg_catalog, pg_temp AS $$
-- Returns the commands of a batch with the versions that each finds once those before it are appended;
-- NULL if one has read something older than that, but for who lies in other beds of a room than it
-- looked at, or if its events do not come next.
DECLARE
    fit       boolean;
    caught_up jsonb;
BEGIN
    WITH given AS MATERIALIZED (
        SELECT no, cmd FROM jsonb_array_elements(commands) WITH ORDINALITY AS g (cmd, no)
    ), written AS MATERIALIZED (
        SELECT no, e.stream, e.version, e.own
        FROM given, jsonb_to_recordset(cmd->'events') AS e (stream text, version integer, own jsonb)
    ), used AS (
        SELECT no, stream, max(version) AS version, count(next) AS size, min(next) AS next
        FROM (
            SELECT no, r.stream, r.version::integer AS version, NULL::integer AS next
            FROM given, jsonb_each_text(cmd->'reads') AS r (stream, version)
            UNION ALL SELECT no, stream, NULL, version FROM written
        ) AS each
        GROUP BY no, stream
    ), placed AS MATERIALIZED (
        SELECT no, stream, version, size, next,
               coalesce((SELECT max(e.version) FROM stored_events e WHERE e.stream = used.stream::uuid), 0)
                   + coalesce(sum(size) OVER (PARTITION BY stream ORDER BY no
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::integer AS last
        FROM used
    ), passed AS MATERIALIZED (
        SELECT p.*, cmd->'beds_read'->stream AS beds
        FROM placed p JOIN given USING (no) WHERE version <> last
    )
    SELECT
        NOT EXISTS (SELECT FROM placed WHERE version IS NULL OR size > 0 AND next <> last + 1)
        AND NOT EXISTS (
            SELECT FROM passed p WHERE coalesce(p.beds, 'null') = 'null' OR p.last < p.version
                OR EXISTS (
                    SELECT FROM (
                        SELECT e.own FROM stored_events e
                        WHERE e.stream = p.stream::uuid AND e.version > p.version
                        UNION ALL
                        SELECT w.own FROM written w WHERE w.stream = p.stream AND w.no < p.no
                    ) AS e, jsonb_array_elements((e.own->'ended') || (e.own->'begun')) AS s
                    WHERE p.beds ? (s.value->>'bed'))),
        (SELECT jsonb_agg(cmd || jsonb_build_object('reads', (cmd->'reads') || coalesce((
             SELECT jsonb_object_agg(p.stream, p.last) FROM passed p WHERE p.no = given.no), '{}'))
             ORDER BY no) FROM given)
    INTO fit, caught_up;
    RETURN CASE WHEN fit THEN caught_up END;
END $$;
REVOKE ALL ON FUNCTION record.caught_up(jsonb) FROM PUBLIC;
