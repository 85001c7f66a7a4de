"""Events are kept lean: the envelope in columns, ids as ids, nothing twice (docs/adr/0016).

``record.events`` becomes a view that shows each event whole, as before; it is read as before.

Revision ID: 0010
Revises: 0009
"""

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE record.kinds (
    no             integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    topic          text COLLATE "C" NOT NULL,
    schema_version integer NOT NULL CHECK (schema_version > 0),
    operation      text COLLATE "C" NOT NULL,
    UNIQUE (topic, schema_version, operation)
);
COMMENT ON TABLE record.kinds IS
    'What events are and which operation wrote them: few, so each event names one by its number.';

CREATE TABLE record.stored_events (
    position           bigint PRIMARY KEY CHECK (position > 0),
    stream             uuid NOT NULL,
    version            integer NOT NULL CHECK (version > 0),
    command_id         uuid NOT NULL,
    command_end        bigint NOT NULL CHECK (command_end >= position),
    recorded_at        timestamptz NOT NULL,
    kind               integer NOT NULL,
    occurred_at        timestamptz NOT NULL,
    patient            uuid,
    stay               uuid,
    key                text,
    digest             bytea NOT NULL,
    precision          text,
    issuer             text NOT NULL,
    subject            text NOT NULL,
    role               text NOT NULL,
    on_behalf_of       text,
    performed_by       text,
    witnessed_by       text,
    reason             text,
    source             text,
    source_id          text,
    source_recorded_at timestamptz,
    hospital           text NOT NULL,
    own                jsonb NOT NULL,
    UNIQUE (stream, version)
);
-- Made before the rows: a hash index of a filled table is sized for all of them, not for these few.
CREATE INDEX stored_events_fact ON record.stored_events USING hash (record.fact_of(own))
    WHERE record.fact_of(own) IS NOT NULL;
CREATE INDEX stored_events_cancel ON record.stored_events USING hash (((own->>'cancel')::uuid))
    WHERE (own->>'cancel')::uuid IS NOT NULL;
COMMENT ON TABLE record.stored_events IS
    'The source of truth: appended by record.append, never changed. The view events shows it whole.';
COMMENT ON COLUMN record.stored_events.command_end IS 'The last position of the event''s command.';
COMMENT ON COLUMN record.stored_events.kind IS
    'Of record.kinds. No foreign key: record.append takes it from there, and nobody else writes.';
COMMENT ON COLUMN record.stored_events.patient IS 'With stay and key: whom the event is about.';
COMMENT ON COLUMN record.stored_events.key IS
    'The key of the sealed fields; without the patient''s id, if it begins with that and a slash.';
