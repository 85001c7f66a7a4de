"""The command ``feed``."""

import asyncio
import contextlib
import signal
from contextlib import closing
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

import typer

from api.cli.queries import record_publication
from api.cli.server import ready_database
from api.cli.terminal import out, settings, stop
from api.exit_codes import ExitCode
from api.telemetry import logs
from infrastructure.bootstrap import hospital

if TYPE_CHECKING:  # it needs an extra
    from api.broker.bridge import Bridge

app = typer.Typer()


@app.command(epilog="Example: wardbook feed --to nats://localhost:4222")
def feed(
    to: Annotated[
        str,
        typer.Option(
            help="The broker, NATS JetStream: nats://HOST:PORT, with commas between several."
        ),
    ],
    replicas: Annotated[
        int, typer.Option(min=1, max=5, help="Servers that keep the stream, where it is made.")
    ] = 1,
    refill: Annotated[
        bool, typer.Option("--refill", help="Empty the stream, and fill it from the beginning.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="End when the stream has all there is.")
    ] = False,
) -> None:
    """Publish the feed to a broker, each event once, in the order of the log.

    Goes on where the stream ends. Several may run: one publishes, the others wait.
    """
    if not all(map(_is_broker, to.split(","))):
        stop("--to takes nats://HOST:PORT.", ExitCode.USAGE)
    if find_spec("nats") is None:
        stop("That needs the extra broker: pip install -e '.[broker]'", ExitCode.USAGE)
    from api.broker.bridge import Bridge, Target

    configuration = settings()
    database = ready_database(configuration)
    log = database.open_log()
    record_publication(database, "wardbook feed", f"feed to {urlsplit(to.split(',')[0]).hostname}")
    with closing(hospital(configuration, database)):  # which has the keys of sealed texts
        logs.begin()
        bridge = Bridge(database, log, Target(to, configuration.hospital, replicas))
        with contextlib.suppress(asyncio.CancelledError):
            asyncio.run(_until_signalled(bridge, refill=refill, once=once))
    out.print(f"{bridge.published:,} events published.")


def _is_broker(url: str) -> bool:
    """Return whether a text is the URL of a NATS server."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("nats", "tls") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of range, or half an IPv6 address
        return False


async def _until_signalled(bridge: "Bridge", *, refill: bool, once: bool) -> None:
    """Run the bridge until a signal comes."""
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await bridge.run(refill=refill, once=once)
