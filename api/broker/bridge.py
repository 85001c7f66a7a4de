"""Bridge: publishes the feed to a stream of NATS JetStream, each event once, in the order of the log.

It keeps nothing of its own. The stream's last message says where to go on, and each message is taken
only right after the one before it (`Nats-Expected-Last-Sequence`): so whatever is killed, at any
moment, leaves neither a hole nor a double, and of two bridges one goes on while the other waits.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import nats
import nats.errors
from nats.js import JetStreamContext, api
from nats.js import errors as js_errors
from sqlalchemy.ext.asyncio import AsyncEngine

from api.broker.messages import message, record_reading
from api.feed.cloudevents import BY_TOPIC
from api.graphql.scalars import decode_position
from domain.errors import WardbookError
from domain.refusals import InvalidInput
from infrastructure.access_log import AccessLog
from infrastructure.postgres.database import CONNECTION_ERRORS, Database, Log
from infrastructure.queries.feed import LoggedEvent, events_page
from infrastructure.queries.log import log_of
from infrastructure.sealing.key_ring import key_ring
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy
from infrastructure.subscriptions.projection_progress import ProjectionProgress

PAGE = 200
"""Events that are on their way to the broker at once."""

RETRY_SECONDS = 1.0
"""The time after which a broker or a database that is away is tried again."""

ACK_SECONDS = 10.0
"""The longest wait for the broker to say that it has a page."""

AWAY = (nats.errors.Error, OSError, TimeoutError, KeysMissing, KeyStoreBusy, *CONNECTION_ERRORS)
"""The errors after which the bridge begins anew, from what the stream has."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Target:
    """A stream of a broker: where it is, and whose events it has.

    ``url``: with commas between those of a cluster's servers.
    """

    url: str
    hospital: str
    replicas: int = 1

    @property
    def stream(self) -> str:
        return f"wardbook-{self._token}"

    @property
    def subjects(self) -> str:
        """Return the pattern of the subjects of all events."""
        return f"hospital.{self._token}.>"

    def subject(self, entry: LoggedEvent) -> str:
        """Return the subject of an event: ``hospital.main.stay.admitted``."""
        return f"hospital.{self._token}.{BY_TOPIC[entry.event.TOPIC].name}"

    @property
    def _token(self) -> str:
        return re.sub(r"[^A-Za-z0-9_-]", "_", self.hospital)


class StreamOfAnotherLog(WardbookError):
    """A stream has events that the log does not have."""


class Bridge:
    """The bridge from a database to a stream."""

    def __init__(self, database: Database, log: Log, target: Target) -> None:
        self._log, self._target = log, target
        self._engine: AsyncEngine = database.async_engine(4)
        self._progress = ProjectionProgress(database.app_url, self._engine)
        self._progress.on_erasure = key_ring().forget_all
        self._readings = AccessLog(self._engine)
        self.published = 0
        """Events that this bridge published."""

    async def run(self, *, refill: bool = False, once: bool = False) -> None:
        """Publish until cancelled, or with ``once`` until the stream has all that can be read.

        ``refill``: empty the stream first. Raises StreamOfAnotherLog, also of before a restore.
        """
        await self._progress.start()
        try:
            while True:
                try:
                    async with self._stream() as stream:
                        if refill:
                            await stream.purge_stream(self._target.stream)
                            refill = False
                        await self._publish_all(stream, once=once)
                        return
                except AWAY as error:
                    log.warning("begins anew after %s", type(error).__name__)
                    await asyncio.sleep(RETRY_SECONDS)
        finally:
            await self._progress.stop()
            await self._engine.dispose()

    @contextlib.asynccontextmanager
    async def _stream(self) -> Any:
        """Connect, and make the stream where there is none."""
        connection = await nats.connect(
            self._target.url.split(","), allow_reconnect=False, connect_timeout=5, error_cb=_ignore
        )
        try:
            stream = connection.jetstream(timeout=ACK_SECONDS, publish_async_max_pending=2 * PAGE)
            try:
                await stream.stream_info(self._target.stream)
            except js_errors.NotFoundError:
                await stream.add_stream(
                    api.StreamConfig(
                        name=self._target.stream,
                        subjects=[self._target.subjects],
                        storage=api.StorageType.FILE,
                        num_replicas=self._target.replicas,
                    )
                )
            yield stream
        finally:
            await connection.close()

    async def _publish_all(self, stream: JetStreamContext, *, once: bool) -> None:
        after, sequence, filling = await self._last(stream)
        while True:
            until = self._progress.position
            if after >= until:
                if once:
                    return
                await self._progress.wait_past(after)
                continue
            async with self._engine.connect() as connection:
                if await log_of(connection) != (self._log.id, self._log.epoch):
                    raise StreamOfAnotherLog("The log was restored: start again, with --refill.")
                page = await events_page(connection, after, until, PAGE, frozenset(BY_TOPIC))
            await self._publish(stream, page.events, sequence, filling)
            after, sequence = page.reached, sequence + len(page.events)

    async def _last(self, stream: JetStreamContext) -> tuple[int, int, str]:
        """Return the position of the last event of the stream, its sequence, and the filling's mark.

        The broker knows ids for two minutes after it was emptied, so those of each filling differ.
        """
        state = (await stream.stream_info(self._target.stream)).state
        first = state.first_seq if state.messages else state.last_seq + 1
        filling = "" if first <= 1 else f".{first}"
        if not state.messages:
            return 0, state.last_seq, filling
        newest = await stream.get_msg(self._target.stream, seq=state.last_seq)
        try:
            last = msgspec.json.decode(newest.data or b"")
            after = decode_position(last["position"], self._log.id, self._log.epoch, "position")
        except (InvalidInput, msgspec.DecodeError, KeyError, TypeError):
            raise StreamOfAnotherLog(
                f"The stream {self._target.stream} has events of another log, or of before a restore:"
                " start with --refill, which empties it and fills it from the beginning."
            ) from None
        return after, state.last_seq, filling

    async def _publish(
        self, stream: JetStreamContext, entries: Sequence[LoggedEvent], sequence: int, filling: str
    ) -> None:
        """Publish events in order, once their reading is recorded, and wait until all are kept."""
        events = [message(entry, self._log) for entry in entries]
        await record_reading(self._readings, entries, events, "feed", self._target.stream)
        acknowledgements = []
        for place, (entry, event) in enumerate(zip(entries, events, strict=True), sequence):
            headers = {
                "Nats-Msg-Id": event["id"] + filling,
                "Nats-Expected-Last-Sequence": str(place),
                "Content-Type": "application/cloudevents+json",
            }
            subject = self._target.subject(entry)
            acknowledgements.append(
                await stream.publish_async(subject, msgspec.json.encode(event), headers=headers)
            )
        async with asyncio.timeout(ACK_SECONDS):
            await asyncio.gather(*acknowledgements)
        self.published += len(events)


async def _ignore(_: Exception) -> None:
    """Leave what the connection tells beside; what fails raises where it is waited for."""