COMMENT ON COLUMN record.stored_events.own IS 'What the event says beside its envelope.';
"""

FUNCTIONS = """
CREATE FUNCTION record.in_utc(moment timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS')
        || CASE WHEN date_trunc('second', moment) <> moment
           THEN to_char(moment AT TIME ZONE 'UTC', '.US') ELSE '' END || 'Z'
$$;
COMMENT ON FUNCTION record.in_utc IS 'A moment as events say it in JSON.';

CREATE FUNCTION record.told(events jsonb) RETURNS TABLE (
    n bigint, kind integer, stream uuid, version integer, occurred_at timestamptz, patient uuid,
    stay uuid, key text, digest bytea, "precision" text, issuer text, subject text, role text,
    on_behalf_of text, performed_by text, witnessed_by text, reason text, source text,
    source_id text, source_recorded_at timestamptz, hospital text, own jsonb)
LANGUAGE sql STABLE AS $$
    SELECT n, (SELECT no FROM record.kinds k WHERE k.topic = e.topic
                   AND k.schema_version = e.schema_version AND k.operation = e.operation),
        stream, version, occurred_at, patient, stay, key, digest, "precision", issuer, subject,
        role, on_behalf_of, performed_by, witnessed_by, reason, source, source_id,
        source_recorded_at, hospital, own
    FROM ROWS FROM (jsonb_to_recordset(events) AS (
        topic text, schema_version integer, operation text, stream uuid, version integer,
        occurred_at timestamptz, patient uuid, stay uuid, key text, digest bytea, "precision" text,
        issuer text, subject text, role text, on_behalf_of text, performed_by text,
        witnessed_by text, reason text, source text, source_id text,
        source_recorded_at timestamptz, hospital text, own jsonb)
    ) WITH ORDINALITY AS e (topic, schema_version, operation, stream, version, occurred_at,
        patient, stay, key, digest, "precision", issuer, subject, role, on_behalf_of, performed_by,
        witnessed_by, reason, source, source_id, source_recorded_at, hospital, own, n)
$$;
COMMENT ON FUNCTION record.told IS
    'The events of a command as it tells them; kind is NULL for one that is the first of its kind.';
"""

VIEW = """
CREATE VIEW record.events AS
SELECT position, stream, version,
    (SELECT k.topic FROM record.kinds k WHERE k.no = kind) AS topic,
    (SELECT k.schema_version FROM record.kinds k WHERE k.no = kind) AS schema_version,
    command_id, command_end, recorded_at,
    own || jsonb_build_object('originator_id', stream, 'originator_version', version,
        'entry', jsonb_strip_nulls(jsonb_build_object(
            'command_id', command_id,
            'operation', (SELECT k.operation FROM record.kinds k WHERE k.no = kind),
            'digest', encode(digest, 'hex'),
            'occurred_at', record.in_utc(occurred_at),
            'precision', precision,
            'recorded_by', jsonb_build_object('issuer', issuer, 'subject', subject, 'role', role,
                'on_behalf_of', on_behalf_of),
            'performed_by', performed_by,
            'witnessed_by', witnessed_by,
            'reason', reason,
            'source', CASE WHEN source IS NOT NULL THEN jsonb_build_object('system', source,
                'id', source_id, 'recorded_at', record.in_utc(source_recorded_at)) END,
            'hospital', hospital,
            'about', CASE WHEN patient IS NOT NULL THEN jsonb_build_object('patient', patient,
                'key_id', CASE WHEN key LIKE '/%' THEN patient || key ELSE key END,
                'stay', stay) END))) AS body,
    (SELECT k.operation FROM record.kinds k WHERE k.no = kind) AS operation,
    occurred_at, patient, stay, CASE WHEN key LIKE '/%' THEN patient || key ELSE key END AS key_id,
    digest, precision, issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason,
    source, source_id, source_recorded_at, hospital, own,
    record.fact_of(own) AS fact, (own->>'cancel')::uuid AS cancel
FROM record.stored_events;
COMMENT ON VIEW record.events IS
    'Every event: its place, its body as published, and the parts that the body is kept in.';
"""

MOVED = """
SELECT pg_advisory_xact_lock(1463898722, 1);
ALTER TABLE record.events RENAME TO former_events;
"""

MOVE = """
INSERT INTO record.kinds (topic, schema_version, operation)
SELECT topic, schema_version, body->'entry'->>'operation' FROM record.former_events
GROUP BY 1, 2, 3 ORDER BY min(position);
INSERT INTO record.stored_events
SELECT f.position, f.stream, f.version, f.command_id, f.command_end, f.recorded_at,
    (SELECT no FROM record.kinds k WHERE k.topic = f.topic
        AND k.schema_version = f.schema_version AND k.operation = e.operation),
    e.occurred_at, (e.about->>'patient')::uuid, (e.about->>'stay')::uuid,
    CASE WHEN starts_with(e.about->>'key_id', e.about->>'patient' || '/')
         THEN substr(e.about->>'key_id', 37) ELSE e.about->>'key_id' END,
    decode(e.digest, 'hex'), e.precision, e.recorded_by->>'issuer', e.recorded_by->>'subject',
    e.recorded_by->>'role', e.recorded_by->>'on_behalf_of', e.performed_by, e.witnessed_by,
    e.reason, e.source->>'system', e.source->>'id', (e.source->>'recorded_at')::timestamptz,
    e.hospital, f.body - '{originator_id,originator_version,entry}'::text[]
FROM record.former_events f, jsonb_to_record(f.body->'entry') AS e (
    operation text, digest text, occurred_at timestamptz, "precision" text, recorded_by jsonb,
    performed_by text, witnessed_by text, reason text, source jsonb, hospital text, about jsonb)
ORDER BY f.position;

DO $$
DECLARE
    other bigint;
BEGIN
    SELECT min(position) INTO other
    FROM record.former_events f FULL JOIN record.events e USING (position)
    WHERE (f.stream, f.version, f.topic, f.schema_version, f.command_id, f.command_end,
           f.recorded_at) IS DISTINCT FROM (e.stream, e.version, e.topic, e.schema_version,
           e.command_id, e.command_end, e.recorded_at)
        OR e.body IS DISTINCT FROM CASE
            WHEN f.body->'entry'->'source' ? 'recorded_at' -- the same moment, with any offset
            THEN jsonb_set(f.body, '{entry,source,recorded_at}', to_jsonb(record.in_utc(
                (f.body#>>'{entry,source,recorded_at}')::timestamptz)))
            ELSE f.body END;
    IF other IS NOT NULL THEN
        RAISE EXCEPTION 'the event at position % cannot be kept without loss', other;
    END IF;
END $$;
DROP TABLE record.former_events;
CREATE UNIQUE INDEX commands_recorded_at ON record.commands (recorded_at);
ANALYZE record.stored_events, record.kinds, record.commands;
"""

ONE_BY_ONE = """
CREATE OR REPLACE FUNCTION record.append_one_by_one(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends the commands in order, each in a subtransaction, and says what became of each.
-- To be called under the lock, so positions have no gaps and versions cannot be stale.
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
        SELECT * INTO earlier FROM record.commands c
            WHERE c.command_id = (cmd->>'command_id')::uuid;
        IF FOUND THEN
            outcome := jsonb_build_object('outcome', 'earlier', 'command', to_jsonb(earlier));
        ELSIF EXISTS (
            SELECT FROM jsonb_each_text(cmd->'reads') AS r (stream, version)
            WHERE r.version::integer <> coalesce(
                (SELECT max(e.version) FROM stored_events e WHERE e.stream = r.stream::uuid), 0)
        ) THEN
            outcome := jsonb_build_object('outcome', 'stale');
        ELSE
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
                WHERE version IS DISTINCT FROM nth + (cmd->'reads'->>stream)::integer
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
            FROM told(cmd->'events');

            INSERT INTO record.commands
            VALUES ((cmd->>'command_id')::uuid, cmd->>'operation', cmd->>'digest',
                    last_position + 1, last_position + event_count,
                    first_at + (event_count - 1) * interval '1 microsecond')
            RETURNING * INTO earlier;

            PERFORM claim(cmd);

            last_position := earlier.last_position;
            last_at := earlier.recorded_at;
            appended := true;
            outcome := jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(earlier));
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
"""

TOGETHER = """
CREATE OR REPLACE FUNCTION record.append_together(commands jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path = record, pg_catalog, pg_temp AS $$
-- Appends all of the commands, or nothing: then the answer is NULL, and nothing is said of why.
-- To be called under the lock. What it appends, append_one_by_one would append in the same way.
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
            OR bool_or(given ? 'recorded_at' OR given->'events' = '[]')
            OR bool_or(version::integer <> coalesce(
                (SELECT max(e.version) FROM stored_events e WHERE e.stream = read.stream::uuid), 0))
        FROM jsonb_array_elements(commands) AS given
        LEFT JOIN jsonb_each_text(given->'reads') AS read (stream, version) ON true
    ) THEN
        RETURN NULL; -- stale, perhaps; or one of them read what another one writes, or nothing
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
                   + row_number() OVER (PARTITION BY no, stream ORDER BY n) AS astray
        FROM command, told(events) AS e
    ), clear AS MATERIALIZED (
        SELECT NOT bool_or(astray) AS way FROM written
    ), appended AS (
        INSERT INTO stored_events
        SELECT last_position + place, stream, version, command_id, last_position + ends,
               first_at + (place - 1) * interval '1 microsecond',
               kind, occurred_at, patient, stay, key, digest, "precision",
               issuer, subject, role, on_behalf_of, performed_by, witnessed_by, reason, source,
               source_id, source_recorded_at, hospital, own
        FROM written WHERE (SELECT way FROM clear)
    ), remembered AS (
        INSERT INTO record.commands
        SELECT command_id, operation, digest, last_position + ends - size + 1,
               last_position + ends, first_at + (ends - 1) * interval '1 microsecond'
        FROM command WHERE (SELECT way FROM clear)
        RETURNING *
    )
    SELECT jsonb_agg(jsonb_build_object('outcome', 'recorded', 'command', to_jsonb(remembered))
                     ORDER BY first_position),
           max(remembered.last_position)
    INTO outcomes, reached FROM remembered;
    IF outcomes IS NULL THEN
        RETURN NULL;
    END IF;

    -- Claims in the order of the commands: nobody takes what only a later command gives up.
    FOR cmd IN
        SELECT value FROM jsonb_array_elements(commands)
        WHERE value ? 'restated' OR value->'unique' <> '[]'
    LOOP
        PERFORM claim(cmd);
    END LOOP;
    PERFORM pg_notify('wardbook_log', reached::text);
    RETURN outcomes;
EXCEPTION WHEN exclusion_violation OR unique_violation OR not_null_violation THEN
    RETURN NULL; -- a claim is taken, a command known, or a kind of event is the first of its kind
END $$;
"""

APPEND = """
-- The few rows of kinds are looked up for each event: by the index, whatever their number.
ALTER FUNCTION record.append(jsonb) SET enable_seqscan = off;
"""

RIGHTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.in_utc(timestamptz) TO wardbook_app;
GRANT SELECT ON record.kinds, record.stored_events, record.events TO wardbook_app;
"""


def upgrade() -> None:
    for part in (MOVED, TABLES, FUNCTIONS, VIEW, MOVE, ONE_BY_ONE, TOGETHER, APPEND, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
