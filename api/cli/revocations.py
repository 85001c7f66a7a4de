"""The command ``revoke``: tokens that are taken no more though they have not expired."""

from typing import Annotated

import typer

from api.auth.local_issuer import ISSUER
from api.cli.terminal import moment, operator, out, settings, stop
from api.exit_codes import ExitCode
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.tokens.revocations import REFRESH_SECONDS
from infrastructure.tokens.revocations import revoke as add_revocation

app = typer.Typer()


@app.command(epilog="Example: wardbook revoke --subject ada --reason 'left the house'")
def revoke(
    reason: Annotated[str, typer.Option(help="Why; kept with the revocation.")],
    subject: Annotated[
        str | None, typer.Option(help="A login: all its tokens that were issued up to now.")
    ] = None,
    token_id: Annotated[str | None, typer.Option(help="One token, by its id (jti).")] = None,
    until: Annotated[
        str | None, typer.Option(help="Of a login: tokens issued up to then; now by default.")
    ] = None,
) -> None:
    """Revoke a token, or a login's tokens up to now; WebSockets of it end, too."""
    if (subject is None) == (token_id is None):
        stop("Give --subject or --token-id, one of the two.", ExitCode.USAGE)
    if not reason.strip():
        stop("Give a reason in words.", ExitCode.USAGE)
    configuration = settings()
    database = Database.of(configuration)
    check_migrated(database)
    add_revocation(
        database.owner_url,
        configuration.oidc_issuer or ISSUER,
        subject=subject,
        token_id=token_id,
        until=moment(until, "--until"),
        reason=reason.strip(),
        by=operator().subject,
    )
    out.print(f"Revoked; every server knows it within {2 * REFRESH_SECONDS:.0f} s.")
