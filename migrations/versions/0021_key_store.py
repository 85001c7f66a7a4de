"""Remember the key store of a log, and find what is of a patient, so that it can be erased.

Revision ID: 0021
Revises: 0020
"""

from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE record.key_store (
    only_one boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    store    text NOT NULL,
    since    timestamptz NOT NULL DEFAULT clock_timestamp()
);
COMMENT ON TABLE record.key_store IS
    'The key store by which the texts of this log are sealed: kept elsewhere, known again by its id.';
GRANT SELECT ON record.key_store TO wardbook_app;
CREATE INDEX stored_events_of_patient ON record.stored_events USING hash ((own->>'patient'))
    WHERE own->>'patient' IS NOT NULL;
COMMENT ON INDEX record.stored_events_of_patient IS 'What is said to be of a patient, from when on.';
CREATE INDEX stored_events_visits ON record.stored_events (patient)
    WHERE own ? 'source_visit' OR own ? 'waits_for';
COMMENT ON INDEX record.stored_events_visits IS 'The visits of other systems, by their patients.';
"""


def upgrade() -> None:
    op.execute(TABLES)


def downgrade() -> None:
    raise RuntimeError("sealed texts would be read as they are; restore a backup instead")
