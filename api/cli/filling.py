"""Filling of the read models before a command reads them: by itself, for who imports no more."""

from api.cli.terminal import progress
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.projections.runner import ProjectionRunner


def fill(database: Database) -> None:
    """Bring the read models up to the end of the log, with a progress bar.

    Where another process keeps them up to date, waits for that one.
    """
    with progress("Read models") as tell, reduced_garbage_collection():
        ProjectionRunner(database.app_url, tell).catch_up()
