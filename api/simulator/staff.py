"""The staff of the simulated house: doctors by specialty, and the others by their roles."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from api.simulator.clock import DAY
from api.simulator.recording_queue import Desk
from api.simulator.texts import FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES
from domain.envelope import Actor
from domain.practitioner import Grade

ISSUER = "simulator"


@dataclass(frozen=True, slots=True)
class Doctor:
    number: str
    family: str
    given: str
    grade: Grade
    specialty: str

    @property
    def name(self) -> str:
        return f"Dr. {self.given} {self.family}"

    @property
    def actor(self) -> Actor:
        return Actor(issuer=ISSUER, subject=self.number, role="physician")


CONSULTED = ("cardiology", "neurology", "infectious diseases", "psychiatry", "radiology")


class Staff:
    """Doctors by specialty, and the others by their roles."""

    def __init__(self, specialties: dict[str, int], beds: int, lot: Random) -> None:
        """``specialties``: how many beds each is responsible for."""
        self._lot = lot
        self.doctors: list[Doctor] = []
        for specialty, count in specialties.items():
            self._hire(specialty, Grade.CONSULTANT, 2 + count // 9)
            self._hire(specialty, Grade.SPECIALIST, 1 + count // 10)
            self._hire(specialty, Grade.RESIDENT, 2 + count // 6)
        for specialty in CONSULTED:
            self._hire(specialty, Grade.CONSULTANT, 1)
            self._hire(specialty, Grade.SPECIALIST, 1)
        self._nurses = _actors("N", "nurse", max(4, beds // 2))
        self._registrars = _actors("R", "registrar", max(2, beds // 30))
        self._bed_managers = _actors("B", "bed_manager", max(1, beds // 60))
        self._pharmacists = _actors("P", "pharmacist", max(1, beds // 80))
        self.admin = Actor(issuer=ISSUER, subject="A001", role="admin")

    def doctor(self, lot: Random, specialty: str, *grades: Grade) -> Doctor:
        """One of a specialty, of one of these grades if there is one."""
        all_of_it = [d for d in self.doctors if d.specialty == specialty]
        return lot.choice([d for d in all_of_it if d.grade in grades] or all_of_it)

    def consulted(self, lot: Random) -> Doctor:
        return self.doctor(lot, lot.choice(CONSULTED), Grade.CONSULTANT, Grade.SPECIALIST)

    def nurse(self, lot: Random) -> Actor:
        return lot.choice(self._nurses)

    def registrar(self, lot: Random) -> Actor:
        return lot.choice(self._registrars)

    def bed_manager(self, lot: Random) -> Actor:
        return lot.choice(self._bed_managers)

    def pharmacist(self, lot: Random) -> Actor:
        return lot.choice(self._pharmacists)

    def register(self, desk: Desk, at: datetime) -> None:
        """Make all doctors known."""
        for doctor in self.doctors:
            self._register(doctor, desk, at)

    def _register(self, doctor: Doctor, desk: Desk, at: datetime) -> None:
        since = (at - self._lot.uniform(90, 4000) * DAY).date()
        desk.tell(
            lambda h, q: h.practitioners.register_practitioner(
                q,
                staff_number=doctor.number,
                family_name=doctor.family,
                given_name=doctor.given,
                grade=doctor.grade,
                grade_from=since,
                specialty=doctor.specialty,
            ),
            at=at,
            by=self.admin,
            lag=timedelta(seconds=2),
        )

    def _hire(self, specialty: str, grade: Grade, count: int) -> None:
        for _ in range(count):
            given = self._lot.choice(FEMALE_NAMES + MALE_NAMES)
            number = f"D{len(self.doctors) + 1:03}"
            family = self._lot.choice(FAMILY_NAMES)
            self.doctors.append(Doctor(number, family, given, grade, specialty))


def _actors(letter: str, role: str, count: int) -> list[Actor]:
    return [
        Actor(issuer=ISSUER, subject=f"{letter}{number:03}", role=role)
        for number in range(1, count + 1)
    ]
