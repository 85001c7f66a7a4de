"""Allergies read model: allergies and intolerances of patients, while they have them."""

from collections.abc import Sequence
from datetime import datetime
from itertools import chain
from uuid import UUID

from msgspec import Struct
from sqlalchemy import Column, MetaData, String, Table, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.allergies import ALLERGIES
from domain.patient import Patient
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection, events_of
from infrastructure.queries.as_of import AsOf, columns, group_views, in_time, since
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.patients import records_of_each

metadata = MetaData(schema="allergies_v1")
allergies = bitemporal_table(
    "allergies",
    metadata,
    "allergy",
    Column("patient", Uuid, nullable=False),
    Column("substance", String, nullable=False),
    Column("code", String),
    Column("system", String),
    Column("kind", String, nullable=False),
    Column("severity", String),
    Column("reaction", String),
    Column("verification", String, nullable=False),
    visibility="patient",
    find_by=("patient",),
    of="patient",
    has_valid_time_boundaries=True,
)


class Allergies(AggregateProjection[Patient]):
    """Projection of allergies: one row each, from when the patient has it until it ends."""

    name = "allergies"
    metadata = metadata
    kind = Patient
    unfolded = tuple(events_of(Patient) - frozenset(ALLERGIES))

    def rows(self, patient: Patient, event: Event) -> dict[Table, Rows]:
        return {
            allergies: {
                (allergy.id, allergy.at): (
                    allergy.period,
                    {
                        "patient": patient.id,
                        "substance": allergy.substance.name,
                        "code": allergy.substance.code,
                        "system": allergy.substance.system,
                        "kind": allergy.allergy_kind.value,
                        "severity": allergy.severity and allergy.severity.value,
                        "reaction": allergy.reaction,
                        "verification": allergy.verification.value,
                    },
                )
                for allergy in patient.allergies.values()
            }
        }


class AllergyView(Struct, frozen=True):
    """An allergy as held at a moment, with the record of the person that has it."""

    allergy: UUID
    patient: UUID
    substance: str
    code: str | None
    system: str | None
    kind: str
    severity: str | None
    reaction: str | None
    verification: str
    since: datetime


_allergies_of = by_id(
    lambda at: (
        select(*columns(allergies), since(allergies))
        .where(is_one_of(allergies.c.patient, "ids"), at.holds_as_filter(allergies))
        .order_by(in_time(allergies), allergies.c.position, allergies.c.allergy)
    )
)


@reads(allergies, records_of_each)
async def allergies_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[AllergyView]]:
    """Return the allergies of the persons of some records, by record, whichever record has them."""
    records = await records_of_each(connection, ids, at)
    rows = await _allergies_of(connection, list(set(chain(*records.values()))), at)
    views = group_views("patient", AllergyView, rows)
    return {
        id: sorted(
            (view for record in of_id for view in views.get(record, ())),
            key=lambda view: (view.since, view.allergy),
        )
        for id, of_id in records.items()
    }


_patients_of_allergies = by_id(
    lambda at: select(allergies.c.allergy, allergies.c.patient).where(
        is_one_of(allergies.c.allergy, "ids"), at.holds_as_filter(allergies)
    )
)


@reads(allergies)
async def patients_of_allergies(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, UUID]:
    """Return the record of the person that has each of some allergies."""
    rows = await _patients_of_allergies(connection, ids, at)
    return {row.allergy: row.patient for row in rows}
