CREATE OR REPLACE FUNCTION audit.add_key_acts(of_act text, of_subjects text[], of_store text)
RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = audit, pg_catalog, pg_temp AS $$
BEGIN
    -- Numbers are given and committed one after the other: no lower one comes after a higher one.
    LOCK TABLE key_acts IN SHARE ROW EXCLUSIVE MODE;
    INSERT INTO key_acts (act, subject, store, login)
    SELECT of_act, subject, of_store, session_user FROM unnest(of_subjects) AS subject;
END $$;
COMMENT ON FUNCTION audit.add_key_acts IS 'The one way into audit.key_acts.';
REVOKE ALL ON FUNCTION audit.add_key_acts(text, text[], text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION audit.add_key_acts(text, text[], text) TO wardbook_app;
