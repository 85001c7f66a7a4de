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

RIGHTS = """
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA record FROM PUBLIC;
GRANT EXECUTE ON FUNCTION record.in_utc(timestamptz) TO wardbook_app;
GRANT SELECT ON record.kinds, record.stored_events, record.events TO wardbook_app;
"""


def upgrade() -> None:
    for part in (MOVED, TABLES, FUNCTIONS, VIEW, MOVE, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
