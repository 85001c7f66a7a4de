"""Questions about patients and practitioners."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import chain
from uuid import UUID

from sqlalchemy import func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import Prepared, by_id, is_given, one_of_given
from infrastructure.read_models.patients import patients
from infrastructure.read_models.practitioners import practitioners


@dataclass(frozen=True, slots=True)
class PatientView:
    """A patient as held at a moment."""

    patient: UUID
    mrn: str
    mrn_authority: str
    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    confidentiality: str
    died_at: datetime | None
    merged_into: UUID | None


@dataclass(frozen=True, slots=True)
class PractitionerView:
    """A practitioner as held at a moment."""

    practitioner: UUID
    staff_number: str
    family_name: str | None
    given_name: str | None
    grade: str
    grade_from: date | None
    specialty: str | None


_patients_by_id = by_id(
    lambda at: select(*columns(patients)).where(
        one_of_given(patients.c.patient, "ids"), at.of(patients)
    )
)


async def patients_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PatientView]:
    """Patients by their ids."""
    found = await _patients_by_id(connection, ids, at)
    return {row.patient: view(PatientView, row) for row in found}


_BY_MRN = Prepared(
    lambda at: select(*columns(patients)).where(
        is_given(patients.c.mrn, "mrn"),
        is_given(patients.c.mrn_authority, "authority"),
        at.of(patients),
    )
)


async def patient_by_mrn(
    connection: AsyncConnection, mrn: str, authority: str, at: AsOf
) -> PatientView | None:
    """A patient by MRN within its authority."""
    found = await _BY_MRN.ask(connection, at, mrn=mrn, authority=authority)
    row = found.one_or_none()
    return view(PatientView, row) if row else None


_linked = by_id(
    lambda at: select(patients.c.patient, patients.c.merged_into).where(
        or_(one_of_given(patients.c.patient, "ids"), one_of_given(patients.c.merged_into, "ids")),
        at.of(patients),
    )
)


async def records_of(connection: AsyncConnection, patient: UUID, at: AsOf) -> list[UUID]:
    """All records of the person whose record this is, as the links were known; itself first."""
    return (await records_of_each(connection, [patient], at))[patient]


async def records_of_each(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[UUID]]:
    """The same for many records: asked as often as the longest chain of links has steps."""
    links: dict[UUID, set[UUID]] = {id: set() for id in ids}
    new = set(ids)
    while new:
        before = set(links)
        for one, other in await _linked(connection, list(new), at):
            if other is not None:
                links.setdefault(one, set()).add(other)
                links.setdefault(other, set()).add(one)
        new = set(links) - before
    return {id: _walked(id, links) for id in ids}


def _walked(id: UUID, links: Mapping[UUID, Collection[UUID]]) -> list[UUID]:
    """All that a record is linked with, itself first, and always in the same order."""
    found = [id]
    for one in found:  # grows while it is walked
        found += sorted(other for other in links[one] if other not in found)
    return found


async def other_records_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[PatientView]]:
    """The other records of the person, for each record."""
    records = await records_of_each(connection, ids, at)
    others = {id: found[1:] for id, found in records.items()}
    views = await patients_by_id(connection, list(set(chain(*others.values()))), at)
    return {id: [views[o] for o in found if o in views] for id, found in others.items()}


async def patients_page(
    connection: AsyncConnection,
    search: str | None,
    at: AsOf,
    first: int,
    after: tuple[str, str, UUID] | None,
) -> list[PatientView]:
    """Patients by name, from a place in that order; ``search`` begins a name or an MRN."""
    family = func.coalesce(patients.c.family_name, "")
    given = func.coalesce(patients.c.given_name, "")
    query = select(*columns(patients)).where(at.holds(patients))
    if search:
        query = query.where(
            or_(
                patients.c.mrn.istartswith(search, autoescape=True),
                patients.c.family_name.istartswith(search, autoescape=True),
                patients.c.given_name.istartswith(search, autoescape=True),
            )
        )
    if after:
        query = query.where(tuple_(family, given, patients.c.patient) > tuple_(*after))
    found = await connection.execute(query.order_by(family, given, patients.c.patient).limit(first))
    return [view(PatientView, row) for row in found]


_practitioners_by_id = by_id(
    lambda at: select(*columns(practitioners)).where(
        one_of_given(practitioners.c.practitioner, "ids"), at.of(practitioners)
    )
)


async def practitioners_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PractitionerView]:
    """Practitioners by their ids."""
    found = await _practitioners_by_id(connection, ids, at)
    return {row.practitioner: view(PractitionerView, row) for row in found}


async def practitioners_page(
    connection: AsyncConnection,
    staff_number: str | None,
    at: AsOf,
    first: int,
    after: tuple[str] | None,
) -> list[PractitionerView]:
    """Practitioners by staff number, from a place in that order."""
    query = select(*columns(practitioners)).where(at.holds(practitioners))
    if staff_number:
        query = query.where(practitioners.c.staff_number == staff_number)
    if after:
        query = query.where(practitioners.c.staff_number > after[0])
    found = await connection.execute(query.order_by(practitioners.c.staff_number).limit(first))
    return [view(PractitionerView, row) for row in found]
