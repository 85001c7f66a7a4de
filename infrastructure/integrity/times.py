"""Integrity check: that unsigned times lie where what is signed beside them lets them."""

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.integrity.result import CheckResult, query

SLACK = "interval '1 minute'"
"""The most by which the clock of a database is set back."""

_LAST_ROWS = (
    "CASE c.tree WHEN 'events' THEN (SELECT recorded_at FROM record.stored_events"
    "  WHERE position = c.last AND l.kind = 'real')"
    " WHEN 'accesses' THEN (SELECT at FROM audit.accesses WHERE no = c.last)"
    " WHEN 'revocations' THEN (SELECT at FROM audit.revocations WHERE no = c.last)"
    " ELSE (SELECT at FROM audit.key_acts WHERE no = c.last) END"
)
"""The time of the last row of a checkpoint: a simulated log has its own."""

_CHECKPOINTS = (
    "SELECT 'the time of the checkpoint of ' || size || ' ' || tree || ' was altered'"
    " FROM (SELECT c.*, lag(c.signed_at) OVER (PARTITION BY c.tree ORDER BY c.no) AS before,"
    f"  {_LAST_ROWS} AS last_at FROM record.checkpoints c, record.log l) AS c"
    f" WHERE signed_at < before - {SLACK} OR signed_at < last_at - {SLACK}"
    f"  OR signed_at > clock_timestamp() + {SLACK}"
)

_OPENING = (
    " UNION ALL SELECT 'the time at which the log was opened was altered' FROM record.log"
    f" WHERE opened_at > {SLACK} + least(clock_timestamp(), (SELECT min(at) FROM audit.accesses),"
    "  (SELECT min(at) FROM audit.key_acts), (SELECT recorded_at FROM record.stored_events"
    "   WHERE position = 1 AND (SELECT kind FROM record.log) = 'real'))"
)


def times(connection: Connection[TupleRow]) -> CheckResult:
    """Compare when checkpoints were signed, and the log opened, with the rows before and after."""
    return query(
        connection,
        "checkpoints were signed, and the log was opened, when the rows beside them let it be",
        "SELECT count(*) + 1 FROM record.checkpoints",
        _CHECKPOINTS + _OPENING,
    )
