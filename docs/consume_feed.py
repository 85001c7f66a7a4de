"""Keep the open stays in SQLite, from the feed in NATS JetStream: an example of a consumer.

    python consume_feed.py nats://HOST:4222 wardbook-main stays.sqlite

Each event has its effect once: the place in the stream is kept in the transaction that an event's effect
is in, and the next run goes on after it. A stream that was filled anew has events of before under new
places: their ids are known, and they are passed over. It needs the `nats-py` package alone.
"""

import asyncio
import json
import sqlite3
import sys
from contextlib import closing

import nats
from nats.errors import TimeoutError as NothingNew
from nats.js.api import ConsumerConfig, DeliverPolicy

TABLES = """
CREATE TABLE IF NOT EXISTS place (sequence INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event (id TEXT PRIMARY KEY);
CREATE TABLE IF NOT EXISTS open_stay (stay TEXT PRIMARY KEY, since TEXT NOT NULL);
"""


def take(kept: sqlite3.Connection, sequence: int, event: dict) -> None:
    """Carry out an event, and keep its place, in one transaction."""
    with kept:
        kept.execute("DELETE FROM place")
        kept.execute("INSERT INTO place VALUES (?)", [sequence])
        new = kept.execute("INSERT OR IGNORE INTO event VALUES (?)", [event["id"]]).rowcount
        kind, _, id = event["subject"].partition("/")
        if not new or kind != "stay":
            return
        if event["type"] == "wardbook.stay.admitted.v1":
            kept.execute("INSERT INTO open_stay VALUES (?, ?)", [id, event["data"]["occurredAt"]])
        elif event["type"] == "wardbook.stay.discharged.v1":
            kept.execute("DELETE FROM open_stay WHERE stay = ?", [id])


async def consume(url: str, stream: str, file: str) -> int:
    """Take what the stream has after the place that is kept; return how many events that were."""
    taken = 0
    broker = await nats.connect(url)
    try:
        with closing(sqlite3.connect(file)) as kept:
            kept.executescript(TABLES)
            (place,) = kept.execute("SELECT coalesce(max(sequence), 0) FROM place").fetchone()
            info = await broker.jetstream().stream_info(stream)
            if place > info.state.last_seq:  # the stream was made anew
                place = 0
            begin = ConsumerConfig(
                deliver_policy=DeliverPolicy.BY_START_SEQUENCE, opt_start_seq=place + 1
            )
            events = await broker.jetstream().subscribe(
                ">", stream=stream, ordered_consumer=True, config=begin
            )
            while place + taken < info.state.last_seq:
                message = await events.next_msg(timeout=5)
                take(kept, message.metadata.sequence.stream, json.loads(message.data))
                taken += 1
    except NothingNew:
        pass
    finally:
        await broker.close()
    return taken


if __name__ == "__main__":
    print(asyncio.run(consume(*sys.argv[1:])), "events")
