"""Mistakes of other systems about medicines: see `test_covered` for the list."""

from typing import Any
from uuid import uuid4

import pytest

from application.authorization.roles import Role
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, ago, late
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, entries, movement

STATUS = "query($id: ID!, $at: DateTime) { prescription(id: $id, asOf: $at) { status } }"


def status(ward: Ward, prescription: str, at: str | None = None) -> str:
    return str(ward.ask(STATUS, id=prescription, at=at)["prescription"]["status"])


def change(ward: Ward, stay: str, kind: str) -> str:
    return movement(ward, stay, f"PRESCRIPTION_{kind}")


ENDS: dict[str, tuple[str, dict[str, Any]]] = {
    "discharge": ("dischargePatient", {"disposition": "HOME"}),
    "stop": ("stopPrescription", {}),
    "completion": ("completePrescription", {}),
    "hold": ("holdPrescription", {}),
}


@pytest.mark.parametrize("dose_first", [True, False], ids=["dose first", "dose last"])
@pytest.mark.parametrize("end", ENDS)
def test_mistake_44_a_dose_is_not_refused_in_the_minute_of_an_end(
    ward: Ward, end: str, dose_first: bool
) -> None:
    stay, at = ward.stay(), ago(hours=1)
    prescription = ward.prescription(stay)
    mutation, content = ENDS[end]
    about = {"stayId": stay} if end == "discharge" else {"prescriptionId": prescription}
    acts = [
        ("recordAdministration", {"prescriptionId": prescription, "given": True}),
        (mutation, {**about, **content}),
    ]
    for name, input in acts if dose_first else reversed(acts):
        ward.record(name, **input, **late(at))


def test_mistake_45_an_order_for_one_dose_can_be_given(ward: Ward) -> None:
    stay, at = ward.stay(), ago(hours=3)
    once = ward.prescription(stay, start=at, stop=at, **late(at))
    ward.record("recordAdministration", prescriptionId=once, given=True, **late(at))
    assert status(ward, once) == "COMPLETED"


def test_mistake_45_an_order_called_off_before_it_began_was_never_active(ward: Ward) -> None:
    stay, times = ward.stay(), [ago(hours=h) for h in (5, 4, 3)]
    written, stop, start = times
    order = ward.prescription(stay, start=start, stop=stop, **late(written))
    assert status(ward, order, written) == "SCHEDULED"
    assert status(ward, order, start) == "STOPPED"
    dose = {"prescriptionId": order, "given": True, **late(start)}
    assert ward.execute("recordAdministration", **dose)["__typename"] == "PrescriptionStateBroken"


@pytest.mark.parametrize("written", [50, 30], ids=["before the admission", "in the stay"])
def test_mistake_45_an_order_may_begin_after_the_discharge_or_before_the_admission(
    ward: Ward, written: int
) -> None:
    stay = ward.stay(at=ago(hours=48))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=10)))
    order = ward.prescription(stay, start=ago(hours=2), **late(ago(hours=written)))
    assert status(ward, order) == "STOPPED"
    later = {"stayId": stay, "medication": {"name": "Ibuprofen"}, **late(ago(hours=5))}
    assert ward.execute("writePrescription", **later)["__typename"] == "OutsideStay"


CHANGES = {
    "STOPPED": "stopPrescription",
    "HELD": "holdPrescription",
    "COMPLETED": "completePrescription",
}


@pytest.mark.parametrize("by", ["cancelPrescriptionChange", "cancelMovement"])
@pytest.mark.parametrize("kind", CHANGES)
def test_mistake_46_what_ended_a_prescription_in_error_can_be_taken_back(
    ward: Ward, kind: str, by: str
) -> None:
    stay, at = ward.stay(), ago(hours=2)
    prescription = ward.prescription(stay)
    changed = ward.record(CHANGES[kind], prescriptionId=prescription, **late(at))
    id = change(ward, stay, kind)
    field = "changeId" if by == "cancelPrescriptionChange" else "movementId"
    ward.record(by, **{field: id}, **IN_ERROR)
    assert status(ward, prescription, at) == status(ward, prescription) == "ACTIVE"
    before = ward.ask(
        "query($id: ID!, $p: Position) { prescription(id: $id, knownAtPosition: $p) { status } }",
        id=prescription,
        p=changed["position"],
    )
    assert before["prescription"]["status"] == kind
    (entry,) = [e for e in entries(ward, stay) if e["kind"] == f"PRESCRIPTION_{kind}"]
    assert entry["status"] == "CANCELLED"
    assert entry["cancelledBy"]


