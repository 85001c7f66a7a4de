"""Of whom something was recorded between two positions: only they can contribute something else."""

from dataclasses import dataclass

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms


@dataclass(frozen=True, slots=True)
class Concerned:
    """Patients, with all records that were one person's at either position; and rooms."""

    patients: list[str]
    rooms: list[str]


def concerned(connection: Connection[TupleRow], after: int, to: int) -> Concerned:
    """Those about whom there are facts after one position and up to another.

    What a stay, bed or person contributes is made of facts about that patient or room, of the wards
    of rooms, which never change, and of the hospital's clock, which concerns everybody.
    """
    positions = {"after": after, "to": to}
    people = connection.execute(
        "WITH RECURSIVE links AS (SELECT DISTINCT patient, merged_into"
        f"  FROM {patients.fullname} WHERE merged_into IS NOT NULL"
        "   AND (known @> %(after)s::int8 OR known @> %(to)s::int8)),"
        " linked AS (SELECT patient AS one, merged_into AS other FROM links"
        "  UNION SELECT merged_into, patient FROM links),"
        " records AS (SELECT DISTINCT patient FROM record.events"
        "   WHERE position > %(after)s AND position <= %(to)s AND patient IS NOT NULL"
        "  UNION SELECT l.other FROM records r JOIN linked l ON l.one = r.patient)"
        " SELECT patient::text FROM records",
        positions,
    )
    places = connection.execute(
        f"SELECT DISTINCT r.room::text FROM record.events e JOIN {rooms.fullname} r"
        "  ON r.room = e.stream WHERE e.position > %(after)s AND e.position <= %(to)s",
        positions,
    )
    return Concerned([patient for (patient,) in people], [room for (room,) in places])
