"""The record: tables of the log, of commands and of claims; its functions come from SQL files.

Revision ID: 0001
Revises:
"""

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE SCHEMA record;

CREATE TABLE record.log (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    log_id     uuid NOT NULL DEFAULT gen_random_uuid(),
    epoch      integer NOT NULL DEFAULT 1,
    kind       text NOT NULL CHECK (kind IN ('real', 'simulated')),
    opened_at  timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE record.log IS
    'What this log is. A simulated log takes its recording clock from the simulator, for ever.';

CREATE TABLE record.commands (
    command_id     uuid PRIMARY KEY,
    operation      text NOT NULL,
    digest         text NOT NULL,
    first_position bigint NOT NULL,
    last_position  bigint NOT NULL,
    recorded_at    timestamptz NOT NULL
);
COMMENT ON TABLE record.commands IS 'Accepted commands; can be rebuilt from the events.';

CREATE TABLE record.events (
    position       bigint PRIMARY KEY CHECK (position > 0),
    stream         uuid NOT NULL,
    version        integer NOT NULL CHECK (version > 0),
    topic          text NOT NULL,
    schema_version integer NOT NULL CHECK (schema_version > 0),
    command_id     uuid NOT NULL,
    command_end    bigint NOT NULL CHECK (command_end >= position),
    recorded_at    timestamptz NOT NULL UNIQUE,
    body           jsonb NOT NULL,
    UNIQUE (stream, version)
);
COMMENT ON TABLE record.events IS 'The source of truth: appended by record.append, never changed.';
COMMENT ON COLUMN record.events.command_end IS 'The last position of the event''s command.';

CREATE TABLE record.subjects (
    no      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text NOT NULL UNIQUE
);
COMMENT ON TABLE record.subjects IS
    'Numbers for beds and persons: core GiST excludes over ranges of numbers, not over text.';

CREATE TABLE record.bed_claims (
    bed_no        bigint NOT NULL REFERENCES record.subjects,
    room          uuid NOT NULL,
    bed           text NOT NULL,
    stay          uuid NOT NULL,
    during        tstzrange NOT NULL CHECK (NOT isempty(during)),
    kept          boolean NOT NULL,
    shares_bed_of uuid,
    CONSTRAINT one_stay_per_bed EXCLUDE USING gist
        (int8range(bed_no, bed_no, '[]') WITH &&, during WITH &&) WHERE (shares_bed_of IS NULL)
);
CREATE INDEX bed_claims_stay ON record.bed_claims (stay);
CREATE INDEX bed_claims_room ON record.bed_claims (room);
CREATE INDEX bed_claims_shared ON record.bed_claims (shares_bed_of)
    WHERE shares_bed_of IS NOT NULL;
COMMENT ON TABLE record.bed_claims IS 'Who has which bed, as held true now.';

CREATE TABLE record.person_claims (
    person_no bigint NOT NULL REFERENCES record.subjects,
    person    uuid NOT NULL,
    stay      uuid NOT NULL,
    during    tstzrange NOT NULL,
    CONSTRAINT one_stay_per_person EXCLUDE USING gist
        (int8range(person_no, person_no, '[]') WITH &&, during WITH &&)
);
CREATE INDEX person_claims_stay ON record.person_claims (stay);
CREATE INDEX person_claims_person ON record.person_claims (person);
COMMENT ON TABLE record.person_claims IS 'Who is in the hospital, as held true now.';

CREATE TABLE record.unique_claims (
    kind  text NOT NULL,
    key   text NOT NULL,
    owner uuid NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX unique_claims_owner ON record.unique_claims (owner);
COMMENT ON TABLE record.unique_claims IS 'MRNs, room numbers, staff numbers: one owner each.';
"""

RIGHTS = """
DO $$ BEGIN
    -- an owner who may make no role finds it made: the right is looked at before the name
    IF to_regrole('wardbook_app') IS NULL THEN CREATE ROLE wardbook_app LOGIN; END IF;
EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
END $$;
DO $$ BEGIN
    GRANT wardbook_app TO CURRENT_USER; -- so that one login of the owner's can work as it
EXCEPTION WHEN insufficient_privilege THEN NULL;
END $$;
GRANT USAGE ON SCHEMA record TO wardbook_app;
GRANT SELECT ON ALL TABLES IN SCHEMA record TO wardbook_app;
"""


def upgrade() -> None:
    for part in (TABLES, RIGHTS):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
