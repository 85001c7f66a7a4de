"""A house of 30 wards of 20 beds, somebody in each bed; made by commands, so that more can be given."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID

from application.hospital import Hospital
from domain.stay.events import VisitKind
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from tests.support.hospital_dsl import ago, doctor, readmitted, request, room

ROOMS = 10
"""Of two beds each."""

BOARD = """query Board($ward: String) { roomOccupancy(ward: $ward) { room { number } beds { code state
  stay { id specialty admittedAt } patient { mrn familyName } } } }"""
SMALL = """query { wards { name } }"""


class Wards:
    """Wards of a house: who lies in which bed, and patients to come and go."""

    def __init__(self, made: Hospital, wards: int, visits: int = 0) -> None:
        self.made = made
        self.names = [f"W{n}" for n in range(wards)]
        self.doctor = doctor(made)
        self.stays: dict[str, UUID] = {}
        for ward in self.names:
            for number in range(1, ROOMS + 1):
                room(made, str(number), "a", "b", ward=ward)
                for bed in "ab":
                    at = f"{ward}/{number}/{bed}"
                    mrn = f"M-{at}"
                    made.patients.register_patient(
                        request(ago(days=30)), mrn=mrn, family_name=f"Name {at}", given_name="Ada"
                    )
                    self.stays[at] = readmitted(made, mrn, at, ago(days=3), specialty="CARDIOLOGY")
        begins = datetime.now(UTC) - timedelta(days=2)
        for n in range(visits):
            self.made.stays.record_visit(
                request(begins + timedelta(minutes=10 * n)),
                stay_id=self.stays["W0/1/a"],
                practitioner=self.doctor,
                kind=VisitKind.ROUND,
                note="Sleeps well, no pain.",
            )

    def changes(self) -> Callable[[], None]:
        """Changes the first ward, once for each call: two patients change their beds."""
        turn = 0

        def change() -> None:
            nonlocal turn
            number, turn = turn % ROOMS + 1, turn + 1
            one, other = (self.stays[f"W0/{number}/{bed}"] for bed in "ab")
            self.made.stays.swap_beds(request(), stay_id=one, with_stay_id=other)

        return change


def filled(database: Database) -> None:
    """All read models hold what is recorded."""
    ProjectionRunner(database.app_url).catch_up()
