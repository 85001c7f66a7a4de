CREATE OR REPLACE FUNCTION record.fact_of(body jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(body->>'movement', body->>'visit', body->>'administration', body->>'merge')::uuid
$$;
COMMENT ON FUNCTION record.fact_of IS 'The movement, visit, dose or merge that an event tells of.';
REVOKE ALL ON FUNCTION record.fact_of(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.fact_of(jsonb) TO wardbook_app;

CREATE OR REPLACE FUNCTION record.in_utc(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        || CASE WHEN date_trunc('second', moment) <> moment
           THEN to_char(moment AT TIME ZONE 'UTC', '.US') ELSE '' END || 'Z'
$$;
COMMENT ON FUNCTION record.in_utc IS 'A moment as events say it in JSON.';
REVOKE ALL ON FUNCTION record.in_utc(timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.in_utc(timestamptz) TO wardbook_app;

CREATE OR REPLACE VIEW record.events AS
SELECT position, stream, version,
    (SELECT k.topic FROM record.kinds k WHERE k.no = kind) AS topic,
    (SELECT k.schema_version FROM record.kinds k WHERE k.no = kind) AS schema_version,
    command_id, command_end, recorded_at,
    own || jsonb_build_object('originator_id', stream, 'originator_version', version,
        'entry', jsonb_strip_nulls(jsonb_build_object(
            'command_id', command_id,
            'operation', (SELECT k.operation FROM record.kinds k WHERE k.no = kind),
            'digest', encode(digest, 'hex'),
            'occurred_at', record.in_utc(occurred_at),
            'precision', precision,
            'recorded_by', jsonb_build_object('issuer', issuer, 'subject', subject, 'role', role,
                'on_behalf_of', on_behalf_of),
            'performed_by', performed_by,
            'witnessed_by', witnessed_by,
            'reason', reason,
            'source', CASE WHEN source IS NOT NULL THEN jsonb_build_object('system', source,
                'id', source_id, 'recorded_at', record.in_utc(source_recorded_at)) END,
            'hospital', hospital,
            'about', CASE WHEN patient IS NOT NULL THEN jsonb_build_object('patient', patient,
                'key_id', CASE WHEN key LIKE '/%' THEN patient || key ELSE key END,
                'stay', stay) END))) AS body,
    (SELECT k.operation FROM record.kinds k WHERE k.no = kind) AS operation,
    occurred_at, patient, stay, CASE WHEN key LIKE '/%' THEN patient || key ELSE key END AS key_id,
    digest, precision, issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason,
    source, source_id, source_recorded_at, hospital, own,
    record.fact_of(own) AS fact, (own->>'cancel')::uuid AS cancel,
    (own->>'change')::uuid AS change, (own->>'consult')::uuid AS consult
FROM record.stored_events;
COMMENT ON VIEW record.events IS
    'Every event: its place, its body as published, and the parts that the body is kept in.';
GRANT SELECT ON record.events TO wardbook_app;
