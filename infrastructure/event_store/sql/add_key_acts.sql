CREATE OR REPLACE FUNCTION audit.add_key_acts(of_act text, of_subjects text[], of_store text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
BEGIN
    -- Numbers are given and committed one after the other: no lower one comes after a higher one.
    LOCK TABLE key_acts IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO key_acts (act, subject, store, login)
    SELECT of_act, s.subject, of_store, session_user FROM unnest(of_subjects) AS s (subject)
    -- The command that erases and whoever goes on with it may both destroy a key: that is told once.
    WHERE of_act <> 'DESTROYED' OR NOT EXISTS (
        SELECT FROM key_acts k
        WHERE k.act = 'DESTROYED' AND k.subject = s.subject AND k.store = of_store);
END $$;
COMMENT ON FUNCTION audit.add_key_acts IS 'The one way into audit.key_acts.';
REVOKE ALL ON FUNCTION audit.add_key_acts(text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.add_key_acts(text, text[], text) TO wardbook_app;
