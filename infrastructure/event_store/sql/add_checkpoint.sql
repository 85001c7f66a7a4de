CREATE OR REPLACE FUNCTION record.add_checkpoint(of_tree text, of_epoch integer, of_size bigint,
    of_last bigint, of_note text, of_frontier bytea, of_leaves bytea) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = record, pg_catalog, pg_temp AS $$
DECLARE
    before bigint;
BEGIN
    SELECT c.size INTO before FROM checkpoints c WHERE c.tree = of_tree
        ORDER BY c.no DESC LIMIT 1;
    IF coalesce(before, 0) + octet_length(of_leaves) / 32 <> of_size
       OR of_epoch IS DISTINCT FROM (SELECT l.epoch FROM log l) THEN
        RAISE EXCEPTION 'a checkpoint follows the newest one, in the epoch of the log';
    END IF;
    INSERT INTO checkpoints (tree, size, epoch, last, note, frontier, leaves)
    VALUES (of_tree, of_size, of_epoch, of_last, of_note, of_frontier, of_leaves);
END $$;
COMMENT ON FUNCTION record.add_checkpoint IS 'The one way into record.checkpoints.';
REVOKE ALL ON FUNCTION
    record.add_checkpoint(text, integer, bigint, bigint, text, bytea, bytea) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION
    record.add_checkpoint(text, integer, bigint, bigint, text, bytea, bytea) TO wardbook_app;
