"""Birth dates and sexes that somebody altered in the log, as the timeline has them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.envelope import ALTERED
from domain.patient import Patient
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.compiled import by_id, is_one_of
from infrastructure.queries.tables_read import reads
from infrastructure.read_models.timeline.entry import kind_of
from infrastructure.read_models.timeline.projection import entries

DETAILS = (
    Patient.Registered,
    Patient.DetailsCorrected,
    Patient.DetailsChanged,
    Patient.ChangeCorrected,
)
"""The kinds of events that tell a birth date or a sex."""

_altered_details = by_id(
    lambda at: (
        select(
            entries.c.patient,
            entries.c.data["birth_date"].astext.label("birth_date"),
            entries.c.data["sex"].astext.label("sex"),
        )
        .where(
            is_one_of(entries.c.patient, "ids"),
            entries.c.kind.in_([kind_of(kind) for kind in DETAILS]),
            entries.c.status == "TRUE",
            at.holds_as_filter(entries),
        )
        .order_by(entries.c.first_position)
    )
)


@reads(entries)
async def altered_details(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[str]]:
    """Return which of birth date and sex somebody altered in the log, where it was told last."""
    details_by_patient: dict[UUID, dict[str, bool]] = {}
    for row in await _altered_details(connection, ids, at):
        details = details_by_patient.setdefault(row.patient, {})
        for name in ("birth_date", "sex"):
            if (value := getattr(row, name)) is not None:
                details[name] = value == ALTERED
    return {
        id: [name for name, is_so in of.items() if is_so] for id, of in details_by_patient.items()
    }
