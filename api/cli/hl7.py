"""The commands of ``hl7``: messages of other systems, and messages to them."""

import asyncio
import signal
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from ssl import SSLContext
from typing import Annotated

import typer

from api.cli.queries import For, open_hospital, record_publication, record_reading
from api.cli.server import ready_database
from api.cli.terminal import (
    Csv,
    Json,
    check_one_form,
    operator,
    out,
    print_rows,
    settings,
    stop,
)
from api.container import forgetting
from api.exit_codes import ExitCode
from api.hl7.door import CARRIED_OUT, NOT_OPENED, Door
from api.hl7.follower import HL7Follower
from api.hl7.mllp import Listener, check_address, tls
from api.hl7.receiving import receiving_system
from api.hl7.refused import RefusedMessages
from api.hl7.sending import sending_systems
from api.telemetry import logs
from application.authorization.roles import Purpose
from infrastructure.access_log import AccessRecord
from infrastructure.bootstrap import hospital, seed
from infrastructure.hl7_deliveries import deliveries, parked_messages
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection

app = typer.Typer()
hl7 = typer.Typer(help="Messages of other systems in HL7 v2.", no_args_is_help=True)
app.add_typer(hl7, name="hl7")


@hl7.command("listen", epilog="Example: wardbook hl7 listen --config systems --port 2575")
def listen(
    config: Annotated[Path, typer.Option(help="File of a sending system (TOML), or a folder.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: a free one.")] = 2575,
    host: Annotated[str, typer.Option(help="Address; without TLS, of this machine.")] = "127.0.0.1",
    certificate: Annotated[Path | None, typer.Option(help="The server's, PEM.")] = None,
    key: Annotated[Path | None, typer.Option(help="Its key, PEM.")] = None,
    clients: Annotated[
        Path | None, typer.Option(help="The authority that signs clients' certificates, PEM.")
    ] = None,
) -> None:
    """Take ADT messages over MLLP. A worker or a server beside it keeps the read models."""
    context = tls(certificate, key, clients)
    check_address(host, context)
    with reduced_garbage_collection(), _door(config) as door:
        asyncio.run(_run(door, host, port, context))
        for name, count in sorted(door.counts.items()):
            out.print(f"{name}: {count:,}")


@hl7.command("send", epilog="Example: wardbook hl7 send --config lab.toml")
def send(
    config: Annotated[Path, typer.Option(help="File of the receiving system (TOML).")],
) -> None:
    """Send an ADT message for each movement to a receiving system, over MLLP, from its position on."""
    receiver = receiving_system(config)
    receiver.tls()
    configuration = settings()
    database = ready_database(configuration)
    log = database.open_log()
    record_publication(database, "wardbook hl7 send", f"movements to {receiver.name}")
    with (
        closing(hospital(configuration, database)) as the_hospital,
        deliveries(database, receiver.name) as own_deliveries,
    ):
        own_deliveries.begin(receiver.from_start)
        follower = HL7Follower(the_hospital, receiver, own_deliveries, log.id)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: follower.stop())
        logs.begin()
        out.print(
            f"Sending to {receiver.name} from position {own_deliveries.position}", soft_wrap=True
        )
        follower.run()


@hl7.command("parked", epilog="Example: wardbook hl7 parked --csv")
def parked(json: Json = False, csv: Csv = False) -> None:
    """List the messages that receiving systems refused for good, by position in the log."""
    names = ("parkedAt", "receiver", "position", "stayId", "trigger", "code", "controlId")
    print_rows(parked_messages(ready_database(settings())), names, json=json, csv=csv)


@hl7.command("refused", epilog="Example: wardbook hl7 refused --json")
def refused(
    show: Annotated[
        str | None, typer.Option(help="Print the message of this file instead, to enter it.")
    ] = None,
    json: Json = False,
    csv: Csv = False,
    purpose: For = Purpose.ADMINISTRATION,
) -> None:
    """List the messages that were refused or set aside, why, and the files that keep them.

    What is in them is sealed; to show one is a reading, which is recorded.
    """
    kept_messages = RefusedMessages(settings().home)
    if show is not None:
        _show(kept_messages, show, purpose)
        return
    messages = [
        {name: value for name, value in record.items() if name != "message"}
        for record in kept_messages
    ]
    print_rows(messages, ("refusedAt", "code", "where", "text", "file"), json=json, csv=csv)


def _show(messages: RefusedMessages, file: str, purpose: Purpose) -> None:
    """Print a message, once it is recorded that it is read."""
    name = Path(file).name
    record = next((record for record in messages if Path(record["file"]).name == name), None)
    if record is None:
        stop(f"There is no refused message in {name}.")
    message = messages.message_of(record)
    if message is None:
        stop(NOT_OPENED.text)
    _, database = open_hospital(settings())
    reading = AccessRecord(
        operator(), "wardbook hl7 refused", purpose, (), entity=f"message {name}"
    )
    record_reading(database, [reading])
    for line in message.decode("utf-8", "replace").splitlines():
        out.print(line, soft_wrap=True)


@hl7.command("replay", epilog="Example: wardbook hl7 replay --config systems")
def replay(
    config: Annotated[Path, typer.Option(help="File of a sending system (TOML), or a folder.")],
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Take the kept messages again, and remove those that are carried out now.

    The rest stay, and each is listed with why. Exits with 1 if one is to be taken again.
    """
    check_one_form(json=json, csv=csv)  # before anything is recorded
    with _door(config) as door:
        answers = [
            {
                "refusedAt": message["refusedAt"],
                "answer": f"A{verdict.kind}",
                "carriedOut": verdict in CARRIED_OUT,
                "code": verdict.code,
                "where": verdict.where,
                "text": verdict.text,
                "file": message["file"],
            }
            for message, verdict in door.replay()
        ]
    names = ("refusedAt", "answer", "carriedOut", "code", "where", "text", "file")
    print_rows(answers, names, json=json, csv=csv)
    if any(answer["answer"] == "AE" for answer in answers):
        raise typer.Exit(ExitCode.REFUSED)


@contextmanager
def _door(config: Path) -> Iterator[Door]:
    """Open the door to this hospital for the sending systems of a file or folder."""
    configuration = settings()
    senders = sending_systems(config)
    database = ready_database(configuration)
    log = database.open_log()
    with closing(hospital(configuration, database)) as the_hospital:
        seed(configuration, the_hospital, log)
        logs.begin()
        yield Door(the_hospital, senders, configuration.home)


async def _run(door: Door, host: str, port: int, context: SSLContext | None) -> None:
    async with forgetting(Database.of(settings()), door.hospital):
        server = await Listener(door).start(host, port, context)
        end = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, end.set)
        out.print(f"HL7 over MLLP at {host}:{server.sockets[0].getsockname()[1]}", soft_wrap=True)
        await end.wait()
        server.close()
