"""Mistakes of other systems about facts that are only right together: see `test_covered`."""

from collections.abc import Mapping
from itertools import permutations, product
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, late, place
from tests.support.correction_examples import ENTRIES, fact, movement

HELD = """query($id: ID!) { stay(id: $id) { status dischargedAt bed
  visits { occurredAt note }
  prescriptions { status stop administrations { occurredAt doseGiven given } } } }"""
IN_ERROR = "ENTERED_IN_ERROR"


class WrongDay:
    """A stay of which every time was entered hours late, and some facts for somebody else.

    No part of the correction is legal without the others.
    """

    def __init__(self, ward: Ward, times: dict[str, str]) -> None:
        self.ward, self.times = ward, times
        self.room = room = ward.room("a", "b", "c")
        self.stay = stay = ward.stay(f"{room}/a", at=times["admission"])
        self.doctor = ward.doctor()
        self.drug = ward.prescription(stay, **late(times["admission"]))
        steps = {}
        for step in ("hold", "resume"):
            ward.record(f"{step}Prescription", prescriptionId=self.drug, **late(times[step]))
            steps[step] = movement(
                ward, stay, "PRESCRIPTION_HELD" if step == "hold" else "PRESCRIPTION_RESUMED"
            )
        ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(times["move"]))
        self.ids = {**steps, "move": movement(ward, stay, "STAY_TRANSFERRED")}
        self.ids |= {name: self.visit(times[name]) for name in ("round", "review", "no visit")}
        self.ids |= {name: self.dose(times[name]) for name in ("first", "second", "no dose")}
        ward.record(
            "completePrescription", prescriptionId=self.drug, **late(times["no completion"])
        )
        self.ids["no completion"] = movement(ward, stay, "PRESCRIPTION_COMPLETED")
        ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(times["discharge"]))
        self.ids["discharge"] = movement(ward, stay, "STAY_DISCHARGED")

    def visit(self, at: str) -> str:
        visit = {"stayId": self.stay, "practitioner": self.doctor, "kind": "ROUND", "note": "x"}
        return str(self.ward.record("recordVisit", **visit, **late(at))["visit"]["id"])

    def dose(self, at: str) -> str:
        dose = {"prescriptionId": self.drug, "given": True, "doseGiven": "1 g"}
        self.ward.record("recordAdministration", **dose, **late(at))
        return fact(self.ward, self.stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")

    def parts(self, right: dict[str, str]) -> dict[str, list[dict[str, Any]]]:
        ids = self.ids

        def of(name: str, key: str, **rest: Any) -> dict[str, Any]:
            return {key: ids[name], "occurredAt": right[name], **rest}

        wrong = ("no visit", "no dose", "no completion")
        return {
            "corrections": [
                of("move", "movementId", **place(f"{self.room}/c")),
                of("discharge", "movementId"),
            ],
            "cancels": [{"movementId": ids[name], "because": IN_ERROR} for name in wrong],
            "visits": [of("round", "visitId", note="y"), of("review", "visitId")],
            "doses": [
                of("first", "administrationId", doseGiven="2 g"),
                of("second", "administrationId"),
            ],
            "prescriptionChanges": [of("hold", "changeId"), of("resume", "changeId")],
        }

    def correct(self, parts: dict[str, Any]) -> str:
        answer = self.ward.execute("correctFacts", **parts, reason="the wrong day's sheet")
        return str(answer["__typename"])

    def held(self) -> Any:
        stay = self.ward.ask(HELD, id=self.stay)["stay"]
        nodes = self.ward.ask(ENTRIES, id=self.stay, read="TRUTH")["timeline"]["nodes"]
        return stay, [(node["kind"], node["occurredAt"]) for node in nodes]


WRONG = ("admission", "hold", "resume", "move", "round", "first", "review", "second")
WRONG_HOURS = dict(zip(WRONG, (30, 12, 11, 10, 9, 8, 7, 6), strict=True)) | {
    "no visit": 5,
    "no dose": 4.5,
    "no completion": 4,
    "discharge": 3,
}
RIGHT_HOURS = dict(zip(WRONG, (30, 28, 27, 26, 25, 24, 23, 22), strict=True)) | {"discharge": 21}


def times(hours: Mapping[str, float]) -> dict[str, str]:
    return {name: ago(hours=back) for name, back in hours.items()}


@pytest.mark.slow
def test_mistake_235_visits_doses_and_orders_are_put_right_with_movements_in_any_order_of_parts(
    ward: Ward,
) -> None:
    wrong, right = times(WRONG_HOURS), times(RIGHT_HOURS)
    results: list[Any] = []
    for lists in product((False, True), repeat=4):
        day = WrongDay(ward, wrong)
        parts = day.parts(right)
        order = zip(("corrections", "visits", "doses", "prescriptionChanges"), lists, strict=True)
        parts |= {name: parts[name][::-1] for name, turned in order if turned}
        index = len(results) % 6
        parts["cancels"] = list(list(permutations(parts["cancels"]))[index])
        assert day.correct(parts) == "StayRecorded"
        results.append(day.held())
    held, _ = results[0]
    assert [visit["occurredAt"] for visit in held["visits"]] == [right["round"], right["review"]]
    (drug,) = held["prescriptions"]
    doses = [(dose["occurredAt"], dose["doseGiven"]) for dose in drug["administrations"]]
    assert doses == [(right["first"], "2 g"), (right["second"], "1 g")]
    assert (held["dischargedAt"], drug["status"]) == (right["discharge"], "STOPPED")
    assert all(result == results[0] for result in results)


@pytest.mark.parametrize("left_out", ["visits", "doses", "cancels"])
def test_mistake_235_what_is_left_out_of_the_parts_refuses_them_with_its_name(
    ward: Ward, left_out: str
) -> None:
    day = WrongDay(ward, times(WRONG_HOURS))
    before = day.held()
    parts = day.parts(times(RIGHT_HOURS))
    del parts[left_out]
    assert day.correct(parts) == "ContradictsLaterFacts"
    assert day.held() == before


def test_mistake_235_a_part_that_is_false_refuses_all_of_them(ward: Ward) -> None:
    day = WrongDay(ward, times(WRONG_HOURS))
    before, right = day.held(), times(RIGHT_HOURS)
    for name, refusal in {
        "first": "PrescriptionStateBroken",
        "round": "OutsideStay",
        "hold": "PrescriptionStateBroken",
    }.items():
        parts = day.parts({**right, name: ago(hours=40 if name != "hold" else 20)})
        assert day.correct(parts) == refusal, name
    inside_hold = {**right, "second": ago(hours=27.5)}
    assert day.correct(day.parts(inside_hold)) == "PrescriptionStateBroken"
    twice = day.parts(right)
    twice["doses"].append(twice["doses"][0])
    assert day.correct(twice) == "InvalidInput"
    assert day.held() == before


def late_parts(ward: Ward) -> tuple[str, str, dict[str, Any]]:
    """Make a stay whose sheet was read wrongly; return it, its drug and what puts all right at once.

    The prescription was written after its doses, and the stay ended before what was left out.
    """
    stay = ward.stay(at=ago(hours=30))
    doctor = ward.doctor()
    drug = ward.prescription(stay, dose="1 g", **late(ago(hours=10)))
    infused = {"prescriptionId": drug, "given": True, "infusion": True, "endedAt": ago(hours=7)}
    ward.record("recordAdministration", **infused, **late(ago(hours=8)))
    infusion = fact(ward, stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration")
    fields = {"stayId": stay, "specialty": "cardiology", **late(ago(hours=21))}
    consult = ward.record("requestConsult", **fields)["consult"]["id"]
    other = ward.record("requestConsult", **{**fields, "specialty": "eyes"})["consult"]["id"]
    seen = {"stayId": stay, "practitioner": doctor, "kind": "CONSULT", **late(ago(hours=9))}
    visit = ward.record("recordVisit", **seen)["visit"]["id"]
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=6)))
    gone = movement(ward, stay, "STAY_DISCHARGED")
    new = {"prescriptionId": drug, "given": True}
    return (
        stay,
        drug,
        {
            "corrections": [{"movementId": gone, "occurredAt": ago(hours=2)}],
            "visits": [{"visitId": visit, "consultId": consult}],
            "prescriptions": [
                {
                    "prescriptionId": drug,
                    "occurredAt": ago(hours=20),
                    "dose": "2 g",
                    "medication": {"name": "Ibuprofen"},
                    "frequency": "twice a day",
                }
            ],
            "infusionEnds": [{"administrationId": infusion, "occurredAt": ago(hours=4)}],
            "newVisits": [
                {
                    "stayId": stay,
                    "practitioner": doctor,
                    "kind": kind,
                    "occurredAt": ago(hours=hours),
                    "consultId": answered,
                }
                for kind, hours, answered in (("ROUND", 5, None), ("CONSULT", 19, other))
            ],
            "newDoses": [
                {**new, "doseGiven": "2 g", "occurredAt": ago(hours=18)},
                {**new, "occurredAt": ago(hours=5), "infusion": True, "endedAt": ago(hours=3)},
                {
                    **new,
                    "given": False,
                    "reasonNotGiven": "asleep",
                    "occurredAt": ago(hours=17),
                },
            ],
        },
    )


