CREATE OR REPLACE FUNCTION record.gather_statistics(schemas text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET lock_timeout = '1ms' AS $$
DECLARE
    small record;
BEGIN
    -- Then all connections plan anew what reads the table. No plan of two pages takes them for none, and
    -- from a hundred on the server's own turn, once a minute, is soon enough.
    FOR small IN
        SELECT c.oid::regclass AS name, c.relpages AS pages FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = ANY(schemas) AND c.relkind = 'r' AND c.relpages < 64
    LOOP
        BEGIN
            IF pg_relation_size(small.name) / 8192 BETWEEN greatest(2, 8 * small.pages) AND 1024 THEN
                EXECUTE format('ANALYZE (SKIP_LOCKED) %s', small.name);
            END IF;
        EXCEPTION WHEN lock_not_available THEN
            NULL; -- to ask for the size of a table waits for who locks it: another time
        END;
    END LOOP;
END $$;
COMMENT ON FUNCTION record.gather_statistics IS
    'Tells the planner of tables that have grown eightfold since it heard of them.';
REVOKE ALL ON FUNCTION record.gather_statistics(text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.gather_statistics(text[]) TO wardbook_app;
