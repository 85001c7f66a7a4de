"""All queries. Those about patients, stays and rooms are asked as of a moment, as known at another."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry import argument

from api.graphql.context import Ask
from api.graphql.differences import BedDifference, Exposure, StayDifference
from api.graphql.enums import Reading, StayStatus, TimelineKind
from api.graphql.node import Connection, Node, page, page_size
from api.graphql.people import Patient, Practitioner
from api.graphql.recording import uuid
from api.graphql.refusals import camel
from api.graphql.rooms import OccupancyStretch, Room, RoomOccupancy
from api.graphql.scalars import Long, Position, decode_cursor, encode_cursor
from api.graphql.stays import Prescription, Stay, Visit
from api.graphql.timeline import TimelineEntry, told
from domain.refusals import InvalidInput
from infrastructure.queries import people, record, rooms, stays
from infrastructure.queries.moment import At
from infrastructure.queries.timeline import entry_by_id, timeline_page

AsOf = Annotated[
    datetime | None, argument(description="As of this moment at the bedside; now by default.")
]
KnownAt = Annotated[
    datetime | None, argument(description="As known to the record then; now by default.")
]
KnownAtPosition = Annotated[
    Position | None, argument(description="As known at this place in the log.")
]
AtLeast = Annotated[Position | None, argument(description="Wait until this can be read.")]
FromKnown = Annotated[datetime, argument(description="As known to the record then.")]
ToKnown = Annotated[
    datetime | None, argument(description="As known to the record then; now by default.")
]
First = Annotated[int | None, argument(description="How many, 1 to 500; 50 by default.")]
After = Annotated[str | None, argument(description="The cursor after which to go on.")]
MrnAuthority = Annotated[
    str | None, argument(description="Who assigned the MRN; the hospital's own by default.")
]


@strawberry.type(description="A ward, by its name.")
class Ward:
    name: str = strawberry.field(description="Its name.")


@strawberry.input(description="Which stays; without statuses those that are open.")
class StayFilter:
    statuses: list[StayStatus] | None = strawberry.field(
        default=strawberry.UNSET, description="In one of these states at that moment."
    )
    ward: str | None = strawberry.field(
        default=strawberry.UNSET, description="Whose patient has a bed of this ward then."
    )
    patient_mrn: str | None = strawberry.field(
        default=strawberry.UNSET, description="Of the patient with this MRN."
    )
    attending: str | None = strawberry.field(
        default=strawberry.UNSET, description="With this staff number responsible then."
    )


@strawberry.type(description="What became of a command.")
class CommandOutcome:
    command_id: strawberry.ID = strawberry.field(description="Its id.")
    operation: str = strawberry.field(description="What it was.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@strawberry.type(description="A command that a read model could not take in.")
class ParkedCommand:
    command_id: strawberry.ID = strawberry.field(description="Its id.")
    operation: str = strawberry.field(description="What it was.")
    position: Position = strawberry.field(description="Its place in the log.")
    error: str = strawberry.field(description="Why, without anything about a patient.")


@strawberry.type(description="A read model: how far it is.")
class Projection:
    name: str = strawberry.field(description="Its name.")
    position: Position = strawberry.field(description="The place in the log it has reached.")
    lag: Long = strawberry.field(description="How many events it lacks.")
    lag_seconds: float = strawberry.field(
        description="Age of the oldest event it lacks, in seconds."
    )
    state: str = strawberry.field(
        description="FOLLOWING, BEHIND, PARKED (it lacks some commands), or HALTED (at one)."
    )
    parked: Long = strawberry.field(description="How many commands it could not take in.")
    parked_commands: list[ParkedCommand] = strawberry.field(
        description="Those commands, in the order of the log."
    )


@strawberry.type(description="What can be asked.")
class Query:
    @strawberry.field(description="A patient, by MRN or by id.")
    async def patient(
        self,
        info: Ask,
        mrn: Annotated[str | None, argument(description="Medical record number.")] = None,
        mrn_authority: MrnAuthority = None,
        id: Annotated[strawberry.ID | None, argument(description="The patient's id.")] = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Patient | None:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        if (mrn is None) == (id is None):
            raise InvalidInput("mrn", "name the patient by mrn or by id")
        if mrn is not None:
            authority = mrn_authority or info.context.house.settings.mrn_authority
            view = await info.context.ask(people.patient_by_mrn, mrn, authority, at)
            return Patient.of(view, at) if view else None
        return await Patient.find(info, _uuid(id), at)

    @strawberry.field(description="Patients in the order of their names.")
    async def patients(
        self,
        info: Ask,
        search: Annotated[
            str | None, argument(description="The beginning of a name or an MRN.")
        ] = None,
        first: First = None,
        after: After = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[Patient]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        wanted, place = page_size(first), decode_cursor(after, "patients", str, str, UUID)
        found = await info.context.ask(people.patients_page, search, at, wanted + 1, place)
        return page(
            found,
            wanted,
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
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[Practitioner]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        wanted, place = page_size(first), decode_cursor(after, "practitioners", str)
        found = await info.context.ask(
            people.practitioners_page, staff_number, at, wanted + 1, place
        )
        return page(
            found,
            wanted,
            after,
            lambda v: encode_cursor("practitioners", v.staff_number),
            lambda v: Practitioner.of(v, at),
        )

    @strawberry.field(description="The wards, by name.")
    async def wards(
        self,
        info: Ask,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> list[Ward]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        return [Ward(name=name) for name in await info.context.ask(rooms.wards, at)]

    @strawberry.field(description="A stay; null before its admission.")
    async def stay(
        self,
        info: Ask,
        id: Annotated[strawberry.ID, argument(description="The stay's id.")],
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Stay | None:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        return await Stay.find(info, _uuid(id), at)

    @strawberry.field(
        description="Stays in the order of their admission; the open ones by default."
    )
    async def stays(
        self,
        info: Ask,
        filter: Annotated[StayFilter | None, argument(description="Which ones.")] = None,
        first: First = None,
        after: After = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[Stay]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        size, place = page_size(first), decode_cursor(after, "stays", datetime, UUID)
        wanted = stays.StayFilter()
        if filter is not None:
            records: tuple[UUID, ...] | None = None
            attending = None
            if filter.patient_mrn:
                authority = info.context.house.settings.mrn_authority
                who = await info.context.ask(
                    people.patient_by_mrn, filter.patient_mrn, authority, at
                )
                records = tuple(
                    await info.context.ask(people.records_of, who.patient, at) if who else ()
                )
            if filter.attending:
                staff = await info.context.ask(
                    people.practitioners_page, filter.attending, at, 1, None
                )
                attending = staff[0].practitioner if staff else UUID(int=0)
            statuses = tuple(s.value for s in filter.statuses or ()) or wanted.statuses
            wanted = stays.StayFilter(statuses, filter.ward or None, records, attending)
        found = await info.context.ask(stays.stays_page, wanted, at, size + 1, place)
        return page(
            found,
            size,
            after,
            lambda v: encode_cursor("stays", v.admitted_at, v.stay),
            lambda v: Stay.of(v, at),
        )

    @strawberry.field(description="A prescription; null before it was written or began.")
    async def prescription(
        self,
        info: Ask,
        id: Annotated[strawberry.ID, argument(description="The prescription's id.")],
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Prescription | None:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        return await Prescription.find(info, _uuid(id), at)

    @strawberry.field(description="Who lies where: every bed of a ward, or of the house.")
    async def room_occupancy(
        self,
        info: Ask,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> list[RoomOccupancy]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        return [
            RoomOccupancy.of(view, at) for view in await info.context.ask(rooms.board, at, ward)
        ]

    @strawberry.field(description="Who lay where in a period, in stretches.")
    async def occupancy_history(
        self,
        info: Ask,
        from_: Annotated[datetime, argument(name="from", description="Beginning of the period.")],
        to: Annotated[datetime, argument(description="End of the period, not included.")],
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        room: Annotated[str | None, argument(description="Rooms of this number only.")] = None,
        bed: Annotated[str | None, argument(description="Beds of this code only.")] = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> list[OccupancyStretch]:
        if to <= from_:
            raise InvalidInput("to", "the period ends after it begins")
        at = await info.context.at(None, known_at, known_at_position, at_least)
        found = await info.context.ask(
            rooms.occupancy_history, at.known, from_, to, ward, room, bed
        )
        return [OccupancyStretch.of(view, at) for view in found]

    @strawberry.field(description="What happened to a patient or in a stay, in that order.")
    async def timeline(
        self,
        info: Ask,
        mrn: Annotated[str | None, argument(description="Of the patient with this MRN.")] = None,
        mrn_authority: MrnAuthority = None,
        stay_id: Annotated[strawberry.ID | None, argument(description="Of this stay.")] = None,
        kinds: Annotated[
            list[TimelineKind] | None, argument(description="These kinds of facts only.")
        ] = None,
        read: Annotated[
            Reading,
            argument(
                description="ALL: with what was corrected and cancelled, as it happened. TRUTH: only"
                " what is held to be so. RECORD: all, in the order in which it became known."
            ),
        ] = Reading.ALL,
        first: First = None,
        after: After = None,
        as_of: AsOf = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Connection[TimelineEntry]:
        at = await info.context.at(as_of, known_at, known_at_position, at_least)
        if (mrn is None) == (stay_id is None):
            raise InvalidInput("mrn", "name a patient by mrn, or a stay by stayId")
        wanted = page_size(first)
        place: tuple[Any, int] | None = (
            decode_cursor(after, "record", int, int)
            if read is Reading.RECORD
            else decode_cursor(after, "timeline", datetime, int)
        )
        records: list[UUID] | None = None
        if mrn is not None:
            authority = mrn_authority or info.context.house.settings.mrn_authority
            who = await info.context.ask(people.patient_by_mrn, mrn, authority, at)
            records = await info.context.ask(people.records_of, who.patient, at) if who else []
        found = await info.context.ask(
            timeline_page,
            at,
            wanted + 1,
            place,
            reading=read,
            patients=records,
            stay=_uuid(stay_id) if stay_id else None,
            kinds=[k.value for k in kinds] if kinds else None,
        )
        stories = await told(info, found[:wanted], at)
        return page(
            found,
            wanted,
            after,
            lambda v: (
                encode_cursor("record", v.recorded_position, v.position)
                if read is Reading.RECORD
                else encode_cursor("timeline", v.occurred_at, v.position)
            ),
            lambda v: TimelineEntry.of(info, v, stories[v.entry]),
        )

    @strawberry.field(
        description="A stay as held at two moments of the record, and the facts that made the"
        " difference; null if it is not known."
    )
    async def stay_difference(
        self,
        info: Ask,
        id: Annotated[strawberry.ID, argument(description="The stay's id.")],
        from_known: FromKnown,
        to_known: ToKnown = None,
    ) -> StayDifference | None:
        after, before = await _two(info, None, from_known, to_known)
        return await StayDifference.find(info, _uuid(id), before, after)

    @strawberry.field(
        description="The beds of which something else is held for one moment than was held then,"
        " and the facts that made the difference."
    )
    async def occupancy_difference(
        self,
        info: Ask,
        from_known: FromKnown,
        to_known: ToKnown = None,
        ward: Annotated[str | None, argument(description="This ward only.")] = None,
        as_of: AsOf = None,
    ) -> list[BedDifference]:
        after, before = await _two(info, as_of, from_known, to_known)
        return await BedDifference.all(info, ward, before, after)

    @strawberry.field(
        description="What was decided or recorded while a fact was wrong; null if it never was."
    )
    async def exposure(
        self,
        info: Ask,
        movement_id: Annotated[
            strawberry.ID, argument(description="The movement, visit or dose that was wrong.")
        ],
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
    ) -> Exposure | None:
        at = await info.context.at(None, known_at, known_at_position, at_least)
        return await Exposure.find(info, _uuid(movement_id), at)

    @strawberry.field(description="What became of a command; null if it was not accepted.")
    async def command(
        self, info: Ask, id: Annotated[strawberry.ID, argument(description="The command's id.")]
    ) -> CommandOutcome | None:
        found = await info.context.ask(record.command_by_id, uuid(id, "command", "id"))
        if found is None:
            return None
        return CommandOutcome(
            command_id=strawberry.ID(str(found.command_id)),
            operation=camel(found.operation),
            position=info.context.position(found.last_position),
            recorded_at=found.recorded_at,
        )

    @strawberry.field(description="The read models, and how far behind the log they are.")
    async def projections(self, info: Ask) -> list[Projection]:
        parked = await info.context.ask(record.parked_commands)
        return [
            Projection(
                name=view.name,
                position=info.context.position(view.position),
                lag=Long(view.lag),
                lag_seconds=view.lag_seconds,
                state=view.state,
                parked=Long(view.parked),
                parked_commands=[
                    ParkedCommand(
                        command_id=strawberry.ID(str(p.command)),
                        operation=camel(p.operation),
                        position=info.context.position(p.last_position),
                        error=p.error,
                    )
                    for p in parked
                    if p.model == view.name
                ],
            )
            for view in await info.context.ask(record.projections)
        ]

    @strawberry.field(description="Anything that has an id, as held now.")
    async def node(
        self, info: Ask, id: Annotated[strawberry.ID, argument(description="Its id.")]
    ) -> Node | None:
        at = await info.context.at()
        key = _uuid(id)
        for kind in (Patient, Stay, Room, Practitioner, Prescription):
            found: Node | None = await kind.find(info, key, at)
            if found is not None:
                return found
        visit = await info.context.ask(stays.visit_by_id, key, at)
        if visit is not None:
            return Visit.of(visit, at)
        entry = await info.context.ask(entry_by_id, key, at)
        if entry is None:
            return None
        stories = await told(info, [entry], at)
        return TimelineEntry.of(info, entry, stories[entry.entry])


async def _two(
    info: Ask, as_of: datetime | None, from_known: datetime, to_known: datetime | None
) -> tuple[At, At]:
    """One moment as known later, and as known before."""
    after = await info.context.at(as_of, to_known)
    before = await info.context.at(after.as_of, from_known)
    if before.known > after.known:
        raise InvalidInput("fromKnown", "it lies after toKnown")
    return after, before


def _uuid(id: str | None) -> UUID:
    """The id, or one that names nothing."""
    try:
        return UUID(id or "")
    except ValueError:
        return UUID(int=0)
