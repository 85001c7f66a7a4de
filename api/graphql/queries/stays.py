"""Queries of stays and prescriptions."""

from collections.abc import Sequence
from datetime import datetime
from enum import Enum
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_identity,
    check_known,
    check_ward_of,
    known_ward,
    or_forbidden,
    records_of_filter,
)
from api.graphql.context import Context, Info
from api.graphql.declarations import CACHEABLE
from api.graphql.prefetching import prefetch_stays
from api.graphql.queries.arguments import (
    After,
    First,
    bitemporal,
    id_of,
)
from api.graphql.relay import Connection, page, page_size
from api.graphql.scalars import decode_cursor, encode_cursor
from api.graphql.types.consults import Consult
from api.graphql.types.deceased import Deceased
from api.graphql.types.enums import Confidentiality, DischargePlan, StayStatus
from api.graphql.types.stays import Prescription, Stay
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.deceased import deceased
from infrastructure.queries.named import check_staff_number_held, staff_number_named
from infrastructure.queries.stay_search import (
    ORDERS,
    StayCriteria,
    StayOrder,
    stay_count,
    stays_page,
)
from infrastructure.queries.unplaced import unplaced_in
from infrastructure.read_models.consults import open_consults
from infrastructure.read_models.practitioners import PractitionerCriteria, practitioners_page
from infrastructure.read_models.prescriptions import prescriptions_by_id
from infrastructure.read_models.stays import OPEN, stays_by_id


@strawberry.input(description="Which stays; without statuses those that are open.")
class StayFilter:
    statuses: list[StayStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states at that moment."
    )
    ward: str | None = strawberry.field(
        default=strawberry.UNSET,
        description="Whose patient has a bed of this ward then; with hasBed false those without a bed"
        " whose place names this ward, or whose last bed was there.",
    )
    patient_mrn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of the patient with this MRN."
    )
    mrn_authority: str | None = strawberry.field(
        default=strawberry.UNSET, description="Who assigned it; the hospital's own by default."
    )
    attending: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this staff number responsible then."
    )
    expected_discharge_until: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Expected to be discharged up to this moment."
    )
    discharge_plans: list[DischargePlan] | None = strawberry.field(
        default=strawberry.UNSET, description="Planned so far."
    )
    has_bed: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only with a bed, or only without."
    )
    overdue: bool | None = strawberry.field(
        default=strawberry.UNSET, description="True: only on leave and expected back before."
    )
    has_attending: bool | None = strawberry.field(
        default=strawberry.UNSET, description="Only with a responsible doctor, or only without."
    )
    specialty: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of this responsible specialty."
    )
    admitted_from: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Admitted at this moment or later."
    )
    admitted_to: datetime | None = strawberry.field(
        default=strawberry.UNSET, description="Admitted before this moment."
    )
    confidentialities: list[Confidentiality] | None = strawberry.field(
        default=strawberry.UNSET, description="With one of these labels."
    )

    async def criteria(self, context: Context, ward: str | None, at: AsOf) -> StayCriteria:
        """Return the criteria of the search; ``ward``: as it is stored. Raises NotFound, NotAllowed."""
        has_bed = _choice(self.has_bed)
        stays_without_bed = None
        if ward is not None and has_bed is False:
            stays_without_bed = await context.query(unplaced_in, ward, at)
        return StayCriteria(
            _values(self.statuses) or OPEN,
            ward if stays_without_bed is None else None,
            await records_of_filter(context, self.patient_mrn, self.mrn_authority, at),
            await _practitioner(context, self.attending, at) if self.attending else None,
            expected_until=self.expected_discharge_until or None,
            plans=_values(self.discharge_plans),
            has_bed=has_bed,
            overdue_at=at.as_of if self.overdue else None,
            has_attending=_choice(self.has_attending),
            specialty=self.specialty or None,
            admitted_since=self.admitted_from or None,
            admitted_before=self.admitted_to or None,
            labels=_values(self.confidentialities),
            ids=stays_without_bed,
        )


def _choice(value: bool | None) -> bool | None:
    """Return the value of an input field; None if it is not set."""
    return value if isinstance(value, bool) else None


