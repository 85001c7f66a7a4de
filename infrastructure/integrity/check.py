"""Integrity check: every invariant of the log, the claims and the read models.

Each check counts what it looked at and what breaks the invariant. The log is read as a stream,
so memory does not grow with it.
"""

from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import WardbookError
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.integrity.claims import compare_claims
from infrastructure.integrity.invariants import OF_CLAIMS, OF_LOG
from infrastructure.integrity.keys import keys_and_acts
from infrastructure.integrity.result import CheckResult
from infrastructure.integrity.unaltered import Trust, compare_trees
from infrastructure.postgres.database import Database
from infrastructure.projections.projection import ReadModel
from infrastructure.projections.rebuild import compare, compare_sample
from infrastructure.read_models import READ_MODELS
from infrastructure.reports import inputs
from infrastructure.reports.reissue_check import reissue_differences

UNREADABLE = (WardbookError, ValueError, LookupError, TypeError, AttributeError, psycopg.DataError)
"""Exceptions that reading spoiled data raises."""


def verify_log(database: Database, trust: Trust | None = None) -> Iterator[CheckResult]:
    """Check the log and the record of reading by themselves, and against what was signed of them."""
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        for invariant in OF_LOG:
            yield _run_on(connection, invariant.name, invariant.check)
        yield from compare_trees(connection, trust or Trust())


def verify(
    database: Database,
    read_models: bool = True,
    sample: int | None = None,
    seed: int = 0,
    trust: Trust | None = None,
) -> Iterator[CheckResult]:
    """Check one invariant after the other. Changes nothing that lasts.

    Each read model is compared with a fresh projection of the log: whole, or ``sample`` many of its
    entities, drawn at random from ``seed``. ``trust``: what is known of the log outside of its
    database.
    """
    with psycopg.connect(database.owner_url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        unreadable: set[UUID] = set()
        yield _run_on(connection, "events", partial(_events, unreadable=unreadable))
        for invariant in OF_LOG:
            yield _run_on(connection, invariant.name, invariant.check)
        yield _run_on(connection, "claims", partial(compare_claims, unreadable=unreadable))
        for invariant in OF_CLAIMS:
            yield _run_on(connection, invariant.name, invariant.check)
        yield _run_on(connection, "keys and acts", keys_and_acts)
        yield from compare_trees(connection, trust or Trust())
    if read_models:
        yield _run("reports", partial(_reports, database))
        for model in READ_MODELS:
            yield _compare_read_model(database, model, sample, seed)


def _compare_read_model(
    database: Database, model: type[ReadModel], sample: int | None, seed: int
) -> CheckResult:
    """Compare a read model, or a sample of its entities, with a fresh projection of the log."""
    result = CheckResult(f"read model {model.name} is the fold of the log")
    try:
        if sample is None:
            comparison = compare(database, model, lambda done, total: None)
        else:
            lot = Random(f"{seed} {model.name}")
            count, comparison = compare_sample(database, model, sample, lot)
            result.promise += f", for {count} drawn by lot"
    except UNREADABLE as gap:
        result.breaks(_message_of(gap))
        return result
    result.looked_at = comparison.rows
    for problem in comparison.parked:
        result.breaks(problem)
    if comparison.different:
        result.breaks(f"{comparison.different} rows differ at position {comparison.position}")
    return result


def _run_on(
    connection: Connection[TupleRow],
    name: str,
    check: Callable[[Connection[TupleRow]], CheckResult],
) -> CheckResult:
    """Run a check in a transaction of its own."""

    def check_in_transaction() -> CheckResult:
        with connection.transaction():
            return check(connection)

    return _run(name, check_in_transaction)


def _run(name: str, check: Callable[[], CheckResult]) -> CheckResult:
    """Return the result of a check; where something cannot be read, that it could not be ended.

    The checks that follow are made all the same: who spoils one event hides nothing else.
    """
    try:
        return check()
    except UNREADABLE as gap:
        result = CheckResult(f"the check of the {name} can be made")
        result.breaks(_message_of(gap))
        return result


def _message_of(gap: Exception) -> str:
    """Return the text of an error of reading; of the database only its kind, since it quotes values."""
    return type(gap).__name__ if isinstance(gap, psycopg.Error) else str(gap) or type(gap).__name__


_IN_TIME = (
    "occurred_at BETWEEN '0001-01-02' AND '9999-12-30' AND (source_recorded_at IS NULL"
    " OR source_recorded_at BETWEEN '0001-01-02' AND '9999-12-30')"
)
"""Condition for events whose moments Python can hold: others end the reading of a whole page."""


def _events(connection: Connection[TupleRow], unreadable: set[UUID]) -> CheckResult:
    """Decode every event by itself; gather the streams that have one which cannot be read."""
    result = CheckResult("every event can be read")
    mapper = EventMapper(strict=True)
    rows = connection.execute(f"SELECT position, stream FROM record.events WHERE NOT {_IN_TIME}")
    for position, stream in rows:
        result.breaks(f"position {position}: a moment beyond all time")
        unreadable.add(stream)
    with connection.cursor("events") as cursor:
        cursor.itersize = 5_000
        cursor.execute(
            f"SELECT position, stream, {EVENT_COLUMNS} FROM record.events WHERE {_IN_TIME}"
            " ORDER BY position"
        )
        for position, stream, *row in cursor:
            result.looked_at += 1
            try:
                mapper.event(row)
            except UNREADABLE as gap:
                result.breaks(f"position {position}: {type(gap).__name__}")
                unreadable.add(stream)
    return result


def _reports(database: Database) -> CheckResult:
    """Compute every issue and restatement again from the read models."""
    result = CheckResult("issued reports come out the same when they are computed again")
    with inputs.report_connection(database.owner_url) as connection:
        for issue, problems in reissue_differences(connection):
            result.looked_at += 1
            for problem in problems:
                result.breaks(f"report {issue}: {problem}")
    return result
