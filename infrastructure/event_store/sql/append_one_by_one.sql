CREATE OR REPLACE FUNCTION record.append_one_by_one(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends commands in order, each in a subtransaction; returns the outcome of each. To be called under
-- the lock of record.append, so that positions have no gaps and versions cannot be stale.
DECLARE
    log_kind      text;
    last_position bigint;
    last_at       timestamptz;
    cmd           jsonb;
    earlier       record.commands;
    event_count   integer;
    first_at      timestamptz;
    broken        text;
    outcome       jsonb;
    outcomes      jsonb := '[]';
    appended      boolean := false;
    at            integer := 0;
BEGIN
    SELECT log.kind INTO STRICT log_kind FROM log;
    SELECT e.position, e.recorded_at INTO last_position, last_at
        FROM stored_events e ORDER BY e.position DESC LIMIT 1;
    last_position := coalesce(last_position, 0);
    last_at := coalesce(last_at, '-infinity');

    WHILE at < jsonb_array_length(commands) LOOP
    BEGIN
        cmd := commands->at;
        outcome := NULL;
        SELECT * INTO earlier FROM record.commands c
            WHERE c.command_id = (cmd->>'command_id')::uuid;
        IF FOUND THEN
            outcome := jsonb_build_object('outcome', 'earlier', 'command', to_jsonb(earlier));
        END IF;
        IF outcome IS NULL THEN
            outcome := outcome_of_reads(cmd);
        END IF;
        IF outcome IS NULL THEN
            event_count := jsonb_array_length(cmd->'events');
            IF event_count = 0 THEN
                RAISE EXCEPTION 'a command writes at least one event';
            END IF;
            IF EXISTS (
                SELECT FROM (
                    SELECT stream, version, row_number() OVER (PARTITION BY stream ORDER BY n) AS nth
                    FROM ROWS FROM (
                        jsonb_to_recordset(cmd->'events') AS (stream text, version integer)
                    ) WITH ORDINALITY AS e (stream, version, n)
                ) AS written
                WHERE NOT cmd->'reads' ? stream OR version IS DISTINCT FROM nth + coalesce(
                    (SELECT max(e.version) FROM stored_events e WHERE e.stream = written.stream::uuid), 0)
            ) THEN
                RAISE EXCEPTION 'events do not follow the versions that were read';
            END IF;

            first_at := clock_timestamp();
            IF cmd ? 'recorded_at' THEN
                IF log_kind <> 'simulated' THEN
                    RAISE EXCEPTION 'only a simulated log takes its clock from outside';
                END IF;
                first_at := (cmd->>'recorded_at')::timestamptz;
            END IF;
            first_at := greatest(first_at, last_at + interval '1 microsecond');

            INSERT INTO stored_events
            SELECT last_position + n, stream, version, (cmd->>'command_id')::uuid,
                   last_position + event_count, first_at + (n - 1) * interval '1 microsecond',
                   kind, occurred_at, patient, stay, key, digest, "precision",
                   issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason, source,
                   source_id, source_recorded_at, hospital, own
            FROM event_rows(cmd->'events');

            INSERT INTO record.commands
            VALUES ((cmd->>'command_id')::uuid, cmd->>'operation', cmd->>'digest',
                    last_position + 1, last_position + event_count,
                    first_at + (event_count - 1) * interval '1 microsecond')
            RETURNING * INTO earlier;

            PERFORM update_claims(cmd);

            last_position := earlier.last_position;
            last_at := earlier.recorded_at;
            appended := true;
            outcome := jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(earlier),
                                          'owners', '[]'::jsonb);
        END IF;
    EXCEPTION WHEN exclusion_violation OR unique_violation THEN
        GET STACKED DIAGNOSTICS broken = CONSTRAINT_NAME;
        outcome := jsonb_build_object('outcome', 'taken', 'claim', broken);
    WHEN not_null_violation THEN -- an event is the first of its kind: once more, with its number
        INSERT INTO kinds (topic, schema_version, operation)
        SELECT e.topic, e.schema_version, e.operation
        FROM jsonb_to_recordset(cmd->'events')
            AS e (topic text, schema_version integer, operation text)
        EXCEPT SELECT topic, schema_version, operation FROM kinds;
        IF NOT FOUND THEN
            RAISE; -- something else is missing
        END IF;
        CONTINUE;
    END;
    outcomes := outcomes || outcome;
    at := at + 1;
    END LOOP;

    IF appended THEN
        PERFORM pg_notify('wardbook_log', last_position::text);
    END IF;
    RETURN outcomes;
END $$;
REVOKE ALL ON FUNCTION record.append_one_by_one(jsonb) FROM PUBLIC;
