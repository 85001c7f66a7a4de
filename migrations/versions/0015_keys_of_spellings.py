"""Unique claims by key: spellings that are printed the same are the same.

Where two owners have one key, the one that claimed it first has it; the other keeps its spelling.

Revision ID: 0015
Revises: 0014
"""

import json
from uuid import UUID

from alembic import op
from sqlalchemy import text

from domain.unique_keys import KEYS, Unique, as_stored

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

CLAIMS = """
SELECT c.kind, c.key, c.owner FROM record.unique_claims c
WHERE c.kind IN ('mrn', 'room', 'source', 'staff-number')
ORDER BY (SELECT min(e.position) FROM record.stored_events e WHERE e.stream = c.owner), c.key
"""


def upgrade() -> None:
    connection = op.get_bind()
    owners: dict[Unique, UUID] = {}
    for kind, key, owner in connection.execute(text(CLAIMS)).all():
        parts = json.loads(key)
        claim = KEYS[kind](*parts)
        if claim in owners and owners[claim] != owner:
            claim = as_stored(kind, *parts)
        owners[claim] = owner
    connection.execute(
        text(
            "DELETE FROM record.unique_claims"
            " WHERE kind IN ('mrn', 'room', 'source', 'staff-number')"
        )
    )
    for claim, owner in owners.items():
        connection.execute(
            text("INSERT INTO record.unique_claims VALUES (:kind, :key, :owner)"),
            {"kind": claim.kind, "key": claim.key, "owner": owner},
        )


def downgrade() -> None:
    """Do nothing: no key tells in which spelling it was typed."""
