"""One stay as it is in life, and what of it is in the record so far."""

from dataclasses import dataclass
from datetime import datetime
from random import Random
from uuid import UUID

from api.simulator.clock import Agenda, LocalTime
from api.simulator.formulary import Drug
from api.simulator.house import Bed, House, Kind
from api.simulator.people import People, Person
from api.simulator.recording_queue import Desk, Known
from api.simulator.staff import Doctor, Staff
from application.command import Recorded
from domain.prescription.aggregate import Prescription
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType

SPECIALTIES: dict[Kind, str] = {
    Kind.EMERGENCY: "emergency medicine",
    Kind.MEDICINE: "general medicine",
    Kind.SURGERY: "general surgery",
    Kind.INTENSIVE: "intensive care",
    Kind.MATERNITY: "obstetrics",
    Kind.PAEDIATRICS: "paediatrics",
}


@dataclass(slots=True)
class Life:
    """What all that happens in the house has in common.

    There is a lot of its own for movements, for prescriptions, for care and for slips of the pen, so
    that less ``detail`` (fewer visits and doses) changes nothing else.
    """

    agenda: Agenda
    hours: LocalTime
    desk: Desk
    house: House
    staff: Staff
    people: People
    moves: Random
    orders: Random
    care: Random
    slips: Random
    detail: float

    @property
    def now(self) -> datetime:
        return self.agenda.now


class Prescribed(Known):
    """A prescription. ``recorded``: when the last change of it so far is in the record."""

    KIND = "prescription"

    def __init__(self, drug: Drug, dose: str, frequency: str, start: datetime) -> None:
        super().__init__()
        self.drug, self.dose, self.frequency, self.start = drug, dose, frequency, start
        self.round = start
        self.about: tuple[str, ...] = ()
        self.stop: datetime | None = None
        self.held = False
        self.ended_at: datetime | None = None
        self.recorded = start

    def is_live(self, now: datetime) -> bool:
        return self.ended_at is None and (self.stop is None or now < self.stop)


class Moved(Known):
    """A transfer; its id is that of the movement."""

    KIND = "movement"

    def learn(self, recorded: Recorded) -> None:
        moves = (e.movement for e in recorded.events if isinstance(e, Stay.Transferred))
        self._id: UUID | None = next(moves)


class Seen(Known):
    """A visit in the record."""

    KIND = "visit"

    def learn(self, recorded: Recorded) -> None:
        visits = (e.visit for e in recorded.events if isinstance(e, Stay.VisitRecorded))
        self._id: UUID | None = next(visits)


class Dose(Known):
    """An administration in the record."""

    KIND = "administration"

    def learn(self, recorded: Recorded) -> None:
        given = (
            e.administration
            for e in recorded.events
            if isinstance(e, Prescription.AdministrationRecorded)
        )
        self._id: UUID | None = next(given)


class Reservation(Known):
    """A bed kept for somebody who is expected; its id is that of the spell in the room."""

    KIND = "reservation"

    def learn(self, recorded: Recorded) -> None:
        spells = (e.spell for e in recorded.events if isinstance(e, Room.BedReserved))
        self._id: UUID | None = next(spells)


class Inpatient(Known):
    """A stay in life.

    ``opened`` is when its admission is in the record (or, come back from a discharge, that it was
    taken back), ``recorded`` the last of its movements so far. A movement forgotten for hours, until
    ``forgotten_until``, may be entered after later ones. ``touched`` is when anything but a visit or
    a dose happened last.
    """

    KIND = "stay"

    def __init__(
        self, person: Person, admission: AdmissionType, goes_to: Kind, now: datetime, ends: datetime
    ) -> None:
        super().__init__()
        self.person, self.admission, self.goes_to = person, admission, goes_to
        self.admitted_at, self.ends_at = now, ends
        self.specialty = SPECIALTIES[goes_to]
        self.attending: Doctor | None = None
        self.bed: Bed | None = None
        self.touched = now
        self.mother: Inpatient | None = None
        self.children: list[Inpatient] = []
        self.infectious = False
        self.away = self.gone = self.was_critical = False
        self.died_at: datetime | None = None
        self.prescribed: list[Prescribed] = []
        self.opened = self.recorded = self.orders_recorded = now
        self.forgotten_until = now
        self.forgotten_in: Bed | None = None

    @property
    def mrns(self) -> tuple[str, ...]:
        """Whose data are needed for what is done with this patient: mother and children lie together."""
        near = (self, *([self.mother] if self.mother else ()), *self.children)
        return tuple(one.person.mrn for one in near)

    @property
    def is_here(self) -> bool:
        """Present and alive."""
        return not self.gone and not self.away and self.died_at is None

    @property
    def is_critical(self) -> bool:
        return self.bed is not None and self.bed.kind is Kind.INTENSIVE

    @property
    def settled(self) -> datetime:
        """When all of its movements so far are in the record."""
        return max(self.recorded, self.forgotten_until)

    @property
    def sharing(self) -> "list[Inpatient]":
        """The children who lie in this mother's bed."""
        return [child for child in self.children if child.mother is self and not child.gone]
