"""The command ``wardbook`` and its subcommands."""

import logging

import typer

from api.cli import (
    analysis,
    backups,
    imports,
    projections,
    queries,
    reports,
    restatements,
    revocations,
    schema,
    server,
    verification,
)
from api.cli.terminal import stop
from api.errors import response_to

app = typer.Typer(
    name="wardbook",
    help="Wardbook: the hospital's record of every stay.\n\n"
    "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 no database, 4 a check failed.",
    no_args_is_help=True,
    pretty_exceptions_show_locals=False,
    add_completion=False,
)
for commands in (
    server.app,
    imports.app,
    queries.app,
    reports.app,
    restatements.app,
    revocations.app,
    analysis.app,
    schema.app,
    projections.app,
    verification.app,
    backups.app,
):
    app.registered_commands += commands.registered_commands
    app.registered_groups += commands.registered_groups


def main() -> None:
    """Run the command line; an error ends it with a sentence and an exit code."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    try:
        try:
            app()
        except Exception as error:
            response = response_to(error)
            if response.exit_code is None:
                raise
            stop(response.advice, response.exit_code)
    except typer.Exit as ended:
        raise SystemExit(ended.exit_code) from None
