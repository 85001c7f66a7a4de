CREATE OR REPLACE FUNCTION record.outcome_of_reads(cmd jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = record, pg_catalog, pg_temp AS $$
-- Returns the outcome of a command that has read something older than it is: stale, unless all that has
-- changed is who lies in other beds of a room than it looked at. Of one whose events do not come next in
-- such a room: behind, with the versions as they are.
DECLARE
    versions jsonb;
    is_stale boolean;
BEGIN
    WITH read AS MATERIALIZED (
        SELECT r.stream, r.version::integer AS version, last.version AS last,
               cmd->'beds_read'->r.stream AS beds
        FROM jsonb_each_text(cmd->'reads') AS r (stream, version),
            LATERAL (SELECT coalesce(max(e.version), 0) AS version FROM stored_events e
                     WHERE e.stream = r.stream::uuid) AS last
        WHERE r.version::integer <> last.version OR cmd->'beds_read' ? r.stream
    )
    SELECT
        jsonb_object_agg(r.stream, r.last) FILTER (WHERE r.last + 1 <> (
            SELECT min(e.version) FROM jsonb_to_recordset(cmd->'events')
                AS e (stream text, version integer) WHERE e.stream = r.stream)),
        bool_or(r.version <> r.last AND (
            coalesce(r.beds, 'null') = 'null'
            OR r.last < r.version
            OR EXISTS (
                SELECT FROM stored_events e,
                    jsonb_array_elements((e.own->'ended') || (e.own->'begun')) AS s
                WHERE e.stream = r.stream::uuid AND e.version > r.version
                    AND r.beds ? (s.value->>'bed'))))
    INTO versions, is_stale FROM read r;
    RETURN CASE
        WHEN is_stale THEN jsonb_build_object('outcome', 'stale')
        WHEN versions IS NOT NULL THEN jsonb_build_object('outcome', 'behind', 'versions', versions) END;
END $$;
REVOKE ALL ON FUNCTION record.outcome_of_reads(jsonb) FROM PUBLIC;
