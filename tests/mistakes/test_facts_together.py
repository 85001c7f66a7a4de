"""Mistakes of other systems about facts that are put right in one act: see `test_covered`.

What is right is what comes out of all parts, in whichever order these are given.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest

from tests.support.api_dsl import Ward, iso, late, moment
from tests.support.correction_examples import WRONG, fact, movement

IN_ERROR = "ENTERED_IN_ERROR"
Parts = dict[str, list[Any]]

WHOLE = """query($id: ID!) { stay(id: $id) { status dischargedAt disposition patient { diedAt }
  visits { occurredAt }
  prescriptions { status writtenAt withoutPrescription medication { name }
    administrations { occurredAt given doseGiven infusion endedAt } } } }"""


NOW = datetime.now(UTC)


def ago(hours: float) -> str:
    """Return a moment before one that is the same in all orders of a story."""
    return iso(NOW - timedelta(hours=hours))


class Sheet:
    """A stay that was admitted nine hours ago, with an order of eight hours ago."""

    def __init__(self, ward: Ward, end: str | None, hours: float = 5) -> None:
        self.ward, self.doctor, self.mrn = ward, ward.doctor(), ward.patient()
        self.stay = ward.stay(at=ago(hours=9), patientMrn=self.mrn)
        self.drug = ward.prescription(self.stay, **late(ago(hours=8)))
        if end:
            left = {"stayId": self.stay, "disposition": end, **late(ago(hours=hours))}
            ward.record("dischargePatient", **left)
            self.end = movement(ward, self.stay, "STAY_DISCHARGED")

    def order(self, hours: float) -> Any:
        return {"prescriptions": [{"prescriptionId": self.drug, "occurredAt": ago(hours=hours)}]}

    def left(self, **right: Any) -> Any:
        if "hours" in right:
            right["occurredAt"] = ago(hours=right.pop("hours"))
        return {"corrections": [{"movementId": self.end, **right}]}

    def never_left(self) -> Any:
        return {"cancels": [{"movementId": self.end, "because": IN_ERROR}]}

    def leaves(self, disposition: str, hours: float) -> Any:
        left = {"stayId": self.stay, "kind": "DISCHARGE", "disposition": disposition}
        return {"entries": [{**left, "occurredAt": ago(hours=hours)}]}

    def admitted(self, hours: float, left: float | None = None) -> Any:
        stay = {"patientMrn": self.mrn, "kind": "ADMISSION", "admissionType": "ELECTIVE"}
        end = {"dischargedAt": ago(hours=left), "disposition": "DIED"} if left else {}
        return {"entries": [{**stay, **end, "occurredAt": ago(hours=hours)}]}

    def seen(self, hours: float) -> Any:
        visit = {"stayId": self.stay, "practitioner": self.doctor, "kind": "ROUND"}
        return {"newVisits": [{**visit, "occurredAt": ago(hours=hours)}]}

    def given(self, hours: float) -> Any:
        dose = {"prescriptionId": self.drug, "given": True, "occurredAt": ago(hours=hours)}
        return {"newDoses": [dose]}

    def given_unprescribed(self, hours: float, **content: Any) -> Any:
        dose = {"stayId": self.stay, "medication": {"name": "Adrenaline"}, "basis": "PROTOCOL"}
        return {
            "newUnprescribedDoses": [{**dose, "occurredAt": ago(hours=hours), **content}],
        }

    def dies(self, hours: float) -> "Sheet":
        self.ward.record("recordDeath", patientMrn=self.mrn, **late(ago(hours=hours)))
        return self

    def told(self) -> Any:
        return self.ward.ask(WHOLE, id=self.stay)["stay"]


DIED = {"disposition": "DIED"}
HOME = {"disposition": "HOME", "unknown": []}
Story = tuple[str | None, float, Callable[[Sheet], list[Parts]], str]

STORIES: dict[str, Story] = {
    "never left": ("DIED", 5, lambda s: [s.order(4), s.never_left()], "ADMITTED"),
    "died later": ("DIED", 5, lambda s: [s.order(4), s.left(hours=3)], "died 3"),
    "left alive at the same time": (
        *("DIED", 5),
        lambda s: [s.order(4), s.left(disposition="HOME")],
        "refused",
    ),
    "left alive, later": (
        *("DIED", 5),
        lambda s: [s.order(4), s.left(disposition="HOME", hours=3)],
        "left 3",
    ),
    "left again": (
        *("DIED", 5),
        lambda s: [s.order(4), s.never_left(), s.leaves("DIED", 3)],
        "died 3",
    ),
    "left again, too early": (
        *("DIED", 3),
        lambda s: [s.order(4), s.never_left(), s.leaves("DIED", 5)],
        "refused",
    ),
    "died before the order": (
        *("HOME", 3),
        lambda s: [s.order(4), s.left(disposition="DIED", hours=5)],
        "refused",
    ),
    "died before the order of then": (
        *("HOME", 3),
        lambda s: [s.order(6), s.left(disposition="DIED", hours=5)],
        "died 5",
    ),
    "seen after": (
        *("DIED", 5),
        lambda s: [s.order(4), s.seen(3.5), s.left(hours=3)],
        "died 3",
    ),
    "given after": (
        *("DIED", 5),
        lambda s: [s.order(4), s.given(3.5), s.given_unprescribed(3.2), s.left(hours=3)],
        "died 3",
    ),
    "given after all": (
        *("DIED", 5),
        lambda s: [s.order(4), s.given(2), s.left(hours=3)],
        "refused",
    ),
    "given without an order after all": (
        *("DIED", 5),
        lambda s: [s.order(4), s.given_unprescribed(2), s.left(hours=3)],
        "refused",
    ),
    "not discharged, ends as died": (
        *(None, 0),
        lambda s: [s.order(4), s.given(3.5), s.leaves("DIED", 3)],
        "died 3",
    ),
    "not discharged, ends as died before the order": (
        *(None, 0),
        lambda s: [s.order(2), s.leaves("DIED", 3)],
        "refused",
    ),
    "admitted again": (
        *("DIED", 5),
        lambda s: [s.left(disposition="HOME"), s.admitted(3)],
        "left 5",
    ),
    "admitted again and died": (
        *("DIED", 5),
        lambda s: [s.left(disposition="HOME"), s.admitted(3, left=1)],
        "died 5",
    ),
    "admitted after a death": ("DIED", 5, lambda s: [s.order(6), s.admitted(3)], "refused"),
    "admitted in between": (
        *("DIED", 5),
        lambda s: [s.left(hours=3), s.admitted(2.5, left=2)],
        "refused",
    ),
    "told death": ("HOME", 6, lambda s: [s.dies(4).order(3), s.never_left()], "refused"),
    "told death later": (
        *("HOME", 6),
        lambda s: [s.dies(3).order(4), s.never_left(), s.leaves("DIED", 3)],
        "died 3",
    ),
}


REFUSALS = ("OutsideStay", "PatientDied", "PrescriptionStateBroken", "ContradictsLaterFacts")


def together(parts: list[Parts]) -> Parts:
    all_parts: Parts = {}
    for part in parts:
        for name, of in part.items():
            all_parts[name] = all_parts.get(name, []) + of
    return all_parts


@pytest.mark.parametrize("name", STORIES)
def test_mistake_579_an_order_and_a_death_that_follows_from_a_discharge_are_decided_by_the_result(
    ward: Ward, name: str
) -> None:
    end, hours, make, result = STORIES[name]

    def begun() -> tuple[Sheet, list[Parts]]:
        sheet = Sheet(ward, end, hours)
        return sheet, make(sheet)

    results = []
    sheet, made = begun()
    for order in permutations(range(len(made))):
        before = sheet.told()
        parts = together([made[index] for index in order])
        answer = ward.execute("correctFacts", **parts, **WRONG)
        if not answer["__typename"].endswith("Recorded"):
            assert result == "refused", answer
            assert answer["__typename"] in REFUSALS, answer
            assert sheet.told() == before
            continue
        held = sheet.told()
        (status, _, at) = result.partition(" ")
        if status == "ADMITTED":
            assert (held["status"], held["patient"]["diedAt"]) == ("ADMITTED", None)
        else:
            assert moment(held["dischargedAt"]) == moment(ago(float(at)))
            is_dead = held["patient"]["diedAt"] is not None
            assert is_dead == (status == "died"), held
        results.append(sorted(len(p["administrations"]) for p in held["prescriptions"]))
        sheet, made = begun()  # after a refusal all is as it was
    assert all(r == results[0] for r in results)


@pytest.mark.parametrize("prescribed", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_mistake_580_the_end_of_an_infusion_that_never_was_is_taken_back_beside_new_doses(
    ward: Ward, prescribed: bool
) -> None:
    """The end of one infusion was the beginning of another, really, and a dose beside it."""
    results = []
    for turned in permutations(range(4)):
        sheet = Sheet(ward, "HOME", 2)
        dose: dict[str, Any] = {"infusion": True, "endedAt": ago(hours=6), **late(ago(hours=7))}
        if prescribed:
            ward.record("recordAdministration", prescriptionId=sheet.drug, given=True, **dose)
            kind = "PRESCRIPTION_ADMINISTRATION_RECORDED"
        else:
            medicine = {"medication": {"name": "Insulin"}, "basis": "PROTOCOL"}
            ward.record("recordUnprescribedDose", stayId=sheet.stay, **medicine, **dose)
            kind = "PRESCRIPTION_UNPRESCRIBED_GIVEN"
        infusion = fact(ward, sheet.stay, kind, "administration")
        parts = [
            {"cancelledInfusionEnds": [infusion]},
            sheet.given_unprescribed(6),
            sheet.given_unprescribed(5, infusion=True, endedAt=ago(hours=3)),
            {"doses": [{"administrationId": infusion, "occurredAt": ago(hours=6.5)}]},
        ]
        given = together([parts[index] for index in turned])
        answer = ward.execute("correctFacts", **given, **WRONG)
        assert answer["__typename"] == "StayRecorded", answer
        doses = [d for p in sheet.told()["prescriptions"] for d in p["administrations"]]
        results.append(sorted((d["occurredAt"][:16], d["endedAt"] is None) for d in doses))
        assert len(doses) == 3
        again = ward.execute("endInfusion", administrationId=infusion, **late(ago(hours=4)))
        assert again["__typename"] == "PrescriptionRecorded"
    assert [ended for _, ended in results[0]] == [True, True, False]
    assert len({len(r) for r in results}) == 1


def test_mistake_585_a_change_is_corrected_to_a_stop_that_lies_before_it(ward: Ward) -> None:
    """Told anew it would be refused, whether its time or the stop is put right."""
    sheet = Sheet(ward, None)
    changed = {"prescriptionId": sheet.drug, "stop": ago(hours=3), **late(ago(hours=6))}
    ward.record("changePrescription", **changed)
    change = movement(ward, sheet.stay, "PRESCRIPTION_CHANGED")
    for wrong in ({"stop": ago(hours=7)}, {"occurredAt": ago(hours=2)}):
        right = {"changeId": change, **wrong}
        for result in (
            ward.execute("correctPrescriptionChange", **right, **WRONG),
            ward.execute("correctFacts", prescriptionChanges=[right], **WRONG),
            ward.execute("changePrescription", **changed | wrong),
        ):
            assert result["__typename"] in ("InvalidInput", "PrescriptionStateBroken"), result
    both = {"changeId": change, "occurredAt": ago(hours=2), "stop": ago(hours=1)}
    ward.record("correctPrescriptionChange", **both, **WRONG)
