"""Staff of the simulated hospital: doctors by specialty, and the others by their roles."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from api.simulator.recording_queue import RecordingQueue
from api.simulator.texts import FAMILY_NAMES, FEMALE_NAMES, MALE_NAMES
from domain.envelope import Actor
from domain.practitioner import Grade

ISSUER = "simulator"
CONSULTED = ("cardiology", "neurology", "psychiatry")


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


class Staff:
    """Doctors by specialty, and the others by their roles."""

    def __init__(self, specialties: dict[str, int], beds: int, rng: Random) -> None:
        """``specialties``: how many beds each is responsible for."""
        self.doctors: list[Doctor] = []
        for specialty, count in specialties.items():
            grades = [Grade.CONSULTANT] * (2 + count // 9) + [Grade.SPECIALIST] * (1 + count // 10)
            for grade in [*grades, *[Grade.RESIDENT] * (2 + count // 6)]:
                self._hire(specialty, grade, rng)
        for specialty in CONSULTED:
            self._hire(specialty, Grade.CONSULTANT, rng)
        self._others = {
            role: [_actor(letter, number, role) for number in range(1, count + 1)]
            for letter, role, count in (
                ("N", "nurse", max(4, beds // 2)),
                ("R", "registrar", max(2, beds // 30)),
                ("B", "bed_manager", max(1, beds // 60)),
                ("P", "pharmacist", max(1, beds // 80)),
            )
        }
        self.admin = _actor("A", 1, "admin")

    def doctor(self, rng: Random, specialty: str, *grades: Grade) -> Doctor:
        """Return a doctor of a specialty, of one of these grades if there is one."""
        doctors = [d for d in self.doctors if d.specialty == specialty]
        return rng.choice([d for d in doctors if d.grade in grades] or doctors)

    def pick(self, role: str, rng: Random) -> Actor:
        """Return somebody with a role: nurse, registrar, bed_manager or pharmacist."""
        return rng.choice(self._others[role])

    def register(self, queue: RecordingQueue, at: datetime) -> None:
        """Make all doctors known."""
        for doctor in self.doctors:
            queue.put(
                "register_practitioner",
                at=at,
                by=self.admin,
                lag=timedelta(seconds=2),
                staff_number=doctor.number,
                family_name=doctor.family,
                given_name=doctor.given,
                grade=doctor.grade,
                specialty=doctor.specialty,
            )

    def _hire(self, specialty: str, grade: Grade, rng: Random) -> None:
        number = f"D{len(self.doctors) + 1:03}"
        given_name = rng.choice(FEMALE_NAMES + MALE_NAMES)
        self.doctors.append(Doctor(number, rng.choice(FAMILY_NAMES), given_name, grade, specialty))


def _actor(letter: str, number: int, role: str) -> Actor:
    return Actor(issuer=ISSUER, subject=f"{letter}{number:03}", role=role)
