"""Integrity checks of who has which bed, by one statement each."""

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.integrity.result import CheckResult, query

_COLLIDE = (  # one of no duration, where it lies inside the other
    "a.during && b.during AND lower(a.during) < coalesce(upper(b.during), 'infinity')"
    " AND lower(b.during) < coalesce(upper(a.during), 'infinity')"
)


def beds(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
        "no two stays have a bed at one time, but for a child in its mother's",
        "SELECT count(*) FROM record.bed_claims",
        "SELECT 'stays ' || a.stay || ' and ' || b.stay || ' in bed ' || a.bed"
        " FROM record.bed_claims a JOIN record.bed_claims b ON a.room = b.room AND a.bed = b.bed"
        f" AND a.stay < b.stay AND {_COLLIDE}"
        " WHERE a.shares_bed_of IS DISTINCT FROM b.stay AND b.shares_bed_of IS DISTINCT FROM a.stay"
        " AND (a.shares_bed_of IS NULL OR a.shares_bed_of IS DISTINCT FROM b.shares_bed_of)",
    )


def sharers(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
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
    )


def occupancy(connection: Connection[TupleRow]) -> CheckResult:
    return query(
        connection,
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
    )


def claim_numbers(connection: Connection[TupleRow]) -> CheckResult:
    """Compare the numbers of claims, by which the database excludes two at once, with their subjects."""
    return query(
        connection,
        "each claim has the number of its bed or its person",
        "SELECT (SELECT count(*) FROM record.bed_claims) + (SELECT count(*) FROM"
        " record.person_claims)",
        "SELECT 'stay ' || stay || ' in bed ' || bed FROM record.bed_claims"
        " LEFT JOIN record.subjects ON no = bed_no"
        " WHERE subject IS DISTINCT FROM 'bed ' || room || ' ' || bed"
        " UNION ALL SELECT 'stay ' || stay || ' of person ' || person FROM record.person_claims"
        " LEFT JOIN record.subjects ON no = person_no"
        " WHERE subject IS DISTINCT FROM 'person ' || person",
    )
