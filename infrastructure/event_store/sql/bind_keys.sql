CREATE OR REPLACE FUNCTION record.bind_keys(store text) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    bound text;
BEGIN
    IF store IS NOT NULL THEN
        INSERT INTO key_store (store) VALUES (bind_keys.store) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            PERFORM audit.add_key_acts('BEGUN', ARRAY[NULL], bind_keys.store);
        END IF;
    END IF;
    SELECT k.store INTO bound FROM key_store k;
    RETURN bound;
END $$;
COMMENT ON FUNCTION record.bind_keys IS
    'Set the key store of a log that has none, and return the id of the one that it has.';
REVOKE ALL ON FUNCTION record.bind_keys(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.bind_keys(text) TO wardbook_app;
