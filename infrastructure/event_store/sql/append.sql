CREATE OR REPLACE FUNCTION record.append(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp
-- Plans are made once for each connection, perhaps on empty tables: each finds its rows by an index.
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
-- Appends a batch of commands in order, each whole or not at all; returns the outcome of each.
-- Everything is read after the lock is held, so positions have no gaps and versions cannot be stale.
BEGIN
    PERFORM pg_advisory_xact_lock(1463898722, 1);
    RETURN coalesce(
        CASE WHEN jsonb_array_length(commands) > 1 THEN append_together(commands) END,
        append_one_by_one(commands));
END $$;
COMMENT ON FUNCTION record.append IS 'The one way into the log.';
REVOKE ALL ON FUNCTION record.append(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.append(jsonb) TO wardbook_app;
