"""Invariants of the log and of the claims that one statement each checks."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.integrity.result import CheckResult


@dataclass(frozen=True, slots=True)
class Invariant:
    """An invariant of what is stored, which SQL can check."""

    name: str
    promise: str
    count: str
    """A SELECT of the number of rows that are looked at."""
    violations: str
    """A SELECT of a sentence for each violation."""

    def check(self, connection: Connection[TupleRow]) -> CheckResult:
        """Count the rows, and the violations."""
        row = connection.execute(self.count.encode()).fetchone()
        result = CheckResult(self.promise, int(row[0]) if row else 0)
        for (violation,) in connection.execute(self.violations.encode()):
            result.breaks(violation)
        return result


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

OF_LOG = (
    Invariant(
        "positions",
        "positions have no gap and no double",
        "SELECT count(*) FROM record.events",
        "SELECT 'position ' || position || ' follows ' || before FROM (SELECT position,"
        " lag(position, 1, 0) OVER (ORDER BY position) AS before FROM record.events) AS e"
        " WHERE position <> before + 1",
    ),
    Invariant(
        "clock",
        "recorded_at increases strictly with the position",
        "SELECT count(*) FROM record.events",
        "SELECT 'position ' || position || ' was recorded before the one before it'"
        " FROM (SELECT position, recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before"
        " FROM record.events) AS e WHERE recorded_at <= before",
    ),
    Invariant(
        "streams",
        "each stream has the versions 1 to n, in the order of positions",
        "SELECT count(DISTINCT stream) FROM record.events",
        "SELECT 'stream ' || stream || ' has version ' || version || ' as its '"
        " || nth || 'th' FROM (SELECT stream, version,"
        " row_number() OVER (PARTITION BY stream ORDER BY position) AS nth FROM record.events)"
        " AS e WHERE version <> nth",
    ),
    Invariant(
        "commands",
        "the events of a command are adjacent, as many as recorded, and agree with its memory",
        "SELECT count(*) FROM record.commands",
        "SELECT 'command ' || coalesce(c.command_id, e.command_id) FROM record.commands c"
        " FULL JOIN (SELECT command_id, min(position) AS first, max(position) AS last,"
        "   count(*) AS events, max(recorded_at) AS recorded_at,"
        "   min(command_end) AS least_end, max(command_end) AS greatest_end,"
        "   array_agg(DISTINCT operation) AS operation,"
        "   array_agg(DISTINCT encode(digest, 'hex')) AS digest"
        "   FROM record.events GROUP BY command_id) AS e USING (command_id)"
        " WHERE (c.first_position, c.last_position, c.recorded_at, ARRAY[c.operation],"
        "   ARRAY[c.digest]) IS DISTINCT FROM (e.first, e.last, e.recorded_at, e.operation, e.digest)"
        "   OR e.events <> e.last - e.first + 1"
        "   OR e.least_end <> e.last OR e.greatest_end <> e.last",
    ),
    Invariant(
        "times",
        "checkpoints were signed, and the log was opened, when the rows beside them let it be",
        "SELECT count(*) + 1 FROM record.checkpoints",
        _CHECKPOINTS + _OPENING,
    ),
)
"""Invariants of the log, and of the times that are unsigned beside it."""

_COLLIDE = (  # one of no duration, where it lies inside the other
    "a.during && b.during AND lower(a.during) < coalesce(upper(b.during), 'infinity')"
    " AND lower(b.during) < coalesce(upper(a.during), 'infinity')"
)

OF_CLAIMS = (
    Invariant(
        "numbers of claims",
        "each claim has the number of its bed or its person",
        "SELECT (SELECT count(*) FROM record.bed_claims) + (SELECT count(*) FROM"
        " record.person_claims)",
        "SELECT 'stay ' || stay || ' in bed ' || bed FROM record.bed_claims"
        " LEFT JOIN record.subjects ON no = bed_no"
        " WHERE subject IS DISTINCT FROM 'bed ' || room || ' ' || bed"
        " UNION ALL SELECT 'stay ' || stay || ' of person ' || person FROM record.person_claims"
        " LEFT JOIN record.subjects ON no = person_no"
        " WHERE subject IS DISTINCT FROM 'person ' || person",
    ),
    Invariant(
        "beds",
        "no two stays have a bed at one time, but for a child in its mother's",
        "SELECT count(*) FROM record.bed_claims",
        "SELECT 'stays ' || a.stay || ' and ' || b.stay || ' in bed ' || a.bed"
        " FROM record.bed_claims a JOIN record.bed_claims b ON a.room = b.room AND a.bed = b.bed"
        f" AND a.stay < b.stay AND {_COLLIDE}"
        " WHERE a.shares_bed_of IS DISTINCT FROM b.stay AND b.shares_bed_of IS DISTINCT FROM a.stay"
        " AND (a.shares_bed_of IS NULL OR a.shares_bed_of IS DISTINCT FROM b.shares_bed_of)",
    ),
    Invariant(
        "sharers",
        "who shares a bed is a newborn, inside the stretch of its mother there",
        "SELECT count(*) FROM record.bed_claims WHERE shares_bed_of IS NOT NULL",
        "SELECT 'stay ' || c.stay || ' in bed ' || c.bed || ' of stay ' || c.shares_bed_of"
        " FROM record.bed_claims c WHERE c.shares_bed_of IS NOT NULL AND NOT upper_inc(c.during)"
        " AND (NOT coalesce("
        "  (SELECT range_agg(m.during) @> c.during FROM record.bed_claims m"
        "    WHERE m.stay = c.shares_bed_of AND m.room = c.room AND m.bed = c.bed"
        "    AND m.shares_bed_of IS NULL), false)"
        "  OR NOT EXISTS (SELECT FROM record.events e WHERE e.stream = c.stay"
        "    AND e.own->>'admission_type' = 'NEWBORN'))",
    ),
    Invariant(
        "occupancy",
        "no stay has two beds at one time, and no person two stays",
        "SELECT (SELECT count(*) FROM record.bed_claims) + (SELECT count(*) FROM"
        " record.person_claims)",
        "SELECT 'stay ' || a.stay || ' in ' || a.bed || ' and ' || b.bed"
        " FROM record.bed_claims a JOIN record.bed_claims b ON a.stay = b.stay"
        # A bed had for no time, between two uses of one other bed, is no second one.
        " AND a.during && b.during AND NOT upper_inc(a.during) AND NOT upper_inc(b.during)"
        " AND (a.room, a.bed, a.during) < (b.room, b.bed, b.during)"
        " UNION ALL SELECT 'person ' || a.person || ' in stays ' || a.stay || ' and ' || b.stay"
        " FROM record.person_claims a JOIN record.person_claims b ON a.person = b.person"
        " AND a.during && b.during AND a.stay < b.stay",
    ),
)
"""Invariants of the claims among each other; a number of a claim excludes two at once."""
