"""Mistakes of other systems about facts that are known to the day: see `test_covered`.

Two facts of one day happened in one order. Whichever of them is known to the day alone, and whichever
is entered first, nothing is refused: what is known to the day contradicts nothing of that day.
"""

import os
from collections.abc import Callable
from datetime import timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago, iso, late, moment, place
from tests.support.correction_examples import fact, movement

Recording = Callable[[dict[str, Any]], dict[str, Any]]


class Day:
    """A patient's day, two days after the admission: what may happen then."""

    def __init__(self, ward: Ward, *, is_first: bool) -> None:
        self.ward, self.room, self.mrn = ward, ward.room("a", "b", "c"), ward.patient()
        self.bed = f"{self.room}/a"
        self.stay = self.drug = self.given = self.asked = self.flag = ""
        if not is_first:
            self.stay = ward.stay(self.bed, ago(days=5), patientMrn=self.mrn)
            self.drug = ward.prescription(self.stay, **late(ago(days=5)))

    def admission(self, at: dict[str, Any]) -> dict[str, Any]:
        answer = self.ward.execute(
            "admitPatient",
            patientMrn=self.mrn,
            admissionType="ELECTIVE",
            **place(self.bed),
            **at,
        )
        if answer["__typename"] == "StayRecorded":
            self.stay = answer["stay"]["id"]
        return answer

    def another(self, at: dict[str, Any]) -> dict[str, Any]:
        """Admit somebody else into the bed."""
        content = {"patientMrn": self.ward.patient(), "admissionType": "ELECTIVE"}
        return self.ward.execute("admitPatient", **content, **place(self.bed), **at)

    def transfer(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("transferPatient", at, **place(f"{self.room}/b"))

    def leave(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("startLeave", at, keepBed=True)

    def back(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("endLeave", at)

    def visit(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("recordVisit", at, practitioner=self.ward.doctor(), kind="ROUND")

    def discharge(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("dischargePatient", at, disposition="HOME")

    def prescription(self, at: dict[str, Any]) -> dict[str, Any]:
        answer = self._of_stay("writePrescription", at, medication={"name": "Paracetamol"})
        self.drug = answer.get("prescription", {"id": ""})["id"]
        return answer

    def verbal(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay(
            "recordUnprescribedDose", at, medication={"name": "Paracetamol"}, basis="PROTOCOL"
        )

    def dose(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("recordAdministration", at, given=True)

    def hold(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("holdPrescription", at)

    def stop(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("stopPrescription", at)

    def change(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("changePrescription", at, dose="500 mg")

    def resume(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("resumePrescription", at)

    def complete(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_drug("completePrescription", at)

    def infusion(self, at: dict[str, Any]) -> dict[str, Any]:
        answer = self._of_drug("recordAdministration", at, given=True, infusion=True)
        if answer["__typename"].endswith("Recorded"):
            self.given = fact(
                self.ward, self.stay, "PRESCRIPTION_ADMINISTRATION_RECORDED", "administration"
            )
        return answer

    def end(self, at: dict[str, Any]) -> dict[str, Any]:
        return self.ward.execute("endInfusion", administrationId=self.given, **at)

    def consult(self, at: dict[str, Any]) -> dict[str, Any]:
        answer = self._of_stay("requestConsult", at, specialty="cardiology")
        self.asked = answer.get("consult", {"id": ""})["id"]
        return answer

    def answer(self, at: dict[str, Any]) -> dict[str, Any]:
        seen = {"practitioner": self.ward.doctor(), "kind": "CONSULT", "consultId": self.asked}
        return self._of_stay("recordVisit", at, **seen)

    def withdrawal(self, at: dict[str, Any]) -> dict[str, Any]:
        return self.ward.execute("withdrawConsult", consultId=self.asked, **at)

    def flagged(self, at: dict[str, Any]) -> dict[str, Any]:
        answer = self._of_stay("raiseFlag", at, flagKind="FALL_RISK")
        self.flag = answer.get("flag", {"id": ""})["id"]
        return answer

    def lowering(self, at: dict[str, Any]) -> dict[str, Any]:
        return self._of_stay("lowerFlag", at, flagId=self.flag)

    def closure(self, at: dict[str, Any]) -> dict[str, Any]:
        return self.ward.execute("closeBed", **place(self.bed), **at)

    def death(self, at: dict[str, Any]) -> dict[str, Any]:
        return self.ward.execute("recordDeath", patientMrn=self.mrn, **at)

    def _of_stay(self, command: str, at: dict[str, Any], **content: Any) -> dict[str, Any]:
        return self.ward.execute(command, stayId=self.stay, **content, **at)

    def _of_drug(self, command: str, at: dict[str, Any], **content: Any) -> dict[str, Any]:
        return self.ward.execute(command, prescriptionId=self.drug, **content, **at)


AFTER_ADMISSION = ("transfer", "leave", "visit", "discharge", "prescription", "verbal", "death")
PAIRS = (
    *(("admission", second) for second in AFTER_ADMISSION),
    *(("transfer", second) for second in ("leave", "visit", "discharge", "dose", "death")),
    *(("leave", second) for second in ("back", "discharge")),
    *(("visit", second) for second in ("leave", "discharge", "death")),
    *(("dose", second) for second in ("hold", "stop", "discharge", "death")),
    *(("verbal", second) for second in ("discharge", "death")),
    *(("prescription", second) for second in ("discharge", "death")),
    *(("prescription", second) for second in ("hold", "stop", "change", "complete", "dose")),
    *(("prescription", "infusion"), ("hold", "resume"), ("hold", "change")),
    *(("hold", second) for second in ("stop", "discharge")),
    *(("change", second) for second in ("stop", "complete", "discharge")),
    *(("infusion", second) for second in ("end", "stop", "discharge", "hold")),
    *(("stop", second) for second in ("discharge", "death")),
    *(("complete", "discharge"), ("consult", "answer"), ("consult", "withdrawal")),
    *(("consult", "discharge"), ("flagged", "lowering"), ("flagged", "discharge")),
    *((first, "closure") for first in ("transfer", "discharge")),
    *(("transfer", "another"), ("discharge", "another"), ("discharge", "admission")),
)
"""Pairs of facts that may happen in this order on one day."""

CANNOT_WAIT = {"admission", "leave", "consult", "flagged"}
"""First facts without which the second cannot be entered."""

NEED = {"another", "admission", "back", "resume", "end", "closure"}
"""Second facts that cannot be entered without the first."""

MIDNIGHT, MORNING = timedelta(0), timedelta(hours=9)
LAST = timedelta(hours=23, minutes=59)
CASES = [
    (pair, by_day, is_reversed, hour)
    for pair, by_day, is_reversed, hour in product(
        PAIRS, ((True, False), (False, True), (True, True)), (False, True), (MIDNIGHT, LAST)
    )
    if not (is_reversed and (pair[0] in CANNOT_WAIT or pair[1] in NEED))
    and not (is_reversed and pair[0] == "prescription" and pair[1] not in ("discharge", "death"))
]

Case = tuple[tuple[str, str], tuple[bool, bool], bool, timedelta]


def refused(ward: Ward, case: Case) -> list[Any]:
    """Return what is refused of a pair of facts that is entered so."""
    pair, by_day, is_reversed, hour = case
    start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    day = Day(ward, is_first=pair[0] == "admission")
    times = [
        {"occurredAtPrecision": "DAY", **late(iso(start + hour))}
        if known_by_day
        else late(iso(start + timedelta(hours=true_hour)))
        for known_by_day, true_hour in zip(by_day, (9, 15), strict=True)
    ]
    parts = [(getattr(day, kind), at) for kind, at in zip(pair, times, strict=True)]
    result = [record(at) for record, at in (reversed(parts) if is_reversed else parts)]
    return [t for t in result if not t["__typename"].endswith("Recorded")]


def test_mistake_149_a_fact_known_to_the_day_contradicts_no_fact_of_it_in_any_order(
    ward: Ward,
) -> None:
    cases = Random(os.environ.get("WARDBOOK_STORIES", "1")).sample(CASES, 12)
    wrong = [(case, result) for case in cases if (result := refused(ward, case))]
    assert wrong == []


def test_mistake_149_what_was_asked_for_or_raised_that_day_is_answered_and_lowered_that_day(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(days=5))
    day = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = {"occurredAtPrecision": "DAY", **late(iso(day + timedelta(hours=15)))}
    morning = late(iso(day + timedelta(hours=9)))
    fields = {"stayId": stay, "specialty": "cardiology", **of_day}
    consults = [ward.record("requestConsult", **fields)["consult"]["id"] for _ in range(2)]
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "CONSULT", **morning}
    ward.record("recordVisit", consultId=consults[0], **visit)
    ward.record("withdrawConsult", consultId=consults[1], **morning)
    fall = {"stayId": stay, "flagKind": "FALL_RISK", **of_day}
    flag = ward.record("raiseFlag", **fall)["flag"]["id"]
    ward.record("lowerFlag", stayId=stay, flagId=flag, **morning)
    day_before = late(iso(day - timedelta(hours=15)))
    late_answer = {
        **visit,
        **day_before,
        "consultId": ward.record("requestConsult", **fields)["consult"]["id"],
    }
    assert ward.execute("recordVisit", **late_answer)["__typename"] == "InvalidInput"


@pytest.mark.nightly
def test_mistake_149_each_pair_of_facts_in_each_order_and_precision(ward: Ward) -> None:
    wrong = [(case, result) for case in CASES if (result := refused(ward, case))]
    assert wrong == []


@pytest.mark.parametrize(
    "pair",
    [
        *(("prescription", second) for second in ("hold", "stop", "change", "complete", "dose")),
        *(("transfer", "closure"), ("infusion", "end"), ("lowering", "flagged")),
    ],
)
def test_mistake_422_each_kind_of_fact_known_to_the_day_makes_room_for_one_known_better(
    ward: Ward, pair: tuple[str, str]
) -> None:
    """The one known to the day is held at its last minute; the other was in the morning."""
    day = Day(ward, is_first=False)
    if pair[0] == "lowering":
        day.flagged(late(ago(days=4)))
    start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = {"occurredAtPrecision": "DAY", **late(iso(start + LAST))}
    result = [getattr(day, pair[0])(of_day), getattr(day, pair[1])(late(iso(start + MORNING)))]
    assert [t for t in result if not t["__typename"].endswith("Recorded")] == []


def test_mistake_423_a_discharge_corrected_to_the_day_stops_its_prescriptions_on_that_day(
    ward: Ward,
) -> None:
    day = Day(ward, is_first=False)
    day.discharge(late(ago(days=3)))
    ended = movement(ward, day.stay, "STAY_DISCHARGED")
    ward.record("correctMovement", movementId=ended, occurredAtPrecision="DAY", reason="the chart")
    nodes = ward.ask(
        "query($mrn: String!) { timeline(mrn: $mrn, read: TRUTH) {"
        " nodes { kind occurredAtPrecision } } }",
        mrn=day.mrn,
    )["timeline"]["nodes"]
    stops = [n["occurredAtPrecision"] for n in nodes if n["kind"] == "PRESCRIPTION_STOPPED"]
    assert stops == ["DAY"]


def test_mistake_865_the_first_bed_of_a_day_is_held_after_the_beds_that_followed_it(
    ward: Ward,
) -> None:
    """Nobody else comes into the second bed, by putting its patient back in the first one."""
    start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    room = ward.room("a", "b")
    stay = ward.record(
        "admitPatient",
        patientMrn=ward.patient(),
        admissionType="ELECTIVE",
        occurredAtPrecision="DAY",
        **place(f"{room}/a"),
        **late(iso(start)),
    )["stay"]["id"]
    noon = late(iso(start + timedelta(hours=12)))
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **noon)
    other = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE"}
    evening = late(iso(start + timedelta(hours=18)))
    refusal = ward.execute("admitPatient", **other, **place(f"{room}/b"), **evening)
    assert refusal["__typename"] == "BedOccupied"
    morning = late(iso(start + timedelta(hours=8)))
    first = {**other, "dischargedAt": iso(start + timedelta(hours=10)), "disposition": "HOME"}
    ward.record("admitPatient", **first, **place(f"{room}/a"), **morning)


def test_mistake_866_an_answer_is_of_what_made_room_for_the_command(ward: Ward) -> None:
    """Hold what is known to the day elsewhere in it, and answer with the command's own stay."""
    start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    last, noon = iso(start + LAST), late(iso(start + timedelta(hours=12)))
    by_day = {"occurredAtPrecision": "DAY", **late(last)}
    room, mrn = ward.room("a", "b"), ward.patient()
    before = ward.stay(f"{room}/a", ago(days=5))
    ward.record("dischargePatient", stayId=before, disposition="HOME", **by_day)
    content = {"patientMrn": mrn, "admissionType": "ELECTIVE", **place(f"{room}/a"), **noon}
    admission = ward.execute("admitPatient", **content)
    assert admission["stay"]["id"] not in ("", before)
    again = ward.execute("admitPatient", commandId=admission["commandId"], **content)
    assert again["stay"]["id"] == admission["stay"]["id"]
    other = ward.stay(f"{room}/b", ago(days=5))
    ward.record("transferPatient", stayId=other, withoutBed="corridor", **by_day)
    stay = ward.stay(None, ago(days=5))
    moved = ward.execute("transferPatient", stayId=stay, **place(f"{room}/b"), **noon)
    assert moved["stay"]["id"] == stay


@pytest.mark.parametrize(
    ("command", "content"),
    [
        ("requestConsult", {"specialty": "cardiology"}),
        ("raiseFlag", {"flagKind": "FALL_RISK"}),
        ("recordVisit", {"kind": "ROUND"}),
    ],
)
def test_mistake_867_an_answer_is_an_error_where_another_fact_made_room(
    ward: Ward, command: str, content: dict[str, Any]
) -> None:
    day = Day(ward, is_first=False)
    start = moment(ago(days=3)).replace(hour=0, minute=0, second=0, microsecond=0)
    by_day = {"occurredAtPrecision": "DAY", **late(iso(start))}
    day.dose(by_day)
    day.visit(by_day)
    day.discharge(by_day)
    if command == "recordVisit":
        content = {"practitioner": ward.doctor(), **content}
    noon = late(iso(start + timedelta(hours=12)))
    answer = ward.execute(command, stayId=day.stay, **content, **noon)
    assert answer["__typename"].endswith("Recorded")


def test_mistake_875_what_a_command_tells_of_the_day_is_no_error_where_it_is_refused(
    ward: Ward,
) -> None:
    noon = moment(ago(days=3)).replace(hour=12, minute=0)
    stay = ward.stay(at=iso(noon), patientMrn=ward.patient())
    dose = {"stayId": stay, "medication": {"name": "Heparin"}, "basis": "PROTOCOL"}
    by_day = {"occurredAt": iso(noon + timedelta(hours=1)), "occurredAtPrecision": "DAY"}
    early = {"stayId": stay, "kind": "START_LEAVE", "occurredAt": iso(noon - timedelta(hours=1))}
    answer = ward.execute(
        "correctFacts",
        entries=[{**early, "keepBed": False}],
        newUnprescribedDoses=[{**dose, **by_day}],
        reason="noted afterwards",
    )
    assert answer["__typename"] == "OutsideStay"
