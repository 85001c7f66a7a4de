CREATE OR REPLACE FUNCTION record.open_log(wanted_kind text) RETURNS record.log
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    opened record.log;
BEGIN
    INSERT INTO log (kind) VALUES (wanted_kind) ON CONFLICT DO NOTHING;
    SELECT * INTO STRICT opened FROM log;
    RETURN opened;
END $$;
COMMENT ON FUNCTION record.open_log IS 'Set the kind of an empty log, and return what the log is.';
REVOKE ALL ON FUNCTION record.open_log(text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.open_log(text) TO wardbook_app;
