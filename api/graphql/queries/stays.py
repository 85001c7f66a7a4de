"""Queries of stays and prescriptions."""

from datetime import datetime
from functools import partial
from typing import Annotated
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.authorization import (
    check_identity,
    check_known,
    known_ward,
    or_forbidden,
    records_of_mrn,
)
from api.graphql.context import Ask
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
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.deceased import deceased
from infrastructure.queries.named import (
    check_staff_number_held,
    check_ward_held,
    staff_number_named,
)
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


def chosen_value(choice: bool | None) -> bool | None:
    """Return what was chosen; None where nothing was said."""
    return choice if isinstance(choice, bool) else None


@strawberry.type
class StayQueries:
    @strawberry.field(description="A stay; null before its admission.")
    @bitemporal
    async def stay(
        self,
        info: Ask,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The stay's id.")],
    ) -> Stay | None:
        entity = await Stay.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, stays_by_id, id_of(id), at)
        await check_known(info.context, entity, id, "stay")
        return entity

    @strawberry.field(
        description="Stays, in the order of their admission by default; the open ones by default.",
        metadata=CACHEABLE,
    )
    @bitemporal
    async def stays(
        self,
        info: Ask,
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
        criteria, ward = StayCriteria(), None
        if filter is not None:
            records: tuple[UUID, ...] | None = None
            attending = None
            if filter.patient_mrn:
                mrn, authority = filter.patient_mrn, filter.mrn_authority or None
                find = records_of_mrn(info.context, mrn, authority, at, "patient_mrn")
                records = tuple(await find)
            if filter.attending:
                number = await info.context.query(staff_number_named, filter.attending, "attending")
                person = PractitionerCriteria(number)
                staff = await info.context.query(practitioners_page, person, at, 1, None)
                if not staff:
                    check = check_staff_number_held
                    await info.context.query(check, number, at, "attending")
                attending = staff[0].practitioner.practitioner if staff else UUID(int=0)
            statuses = tuple(s.value for s in filter.statuses or ()) or criteria.statuses
            ward = await known_ward(info.context, filter.ward or None)
            stays_without_bed = None
            if ward is not None and chosen_value(filter.has_bed) is False:
                stays_without_bed = await info.context.query(unplaced_in, ward, at)
            plans, labels = filter.discharge_plans, filter.confidentialities
            criteria = StayCriteria(
                statuses,
                ward if stays_without_bed is None else None,
                records,
                attending,
                expected_until=filter.expected_discharge_until or None,
                plans=tuple(p.value for p in plans) if plans else None,
                has_bed=chosen_value(filter.has_bed),
                overdue_at=at.as_of if filter.overdue else None,
                has_attending=chosen_value(filter.has_attending),
                specialty=filter.specialty or None,
                admitted_since=filter.admitted_from or None,
                admitted_before=filter.admitted_to or None,
                labels=tuple(c.value for c in labels) if labels else None,
                ids=stays_without_bed,
            )
        entries = await info.context.query(stays_page, criteria, at, size + 1, place, order_by)
        if ward is not None and not entries:
            await info.context.query(check_ward_held, ward, at)
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
        info: Ask,
        at: AsOf,
        ward: Annotated[str | None, argument(description="Those who lie in this ward.")] = None,
    ) -> list[Deceased]:
        ward = await known_ward(info.context, ward)
        views = await info.context.query(deceased, at, ward)
        if ward is not None and not views:
            await info.context.query(check_ward_held, ward, at)
        return [Deceased.of(view, at) for view in views]

    @strawberry.field(
        description="The consults of open stays that wait for an answer, the longest first."
    )
    @bitemporal
    async def open_consults(
        self,
        info: Ask,
        at: AsOf,
        ward: Annotated[str | None, argument(description="Of those who lie in this ward.")] = None,
        specialty: Annotated[str | None, argument(description="That this one is asked.")] = None,
    ) -> list[Consult]:
        ward = await known_ward(info.context, ward)
        views = await info.context.query(open_consults, at, ward, specialty)
        if ward is not None and not views:
            await info.context.query(check_ward_held, ward, at)
        return [Consult.of(view, at) for view in views]

    @strawberry.field(description="A prescription; null before it was written or began.")
    @bitemporal
    async def prescription(
        self,
        info: Ask,
        at: AsOf,
        id: Annotated[strawberry.ID, argument(description="The prescription's id.")],
    ) -> Prescription | None:
        entity = await Prescription.find(info, id_of(id), at)
        await or_forbidden(info.context, entity, prescriptions_by_id, id_of(id), at)
        await check_known(info.context, entity, id, "prescription")
        return entity
