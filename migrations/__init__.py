"""Every table, by alembic."""