WHOLE = """query($id: ID!) { stay(id: $id) { dischargedAt
  visits { occurredAt kind } consults { specialty status visit { occurredAt } }
  prescriptions { status dose frequency medication { name } start
    administrations { occurredAt given doseGiven reasonNotGiven infusion endedAt } } } }"""


def test_mistake_282_what_was_left_out_and_what_was_misread_are_put_right_in_one_act_alone(
    ward: Ward,
) -> None:
    results = []
    for turned in (False, True):
        stay, _, parts = late_parts(ward)
        parts = {name: of[::-1] if turned else of for name, of in parts.items()}
        if turned:
            parts = dict(reversed(parts.items()))
        answer = ward.execute("correctFacts", **parts, reason="the sheet was found")
        assert answer["__typename"] == "StayRecorded", answer
        results.append((ward.ask(WHOLE, id=stay)["stay"], parts))
    for held, parts in results:
        (drug,) = held["prescriptions"]
        assert (drug["dose"], drug["frequency"], drug["status"]) == (
            "2 g",
            "twice a day",
            "STOPPED",
        )
        assert drug["medication"]["name"] == "Ibuprofen"
        doses = sorted(parts["newDoses"], key=lambda dose: str(dose["occurredAt"]))
        times = [dose["occurredAt"] for dose in drug["administrations"]]
        assert times == sorted(times)
        assert {dose["occurredAt"] for dose in doses} < set(times)
        assert len(times) == len(doses) + 1
        ends = [dose["endedAt"] for dose in drug["administrations"] if dose["endedAt"]]
        assert set(ends) == {
            parts["infusionEnds"][0]["occurredAt"],
            *(dose["endedAt"] for dose in doses if "endedAt" in dose),
        }
        assert len(held["visits"]) == 3
        assert {consult["status"] for consult in held["consults"]} == {"ANSWERED"}


