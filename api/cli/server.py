"""The commands ``serve``, ``worker`` and ``migrate``."""

import signal
import tempfile
from collections.abc import Sequence
from pathlib import Path
from socket import socket
from threading import Thread
from typing import Annotated

import typer

from api.auth.authentication import Authenticator, is_loopback
from api.auth.local_issuer import HOURS
from api.auth.local_tokens import LocalTokens
from api.auth.oidc import OidcAuthenticator
from api.cli.terminal import out, settings, stop
from api.exit_codes import ExitCode
from api.hl7.mllp import Endpoint, check_address, tls
from api.hl7.sending import sending_systems
from api.http.app import app as app_of
from api.http.persisted_documents import TrustedDocuments
from api.http.server import listen, run
from api.telemetry import logs
from infrastructure import tracing
from infrastructure.event_store.mapper import ParkingMapper
from infrastructure.evidence.checkpoints import CheckpointRunner
from infrastructure.postgres.administrator import ADMINISTRATOR_SQL
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import (
    create_missing_read_models,
    migrate,
    schema_differences,
)
from infrastructure.postgres.migrated import check_migrated
from infrastructure.postgres.sessions import check_session
from infrastructure.projections.gc_tuning import (
    reduced_garbage_collection,
    short_garbage_collection,
)
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings, check_no_demo, is_demo

app = typer.Typer()

Host = Annotated[str, typer.Option(help="Address to listen on.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: a free one.")]
ShowToken = Annotated[bool, typer.Option("--show-token", help="Print an admin's token, too.")]


@app.command(epilog="Example: wardbook serve --port 8000")
def serve(
    host: Host = "127.0.0.1",
    port: Port = 8000,
    worker: Annotated[
        bool, typer.Option(help="Keep the read models up to date inside this process.")
    ] = True,
    show_token: ShowToken = False,
    hl7: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Take HL7 v2 over MLLP on this port, too.")
    ] = None,
    hl7_config: Annotated[
        Path | None, typer.Option(help="File of a sending system (TOML), or a folder.")
    ] = None,
    hl7_host: Annotated[
        str, typer.Option(help="Address of this door; without TLS, one of this machine.")
    ] = ("127.0.0.1"),
    hl7_certificate: Annotated[
        Path | None, typer.Option(help="Certificate of this door, PEM.")
    ] = None,
    hl7_key: Annotated[Path | None, typer.Option(help="Key of the certificate, PEM.")] = None,
    hl7_clients: Annotated[
        Path | None, typer.Option(help="The authority that signs clients' certificates, PEM.")
    ] = None,
) -> None:
    """Serve GraphQL. Migrates an empty database; stops cleanly on SIGTERM."""
    configuration = settings()
    check_no_demo(configuration)
    check_login(configuration, host)
    check_documents(configuration)
    endpoint = None
    if hl7 is not None:
        if hl7_config is None:
            stop("--hl7 needs --hl7-config: the systems that send.", ExitCode.USAGE)
        context = tls(hl7_certificate, hl7_key, hl7_clients)
        check_address(hl7_host, context)
        endpoint = Endpoint(listen(hl7_host, hl7), context, sending_systems(hl7_config))
    listening = listen_on(configuration, host, port)
    database = ready_database(configuration)
    run_server(configuration, database, listening, worker, show_token, endpoint)


@app.command(epilog="Example: wardbook worker")
def worker(
    park_newer: Annotated[
        bool,
        typer.Option(
            "--park-newer",
            help="After a way back: park the commands of a newer program, and go on without them.",
        ),
    ] = False,
) -> None:
    """Keep the read models up to date, and sign checkpoints of the log.

    Several may run: one leads, the others take over. Ends at what only a newer program can read.
    """
    configuration = settings()
    database = ready_database(configuration)
    database.open_log()
    mapper = ParkingMapper() if park_newer else None
    runner = ProjectionRunner(database.app_url, mapper=mapper)
    seconds = configuration.checkpoint_seconds
    checkpoints = CheckpointRunner(database, configuration.home, seconds)
    signer = Thread(target=checkpoints.run, name="checkpoints", daemon=True)
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: runner.stop())
    out.print("Following the log.")
    logs.begin()
    if seconds:
        signer.start()
    with reduced_garbage_collection():
        runner.run()
    checkpoints.stop()
    if signer.is_alive():
        signer.join(timeout=5)
    if runner.problem is not None:
        stop(runner.problem, ExitCode.REFUSED)


