CREATE OR REPLACE FUNCTION record.append_together(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends all of the commands, or nothing and returns NULL without a reason. To be called under the lock
-- of record.append. What it appends, append_one_by_one would append in the same way.
DECLARE
    last_position bigint;
    first_at      timestamptz;
    cmd           jsonb;
    outcomes      jsonb;
    reached       bigint;
BEGIN
    SELECT e.position, e.recorded_at + interval '1 microsecond' INTO last_position, first_at
        FROM stored_events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    first_at := greatest(first_at, clock_timestamp());

    IF (
        SELECT count(*) <> count(DISTINCT stream)
            OR bool_or(version::integer <> coalesce(
                (SELECT max(e.version) FROM stored_events e WHERE e.stream = read.stream::uuid), 0))
        FROM jsonb_array_elements(commands) AS given
        LEFT JOIN jsonb_each_text(given->'reads') AS read (stream, version) ON true
    ) THEN
        commands := caught_up(commands);
    END IF;
    IF commands IS NULL OR commands @? '$[*] ? (exists (@.recorded_at) || @.events.size() == 0)' THEN
        RETURN NULL; -- stale, perhaps; or a clock from outside, or nothing to append
    END IF;

    WITH command AS MATERIALIZED (
        SELECT *, jsonb_array_length(events) AS size,
               sum(jsonb_array_length(events)) OVER (ORDER BY no) AS ends
        FROM ROWS FROM (
            jsonb_to_recordset(commands) AS (
                command_id uuid, operation text, digest text, reads jsonb, events jsonb)
        ) WITH ORDINALITY AS given (command_id, operation, digest, reads, events, no)
    ), written AS MATERIALIZED (
        SELECT e.*, command_id, ends - size + n AS place, ends,
               version IS DISTINCT FROM (reads->>stream::text)::integer
                   + row_number() OVER (PARTITION BY no, stream ORDER BY n) AS out_of_order
        FROM command, event_rows(events) AS e
    ), checked AS MATERIALIZED (
        SELECT NOT bool_or(out_of_order) AS in_order FROM written
    ), appended AS (
        INSERT INTO stored_events
        SELECT last_position + place, stream, version, command_id, last_position + ends,
               first_at + (place - 1) * interval '1 microsecond',
               kind, occurred_at, patient, stay, key, digest, "precision",
               issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason, source,
               source_id, source_recorded_at, hospital, own
        FROM written WHERE (SELECT in_order FROM checked)
    ), recorded AS (
        INSERT INTO record.commands
        SELECT command_id, operation, digest, last_position + ends - size + 1,
               last_position + ends, first_at + (ends - 1) * interval '1 microsecond'
        FROM command WHERE (SELECT in_order FROM checked)
        RETURNING *
    )
    SELECT jsonb_agg(jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(recorded))
                     ORDER BY first_position),
           max(recorded.last_position)
    INTO outcomes, reached FROM recorded;
    IF outcomes IS NULL THEN
        RETURN NULL;
    END IF;

    -- Claims in the order of the commands: nobody takes what only a later command gives up.
    FOR cmd IN
        SELECT value FROM jsonb_array_elements(commands)
        WHERE value ? 'restated' OR value ? 'persons_read' OR value->'unique' <> '[]'
    LOOP
        PERFORM update_claims(cmd);
    END LOOP;
    PERFORM pg_notify('wardbook_log', reached::text);
    RETURN outcomes;
EXCEPTION WHEN exclusion_violation OR unique_violation OR not_null_violation THEN
    RETURN NULL; -- a claim is taken, a command known, or a kind of event is the first of its kind
END $$;
REVOKE ALL ON FUNCTION record.append_together(jsonb) FROM PUBLIC;
