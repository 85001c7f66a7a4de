"""Commands about the states of beds, and about the policies of rooms."""

from datetime import datetime
from uuid import UUID

from msgspec.structs import replace

from application import bed_claims, cleaning, hospital_days, lookups, reservations
from application.aggregate_cache import current
from application.authorization import scope
from application.authorization.roles import ADMINISTRATION, HOUSEKEEPING, PATIENT_FLOW
from application.command import utc
from application.command_group import CommandGroup, command, correction
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.problems import Problem
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    InvalidInput,
    NotFound,
    PatientDied,
    ReasonNeeded,
)
from domain.room.aggregate import BedState, Room
from domain.room.policies import RoomPolicy
from domain.room.state import Spell
from domain.things import Thing
from domain.time import TICK, Period, Precision


class BedStates(CommandGroup):
    """Commands for the states of beds and the policies of rooms."""

    def spells_of(self, ward: str, room: str, bed: str) -> list[Spell]:
        """Return when a bed was closed, being cleaned or reserved, in order. Raises NotFound."""
        id = self.record.owner(*unique_keys.room_number(ward, room))
        if id is None:
            raise NotFound(Thing.ROOM, f"{ward}/{room}", "room")
        aggregate = current(self.record, Room.empty(id))
        code = aggregate.code_of(bed)
        if code not in aggregate.beds:
            raise NotFound(Thing.BED, bed, "bed")
        spells = [spell for spell in aggregate.spells if spell.bed == code]
        return sorted(spells, key=lambda spell: spell.period.start)

    @command(roles=HOUSEKEEPING)
    def set_room_policy(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        policy: RoomPolicy,
        applies: bool | None = None,
    ) -> None:
        """Set a policy of the room from ``occurred_at`` on, or lift it (``applies`` false)."""
        lookups.room(uow, ward, room).set_policy(policy, applies is not False, uow.entry)

    @command(roles=HOUSEKEEPING, raises=(BedOccupied, BedNotOpen, BedStateBroken))
    def close_bed(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        bed: str,
        since: datetime | None = None,
        until: datetime | None = None,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """Close a bed, with the reason of the entry; ``since`` may be planned.

        ``about_patient_mrn``: the person whom the reason is about, with whom it is erased.
        Raises BedOccupied if somebody has it in the part of that time which has passed.
        """
        if not (uow.entry.reason or "").strip():
            raise ReasonNeeded(Problem.CLOSURE)
        period = Period(utc(since, "from") or uow.entry.occurred_at, utc(until, "until"))
        if period.is_empty:
            raise InvalidInput("until", "it has to be after the closure begins")
        aggregate = lookups.room(uow, ward, room)
        claims = bed_claims.claims_on(uow, aggregate.id, period)
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        aggregate.close_bed(bed, period, uow.entry.reason or "", claims, uow.now, uow.entry, about)

    @command(roles=HOUSEKEEPING, raises=(BedStateBroken,))
    def reopen_bed(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        bed: str,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """End the closure that is in force."""
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        lookups.room(uow, ward, room).reopen_bed(bed, uow.entry, about)

    @command(roles=HOUSEKEEPING, raises=(BedOccupied, BedNotOpen, BedStateBroken))
    def start_cleaning(self, uow: UnitOfWork, *, ward: str, room: str, bed: str) -> None:
        """Start cleaning a bed, which refuses patients until that is finished."""
        aggregate = lookups.room(uow, ward, room)
        claims = bed_claims.claims_on(uow, aggregate.id, Period(uow.entry.occurred_at))
        aggregate.start_cleaning(bed, claims, uow.now, uow.entry)

    @command(roles=HOUSEKEEPING, raises=(BedStateBroken,))
    def finish_cleaning(self, uow: UnitOfWork, *, ward: str, room: str, bed: str) -> None:
        """Finish cleaning: the bed is clean.

        Of a bed that was to be cleaned the start need not be told.
        """
        aggregate, entry = lookups.room(uow, ward, room), uow.entry
        code, at = aggregate.code_of(bed), entry.occurred_at
        left_at = cleaning.left_uncleaned(uow, aggregate, code, at)
        if (
            left_at is not None
            and left_at < at
            and not aggregate.is_in(code, BedState.CLEANING, at)
        ):
            start = replace(entry, occurred_at=at - TICK, precision=Precision.ESTIMATED)
            claims = bed_claims.claims_on(uow, aggregate.id, Period(start.occurred_at))
            aggregate.start_cleaning(code, claims, uow.now, start)
        aggregate.finish_cleaning(code, entry)

    @command(roles=ADMINISTRATION)
    def set_bed_cleaning(
        self,
        uow: UnitOfWork,
        *,
        applies: bool,
        ward: str | None = None,
        since: datetime | None = None,
    ) -> None:
        """Decide whether a bed is to be cleaned after each patient, in a ward or in the whole house.

        From ``since`` on (default: when decided; may lie ahead). What a ward decides comes first.
        A time known to the day or hour asks for no cleaning within that.
        """
        scope.check_ward(uow, ward)
        if ward is not None:
            ward = lookups.rooms_of(uow, ward)[0].ward
        at = utc(since, "from") or uow.entry.occurred_at
        first, last = hospital_days.span_of(uow, at, uow.entry.precision)
        cleaning.rules_of(uow).set_cleaning(ward, applies, last if applies else first, uow.entry)

    @command(roles=PATIENT_FLOW, raises=(BedNotOpen, BedStateBroken, PatientDied))
    def reserve_bed(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        bed: str,
        since: datetime | None = None,
        until: datetime,
        patient_mrn: str | None = None,
        mrn_authority: str | None = None,
        stay_id: UUID | None = None,
    ) -> None:
        """Reserve a bed for a patient or a stay; from ``since`` on it refuses everybody else."""
        if (patient_mrn is None) == (stay_id is None):
            raise InvalidInput("patient_mrn", "name either `patient_mrn` or `stay_id`")
        aggregate = lookups.room(uow, ward, room)
        patient = lookups.patient(uow, patient_mrn, mrn_authority).id if patient_mrn else None
        holder = lookups.stay(uow, stay_id) if stay_id else None
        period = Period(utc(since, "from") or uow.entry.occurred_at, utc(until, "until"))
        reservations.reserve(uow, aggregate, bed, period, patient, holder)

    @command(roles=PATIENT_FLOW, raises=(BedStateBroken,))
    def release_reservation(
        self, uow: UnitOfWork, *, ward: str, room: str, reservation_id: UUID
    ) -> None:
        """Give a reservation up before it lapses."""
        lookups.room(uow, ward, room).release_reservation(reservation_id, uow.entry)

    @correction(
        roles=HOUSEKEEPING,
        raises=(BedOccupied, BedNotOpen, BedStateBroken),
        own_times=("from", "until"),
    )
    def correct_bed_state(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        bed_state_id: UUID,
        since: datetime | None = None,
        until: datetime | None = None,
        open_ended: bool | None = None,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """Correct since when or until when a bed was closed, being cleaned or reserved.

        ``open_ended``: it has not ended after all. Raises BedOccupied as closing does.
        """
        aggregate = lookups.room(uow, ward, room)
        precision = uow.times.corrected_precision

        def placed_time(part: str, at: datetime | None) -> datetime | None:
            return at and uow.times.note(part, at, precision or Precision.MINUTE)

        times = (
            placed_time("from", utc(since, "from")),
            placed_time("until", utc(until, "until")),
        )
        claims = bed_claims.claims_on(uow, aggregate.id)
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        aggregate.correct_spell(
            bed_state_id, *times, bool(open_ended), claims, uow.now, uow.entry, about, precision
        )

    @correction(roles=HOUSEKEEPING, own_times=())
    def cancel_bed_state(
        self,
        uow: UnitOfWork,
        *,
        ward: str,
        room: str,
        bed_state_id: UUID,
        about_patient_mrn: str | None = None,
        mrn_authority: str | None = None,
    ) -> None:
        """Take back a closure, cleaning or reservation that was entered in error."""
        about = lookups.person_of_reason(uow, about_patient_mrn, mrn_authority)
        lookups.room(uow, ward, room).cancel_spell(bed_state_id, uow.entry, about)

    @correction(roles=HOUSEKEEPING)
    def correct_room_policy(
        self, uow: UnitOfWork, *, ward: str, room: str, policy: RoomPolicy, set_at: datetime
    ) -> None:
        """Correct when a policy was set or lifted: at ``occurred_at``, not at ``set_at``."""
        aggregate, at = lookups.room(uow, ward, room), utc(set_at, "set_at")
        assert at is not None
        aggregate.correct_policy(
            policy, at, uow.times.corrected_at, uow.entry, uow.times.corrected_precision
        )

    @correction(roles=HOUSEKEEPING, own_times=())
    def cancel_room_policy(
        self, uow: UnitOfWork, *, ward: str, room: str, policy: RoomPolicy, set_at: datetime
    ) -> None:
        """Take back that a policy was set or lifted, as entered in error."""
        aggregate, at = lookups.room(uow, ward, room), utc(set_at, "set_at")
        assert at is not None
        aggregate.cancel_policy(policy, at, uow.entry)
