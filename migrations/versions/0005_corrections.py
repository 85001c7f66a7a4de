"""Corrections: an index of facts by their ids.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

FACTS = """
CREATE FUNCTION record.fact_of(body jsonb) RETURNS uuid
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(body->>'movement', body->>'visit', body->>'administration', body->>'merge')::uuid
$$;
COMMENT ON FUNCTION record.fact_of IS 'The movement, visit, dose or merge that an event tells of.';
GRANT EXECUTE ON FUNCTION record.fact_of(jsonb) TO wardbook_app;
CREATE INDEX events_fact ON record.events USING hash (record.fact_of(body))
    WHERE record.fact_of(body) IS NOT NULL;
CREATE INDEX events_cancel ON record.events USING hash (((body->>'cancel')::uuid))
    WHERE body ? 'cancel';
"""

GONE = """
DROP SCHEMA IF EXISTS patients_v1 CASCADE;
DROP SCHEMA IF EXISTS timeline_v1 CASCADE;
"""


def upgrade() -> None:
    for part in (FACTS, GONE):
        op.execute(part)


def downgrade() -> None:
    raise RuntimeError("the record is never taken back; restore a backup instead")
