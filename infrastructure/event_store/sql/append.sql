CREATE OR REPLACE FUNCTION record.append(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp
-- Plans are made once for each connection, perhaps on empty tables: each finds its rows by an index.
SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
-- Appends a batch of commands in order, each whole or not at all; returns the outcome of each.
-- Everything is read after the lock is held, so positions have no gaps and versions cannot be stale.
-- What is recorded has the owners, as of then, of the kinds of claims that its command asks for.
DECLARE
    outcomes jsonb;
BEGIN
    PERFORM pg_advisory_xact_lock(1463898722, 1);
    outcomes := coalesce(append_together(commands), append_one_by_one(commands));
    IF NOT commands @? '$[*].asks' THEN
        RETURN outcomes;
    END IF;
    RETURN (
        SELECT coalesce(jsonb_agg(outcome || jsonb_build_object('owners', (
            SELECT coalesce(jsonb_agg(DISTINCT u.owner ORDER BY u.owner), '[]')
            FROM jsonb_array_elements_text(cmd->'asks') AS k (kind),
                LATERAL (SELECT c.owner FROM unique_claims c WHERE c.kind = k.kind OFFSET 0) AS u
        )) ORDER BY n), '[]')
        FROM ROWS FROM (jsonb_array_elements(commands), jsonb_array_elements(outcomes))
            WITH ORDINALITY AS each (cmd, outcome, n)
    );
END $$;
COMMENT ON FUNCTION record.append IS 'The one way into the log.';
REVOKE ALL ON FUNCTION record.append(jsonb) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.append(jsonb) TO wardbook_app;
