"""Of whom something was recorded between two positions: only they can contribute something else."""

from collections.abc import Collection
from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Patients, with all records that were one person's at either position; and rooms.

    What a stay, bed or person contributes is made of facts about such a patient or room, of the
    wards of rooms, which never change, and of the hospital's clock, which concerns everybody.
    """

    patients: list[str]
    rooms: list[str]


def changed_between(connection: Connection[TupleRow], after: int, to: int) -> ChangeSet:
    """Those about whom there are facts after one position and up to another."""
    told = connection.execute(
        "SELECT DISTINCT patient::text FROM record.events"
        " WHERE position > %s AND position <= %s AND patient IS NOT NULL",
        [after, to],
    )
    records = linked(connection, [patient for (patient,) in told], (after, to))
    places = connection.execute(
        f"SELECT DISTINCT r.room::text FROM record.events e JOIN {rooms.fullname} r"
        " ON r.room = e.stream WHERE e.position > %s AND e.position <= %s",
        [after, to],
    )
    return ChangeSet(records, [room for (room,) in places])


def linked(
    connection: Connection[TupleRow], records: Collection[str], known: Collection[int]
) -> list[str]:
    """These records, and all that were of the same persons as known at any of some positions."""
    found = connection.execute(
        "WITH RECURSIVE links AS (SELECT DISTINCT patient, merged_into"
        f"  FROM {patients.fullname} JOIN unnest(%s::int8[]) AS at ON known @> at"
        "   WHERE merged_into IS NOT NULL),"
        " either AS (SELECT patient AS one, merged_into AS other FROM links"
        "  UNION SELECT merged_into, patient FROM links),"
        " same AS (SELECT unnest(%s::uuid[]) AS patient"
        "  UNION SELECT e.other FROM same s JOIN either e ON e.one = s.patient)"
        " SELECT patient::text FROM same",
        [list(known), list(records)],
    )
    return [patient for (patient,) in found]
