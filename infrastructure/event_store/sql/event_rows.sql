CREATE OR REPLACE FUNCTION record.event_rows(events jsonb) RETURNS TABLE (
    n bigint, kind integer, stream uuid, version integer, occurred_at timestamptz, patient uuid,
    stay uuid, key text, digest bytea, "precision" text, issuer text, subject text, role text,
    on_behalf_of text, performed_by text, witnessed_by text, reason text, source text,
    source_id text, source_recorded_at timestamptz, hospital text, own jsonb)
LANGUAGE sql STABLE AS $$
    SELECT n, (SELECT no FROM record.kinds k WHERE k.topic = e.topic
                   AND k.schema_version = e.schema_version AND k.operation = e.operation),
        stream, version, occurred_at, patient, stay, key, digest, "precision", issuer, subject,
        role, on_behalf_of, performed_by, witnessed_by, reason, source, source_id,
        source_recorded_at, hospital, own
    FROM ROWS FROM (jsonb_to_recordset(events) AS (
        topic text, schema_version integer, operation text, stream uuid, version integer,
        occurred_at timestamptz, patient uuid, stay uuid, key text, digest bytea, "precision" text,
        issuer text, subject text, role text, on_behalf_of text, performed_by text,
        witnessed_by text, reason text, source text, source_id text,
        source_recorded_at timestamptz, hospital text, own jsonb)
    ) WITH ORDINALITY AS e (topic, schema_version, operation, stream, version, occurred_at,
        patient, stay, key, digest, "precision", issuer, subject, role, on_behalf_of, performed_by,
        witnessed_by, reason, source, source_id, source_recorded_at, hospital, own, n)
$$;
COMMENT ON FUNCTION record.event_rows IS
    'The events of a command as rows of stored_events; kind is NULL for the first of its kind.';
REVOKE ALL ON FUNCTION record.event_rows(jsonb) FROM PUBLIC;
