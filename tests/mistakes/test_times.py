"""Mistakes of other systems about time: see `test_covered` for the list and what is left out."""

from tests.support.api_dsl import Ward, ago, late, moment, place
from tests.support.correction_examples import IN_ERROR, REVERSED, WRONG, entries
from tests.support.questions import stays_of, stretches, the_stay


def test_mistake_04_a_corrected_time_does_not_overwrite_the_old_belief(ward: Ward) -> None:
    room, wrong, right = ward.room("a", "b"), ago(hours=5), ago(hours=8)
    stay = ward.stay(f"{room}/a")
    moved = ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(wrong))
    (move,) = [e for e in entries(ward, stay) if e["kind"] == "STAY_TRANSFERRED"]

    ward.record("correctMovement", movementId=move["movementId"], occurredAt=right, **WRONG)

    assert stretches(ward, stay, room)[1:] == [("b", right, None)]
    assert stretches(ward, stay, room, known=moved["position"])[1:] == [("b", wrong, None)]


def test_mistake_07_no_act_is_without_a_time_at_which_it_happened(ward: Ward) -> None:
    schema = ward.ask(
        "{ __schema { mutationType { fields { name args { type { ofType {"
        " inputFields(includeDeprecated: true) { name } } } } } } } }"
    )["__schema"]

    fields = {
        field["name"]: {f["name"] for f in field["args"][0]["type"]["ofType"]["inputFields"]}
        for field in schema["mutationType"]["fields"]
    }

    assert len(fields) > 30
    assert [name for name, inputs in fields.items() if "occurredAt" not in inputs] == []


def test_mistake_10_the_time_of_the_act_is_not_the_time_of_the_edit(ward: Ward) -> None:
    stay, seen, noted = ward.stay(), ago(hours=9), ago(hours=7)
    visit = ward.record(
        "recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND", **late(seen)
    )
    answer = ward.record("amendVisit", visitId=visit["visit"]["id"], occurredAt=noted, **WRONG)

    query = """query($id: ID!) { timeline(stayId: $id) { nodes {
        status occurredAt recordedAt late } } }"""
    all_told = ward.ask(query, id=stay)["timeline"]["nodes"]
    first, amended = (
        next(e for e in all_told if e["recordedAt"] == recorded["recordedAt"])
        for recorded in (visit, answer)
    )

    assert (first["status"], first["occurredAt"]) == ("CORRECTED", seen)
    assert (amended["status"], amended["occurredAt"]) == ("TRUE", noted)
    assert moment(seen) < moment(noted) < moment(first["recordedAt"]) < moment(answer["recordedAt"])


def test_mistake_18_a_transfer_does_not_leave_the_old_stretch_without_an_end(ward: Ward) -> None:
    room, times = ward.room("a", "b", "c"), [ago(hours=h) for h in (40, 30, 20, 10)]
    stay = ward.stay(f"{room}/a", times[0])
    for code, at in zip("bca", times[1:], strict=True):
        ward.record("transferPatient", stayId=stay, **place(f"{room}/{code}"), **late(at))

    assert stretches(ward, stay, room) == [
        (code, since, until)
        for code, since, until in zip("abca", times, [*times[1:], None], strict=True)
    ]


def test_mistake_19_a_discharge_is_not_always_now_and_can_be_taken_back(ward: Ward) -> None:
    room, left = ward.room("a", "b"), ago(hours=5)
    stay = ward.stay(f"{room}/a")

    gone = ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(left))
    assert gone["stay"]["dischargedAt"] == left
    back = ward.record("cancelDischarge", stayId=stay, **REVERSED, **place(f"{room}/b"))

    assert (back["stay"]["status"], back["stay"]["dischargedAt"]) == ("ADMITTED", None)
    (first, second) = stretches(ward, stay, room)
    assert first[2] == left
    assert moment(second[1]) > moment(left)


def test_mistake_20_the_real_time_of_discharge_is_not_lost(ward: Ward) -> None:
    came, went = ago(hours=50), ago(hours=2)
    stay = ward.stay(at=came)

    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(went))

    result = the_stay(ward, stay)
    length = moment(result["dischargedAt"]) - moment(result["admittedAt"])
    assert length == moment(went) - moment(came)


def test_mistake_21_an_admission_need_not_be_today(ward: Ward) -> None:
    room, yesterday = ward.room("a"), ago(days=1)

    stay = ward.stay(f"{room}/a", yesterday)

    assert the_stay(ward, stay)["admittedAt"] == yesterday
    assert ward.bed(f"{room}/a", asOf=ago(hours=23))["stay"]["id"] == stay


def test_mistake_24_history_is_not_in_the_order_of_entry(ward: Ward) -> None:
    stay, doctor = ward.stay(), ward.doctor()
    later, earlier = ago(hours=5), ago(hours=10)
    for note, at in (("third", later), ("first", earlier), ("second", earlier)):
        seen = {"stayId": stay, "practitioner": doctor, "kind": "ROUND", "note": note}
        ward.record("recordVisit", **seen, **late(at))

    notes = [e["data"]["note"] for e in entries(ward, stay) if "note" in e["data"]]

    assert notes == ["first", "second", "third"]


def test_mistake_27_a_cancel_does_not_take_the_latest_transfer_whichever_was_meant(
    ward: Ward,
) -> None:
    room, came = ward.room("a", "b", "c"), ago(hours=30)
    stay, kept = ward.stay(f"{room}/a", came), ago(hours=10)
    for code, at in (("b", ago(hours=20)), ("c", kept)):
        ward.record("transferPatient", stayId=stay, **place(f"{room}/{code}"), **late(at))
    meant, _ = (e for e in entries(ward, stay) if e["kind"] == "STAY_TRANSFERRED")

    ward.record("cancelMovement", movementId=meant["movementId"], **IN_ERROR)

    assert stretches(ward, stay, room) == [("a", came, kept), ("c", kept, None)]


def test_mistake_28_a_patient_is_not_one_encounter_for_ever(ward: Ward) -> None:
    mrn, first, second = ward.patient(), ago(days=9), ago(days=3)
    stay = ward.stay(at=first, patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=7)))

    ward.stay(at=second, patientMrn=mrn)

    assert sorted(s["admittedAt"] for s in stays_of(ward, mrn)) == [first, second]
