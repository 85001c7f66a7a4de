CREATE OR REPLACE FUNCTION record.gather_statistics(schemas text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1ms' AS $$
DECLARE
    grown regclass;
BEGIN
    -- Then all connections plan anew what reads the table. No plan of two pages takes them for none, and
    -- from a hundred on the server's own turn, once a minute, is soon enough.
    FOR grown IN
        SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY(schemas) AND c.relkind = 'r' AND c.relpages < 64
            AND pg_relation_size(c.oid) >= greatest(2, 8 * c.relpages) * 8192
    LOOP
        EXECUTE format('ANALYZE (SKIP_LOCKED) %s', grown);
    END LOOP;
EXCEPTION WHEN lock_not_available THEN
    RETURN; -- to ask for the size of a table that somebody locks would wait for him: another time
END $$;
COMMENT ON FUNCTION record.gather_statistics IS
    'Tells the planner of tables that have grown eightfold since it heard of them.';
REVOKE ALL ON FUNCTION record.gather_statistics(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.gather_statistics(text[]) TO wardbook_app;
