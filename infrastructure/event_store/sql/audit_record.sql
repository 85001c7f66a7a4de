CREATE OR REPLACE FUNCTION audit.record(readings jsonb) RETURNS void
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
    INSERT INTO accesses (issuer, subject, role, operation, purpose, patients, opened)
    SELECT issuer, subject, role, operation, purpose, patients, opened
    FROM jsonb_to_recordset(readings) AS r (issuer text, subject text, role text,
        operation text, purpose text, patients uuid[], opened uuid[]);
$$;
COMMENT ON FUNCTION audit.record IS 'The one way into audit.accesses.';
REVOKE ALL ON FUNCTION audit.record(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.record(jsonb) TO wardbook_app;
