"""Mistakes of other systems about one person with two numbers and two stays: see `test_covered`.

The stays lie apart, touch or overlap, and each has a bed, an order and a dose.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.api_dsl import Ward, ago, iso, late, moment
from tests.support.correction_examples import WRONG, movement
from tests.support.json_door import Commands

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
LAST = 12
"""Hours of the story: the second stay's admission may lie at each hour, the first is in the middle."""

STAY = """query($id: ID!, $asOf: DateTime) { stay(id: $id, asOf: $asOf) { admittedAt dischargedAt
  patient { mrn } prescriptions { status administrations { occurredAt } } } }"""
PATIENT = """query($mrn: String!) { patient(mrn: $mrn) {
  mergedInto { mrn } otherRecords { mrn } stays { id } } }"""
TIMELINE = "query($mrn: String!) { timeline(mrn: $mrn, first: 200) { nodes { stayId } } }"


@dataclass
class Stay:
    """A finished stay, as the test believes it: hours of the story."""

    id: str
    mrn: str
    order: str
    start: int
    end: int
    dose: int
    admission: str
    discharge: str


class Person:
    """Two records of one person, each with a stay in its bed, and the plain rules about them."""

    def __init__(self, ward: Ward, spans: tuple[tuple[int, int], tuple[int, int]]) -> None:
        self.ward = ward
        self.begin: datetime = moment(ago(days=3)[:10] + "T06:00:00Z")
        room = ward.room("a", "b")
        self.stays = [
            self._stay(f"{room}/{bed}", *span) for bed, span in zip("ab", spans, strict=True)
        ]
        self.merge: str | None = None
        self.into = 0

    def at(self, hour: int) -> str:
        return iso(self.begin + hour * HOUR)

    def _stay(self, bed: str, start: int, end: int) -> Stay:
        ward, mrn, dose = self.ward, self.ward.patient(), (start + end) // 2
        stay = ward.stay(bed, patientMrn=mrn, at=self.at(start))
        order = ward.prescription(stay, **late(self.at(start)))
        given = {"prescriptionId": order, "given": True, "doseGiven": "1 g"}
        ward.record("recordAdministration", **given, **late(self.at(dose)))
        left = {"stayId": stay, "disposition": "HOME", **late(self.at(end))}
        ward.record("dischargePatient", **left)
        first, last = (movement(ward, stay, f"STAY_{k}") for k in ("ADMITTED", "DISCHARGED"))
        return Stay(stay, mrn, order, start, end, dose, first, last)

    def do(self, step: str, number: int, hour: int) -> None:
        """Do one thing, which is accepted if the plain rules say so, and else changes nothing."""
        before, self.refused = self.told(), False
        getattr(self, f"_{step}")(self.stays[number], self.stays[1 - number], hour)
        if self.refused:
            assert self.told() == before

    refused = False

    def _expect(self, told: dict[str, Any], refusal: str | None) -> None:
        self.refused = refusal is not None
        assert told["__typename"] == refusal or not self.refused, (told, refusal)
        assert self.refused or told["__typename"].endswith("Recorded"), told

    def _merge(self, one: Stay, other: Stay, hour: int) -> None:
        answer = self.ward.execute("mergePatients", patientMrn=one.mrn, intoMrn=other.mrn, **WRONG)
        if self.merge:
            self.refused = True
            assert answer["__typename"] == "MergeImpossible"
            return
        self._expect(answer, "MergeImpossible" if at_once(one, other) else None)
        if not self.refused:
            self.into = self.stays.index(other)
            nodes = self.ward.ask(
                "query($m: String!) { patient(mrn: $m) { merges { id } } }", m=one.mrn
            )["patient"]["merges"]
            self.merge = nodes[-1]["id"]

    def _unmerge(self, one: Stay, other: Stay, hour: int) -> None:
        if self.merge:
            self._expect(self.ward.execute("unmergePatients", mergeId=self.merge, **WRONG), None)
            self.merge = None

    def _admit(self, one: Stay, other: Stay, hour: int) -> None:
        hour = min(hour, one.dose)
        self._move(one, other, one.admission, hour, one.end)

    def _leave(self, one: Stay, other: Stay, hour: int) -> None:
        hour = max(hour, one.dose)
        self._move(one, other, one.discharge, one.start, hour)

    def _both(self, one: Stay, other: Stay, hour: int) -> None:
        """Correct the end of one and the beginning of the other, which fits together or not at all."""
        end, start = max(hour, one.dose), min(hour, other.dose)
        parts = [
            {"movementId": id, "occurredAt": self.at(at)}
            for id, at, before in (
                (one.discharge, end, one.end),
                (other.admission, start, other.start),
            )
            if at != before
        ]
        if parts:
            answer = self.ward.execute(
                "correctFacts", corrections=parts[:: 1 - hour % 2 * 2], **WRONG
            )
            moved = replace(one, end=end), replace(other, start=start)
            clashes = self.merge is not None and at_once(*moved)
            self._expect(answer, "PatientAlreadyAdmitted" if clashes else None)
            if not clashes:
                one.end, other.start = end, start

    def _move(self, one: Stay, other: Stay, id: str, start: int, end: int) -> None:
        hour = start if id == one.admission else end
        if (start, end) == (one.start, one.end):
            return
        answer = self.ward.execute(
            "correctMovement", movementId=id, occurredAt=self.at(hour), **WRONG
        )
        moved = replace(one, start=start, end=end)
        clashes = self.merge is not None and at_once(moved, other)
        self._expect(answer, "PatientAlreadyAdmitted" if clashes else None)
        if not clashes:
            one.start, one.end = start, end

    def told(self) -> Any:
        """Return all that is told of the two, which is what the plain rules say."""
        into = self.stays[self.into]
        answers = []
        for stay in self.stays:
            held = self.ward.ask(STAY, id=stay.id)["stay"]
            (order,) = held["prescriptions"]
            assert (held["admittedAt"], held["dischargedAt"]) == (
                self.at(stay.start),
                self.at(stay.end),
            )
            assert order["status"] == "STOPPED"
            if stay.start < stay.end:
                before = iso(moment(self.at(stay.end)) - MINUTE)
                active = self.ward.ask(STAY, id=stay.id, asOf=before)["stay"]["prescriptions"][0]
                assert active["status"] == "ACTIVE"
            assert [d["occurredAt"] for d in order["administrations"]] == [self.at(stay.dose)]
            patient = self.ward.ask(PATIENT, mrn=stay.mrn)["patient"]
            ids = {s.id for s in self.stays if self.merge or s is stay}
            assert {s["id"] for s in patient["stays"]} == ids
            nodes = self.ward.ask(TIMELINE, mrn=stay.mrn)["timeline"]["nodes"]
            assert {n["stayId"] for n in nodes} - {None} == ids
            merged = self.merge is not None and stay is not into
            assert patient["mergedInto"] == ({"mrn": into.mrn} if merged else None)
            answers.append((held, patient))
        return answers