@app.command("migrate", epilog="Example: wardbook migrate")
def migrate_tables(
    check: Annotated[
        bool, typer.Option(help="Only see whether migrations and program agree (empty database).")
    ] = False,
    roles: Annotated[
        bool,
        typer.Option(
            help="Only print the SQL for an administrator, where the owner may make no role."
        ),
    ] = False,
) -> None:
    """Make or bring up to date every table. Read models that were dropped are made anew."""
    if roles:
        out.print(ADMINISTRATOR_SQL, soft_wrap=True, end="")
        return
    if check:
        _check_migrations()
        return
    migrate(Database.of(settings()))
    out.print("The database is up to date.")


def ready_database(configuration: Settings) -> Database:
    """Return the database, migrated if it was empty. Raises NotMigrated, SharedSession."""
    database = Database.of(configuration)
    check_session(database.login_url or database.owner_url)
    if database.login_url == database.owner_url:  # no other login: `migrate` is done by the owner
        check_migrated(database)
        return database
    if database.is_empty():
        migrate(database)
    check_migrated(database)
    create_missing_read_models(database)
    return database.serving()


def _announce(configuration: Settings, listening: socket, show_token: bool) -> None:
    host, port = listening.getsockname()[:2]
    name = f"[{host}]" if ":" in host else host
    out.print(f"Wardbook at http://{name}:{port}/graphql", soft_wrap=True)
    command = "wardbook --demo token" if is_demo(configuration.home) else "wardbook token"
    if configuration.oidc_issuer:
        out.print(f"Log in with {configuration.oidc_issuer}", soft_wrap=True)
    elif show_token:
        token = LocalTokens.of(configuration.home).make()
        out.print(f"Token: {token}", soft_wrap=True)
        out.print(f"Page: http://{name}:{port}/#token={token}", soft_wrap=True)
        out.print(f"It holds for {HOURS} hours; {command} makes others.", soft_wrap=True)
    else:
        out.print(f"{command} prints a token for it.", soft_wrap=True)


def check_login(configuration: Settings, host: str) -> None:
    """Exit if local tokens would be taken from another machine."""
    if not configuration.oidc_issuer and not is_loopback(host):
        stop(
            f"Local tokens are for this machine only, and {host} can be reached from others:"
            " set OIDC_ISSUER and OIDC_AUDIENCE, or listen on 127.0.0.1.",
            ExitCode.USAGE,
        )


def check_documents(configuration: Settings) -> None:
    """Check the manifest before anything is opened. Raises InvalidSetting."""
    TrustedDocuments.of(configuration)


def _login(configuration: Settings) -> Authenticator:
    return (
        OidcAuthenticator(configuration)
        if configuration.oidc_issuer
        else LocalTokens.of(configuration.home)
    )


def listen_on(configuration: Settings, host: str, port: int) -> list[socket]:
    """Return the socket of a server, and that of its health where it has one of its own."""
    ports = [port, *([configuration.health_port] if configuration.health_port else ())]
    return [listen(host, number) for number in ports]


def run_server(
    configuration: Settings,
    database: Database,
    listening: Sequence[socket],
    worker: bool,
    show_token: bool,
    hl7: Endpoint | None = None,
) -> None:
    """Announce a hospital and serve it until a signal comes."""
    logs.begin()
    tracing.begin()
    application = app_of(
        configuration, database, _login(configuration), with_worker=worker, hl7=hl7
    )
    _announce(configuration, listening[0], show_token)
    if hl7 is not None:
        hl7_host, hl7_port = hl7.listening.getsockname()[:2]
        out.print(f"HL7 over MLLP at {hl7_host}:{hl7_port}", soft_wrap=True)
    with short_garbage_collection():
        run(application, *listening)


def _check_migrations() -> None:
    """Run all migrations on a new, empty server and compare the tables with the program's."""
    with tempfile.TemporaryDirectory(prefix="wardbook-check-") as folder:
        home = Path(folder)
        try:
            scratch = Database(ensure_server(home))
            migrate(scratch)
            differences = schema_differences(scratch)
        finally:
            stop_server(home)
    if differences:
        for line in differences:
            out.print(str(line))
        stop(
            "The migrations do not make the tables that the program expects.", ExitCode.CHECK_FAILED
        )
    out.print("Migrations and program agree.")
