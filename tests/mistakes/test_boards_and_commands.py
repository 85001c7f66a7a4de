"""Mistakes of other systems: a board says another thing than commands do. See `test_covered`."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from tests.support.api_dsl import Ward, iso, place

REFUSED_AS = {
    "FREE": None,
    "OCCUPIED": "BedOccupied",
    **dict.fromkeys(("RESERVED", "CLOSED", "CLEANING", "TO_BE_CLEANED"), "BedNotOpen"),
}
"""The refusal of an admission by a stranger, by the state that the board shows."""

OF_THE_PERSON = (None, "PatientAlreadyAdmitted", "PatientDied")
"""What the admission of somebody may meet for whom a bed is reserved."""

STEPS = (
    *("reserve", "reserve", "release", "clean", "finish", "close", "reopen", "admit", "admit"),
    *("discharge", "move", "undischarge", "die", "live", "merge", "correct", "cancel"),
)


class House:
    """A room of two beds, three patients, and random commands about them."""

    def __init__(self, ward: Ward, seed: int) -> None:
        self.ward, self.lot = ward, Random(seed)
        self.room = ward.room("a", "b", ward=ward.name("W"))
        self.patients = [ward.patient() for _ in range(3)]
        self.now = datetime.now(UTC).replace(second=0, microsecond=0)
        if self.lot.random() < 0.5:
            name, since = self.room.partition("/")[0], self.at(99)
            rule = {"applies": True, "ward": name, "from": since, "reason": "the house says so"}
            ward.record("setBedCleaning", **rule)

    def at(self, hours: float) -> str:
        return iso(self.now - timedelta(hours=hours))

    def give_command(self) -> None:
        """Give one random command, which may be refused."""
        lot, execute = self.lot, self.ward.execute
        code, at = lot.choice("ab"), self.at(lot.randint(1, 40) / 2)
        bed, mrn = place(f"{self.room}/{code}"), lot.choice(self.patients)
        late = {"occurredAt": at, "reason": "late"}
        held = self.ward.bed(f"{self.room}/{code}")
        stay = held["stay"]["id"] if held["stay"] else None
        spell = {key: bed[key] for key in ("ward", "room")} | {"bedStateId": held["reservationId"]}
        match lot.choice(STEPS):
            case "reserve":
                until = self.at(lot.randint(-9, 3))
                execute("reserveBed", **bed, patientMrn=mrn, until=until, **{"from": at}, **late)
            case "release" if held["reservationId"]:
                id = spell.pop("bedStateId")
                execute("releaseReservation", **spell, reservationId=id, **late)
            case "clean":
                execute("startCleaning", **bed, **late)
            case "finish":
                execute("finishCleaning", **bed, **late)
            case "close":
                end = {"until": self.at(lot.randint(-3, 2))} if lot.random() < 0.6 else {}
                execute("closeBed", **bed, **end, **late)
            case "reopen":
                execute("reopenBed", **bed, **late)
            case "admit":
                execute("admitPatient", patientMrn=mrn, admissionType="ELECTIVE", **bed, **late)
            case "discharge" if stay:
                execute("dischargePatient", stayId=stay, disposition="HOME", **late)
            case "move" if stay:
                other = place(f"{self.room}/{'b' if code == 'a' else 'a'}")
                execute("transferPatient", stayId=stay, **other, **late)
            case "undischarge":
                query = "query($mrn: String!) { patient(mrn: $mrn) { stays { id status } } }"
                stays = self.ward.ask(query, mrn=mrn)["patient"]["stays"]
                for ended in [s["id"] for s in stays if s["status"] == "DISCHARGED"][-1:]:
                    error = {"because": "ENTERED_IN_ERROR", "reason": "of another"}
                    execute("cancelDischarge", stayId=ended, **error)
            case "die":
                execute("recordDeath", patientMrn=mrn, **late)
            case "live":
                error = {"because": "ENTERED_IN_ERROR", "reason": "of another"}
                execute("cancelDeath", patientMrn=mrn, **error)
            case "merge" if lot.random() < 0.4:
                other_mrn = lot.choice(self.patients)
                execute("mergePatients", patientMrn=mrn, intoMrn=other_mrn, reason="one person")
            case "correct" if held["reservationId"]:
                execute("correctBedState", **spell, **{"from": at}, reason="misheard")
            case "cancel" if held["reservationId"]:
                execute("cancelBedState", **spell, reason="misheard")

    def admit(self, mrn: str, bed: str) -> Any:
        """Admit somebody now, and take it back. Returns the code of the refusal."""
        content = {"patientMrn": mrn, "admissionType": "ELECTIVE", **place(bed)}
        answer = self.ward.execute("admitPatient", **content)
        if answer["__typename"] == "StayRecorded":
            error = {"because": "ENTERED_IN_ERROR", "reason": "only to try"}
            self.ward.record("cancelAdmission", stayId=answer["stay"]["id"], **error)
        return answer.get("code")


@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(n, marks=pytest.mark.nightly) for n in range(1, 60))]
)
def test_mistake_194_a_board_says_of_a_bed_what_its_commands_do(ward: Ward, seed: int) -> None:
    house = House(ward, seed)
    for _ in range(9):
        house.give_command()
    for bed in (f"{house.room}/a", f"{house.room}/b"):
        held = ward.bed(bed)
        assert house.admit(ward.patient(), bed) == REFUSED_AS[held["state"]], held
        if held["reservedForPatient"] and held["state"] == "RESERVED":
            query = "query($id: ID!) { patient(id: $id) { mrn } }"
            person = ward.ask(query, id=held["reservedForPatient"])["patient"]["mrn"]
            assert house.admit(person, bed) in OF_THE_PERSON
