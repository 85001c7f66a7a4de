"""The patients and rooms with facts between two positions: only they can change a figure."""

from collections.abc import Collection

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports.inputs import ChangeSet
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms


def changed_between(connection: Connection[TupleRow], after: int, to: int) -> ChangeSet:
    """Return the patients and rooms with facts after one position and up to another."""
    rows = connection.execute(
        "SELECT DISTINCT patient::text FROM record.events"
        " WHERE position > %s AND position <= %s AND patient IS NOT NULL",
        [after, to],
    )
    records = records_of_persons(connection, [patient for (patient,) in rows], (after, to))
    places = connection.execute(
        f"SELECT DISTINCT r.room::text FROM record.events e JOIN {rooms.fullname} r"
        " ON r.room = e.stream WHERE e.position > %s AND e.position <= %s",
        [after, to],
    )
    return ChangeSet(records, [room for (room,) in places])


SAME_PERSON = (
    "WITH RECURSIVE links AS (SELECT DISTINCT patient, merged_into"
    f"  FROM {patients.fullname} JOIN unnest(%(positions)s::int8[]) AS at ON known @> at"
    "   WHERE merged_into IS NOT NULL),"
    " either AS (SELECT patient AS one, merged_into AS other FROM links"
    "  UNION SELECT merged_into, patient FROM links),"
    " same AS (SELECT id AS record, id AS patient FROM unnest(%(records)s::uuid[]) AS id"
    "  UNION SELECT s.record, e.other FROM same s JOIN either e ON e.one = s.patient) "
)
"""The records (``patient``) that were of the person of each record at any of some positions."""


def records_of_persons(
    connection: Connection[TupleRow], records: Collection[str], positions: Collection[int]
) -> list[str]:
    """Return records with all that were of the same persons as known at any of some positions."""
    rows = connection.execute(
        SAME_PERSON + "SELECT DISTINCT patient::text FROM same",
        {"positions": list(positions), "records": list(records)},
    )
    return [patient for (patient,) in rows]
