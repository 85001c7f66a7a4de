CREATE OR REPLACE FUNCTION record.outcome_of_reads(cmd jsonb) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path = record, pg_catalog, pg_temp AS $$
-- Returns the outcome of a command that has read something older than it is: stale. Behind, with the
-- versions as they are, if all that has changed is who lies in other beds of a room than it looked at.
DECLARE
    versions jsonb;
    is_stale boolean;
BEGIN
    WITH passed AS MATERIALIZED (
        SELECT r.stream, r.version::integer AS version, last.version AS last
        FROM jsonb_each_text(cmd->'reads') AS r (stream, version),
            LATERAL (SELECT coalesce(max(e.version), 0) AS version FROM stored_events e
                     WHERE e.stream = r.stream::uuid) AS last
        WHERE r.version::integer <> last.version
    )
    SELECT jsonb_object_agg(p.stream, p.last), bool_or(
        coalesce(cmd->'beds_read'->p.stream, 'null') = 'null'
        OR p.last < p.version
        OR EXISTS (
            SELECT FROM stored_events e, jsonb_array_elements((e.own->'ended') || (e.own->'begun')) AS s
            WHERE e.stream = p.stream::uuid AND e.version > p.version
                AND cmd->'beds_read'->p.stream ? (s.value->>'bed')))
    INTO versions, is_stale FROM passed p;
    RETURN CASE
        WHEN versions IS NULL THEN NULL
        WHEN is_stale THEN jsonb_build_object('outcome', 'stale')
        ELSE jsonb_build_object('outcome', 'behind', 'versions', versions) END;
END $$;
REVOKE ALL ON FUNCTION record.outcome_of_reads(jsonb) FROM PUBLIC;
