"""Mistakes of other systems about what a followed board misses: see `test_covered` for the list."""

from random import Random
from typing import Any

import pytest

from tests.api.conftest import followed, running
from tests.support.api_dsl import Ward, ago, ahead
from tests.support.correction_examples import IN_ERROR, movement
from tests.support.server_process import Client, Served

__all__ = ["followed", "running"]

BOARD = """{ id room { number } beds { code state
  flags { id kind note since }
  stay { id status admissionType admittedAt specialty dischargePlan expectedDischarge confidentiality
    attending { staffNumber familyName grade } }
  patient { id mrn familyName givenName birthDate sex confidentiality diedAt
    allergies { severity since } } } }"""
KINDS = ("ADMITTED", "SPECIALTY_CHANGED", "ATTENDING_CHANGED", "DISCHARGE_PLANNED")
DETAILS: dict[str, list[Any]] = {
    "familyName": ["Adler", "Bauer"],
    "givenName": ["Cleo", "Dora"],
    "birthDate": ["1990-01-01", "1990-10-10"],
    "sex": ["FEMALE", "MALE", "UNKNOWN"],
    "confidentiality": ["NORMAL", "RESTRICTED", "VERY_RESTRICTED"],
}


class Bedside:
    """A patient in a bed, with a second record, and what is told of them by lot."""

    def __init__(self, ward: Ward, lot: Random) -> None:
        self.ward, self.lot, self.name = ward, lot, ward.name("Pushed")
        self.doctors = [ward.doctor(), ward.doctor()]
        self.mrns = [ward.patient(familyName="Adler"), ward.patient()]
        self.stay = ward.stay(f"{ward.room('a', 'b', ward=self.name)}/a", patientMrn=self.mrns[0])
        self.ids: dict[str, list[str]] = {"flagId": [], "allergyId": [], "mergeId": []}

    def act(self) -> None:
        """Give a command that may be refused."""
        acts = (self.details, self.change, self.death, self.of_stay, self.corrected, self.flag)
        act = self.lot.choice((*acts, self.allergy, self.link, self.practitioner, self.moved))
        command, content = act()
        answer = self.ward.execute(command, **{"reason": "as it is", **content})
        for name, ids in self.ids.items():
            if id := (answer.get(name[:-2]) or {}).get("id"):
                ids.append(id)
        if command == "mergePatients" and "position" in answer:
            query = "query($mrn: String!) { patient(mrn: $mrn) { merges { id } } }"
            merges = self.ward.ask(query, mrn=self.mrns[0])["patient"]["merges"]
            self.ids["mergeId"] += [merge["id"] for merge in merges]
        if command == "correctPatientDetails" and "mrn" in content and "position" in answer:
            self.mrns[self.mrns.index(content["patientMrn"])] = content["mrn"]

    def one(self, name: str) -> str:
        return self.lot.choice(self.ids[name] or [self.stay])

    def at(self) -> str:
        return ago(hours=self.lot.randint(1, 40))

    def who(self) -> dict[str, Any]:
        return {"patientMrn": self.lot.choice(self.mrns)}

    def detail(self) -> dict[str, Any]:
        name = self.lot.choice(list(DETAILS))
        return {name: self.lot.choice(DETAILS[name])}

    def details(self) -> tuple[str, dict[str, Any]]:
        answer = self.lot.choice((self.detail(), self.detail(), {"mrn": self.ward.name("Number")}))
        return "correctPatientDetails", {**self.who(), **answer}

    def change(self) -> tuple[str, dict[str, Any]]:
        days = [ago(days=day)[:10] for day in (1, 2, 3)]
        since = {"validFrom": self.lot.choice(days)}
        name = {"familyName": self.lot.choice(("Clay", "Dean"))}
        right = self.lot.choice(({"newValidFrom": self.lot.choice(days)}, name))
        return self.lot.choice(
            (
                ("correctPatientDetails", {**self.who(), **since, **name}),
                ("correctPatientChange", {**self.who(), **since, **right}),
                ("cancelPatientChange", {**self.who(), **since}),
            )
        )

    def death(self) -> tuple[str, dict[str, Any]]:
        at = {"occurredAt": ago(minutes=self.lot.randint(1, 50))}
        commands = ("recordDeath", "correctDeath"), ("cancelDeath", "cancelDeath")
        return self.lot.choice(self.lot.choice(commands)), {**self.who(), **at}

    def of_stay(self) -> tuple[str, dict[str, Any]]:
        expected = {"plan": "PLANNED", "expectedAt": ahead(hours=self.lot.randint(1, 40))}
        result: tuple[tuple[str, dict[str, Any]], ...] = (
            ("changeSpecialty", {"specialty": self.lot.choice(("surgery", "medicine"))}),
            ("changeAttending", {"attending": self.lot.choice(self.doctors)}),
            ("changeAdmissionType", {"admissionType": self.lot.choice(("DAY_CASE", "EMERGENCY"))}),
            ("planDischarge", expected),
        )
        command, content = self.lot.choice(result)
        return command, {"stayId": self.stay, "occurredAt": self.at(), **content}

    def corrected(self) -> tuple[str, dict[str, Any]]:
        kind = self.lot.choice(KINDS)
        try:
            fields = {"movementId": movement(self.ward, self.stay, f"STAY_{kind}")}
        except IndexError:
            return self.of_stay()
        right: dict[str, Any] = {
            "SPECIALTY_CHANGED": {"specialty": "geriatrics"},
            "ATTENDING_CHANGED": {"attending": self.lot.choice(self.doctors)},
            "DISCHARGE_PLANNED": {"plan": "CLEARED", "expectedAt": ahead(hours=50)},
        }.get(kind, {"admissionType": "EMERGENCY"})
        if self.lot.random() < 0.4:
            right = {"occurredAt": self.at()}
        if kind != "ADMITTED" and self.lot.random() < 0.4:
            return "cancelMovement", {**fields, **IN_ERROR}
        if self.lot.random() < 0.5:
            return "correctFacts", {"corrections": [{**fields, **right}]}
        return "correctMovement", {**fields, **right}

    def flag(self) -> tuple[str, dict[str, Any]]:
        what = {"flagKind": self.lot.choice(("NOTE", "ISOLATION", "FALL_RISK")), "note": "x"}
        at, named = {"occurredAt": self.at()}, {"stayId": self.stay, "flagId": self.one("flagId")}
        return self.lot.choice(
            (
                ("raiseFlag", {"stayId": self.stay, **what, **at}),
                ("correctFlag", {**named, **self.lot.choice((what, at))}),
                ("cancelFlag", named),
                ("lowerFlag", {**named, **at}),
                ("correctFlagLowering", {**named, **at}),
                ("cancelFlagLowering", named),
            )
        )

    def allergy(self) -> tuple[str, dict[str, Any]]:
        named, at = {**self.who(), "allergyId": self.one("allergyId")}, {"occurredAt": self.at()}
        substance = {"substance": {"name": self.lot.choice(("Nuts", "Latex"))}}
        return self.lot.choice(
            (
                ("recordAllergy", {**self.who(), **substance, **at}),
                ("correctAllergy", {**named, "severity": self.lot.choice(("MILD", "SEVERE"))}),
                ("cancelAllergy", named),
                ("endAllergy", {**named, **at}),
                ("correctAllergyEnd", {**named, **at}),
                ("cancelAllergyEnd", named),
            )
        )

    def link(self) -> tuple[str, dict[str, Any]]:
        if self.ids["mergeId"] and self.lot.random() < 0.5:
            return "unmergePatients", {"mergeId": self.ids["mergeId"][-1]}
        one, other = self.lot.sample(self.mrns, 2)
        return "mergePatients", {"patientMrn": one, "intoMrn": other}

    def practitioner(self) -> tuple[str, dict[str, Any]]:
        fields = {"staffNumber": self.lot.choice(self.doctors)}
        day = {"validFrom": ago(days=self.lot.randint(1, 2))[:10]}
        grade = {"grade": self.lot.choice(("CONSULTANT", "RESIDENT"))}
        return self.lot.choice(
            (
                ("correctPractitioner", {**fields, "familyName": self.lot.choice(("Ito", "Li"))}),
                ("changePractitioner", {**fields, **grade, **day}),
                ("cancelPractitionerChange", {**fields, **day}),
            )
        )

    def moved(self) -> tuple[str, dict[str, Any]]:
        return "moveStay", {"stayId": self.stay, **self.who()}


