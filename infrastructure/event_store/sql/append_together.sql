CREATE OR REPLACE FUNCTION record.append_together(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends all of the commands, or nothing and returns NULL without a reason. To be called under the lock
-- of record.append. What it appends, append_one_by_one would append in the same way.
DECLARE
    last_position bigint;
    first_at      timestamptz;
    claiming      jsonb;
    outcomes      jsonb;
    reached       bigint;
BEGIN
    IF commands = '[]' OR commands @? '$[*] ? (exists (@.recorded_at) || @.events.size() == 0)' THEN
        RETURN NULL; -- a clock from outside, or nothing to append
    END IF;
    SELECT e.position, e.recorded_at + interval '1 microsecond' INTO last_position, first_at
        FROM stored_events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    first_at := greatest(first_at, clock_timestamp());

    IF (
        SELECT count(*) <> count(DISTINCT stream) OR bool_or(version::integer <> coalesce(
            (SELECT max(e.version) FROM stored_events e -- those before would be read in vain
             WHERE e.stream = read.stream::uuid AND e.version >= read.version::integer), 0))
        FROM jsonb_array_elements(commands) AS given,
            jsonb_each_text(given->'reads') AS read (stream, version)
    ) THEN
        commands := caught_up(commands);
        IF commands IS NULL THEN
            RETURN NULL; -- stale, perhaps
        END IF;
    END IF;

    WITH command AS MATERIALIZED (
        SELECT *, jsonb_array_length(events) AS size,
               sum(jsonb_array_length(events)) OVER (ORDER BY no) AS ends
        FROM ROWS FROM (
            jsonb_to_recordset(commands) AS (
                command_id uuid, operation text, digest text, reads jsonb, events jsonb)
        ) WITH ORDINALITY AS given (command_id, operation, digest, reads, events, no)
    ), appended AS ( -- without a kind, it violates NOT NULL: one that does not follow what was read
        INSERT INTO stored_events
        SELECT last_position + ends - size + n, stream, version, command_id, last_position + ends,
               first_at + (ends - size + n - 1) * interval '1 microsecond',
               CASE WHEN version = (reads->>stream::text)::integer
                   + row_number() OVER (PARTITION BY no, stream ORDER BY n) THEN kind END,
               occurred_at, patient, stay, key, e.digest, "precision",
               issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason, source,
               source_id, source_recorded_at, hospital, own
        FROM command, event_rows(events) AS e
    ), recorded AS (
        INSERT INTO record.commands
        SELECT command_id, operation, digest, last_position + ends - size + 1,
               last_position + ends, first_at + (ends - 1) * interval '1 microsecond'
        FROM command
        RETURNING *
    )
    SELECT jsonb_agg(jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(recorded),
                                        'owners', '[]'::jsonb) ORDER BY first_position),
           max(recorded.last_position)
    INTO outcomes, reached FROM recorded;

    -- Claims in the order of the commands: nobody takes what only a later command gives up.
    claiming := jsonb_path_query_array(commands, '$[*] ? (exists (@.restated)
        || exists (@.persons_read) || exists (@.released) || @.unique.size() > 0)');
    FOR at IN 0 .. jsonb_array_length(claiming) - 1 LOOP
        PERFORM update_claims(claiming->at);
    END LOOP;
    PERFORM pg_notify('wardbook_log', reached::text);
    RETURN outcomes;
EXCEPTION WHEN exclusion_violation OR unique_violation OR not_null_violation THEN
    RETURN NULL; -- a claim is taken, a command known, an event the first of its kind or not the next
END $$;
REVOKE ALL ON FUNCTION record.append_together(jsonb) FROM PUBLIC;
