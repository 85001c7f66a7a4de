"""Queries of patients and practitioners."""

from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import or_forbidden, patient_by_mrn
from api.graphql.context import Ask
from api.graphql.queries.arguments import (
    After,
    AsOfArgument,
    AtLeast,
    First,
    KnownAt,
    KnownAtPosition,
    MrnAuthority,
    id_of,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.people import Patient, Practitioner
from domain.refusals import InvalidInput
from infrastructure.queries.named import check_staff_number_held, staff_number_named
from infrastructure.read_models.patients import patients_by_id, patients_page
from infrastructure.read_models.practitioners import practitioners_page


@strawberry.type
class PeopleQueries:
    @strawberry.field(description="A patient, by MRN or by id.")
    async def patient(
        self,
        info: Ask,
        mrn: Annotated[str | None, argument(description="Medical record number.")] = None,
        mrn_authority: MrnAuthority = None,
        id: Annotated[strawberry.ID | None, argument(description="The patient's id.")] = None,
        as_of: AsOfArgument = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Patient | None:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        if (mrn is None) == (id is None):
            raise InvalidInput("mrn", "name the patient by mrn or by id")
        if mrn is not None:
            view = await patient_by_mrn(info.context, mrn, mrn_authority, at)
            return Patient.of(view, at) if view else None
        entity = await Patient.find(info, id_of(id), at)
        return await or_forbidden(info.context, entity, patients_by_id, id_of(id), at)

    @strawberry.field(description="Patients in the order of their names.")
    async def patients(
        self,
        info: Ask,
        search: Annotated[
            str | None,
            argument(
                description="Beginnings of words of the name, in any order; of an MRN; a birth date."
            ),
        ] = None,
        first: First = None,
        after: After = None,
        as_of: AsOfArgument = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[Patient]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        size, place = page_size(first), decode_cursor(after, "patients", str, str, UUID)
        views = await info.context.query(patients_page, search, at, size + 1, place)
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("patients", v.family_name or "", v.given_name or "", v.patient),
            lambda v: Patient.of(v, at),
        )

    @strawberry.field(description="Practitioners in the order of their staff numbers.")
    async def practitioners(
        self,
        info: Ask,
        staff_number: Annotated[str | None, argument(description="This one only.")] = None,
        first: First = None,
        after: After = None,
        as_of: AsOfArgument = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[Practitioner]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        size, place = page_size(first), decode_cursor(after, "practitioners", str)
        if staff_number is not None:
            staff_number = await info.context.query(
                staff_number_named, staff_number, "staff_number"
            )
        views = await info.context.query(practitioners_page, staff_number, at, size + 1, place)
        if staff_number is not None and not views:
            await info.context.query(check_staff_number_held, staff_number, at, "staff_number")
        return page(
            views,
            size,
            after,
            lambda v: encode_cursor("practitioners", v.staff_number),
            lambda v: Practitioner.of(v, at),
        )
