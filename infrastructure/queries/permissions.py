"""Permissions of a viewer at present that row security needs: records opened, and closed by merges."""

from collections.abc import Set
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.break_glass import EmergencyAccess
from domain.envelope import Actor
from infrastructure.queries.row_security import IN_HOUSE
from infrastructure.read_models.occupancy import stretches
from infrastructure.read_models.patients import patients
from infrastructure.read_models.rooms import rooms
from infrastructure.read_models.stays import stays


@dataclass(frozen=True, slots=True)
class Opened:
    """The patients whose glass somebody has broken and that is open, under all their records.

    ``until``: when the first glass is shut again; None if none is open.
    """

    patients: frozenset[UUID]
    until: datetime | None


async def opened_by(connection: AsyncConnection, actor: Actor, now: datetime) -> Opened:
    """What is open to somebody."""
    found = await connection.execute(
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
    opened, until = found.one()
    return Opened(frozenset(opened), until)


async def closed_by_merge(connection: AsyncConnection, hidden: Set[str]) -> frozenset[UUID]:
    """All records of the persons one of whose records has one of these labels now.

    Only of those who have several: the label of a record of its own is looked at where it is read.
    """
    found = await connection.execute(
        text(
            "WITH RECURSIVE link AS MATERIALIZED (SELECT DISTINCT patient, merged_into"
            f"   FROM {patients.fullname} WHERE merged_into IS NOT NULL AND upper_inf(known)"
            "), closed (id) AS ("
            f" SELECT patient FROM {patients.fullname} WHERE upper_inf(known) AND upper_inf(during)"
            "   AND patient IN (SELECT patient FROM link UNION SELECT merged_into FROM link)"
            "   AND confidentiality = ANY(:hidden)"
            " UNION SELECT CASE WHEN l.patient = c.id THEN l.merged_into ELSE l.patient END"
            "   FROM closed c JOIN link l ON c.id IN (l.patient, l.merged_into)"
            ") SELECT id FROM closed"
        ),
        {"hidden": sorted(hidden)},
    )
    return frozenset(found.scalars())


async def elsewhere_by_merge(connection: AsyncConnection, wards: Set[str]) -> frozenset[UUID]:
    """All records of the persons who have several, and are in a stay, but in none of these wards.

    Nor have they been in one of them: that opens a patient to a ward.
    """
    latest = "upper_inf(known) AND upper_inf(during)"
    found = await connection.execute(
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
    return frozenset(found.scalars())
