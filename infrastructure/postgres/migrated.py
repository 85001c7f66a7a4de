"""Check that a database's tables are those of this program: its revision, functions and read models.

Apart from what makes the tables, since most commands only look.
"""

from hashlib import sha256
from pathlib import Path

import psycopg
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.schema import CreateIndex, CreateTable

from domain.errors import ConfigurationError
from infrastructure.postgres.database import Database
from infrastructure.projections.projection import ReadModel
from infrastructure.read_models import READ_MODELS

MIGRATIONS = Path(__file__).resolve().parents[2] / "migrations"

FUNCTIONS = Path(__file__).resolve().parents[1] / "event_store" / "sql"
"""The current functions and views of the schemas ``record`` and ``audit``, one or a few a file."""


class NotMigrated(ConfigurationError):
    """The tables are not those of this program; run ``wardbook migrate``."""


def check_migrated(database: Database) -> None:
    """Compare revision, functions and read models with the program's. Raises NotMigrated."""
    with psycopg.connect(database.owner_url) as owner:
        revision = _value(owner, "SELECT to_regclass('alembic_version')::text")
        if revision is not None:
            revision = _value(owner, "SELECT version_num FROM alembic_version")
        comment = "SELECT obj_description(to_regnamespace(%s), 'pg_namespace')"
        functions = _value(owner, comment, "record")
        others = [
            model.name
            for model in READ_MODELS
            if _value(owner, comment, str(model.metadata.schema))
            not in (None, tables_comment(model))
        ]
    head = check_known(revision)
    if revision != head:
        state = f"The database is at {revision}" if revision else "The database has no tables yet"
        raise NotMigrated(f"{state}, this program needs {head}. Run: wardbook migrate")
    if functions != functions_comment():
        others.append("the functions of the log")
    if others:
        raise NotMigrated(
            f"The database differs from this program in {', '.join(others)}. Run: wardbook migrate"
        )


def check_known(revision: str | None) -> str:
    """Return this program's newest revision. Raises NotMigrated for one that is unknown to it."""
    revisions = known_revisions()
    if revision not in (None, *revisions):
        raise NotMigrated(
            f"The database is at {revision}, which a newer program made; this one knows up to"
            f" {revisions[-1]}. Run the newer program, or restore a backup of before."
        )
    return revisions[-1]


def known_revisions() -> list[str]:
    """Return the revisions of this program in order: what the names of their files begin with."""
    files = MIGRATIONS.joinpath("versions").glob("[0-9]*.py")
    return sorted(file.stem.partition("_")[0] for file in files)


def functions_comment() -> str:
    """Describe the schema of the log, with a digest of the files that its functions come from."""
    digest = sha256(b"".join(path.read_bytes() for path in sorted(FUNCTIONS.glob("*.sql"))))
    return f"The log of events and its claims. Functions: sha256 {digest.hexdigest()}"


def tables_comment(model: type[ReadModel]) -> str:
    """Describe the schema of a read model, with a digest of the statements that make its tables."""
    dialect = PGDialect()  # type: ignore[no-untyped-call]
    statements: list[str] = []
    for table in model.metadata.sorted_tables:
        indexes = sorted(table.indexes, key=lambda index: str(index.name))
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements += [str(CreateIndex(index).compile(dialect=dialect)) for index in indexes]
    digest = sha256("".join(statements).encode()).hexdigest()
    return f"Read model {model.name}. Tables: sha256 {digest}"


def _value(owner: psycopg.Connection, query: str, *values: str) -> str | None:
    row = owner.execute(query.encode(), values).fetchone()
    return row[0] if row else None
