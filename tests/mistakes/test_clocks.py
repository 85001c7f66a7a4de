"""Mistakes of other systems about clocks that differ: see `test_covered` for the list."""

import pytest

from tests.support.api_dsl import Ward, ahead, place


@pytest.mark.parametrize("seconds", [1, 50])
def test_mistake_69_a_fast_clock_hides_nothing(shared: Ward, seconds: int) -> None:
    bed, doctor, mrn = f"{shared.room('a')}/a", shared.doctor(), shared.patient()

    def at() -> str:
        return ahead(seconds=seconds)

    admission = {"patientMrn": mrn, "admissionType": "EMERGENCY", "decidedToAdmitAt": at()}
    answer = shared.record("admitPatient", **admission, **place(bed), occurredAt=at())
    stay = answer["stay"]["id"]
    seen = shared.ask("query($id: ID!) { stay(id: $id) { status } }", id=stay)
    assert seen["stay"] == {"status": "ADMITTED"}
    assert shared.bed(bed)["patient"] == {"mrn": mrn}
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    shared.record("recordVisit", **visit)
    shared.record("recordVisit", **visit, occurredAt=at())
    moment = at()
    drug = {"stayId": stay, "medication": {"name": "Paracetamol"}, "start": moment}
    answer = shared.record("writePrescription", **drug, occurredAt=moment)
    dose = {"prescriptionId": answer["prescription"]["id"], "given": True}
    shared.record("recordAdministration", **dose)
    shared.record("recordAdministration", **dose, occurredAt=at())
    shared.record("dischargePatient", stayId=stay, disposition="HOME", occurredAt=at())
    assert shared.bed(bed)["state"] == "FREE"


def test_mistake_69_a_corrected_time_by_a_fast_clock_is_now(shared: Ward) -> None:
    stay = shared.stay()
    answer = shared.ask(
        "query($id: ID!) { timeline(stayId: $id) { nodes { movementId } } }", id=stay
    )
    admission = answer["timeline"]["nodes"][0]["movementId"]
    right = {"movementId": admission, "occurredAt": ahead(seconds=50)}
    shared.record("correctMovement", **right, reason="another time")
    seen = shared.ask("query($id: ID!) { stay(id: $id) { status } }", id=stay)
    assert seen["stay"] == {"status": "ADMITTED"}


def test_mistake_212_what_a_feed_reports_by_a_fast_clock_is_read_and_built_on_at_once(
    shared: Ward,
) -> None:
    bed, visit = f"{shared.room('a', 'b')}/a", shared.name("V")
    admission = {"kind": "ADMIT", "patientMrn": shared.patient(), "occurredAt": ahead(seconds=50)}
    message = {"sourceRecordedAt": ahead(seconds=50), "movement": {**admission, **place(bed)}}
    for _ in range(2):  # and once more
        answer = shared.record(
            "recordSourceMovement", system="ADT", sourceId=visit, sourceVisit=visit, **message
        )
        assert answer["ofStay"]["status"] == "ADMITTED"
    assert shared.bed(bed)["stay"] == {"id": answer["ofStay"]["id"]}
    moved = {"stayId": answer["ofStay"]["id"], **place(f"{bed[:-1]}b")}
    shared.record("transferPatient", **moved)
    assert shared.bed(bed)["state"] == "FREE"
