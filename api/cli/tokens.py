"""The command ``token``."""

import sys
from typing import Annotated

import typer

from api.auth.local_issuer import HOURS, KEY_FILE, LocalIssuer
from application.authorization.role import Role
from infrastructure.settings import from_environment

app = typer.Typer()


@app.command(epilog="Example: wardbook token --role nurse --subject ada --ward Surgery --hours 8")
def token(
    role: Annotated[Role, typer.Option(help="What its holder may do.")] = Role.ADMIN,
    subject: Annotated[str, typer.Option(help="Whose it is, as facts will say.")] = "local",
    ward: Annotated[
        list[str] | None, typer.Option(help="A ward it is for, once for each; else the house.")
    ] = None,
    hours: Annotated[
        float, typer.Option(min=0.01, max=24 * 366, help="How long it holds.")
    ] = HOURS,
    link: Annotated[
        bool, typer.Option("--link", help="Print a link that opens the page with it instead.")
    ] = False,
    address: Annotated[
        str, typer.Option(help="The address of the server that the link leads to.")
    ] = "http://127.0.0.1:8000",
) -> None:
    """Print a token for a server on this machine only."""
    home = from_environment().home
    is_new = not (home / KEY_FILE).exists()
    text = LocalIssuer.of(home).make(role, subject, ward or (), hours)
    if is_new:
        sys.stderr.write(
            f"No server was started with {home} yet: the token is for one that will be.\n"
        )
    sys.stdout.write(f"{address.rstrip('/')}/#token={text}\n" if link else f"{text}\n")