@pytest.mark.slow
@pytest.mark.parametrize(
    "seed", [0, *(pytest.param(seed, marks=pytest.mark.nightly) for seed in (1, 2))]
)
def test_mistake_376_a_followed_board_is_what_a_question_says_after_each_correction(
    running: Served, followed: Ward, seed: int
) -> None:
    bedside = Bedside(followed, Random(seed))
    marked = followed.stay(f"{followed.room('m', ward=bedside.name)}/m")
    query = f"query($w: String!) {{ roomOccupancy(ward: $w) {BOARD} }}"
    held = {room["id"]: room for room in followed.ask(query, w=bedside.name)["roomOccupancy"]}
    with Client(running.url) as socket:
        document = f"roomOccupancyChanged(ward: $w) {{ position rooms {BOARD} }}"
        socket.subscribe(f"subscription($w: String!) {{ {document} }}", w=bedside.name)
        running.await_followers(1)
        for number in range(40):
            bedside.act()
            mark = {"stayId": marked, "plan": "PLANNED", "expectedAt": ahead(hours=number + 1)}
            until, position = followed.record("planDischarge", **mark)["position"], None
            while position != until:
                answer = socket.next()
                position = answer["position"]
                held.update({room["id"]: room for room in answer["rooms"]})
            rooms = followed.ask(query, w=bedside.name)["roomOccupancy"]
            assert held == {room["id"]: room for room in rooms}