@pytest.mark.parametrize(
    ("left_out", "refusal"),
    [
        ("corrections", "OutsideStay"),
        ("prescriptions", "PrescriptionStateBroken"),
    ],
)
def test_mistake_282_what_only_fits_together_is_refused_without_one_of_its_parts(
    ward: Ward, left_out: str, refusal: str
) -> None:
    stay, _, parts = late_parts(ward)
    before = ward.ask(WHOLE, id=stay)
    del parts[left_out]
    answer = ward.execute("correctFacts", **parts, reason="the sheet was found")
    assert answer["__typename"] == refusal
    assert ward.ask(WHOLE, id=stay) == before


def test_mistake_432_an_order_is_put_right_beside_a_death_that_was_told_in_error(
    ward: Ward,
) -> None:
    """Neither fits alone: the order was written after that discharge as DIED."""
    stay = ward.stay(at=ago(hours=9))
    drug = ward.prescription(stay, **late(ago(hours=8)))
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=5)))
    parts = {
        "prescriptions": [{"prescriptionId": drug, "occurredAt": ago(hours=4)}],
        "cancels": [{"movementId": movement(ward, stay, "STAY_DISCHARGED"), "because": IN_ERROR}],
    }
    alone = {"prescriptions": parts["prescriptions"], "reason": "the sheet was found"}
    assert ward.execute("correctFacts", **alone)["__typename"] != "StayRecorded"
    ward.record("correctFacts", **parts, reason="the sheet was found")
    (held,) = ward.ask(WHOLE, id=stay)["stay"]["prescriptions"]
    assert held["status"] == "ACTIVE"
