"""Queries of patients and practitioners."""

from datetime import date, timedelta
from typing import Annotated

import strawberry
from strawberry import argument

from api.graphql.authorization import check_known, known_patient, or_forbidden
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    After,
    First,
    MrnAuthority,
    bitemporal,
    id_of,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.enums import Sex
from api.graphql.types.people import Patient, Practitioner
from domain.refusals import InvalidInput
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.named import check_staff_number_held, staff_number_named
from infrastructure.queries.patient_search import (
    ORDERS,
    PatientCriteria,
    PatientOrder,
    likely_duplicates,
    patients_page,
)
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.practitioners import ORDERS as PRACTITIONER_ORDERS
from infrastructure.read_models.practitioners import (
    PractitionerCriteria,
    PractitionerOrder,
    practitioners_page,
)

YEARS = range(1, 9999)
"""The years that a birth date can lie in."""


@strawberry.input(description="Criteria for patients; all of them have to be met.")
class PatientFilter:
    birth_date: date | None = strawberry.field(
        default=strawberry.UNSET, description="Born on this day."
    )
    birth_year: int | None = strawberry.field(
        default=strawberry.UNSET, description="Born in this year."
    )
    sex: Sex | None = strawberry.field(
        default=strawberry.UNSET, description="Of this administrative sex."
    )
    in_house: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: those with an open stay, by any record."
    )

    def criteria(self, search: str | None) -> PatientCriteria:
        """Return the criteria of the search. Raises InvalidInput for a year that is none."""
        first = last = self.birth_date or None
        if year := self.birth_year or None:
            if year not in YEARS or (first and first.year != year):
                raise InvalidInput("birth_year", "it is no year that the birth date can lie in")
            first = first or date(year, 1, 1)
            last = last or date(year + 1, 1, 1) - timedelta(days=1)
        sex = self.sex.value if self.sex else None
        return PatientCriteria(search, first, last, sex, self.in_house is True)


@strawberry.input(description="Criteria for practitioners; all of them have to be met.")
class PractitionerFilter:
    specialty: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of this specialty."
    )


@strawberry.type
class PeopleQueries:
    @strawberry.field(description="A patient, by MRN or by id.")
    @bitemporal
    async def patient(
        self,
        info: Info,
        at: AsOf,
        mrn: Annotated[str | None, argument(description="Medical record number.")] = None,
        mrn_authority: MrnAuthority = None,
        id: Annotated[strawberry.ID | None, argument(description="The patient's id.")] = None,
    ) -> Patient | None:
        if (mrn is None) == (id is None):
            raise InvalidInput("mrn", "name the patient by mrn or by id")
        info.context.is_search = True
        if mrn is not None:
            view = await known_patient(info.context, mrn, mrn_authority, at)
            return Patient.of(view, at) if view else None
        entity = await Patient.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, patients_by_id, id_of(id), at)
        await check_known(info.context, entity, id, Thing.PATIENT)
        return entity

    @strawberry.field(description="Patients, in the order of their names by default.")
    @bitemporal
    async def patients(
        self,
        info: Info,
        at: AsOf,
        search: Annotated[
            str | None,
            argument(
                description="Beginnings of words of the name, in any order, written together or apart;"
                " of an MRN, with its leading zeros or without; a birth date, its month or its year."
            ),
        ] = None,
        filter: Annotated[PatientFilter | None, argument(description="Which ones.")] = None,
        order_by: Annotated[PatientOrder, argument(description="In which order.")] = (
            PatientOrder.NAME
        ),
        first: First = None,
        after: After = None,
    ) -> Connection[Patient]:
        name = "patients" if order_by is PatientOrder.NAME else f"patients {order_by}"
        size, place = page_size(first), decode_cursor(after, name, *ORDERS[order_by].types)
        criteria = filter.criteria(search) if filter else PatientCriteria(search)
        info.context.is_search = criteria != PatientCriteria()
        entries = await info.context.query(patients_page, criteria, at, size + 1, place, order_by)
        return page(
            entries,
            size,
            after,
            lambda entry: encode_cursor(name, *entry.place),
            lambda entry: Patient.of(entry.patient, at),
        )

    @strawberry.field(
        description="The patients who are likely to be known already as a person: of the same birth date"
        " and the words of one name in the other, together or apart; where a birth date is missing, the"
        " same words."
    )
    @bitemporal
    async def likely_duplicates(
        self,
        info: Info,
        at: AsOf,
        family_name: Annotated[str | None, argument(description="Family name.")] = None,
        given_name: Annotated[str | None, argument(description="Given name.")] = None,
        birth_date: Annotated[date | None, argument(description="Birth date.")] = None,
        sex: Annotated[Sex | None, argument(description="Administrative sex.")] = None,
    ) -> list[Patient]:
        details = family_name, given_name, birth_date, sex.value if sex else None
        info.context.is_search = True
        views = await info.context.query(likely_duplicates, *details, at)
        return [Patient.of(view, at) for view in views]

    @strawberry.field(description="Practitioners, in the order of their staff numbers by default.")
    @bitemporal
    async def practitioners(
        self,
        info: Info,
        at: AsOf,
        staff_number: Annotated[str | None, argument(description="This one only.")] = None,
        search: Annotated[
            str | None,
            argument(
                description="Beginnings of words of the name, in any order, or of a staff number."
            ),
        ] = None,
        filter: Annotated[PractitionerFilter | None, argument(description="Which ones.")] = None,
        order_by: Annotated[PractitionerOrder, argument(description="In which order.")] = (
            PractitionerOrder.STAFF_NUMBER
        ),
        first: First = None,
        after: After = None,
    ) -> Connection[Practitioner]:
        is_default = order_by is PractitionerOrder.STAFF_NUMBER
        name = "practitioners" if is_default else f"practitioners {order_by}"
        order = PRACTITIONER_ORDERS[order_by]
        size, place = page_size(first), decode_cursor(after, name, *order.types)
        if staff_number is not None:
            staff_number = await info.context.query(
                staff_number_named, staff_number, "staff_number"
            )
        specialty = filter.specialty or None if filter else None
        criteria = PractitionerCriteria(staff_number, search, specialty)
        entries = await info.context.query(
            practitioners_page, criteria, at, size + 1, place, order_by
        )
        if staff_number is not None and not entries:
            await info.context.query(check_staff_number_held, staff_number, at, "staff_number")
        return page(
            entries,
            size,
            after,
            lambda entry: encode_cursor(name, *entry.place),
            lambda entry: Practitioner.of(entry.practitioner, at),
        )
