"""Permissions of a viewer at present that row security needs: records opened, and closed by merges."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.break_glass import EmergencyAccess
from domain.envelope import Actor
from infrastructure.queries.row_security import IN_HOUSE, RESTRICTED
from infrastructure.read_models.bed_uses import stretches
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import stays


@dataclass(frozen=True, slots=True)
class EmergencyRecords:
    """All records of the patients whom a person has opened by break-glass.

    ``until``: the end of the first emergency access to end; None if there is none.
    """

    patients: frozenset[UUID]
    until: datetime | None


async def opened_by(connection: AsyncConnection, actor: Actor, now: datetime) -> EmergencyRecords:
    """Return the patients whom a person has open by break-glass at a moment."""
    result = await connection.execute(
        text(
            "WITH RECURSIVE broken AS MATERIALIZED ("
            " SELECT (own->>'patient')::uuid AS id, (own->>'until')::timestamptz AS until"
            " FROM record.events WHERE stream = :stream"
            " AND (own->>'until')::timestamptz > :now"
            "), opened (id) AS ("
            " SELECT id FROM broken"
            " UNION SELECT CASE WHEN p.patient = o.id THEN p.merged_into ELSE p.patient END"
            f" FROM opened o JOIN {patients.fullname} p ON upper_inf(p.known)"
            " AND p.merged_into IS NOT NULL AND (p.patient = o.id OR p.merged_into = o.id)"
            ") SELECT array(SELECT id FROM opened), (SELECT min(until) FROM broken)"
        ),
        {"stream": EmergencyAccess.id_for(actor), "now": now},
    )
    streams, until = result.one()
    return EmergencyRecords(frozenset(streams), until)


async def closed_by_merge(
    connection: AsyncConnection, labels: Set[str]
) -> tuple[frozenset[UUID], datetime | None]:
    """Return all records of the persons one of whose records has a hidden label, now or planned.

    And the first moment (UTC) at which such a label ends, if one does. Only of persons with several
    records: row security itself reads the labels of a single one.
    """
    result = await connection.execute(
        text(
            "WITH RECURSIVE link AS MATERIALIZED (SELECT DISTINCT patient, merged_into"
            f"   FROM {patients.fullname} WHERE merged_into IS NOT NULL AND upper_inf(known)"
            "), labelled (patient, until) AS ("
            f" SELECT patient, upper(during) FROM {patients.fullname} WHERE upper_inf(known)"
            "   AND (upper_inf(during) OR upper(during) > now())"
            "   AND patient IN (SELECT patient FROM link UNION SELECT merged_into FROM link)"
            "   AND confidentiality = ANY(:hidden)"
            "), closed (id) AS ("
            " SELECT patient FROM labelled"
            " UNION SELECT CASE WHEN l.patient = c.id THEN l.merged_into ELSE l.patient END"
            "   FROM closed c JOIN link l ON c.id IN (l.patient, l.merged_into)"
            ") SELECT array(SELECT id FROM closed), (SELECT min(until) FROM labelled)"
        ),
        {"hidden": sorted(labels)},
    )
    records, until = result.one()
    return frozenset(records), until


async def treated_in_wards(
    connection: AsyncConnection, wards: Set[str], now: datetime
) -> frozenset[UUID]:
    """Return all records of the persons in beds of some wards of whom anything is RESTRICTED.

    Open stays by their partial index: the rows of a room are those of all years.
    """
    result = await connection.execute(
        text(
            "WITH RECURSIVE link AS MATERIALIZED (SELECT DISTINCT patient, merged_into"
            f"   FROM {patients.fullname} WHERE merged_into IS NOT NULL AND upper_inf(known)"
            "), person (lying, id) AS ("
            f" SELECT s.patient, s.patient FROM {stays.fullname} s JOIN {rooms.fullname} r"
            "   ON r.room = s.room AND upper_inf(r.known) AND upper_inf(r.during)"
            f"  WHERE s.status IN {IN_HOUSE} AND s.during @> CAST(:now AS timestamptz)"
            "   AND upper_inf(s.known) AND r.ward = ANY(:wards)"
            " UNION SELECT p.lying, CASE WHEN l.patient = p.id THEN l.merged_into ELSE l.patient END"
            "   FROM person p JOIN link l ON p.id IN (l.patient, l.merged_into)"
            "), labelled AS ("
            f" SELECT lying FROM person p JOIN {patients.fullname} l ON l.patient = p.id"
            "   AND upper_inf(l.known) AND l.confidentiality = :restricted"
            f" UNION SELECT lying FROM person p JOIN {stays.fullname} l ON l.patient = p.id"
            "   AND upper_inf(l.known) AND l.confidentiality = :restricted"
            ") SELECT DISTINCT id FROM person WHERE lying IN (SELECT lying FROM labelled)"
        ),
        {"wards": sorted(wards), "restricted": RESTRICTED, "now": now},
    )
    return frozenset(result.scalars())


async def elsewhere_by_merge(
    connection: AsyncConnection, wards: Set[str]
) -> tuple[frozenset[UUID], None]:
    """Return all records of the persons in a stay who neither are nor were in one of some wards.

    Only of persons with several records: row security itself follows the stays of a single one.
    """
    latest = "upper_inf(known) AND upper_inf(during)"
    result = await connection.execute(
        text(
            "WITH RECURSIVE link AS MATERIALIZED (SELECT patient, merged_into"
            f"   FROM {patients.fullname} WHERE merged_into IS NOT NULL AND {latest}"
            "), of (one, other) AS (SELECT patient, merged_into FROM link"
            "   UNION SELECT merged_into, patient FROM link"
            "), person (record, other) AS (SELECT one, one FROM of"
            "   UNION SELECT p.record, o.other FROM person p JOIN of o ON o.one = p.other"
            ") SELECT p.record FROM person p"
            f"  JOIN {stays.fullname} s ON s.patient = p.other"
            "   AND upper_inf(s.known) AND upper_inf(s.during)"
            "  GROUP BY p.record HAVING bool_or(s.status = ANY(:in_house))"
            "  AND NOT bool_or(coalesce((SELECT ward = ANY(:wards)"
            f"    FROM {rooms.fullname} WHERE {latest} AND room = ("
            f"      SELECT room FROM {stretches.fullname} WHERE stay = s.stay AND upper_inf(known)"
            "       ORDER BY lower(during) DESC LIMIT 1)), true))"
        ),
        {"in_house": list(IN_HOUSE), "wards": sorted(wards)},
    )
    return frozenset(result.scalars()), None
