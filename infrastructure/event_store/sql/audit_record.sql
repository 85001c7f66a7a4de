CREATE OR REPLACE FUNCTION audit.record(readings jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
    -- Numbers are given and committed under the lock, shared by all who write: who holds it alone sees
    -- every row up to the last number.
    SELECT pg_advisory_xact_lock_shared(1463898722, 7);
    INSERT INTO accesses (issuer, subject, role, operation, purpose, patients, opened, outcome,
        entity, resources, shown, as_of, known_at, wards, on_behalf_of, token_id, address, server)
    SELECT issuer, subject, role, operation, purpose, patients, opened, coalesce(outcome, 'success'),
        entity, coalesce(resources, '{}'), coalesce(shown, cardinality(patients)), as_of, known_at,
        wards, on_behalf_of, token_id, address, server
    FROM jsonb_to_recordset(readings) AS r (issuer text, subject text, role text,
        operation text, purpose text, patients uuid[], opened uuid[], outcome text, entity text,
        resources uuid[], shown int, as_of timestamptz, known_at timestamptz, wards text[],
        on_behalf_of text, token_id text, address text, server text);
$$;
COMMENT ON FUNCTION audit.record IS 'The one way into audit.accesses.';
REVOKE ALL ON FUNCTION audit.record(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.record(jsonb) TO wardbook_app;