def at_once(one: Stay, other: Stay) -> bool:
    """Return whether two stays overlap; one that ends as the other begins does not.

    Two of no duration at one moment are one that was entered twice.
    """
    is_same = one.start == other.start == one.end == other.end
    return is_same or (one.start < other.end and other.start < one.end)


SPAN = st.tuples(st.integers(0, 8), st.integers(2, 4)).map(lambda s: (s[0], s[0] + s[1]))
HOURS = st.integers(0, LAST)
STEP = st.tuples(
    st.sampled_from(["merge", "merge", "unmerge", "admit", "leave", "both", "both"]),
    st.integers(0, 1),
    HOURS,
)


@pytest.mark.parametrize("door", [Ward, pytest.param(Commands, marks=pytest.mark.slow)])
def test_mistake_577_two_records_of_one_person_have_stays_that_lie_apart_and_no_others(
    shared: Ward, door: type[Ward]
) -> None:
    ward = shared if door is Ward else Commands(shared)

    @settings(max_examples=5)
    @given(st.tuples(SPAN, SPAN), st.lists(STEP, min_size=3, max_size=8))
    def check(
        spans: tuple[tuple[int, int], tuple[int, int]], steps: list[tuple[str, int, int]]
    ) -> None:
        person = Person(ward, spans)
        for step in steps:
            person.do(*step)
        person.told()

    check()
