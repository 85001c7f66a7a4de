"""Mistakes of other systems about numbers that hold no longer: see `test_covered` for the list."""

from typing import Any

from tests.mistakes.test_feeds import send_message
from tests.support.api_dsl import Ward, ago, late
from tests.support.checker import wait_until

PATIENT = """query($mrn: String!, $authority: String, $known: Position) {
  patient(mrn: $mrn, mrnAuthority: $authority, knownAtPosition: $known) { mrn } }"""


def named(ward: Ward, mrn: str, **asked: Any) -> Any:
    """Return the number that whoever is asked for by an MRN has now; None if it names nobody."""
    answer = ward.client.raw(PATIENT, {"mrn": mrn, **asked})
    patient = (answer["data"] or {}).get("patient")
    return patient and patient["mrn"]


def renumbered(ward: Ward, mrn: str) -> str:
    now = ward.name("N")
    ward.record("correctPatientDetails", patientMrn=mrn, mrn=now, reason="another number")
    return now


def test_mistake_128_a_former_number_on_a_wristband_finds_its_patient(ward: Ward) -> None:
    mrn = ward.patient(familyName="Wristband")
    before = ward.position()
    second = renumbered(ward, mrn)
    third = renumbered(ward, second)
    assert [named(ward, each) for each in (mrn, f" {mrn.lower()} ", second, third)] == [third] * 4
    assert named(ward, mrn, known=before) == mrn
    assert named(ward, second, known=before) is None
    assert named(ward, mrn, authority="ELSEWHERE") is None
    listed = ward.ask("query($s: String) { patients(search: $s) { nodes { mrn } } }", s=mrn)
    assert [patient["mrn"] for patient in listed["patients"]["nodes"]] == [third]
    timeline = "query($mrn: String!) { timeline(mrn: $mrn) { nodes { kind } } }"
    assert len(ward.ask(timeline, mrn=mrn)["timeline"]["nodes"]) == 3


def test_mistake_128_a_number_that_somebody_else_has_names_nobody_who_had_it(ward: Ward) -> None:
    mrn = ward.patient()
    now = renumbered(ward, mrn)
    ward.record("registerPatient", mrn=mrn, **late(ago(days=1)))
    assert named(ward, mrn) == mrn
    second = renumbered(ward, mrn)
    assert named(ward, mrn) is None  # two had it
    assert [named(ward, each) for each in (now, second)] == [now, second]


def test_mistake_129_a_cancelled_change_of_a_number_waits_while_somebody_else_has_it(
    ward: Ward,
) -> None:
    mrn, new, link = ward.patient(), ward.name("N"), ward.name("L")
    change = {"kind": "CHANGE_MRN", "formerMrn": mrn, "patientMrn": new}
    changed = send_message(ward, link, "1", 1, movement={**change, "occurredAt": ago(hours=5)})
    assert changed["sourceMovement"]["status"] == "RECORDED"
    ward.record("registerPatient", mrn=mrn, familyName="Other", **late(ago(hours=4)))
    cancelled = send_message(ward, link, "1", 2, cancelled=True)
    assert cancelled["sourceMovement"]["status"] == "PENDING"
    assert cancelled["sourceMovement"]["why"] == "AlreadyExists"
    assert [named(ward, each) for each in (mrn, new)] == [mrn, new]
    other = renumbered(ward, mrn)
    numbers = [mrn, new, other]
    wait_until(
        lambda: [named(ward, each) for each in numbers] == [mrn, None, other], 10, "it is settled"
    )