def _values(members: Sequence[Enum] | None) -> tuple[str, ...] | None:
    """Return the values of the chosen members; None if none is chosen."""
    return tuple(member.value for member in members or ()) or None


async def _practitioner(context: Context, staff_number: str, at: AsOf) -> UUID:
    """Return the id of the practitioner with a staff number; of nobody, if not at that moment.

    Raises NotFound for one that nobody ever had, or whose practitioner has another then.
    """
    number = await context.query(staff_number_named, staff_number, "attending")
    staff = await context.query(practitioners_page, PractitionerCriteria(number), at, 1, None)
    if staff:
        return staff[0].practitioner.practitioner
    await context.query(check_staff_number_held, number, at, "attending")
    return UUID(int=0)


@strawberry.type
class StayQueries:
    @strawberry.field(description="A stay; null before its admission.")
    @bitemporal
    async def stay(
        self,
        info: Info,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The stay's id.")],
    ) -> Stay | None:
        entity = await Stay.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, stays_by_id, id_of(id), at)
        await check_known(info.context, entity, id, Thing.STAY)
        return entity

    @strawberry.field(
        description="Stays, in the order of their admission by default; the open ones by default.",
        metadata=CACHEABLE,
    )
    @bitemporal
    async def stays(
        self,
        info: Info,
        at: AsOf,
        filter: Annotated[StayFilter | None, argument(description="Which ones.")] = None,
        order_by: Annotated[StayOrder, argument(description="In which order.")] = (
            StayOrder.ADMISSION
        ),
        first: First = None,
        after: After = None,
    ) -> Connection[Stay]:
        if order_by is StayOrder.PATIENT_NAME:
            check_identity(info.context, "list stays by the name of the patient")
        name = "stays" if order_by is StayOrder.ADMISSION else f"stays {order_by}"
        size, place = page_size(first), decode_cursor(after, name, *ORDERS[order_by].types)
        ward = await known_ward(info.context, filter.ward or None) if filter else None
        criteria = await filter.criteria(info.context, ward, at) if filter else StayCriteria()
        entries = await info.context.query(stays_page, criteria, at, size + 1, place, order_by)
        await check_ward_of(info.context, ward, at, entries)
        await prefetch_stays(info, [entry.stay for entry in entries[:size]], at)
        return page(
            entries,
            size,
            after,
            lambda entry: encode_cursor(name, *entry.place),
            lambda entry: Stay.of(entry.stay, at),
            partial(info.context.query, stay_count, criteria, at)
            if set(criteria.statuses) <= set(OPEN) or criteria.patients is not None
            else None,
        )

    @strawberry.field(
        description="The dead who still hold a bed, are not discharged or have active prescriptions, the"
        " longest dead first."
    )
    @bitemporal
    async def deceased(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str | None, argument(description="Those who lie in this ward.")] = None,
    ) -> list[Deceased]:
        ward = await known_ward(info.context, ward)
        views = await info.context.query(deceased, at, ward)
        await check_ward_of(info.context, ward, at, views)
        return [Deceased.of(view, at) for view in views]

    @strawberry.field(
        description="Consults in open stays of the living that wait for an answer, the longest first."
    )
    @bitemporal
    async def open_consults(
        self,
        info: Info,
        at: AsOf,
        ward: Annotated[str | None, argument(description="Of those who lie in this ward.")] = None,
        specialty: Annotated[str | None, argument(description="That this one is asked.")] = None,
    ) -> list[Consult]:
        ward = await known_ward(info.context, ward)
        views = await info.context.query(open_consults, at, ward, specialty)
        await check_ward_of(info.context, ward, at, views)
        return [Consult.of(view, at) for view in views]

    @strawberry.field(description="A prescription; null before it was written or began.")
    @bitemporal
    async def prescription(
        self,
        info: Info,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The prescription's id.")],
    ) -> Prescription | None:
        entity = await Prescription.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, prescriptions_by_id, id_of(id), at)
        await check_known(info.context, entity, id, Thing.PRESCRIPTION)
        return entity
