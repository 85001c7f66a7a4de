"""Events of the log for analysts, to be folded in Python where no table has the answer."""

from collections.abc import Callable, Iterator
from datetime import datetime

import psycopg

from domain.aggregate import Event
from infrastructure.event_store.mapper import EventMapper
from infrastructure.postgres.database import Database
from infrastructure.projections.dead_letters import EVENT_ROW_COLUMNS
from infrastructure.projections.projection import EventPosition

AT_ONCE = 5_000
"""Events that are in memory at one time."""


def history(
    database: Database,
    *,
    known_at: datetime | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Event, EventPosition]]:
    """Yield every event with its position, in the order of the log, up to a moment of recording time.

    Read as a stream, so memory does not grow with the log. ``on_progress`` gets what is done and how
    much there is, as the progress bar of the command line takes it. Raises UnknownEvent at an event
    that this program does not know.
    """
    mapper = EventMapper()
    with psycopg.connect(database.app_url) as connection:
        row = connection.execute(
            "SELECT coalesce(max(position), 0) FROM record.events"
            " WHERE %(at)s::timestamptz IS NULL OR recorded_at <= %(at)s",
            {"at": known_at},
        ).fetchone()
        end = int(row[0]) if row else 0
        with connection.cursor("history") as cursor:
            cursor.itersize = AT_ONCE
            cursor.execute(
                f"SELECT {EVENT_ROW_COLUMNS} FROM record.events"
                " WHERE position <= %s ORDER BY position".encode(),
                [end],
            )
            for position, command_end, recorded_at, _, *columns in cursor:
                yield mapper.event(columns), EventPosition(position, command_end, recorded_at)
                if position % AT_ONCE == 0 or position == end:
                    on_progress(position, end)