def test_mistake_46_the_time_and_content_of_a_change_can_be_corrected(ward: Ward) -> None:
    stay, wrong, right = ward.stay(), ago(hours=2), ago(hours=4)
    prescription = ward.prescription(stay)
    ward.record("changePrescription", prescriptionId=prescription, dose="1 g", **late(wrong))
    answer = ward.record(
        "correctPrescriptionChange",
        changeId=change(ward, stay, "CHANGED"),
        occurredAt=right,
        dose="2 g",
        **WRONG,
    )
    assert answer["prescription"]["dose"] == "2 g"
    dose = "query($id: ID!, $at: DateTime) { prescription(id: $id, asOf: $at) { dose } }"
    assert ward.ask(dose, id=prescription, at=right)["prescription"]["dose"] == "2 g"
    true = [e for e in entries(ward, stay, "TRUTH") if e["kind"] == "PRESCRIPTION_CHANGED"]
    assert [e["occurredAt"] for e in true] == [right]


def test_mistake_46_only_who_may_change_a_prescription_takes_its_change_back(ward: Ward) -> None:
    stay = ward.stay()
    ward.record("holdPrescription", prescriptionId=ward.prescription(stay))
    query = "mutation($i: CancelMovementInput!) { r: cancelMovement(input: $i) { __typename } }"
    input = {"commandId": str(uuid4()), "movementId": change(ward, stay, "HELD"), **IN_ERROR}
    answer = login(ward, Role.REGISTRAR).ask(query, i=input)
    assert answer["r"]["__typename"] == "NotAllowed"


def test_mistake_47_a_corrected_discharge_stops_what_it_would_have_stopped(ward: Ward) -> None:
    planned, first = ago(hours=10), ago(hours=20)
    stay = ward.stay(at=ago(hours=40))
    ends_by_itself = ward.prescription(stay, stop=planned, **late(ago(hours=39)))
    goes_on = ward.prescription(stay, **late(ago(hours=39)))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(first))
    discharge = movement(ward, stay, "STAY_DISCHARGED")

    def correct(at: str) -> None:
        ward.record("correctMovement", movementId=discharge, occurredAt=at, **WRONG)

    correct(ago(hours=5))  # past the planned stop
    assert [status(ward, p) for p in (ends_by_itself, goes_on)] == ["COMPLETED", "STOPPED"]
    correct(ago(hours=30))  # before all that
    at = ago(hours=25)
    assert [status(ward, p, at) for p in (ends_by_itself, goes_on)] == ["STOPPED", "STOPPED"]
    ward.record("cancelDischarge", stayId=stay, withoutBed="corridor", **IN_ERROR)
    assert [status(ward, p, at) for p in (ends_by_itself, goes_on)] == ["ACTIVE", "ACTIVE"]


def test_mistake_47_a_late_order_in_a_stay_that_was_reversed_does_not_go_on(ward: Ward) -> None:
    stay = ward.stay(at=ago(hours=40))
    reversed_ = {"because": "DECISION_REVERSED", **late(ago(hours=10))}
    ward.record("cancelAdmission", stayId=stay, **reversed_)
    order = ward.prescription(stay, **late(ago(hours=20)))
    assert status(ward, order, ago(hours=15)) == "ACTIVE"
    assert status(ward, order) == "STOPPED"


@pytest.mark.parametrize("is_reversed", [False, True])
def test_mistake_209_an_end_of_a_stay_after_that_of_a_prescription_stopped_nothing(
    shared: Ward, is_reversed: bool
) -> None:
    stay = shared.stay(at=ago(days=3))
    drug = shared.prescription(stay, stop=ago(hours=10), **late(ago(days=2)))
    shared.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=15)))
    discharge = movement(shared, stay, "STAY_DISCHARGED")
    if is_reversed:
        back = {"because": "DECISION_REVERSED", "withoutBed": "hall", **late(ago(hours=1))}
        shared.record("cancelDischarge", stayId=stay, **back)

    def stops() -> list[str]:
        kinds = [entry["kind"] for entry in entries(shared, stay, "TRUTH")]
        return [kind for kind in kinds if kind == "PRESCRIPTION_STOPPED"]

    for hours, ended, result in ((5, "COMPLETED", 0), (12, "STOPPED", 1), (4, "COMPLETED", 0)):
        right = {"movementId": discharge, "occurredAt": ago(hours=hours), **WRONG}
        shared.record("correctMovement", **right)
        assert (status(shared, drug), len(stops())) == (ended, result)


def test_mistake_437_what_a_reversed_admission_stopped_goes_on_if_it_was_never_reversed(
    ward: Ward,
) -> None:
    stay = ward.stay(at=ago(hours=9))
    ward.record("cancelAdmission", stayId=stay, **REVERSED, occurredAt=ago(hours=5))
    prescription = ward.prescription(stay, **late(ago(hours=7)))
    assert [status(ward, prescription, ago(hours=h)) for h in (6, 1)] == ["ACTIVE", "STOPPED"]
    reversal = movement(ward, stay, "STAY_ADMISSION_CANCELLED")
    ward.record("cancelMovement", movementId=reversal, **IN_ERROR)
    assert [status(ward, prescription, ago(hours=h)) for h in (6, 1)] == ["ACTIVE", "ACTIVE"]
