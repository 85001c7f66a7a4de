"""Query of a course as a document."""

from typing import Annotated

import strawberry
from msgspec.structs import asdict
from strawberry import argument

from api.course.document import CourseFormat
from api.graphql.authorization import check_known, or_forbidden, records_of_mrn
from api.graphql.context import Info
from api.graphql.queries.arguments import (
    MrnAuthority,
    bitemporal,
    check_subject,
    id_of,
)
from api.graphql.types.courses import CourseDocument
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.course import course_of_person, course_of_stay
from infrastructure.queries.course_parts import Course, Imprint, Login
from infrastructure.queries.hospital_time import hospital_days
from infrastructure.queries.log import recorded_at
from infrastructure.read_models.stays import stays_by_id


@strawberry.type
class CourseQueries:
    @strawberry.field(
        description="The course of a stay, or of all stays of a person, as a document to print or to"
        " hand over: both clocks, places, timeline with corrections and reasons, prescriptions with"
        " doses, visits and consults; null if there was none then."
    )
    @bitemporal
    async def course(
        self,
        info: Info,
        at: AsOf,
        format: Annotated[CourseFormat, argument(description="HTML for print, JSON or CSV.")],
        stay_id: Annotated[strawberry.ID | None, argument(description="Of this stay.")] = None,
        mrn: Annotated[
            str | None, argument(description="Of all stays of the patient with this MRN.")
        ] = None,
        mrn_authority: MrnAuthority = None,
    ) -> CourseDocument | None:
        check_subject(mrn, stay_id)
        head = await _imprint(info, at)
        course: Course | None = None
        if mrn is None:
            id = id_of(stay_id)
            stay_course = await info.context.query(course_of_stay, id, at, head)
            course = await or_forbidden(info.context, stay_course, stays_by_id, id, at)
            await check_known(info.context, course, stay_id, Thing.STAY, "stay_id")
        elif records := await records_of_mrn(info.context, mrn, mrn_authority, at):
            id = records[0]
            course = await info.context.query(course_of_person, id, at, head)
        if course is None:
            return None
        course.record_access(at)
        return CourseDocument.of(course, id, format)


async def _imprint(info: Info, at: AsOf) -> Imprint:
    """Return the imprint of a document that the login has printed now."""
    status, caller = await info.context.log_status(), info.context.caller
    known_at = at.known_at
    if known_at is None and at.known < status.position:
        known_at = await info.context.query(recorded_at, at.known)
    settings = info.context.state.settings
    days = await info.context.query(hospital_days, settings.hospital, status.recorded)
    return Imprint(
        hospital=settings.hospital_name or settings.hospital,
        time_zone=days.zone_on(days.date_of(status.now)).key,
        as_of=at.as_of,
        known_at=known_at or status.now,
        printed_at=status.now,
        printed_by=Login.of(asdict(caller.actor)),
        purpose=caller.purpose.value,
    )
