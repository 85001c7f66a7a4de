"""Mistakes of other systems about birth and death: see `test_covered`."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from tests.support.api_dsl import Ward, ago, ahead, late, moment, place
from tests.support.correction_examples import IN_ERROR, WRONG, entries, movement

MERGE = {"reason": "one person"}
REPORT = """query($period: ReportPeriod!) {
  report(name: "admissions-discharges-deaths", period: $period) { figures { name shown } } }"""


def died_at(ward: Ward, mrn: str) -> str | None:
    answer = ward.ask("query($mrn: String!) { patient(mrn: $mrn) { diedAt } }", mrn=mrn)
    died = answer["patient"]["diedAt"]
    assert died is None or isinstance(died, str)
    return died


def linked(ward: Ward, count: int = 3) -> list[str]:
    """Register records, each merged into the next before that is merged itself."""
    mrns = [ward.patient(birthDate="1970-01-01") for _ in range(count)]
    for mrn in mrns[:-1]:
        ward.record("mergePatients", patientMrn=mrn, intoMrn=mrns[-1], **MERGE)
    return mrns


def chained(ward: Ward) -> list[str]:
    mrns = [ward.patient() for _ in range(3)]
    for mrn, into in (mrns[:2], mrns[1:]):
        ward.record("mergePatients", patientMrn=mrn, intoMrn=into, **MERGE)
    return mrns


def dead(ward: Ward, disposition: str = "DIED", **at: float) -> tuple[str, str]:
    """Admit somebody and discharge them so; return MRN and stay."""
    mrn = ward.patient()
    stay = ward.stay(patientMrn=mrn)
    ward.record(
        "dischargePatient",
        stayId=stay,
        disposition=disposition,
        **late(ago(**(at or {"hours": 5}))),
    )
    return mrn, stay


@pytest.mark.parametrize("told_of", range(3))
@pytest.mark.parametrize("link", [linked, chained], ids=["star", "chain"])
def test_mistake_29_a_death_told_of_one_record_is_a_death_under_every_number(
    ward: Ward, told_of: int, link: Callable[[Ward], list[str]]
) -> None:
    mrns, at = link(ward), ago(hours=5)
    stay = ward.stay(patientMrn=mrns[0])
    ward.record("recordDeath", patientMrn=mrns[told_of], **late(at))

    assert {died_at(ward, mrn) for mrn in mrns} == {at}
    for mrn in mrns:
        again = ward.execute("recordDeath", patientMrn=mrn, **late(ago(hours=4)))
        assert again["__typename"] == "PatientDied"
        admitted = ward.execute(
            "admitPatient", patientMrn=mrn, admissionType="EMERGENCY", **late(ago(hours=3))
        )
        assert admitted["__typename"] in ("PatientDied", "PatientAlreadyAdmitted")
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    assert ward.execute("recordVisit", **visit, **late(ago(hours=3)))["__typename"] == "PatientDied"
    ward.record("recordVisit", **visit, **late(ago(hours=6)))


def test_mistake_29_a_merge_does_not_bring_a_stay_after_the_death_of_the_person(ward: Ward) -> None:
    one, other = linked(ward, 2), linked(ward, 2)
    ward.record("recordDeath", patientMrn=one[0], **late(ago(hours=5)))
    ward.stay(patientMrn=other[0], at=ago(hours=3))

    answer = ward.execute("mergePatients", patientMrn=other[1], intoMrn=one[1], **MERGE)
    back = ward.execute("mergePatients", patientMrn=one[1], intoMrn=other[1], **MERGE)

    assert answer["__typename"] == back["__typename"] == "ContradictsLaterFacts"


def test_mistake_29_the_net_death_rate_takes_the_death_of_whichever_record(ward: Ward) -> None:
    day = (datetime.now(UTC) - timedelta(days=10)).replace(hour=10, minute=0)
    mrns = linked(ward, 2)
    stay = ward.stay(patientMrn=mrns[1], at=day.isoformat())
    died, gone = day + timedelta(hours=40), day + timedelta(hours=50)
    ward.record("recordDeath", patientMrn=mrns[0], **late(died.isoformat()))
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(gone.isoformat()))

    period = {"from": day.date().isoformat(), "to": gone.date().isoformat()}
    answer = ward.ask(REPORT, period=period)["report"]["figures"]

    assert {f["name"]: f["shown"] for f in answer}["deathsWithin48h"] == "1"


def test_mistake_30_who_was_discharged_as_died_does_not_live_on(ward: Ward) -> None:
    at = ago(hours=5)
    mrn = ward.patient()
    stay = ward.stay(patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(at))

    assert died_at(ward, mrn) == at
    again = {"patientMrn": mrn, "admissionType": "EMERGENCY"}
    assert ward.execute("admitPatient", **again)["__typename"] == "PatientDied"
    later = ward.execute("recordDeath", patientMrn=mrn, **late(ago(hours=4)))
    assert later["__typename"] == "PatientDied"
    exact = ago(hours=6)
    ward.record("recordDeath", patientMrn=mrn, **late(exact))
    assert died_at(ward, mrn) == exact


def test_mistake_30_a_discharge_alive_after_the_death_is_refused(ward: Ward) -> None:
    stay = ward.stay()
    ward.record("recordDeath", stayId=stay, **late(ago(hours=5)))

    home = ward.execute("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=4)))
    before = ward.execute("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=9)))

    assert home["__typename"] == "PatientDied"
    assert before["__typename"] == "ContradictsLaterFacts"
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=4)))


def test_mistake_30_a_death_after_a_discharge_home_is_no_death_in_the_stay(ward: Ward) -> None:
    mrn, _ = dead(ward, "HOME")
    answer = ward.execute("recordDeath", patientMrn=mrn, **late(ago(hours=6)))
    assert answer["__typename"] == "ContradictsLaterFacts"
    ward.record("recordDeath", patientMrn=mrn, **late(ago(hours=3)))


@pytest.mark.parametrize("change", ["corrected", "cancelled", "entered anew"])
def test_mistake_30_the_death_goes_with_the_discharge_that_it_follows_from(
    ward: Ward, change: str
) -> None:
    mrn, stay = dead(ward)
    discharge, at = movement(ward, stay, "STAY_DISCHARGED"), ago(hours=3)
    expected: str | None = None
    if change == "corrected":
        ward.record("correctMovement", movementId=discharge, occurredAt=at, **WRONG)
        expected = at
    else:
        ward.record("cancelMovement", movementId=discharge, **IN_ERROR)
    if change == "entered anew":
        ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(at))
        expected = at

    assert died_at(ward, mrn) == expected
    truth = [e for e in entries(ward, stay, "TRUTH") if e["kind"] == "STAY_DISCHARGED"]
    assert len(truth) == (expected is not None)


def test_mistake_30_the_dead_who_hold_a_bed_or_have_medicines_are_listed(ward: Ward) -> None:
    room, mrns = ward.room("a", "b", "c", ward="Dead"), linked(ward, 2)
    stay = ward.stay(f"{room}/a", patientMrn=mrns[0])
    prescription = ward.prescription(stay)
    ward.stay(f"{room}/b")
    ward.record("recordDeath", patientMrn=mrns[1], **late(ago(hours=5)))

    ask = """query($ward: String, $asOf: DateTime) { deceased(ward: $ward, asOf: $asOf) {
      diedAt patient { mrn } stays { id bed } prescriptions { id } } }"""
    (result,) = ward.ask(ask, ward="Dead")["deceased"]
    assert result["patient"]["mrn"] == mrns[0]
    assert result["stays"] == [{"id": stay, "bed": "a"}]
    assert result["prescriptions"] == [{"id": prescription}]
    assert ward.ask(ask, ward="Dead", asOf=ago(hours=6))["deceased"] == []
    ward.record("dischargePatient", stayId=stay, disposition="DIED")
    assert ward.ask(ask, ward="Dead")["deceased"] == []


def test_mistake_31_a_death_is_put_right_and_taken_back_under_any_number(ward: Ward) -> None:
    mrns, at = linked(ward), ago(hours=2)
    ward.record("recordDeath", patientMrn=mrns[1], **late(ago(hours=5)))

    ward.record("correctDeath", patientMrn=mrns[0], occurredAt=at, **WRONG)
    assert {died_at(ward, mrn) for mrn in mrns} == {at}
    ward.record("cancelDeath", patientMrn=mrns[2], **WRONG)
    assert {died_at(ward, mrn) for mrn in mrns} == {None}

    none = ward.execute("cancelDeath", patientMrn=mrns[2], **WRONG)
    assert (none["__typename"], none["field"]) == ("InvalidInput", "patientMrn")
    assert ward.stay(patientMrn=mrns[0], at=ago(hours=1))


def test_mistake_31_a_corrected_death_does_not_lie_before_what_was_done(ward: Ward) -> None:
    stay = ward.stay()
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late(ago(hours=6)))
    ward.record("recordDeath", stayId=stay, **late(ago(hours=5)))

    answer = ward.execute("correctDeath", stayId=stay, occurredAt=ago(hours=7), **WRONG)
    assert answer["__typename"] == "ContradictsLaterFacts"
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=4)))
    after = ward.execute("correctDeath", stayId=stay, occurredAt=ago(hours=3), **WRONG)
    assert after["__typename"] == "ContradictsLaterFacts"
    ward.record("cancelDeath", stayId=stay, **WRONG)  # that of the discharge is left
    back = ward.execute("cancelDeath", stayId=stay, **WRONG)
    assert (back["__typename"], back["field"]) == ("InvalidInput", "stayId")


def test_mistake_31_a_death_known_to_the_day_contradicts_nothing_of_that_day(ward: Ward) -> None:
    day = (datetime.now(UTC) - timedelta(days=3)).replace(hour=9, minute=0, second=0)
    stay = ward.stay(at=(day - timedelta(days=1)).isoformat())
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late((day + timedelta(hours=8)).isoformat()))

    ward.record("recordDeath", stayId=stay, occurredAtPrecision="DAY", **late(day.isoformat()))

    ward.record("recordVisit", **visit, **late((day + timedelta(hours=9)).isoformat()))
    next_day = ward.execute("recordVisit", **visit, **late((day + timedelta(days=1)).isoformat()))
    assert next_day["__typename"] == "PatientDied"


def test_mistake_32_nobody_is_admitted_or_dead_before_birth(ward: Ward) -> None:
    born = moment(ago(days=4)).date()
    before = late((moment(ago(days=6))).isoformat())
    mrn = ward.patient(birthDate=born.isoformat())

    admitted = ward.execute("admitPatient", patientMrn=mrn, admissionType="NEWBORN", **before)
    died = ward.execute("recordDeath", patientMrn=mrn, **before)

    assert (admitted["__typename"], admitted["field"]) == ("InvalidInput", "occurredAt")
    assert (died["__typename"], died["field"]) == ("InvalidInput", "occurredAt")
    stay = ward.stay(patientMrn=mrn)
    first = movement(ward, stay, "STAY_ADMITTED")
    moved = ward.execute("correctMovement", movementId=first, occurredAt=ago(days=6), **WRONG)
    assert (moved["__typename"], moved["field"]) == ("InvalidInput", "occurredAt")
    several = [{"movementId": first, "occurredAt": ago(days=6)}]
    facts = ward.execute("correctFacts", corrections=several, **WRONG)
    assert facts["__typename"] == "InvalidInput"


def test_mistake_32_a_birth_date_is_not_put_after_an_admission_under_any_number(ward: Ward) -> None:
    mrns = linked(ward)
    ward.stay(patientMrn=mrns[1], at=ago(days=5))
    later = {"birthDate": moment(ago(days=3)).date().isoformat(), **WRONG}

    for mrn in mrns:
        answer = ward.execute("correctPatientDetails", patientMrn=mrn, **later)
        assert (answer["__typename"], answer["field"]) == ("InvalidInput", "birthDate")
    newborn = ward.patient(birthDate=later["birthDate"])
    merged = ward.execute("mergePatients", patientMrn=newborn, intoMrn=mrns[2], **MERGE)
    assert merged["__typename"] == "MergeImpossible"


def test_mistake_33_a_newborn_is_registered_on_the_hospitals_day(ward: Ward) -> None:
    """East of Greenwich it is tomorrow, in the hours after the local midnight."""
    zone = "Pacific/Kiritimati"
    ward.record("setHospitalTime", timeZone=zone, reason="moved")
    today = (datetime.now(UTC) + timedelta(hours=14)).date()
    mrn = ward.name("M")
    ward.record("registerPatient", mrn=mrn, birthDate=today.isoformat())
    ward.record("admitPatient", patientMrn=mrn, admissionType="NEWBORN")
    tomorrow = (today + timedelta(days=1)).isoformat()
    answer = ward.execute("registerPatient", mrn=ward.name("M"), birthDate=tomorrow)
    assert (answer["__typename"], answer["field"]) == ("InvalidInput", "birthDate")


def test_mistake_33_a_birthday_begins_at_the_hospitals_midnight(ward: Ward) -> None:
    ward.record("setHospitalTime", timeZone="Pacific/Kiritimati", reason="moved")
    first = (datetime.now(UTC) - timedelta(days=2)).replace(hour=10, minute=0, second=0)
    today = first.date() + timedelta(days=1)  # there, from 10:00 UTC on
    room = ward.room("a", "b")
    policy = {"policy": "CHILDREN_ONLY", "applies": True}
    ward.record("setRoomPolicy", ward="A", room=room.split("/")[1], **policy, **late(ago(days=3)))
    grown = ward.patient(birthDate=today.replace(year=today.year - 18).isoformat())

    admission = {"patientMrn": grown, "admissionType": "ELECTIVE", **place(f"{room}/a")}

    answer = ward.execute("admitPatient", **admission, **late(first.isoformat()))
    assert answer["__typename"] == "RoomPolicyBroken"
    day_before = first - timedelta(minutes=1)
    ward.record("admitPatient", **admission, **late(day_before.isoformat()))


def test_mistake_29_a_reservation_a_sex_and_a_label_are_of_the_person(ward: Ward) -> None:
    room = ward.room("a", "b")
    policy = {"policy": "ONE_SEX_ONLY", "applies": True}
    ward.record("setRoomPolicy", ward="A", room=room.split("/")[1], **policy, **late(ago(days=9)))
    unknown, known = ward.patient(), ward.patient(sex="MALE", confidentiality="RESTRICTED")
    ward.record("mergePatients", patientMrn=unknown, intoMrn=known, **MERGE)
    ward.record("reserveBed", **place(f"{room}/a"), patientMrn=known, until=ahead(hours=3))

    answer = ward.record(
        "admitPatient", patientMrn=unknown, admissionType="EMERGENCY", **place(f"{room}/a")
    )
    query = "query($id: ID!) { stay(id: $id) { confidentiality } }"
    label = ward.ask(query, id=answer["stay"]["id"])["stay"]["confidentiality"]
    assert label == "RESTRICTED"
    woman = ward.execute(
        "admitPatient",
        patientMrn=ward.patient(sex="FEMALE"),
        admissionType="EMERGENCY",
        **place(f"{room}/b"),
    )
    assert woman["__typename"] == "RoomPolicyBroken"


def test_mistake_94_what_changed_of_a_person_can_be_put_right_and_taken_back(ward: Ward) -> None:
    mrn = ward.patient(familyName="Okafor")
    result = {"patientMrn": mrn, "reason": "as her papers say"}
    ward.record("correctPatientDetails", familyName="Belo", validFrom="2026-01-10", **result)
    ward.record("correctPatientDetails", sex="FEMALE", validFrom="2026-01-20", **result)
    days = ("2026-01-05", "2026-01-08", "2026-01-12", "2026-01-25")

    def names() -> list[tuple[str, str]]:
        query = "query($mrn: String!, $at: DateTime) { patient(mrn: $mrn, asOf: $at) {"
        query += " familyName sex } }"
        finding = [ward.ask(query, mrn=mrn, at=f"{day}T12:00:00Z")["patient"] for day in days]
        return [(p["familyName"], p["sex"]) for p in finding]

    before = names()
    ward.record(
        "correctPatientChange",
        validFrom="2026-01-10",
        newValidFrom="2026-01-07",
        familyName="Bello",
        **result,
    )
    bello = [("Bello", "UNKNOWN"), ("Bello", "UNKNOWN"), ("Bello", "FEMALE")]
    assert names() == [("Okafor", "UNKNOWN"), *bello]
    again = {"validFrom": "2026-01-07", "newValidFrom": "2026-01-20", **result}
    assert ward.execute("correctPatientChange", **again)["path"] == ["newValidFrom"]
    nothing = {"validFrom": "2026-01-10", **result}
    assert ward.execute("cancelPatientChange", **nothing)["path"] == ["validFrom"]
    ward.record("cancelPatientChange", validFrom="2026-01-07", **result)
    assert names() == [("Okafor", sex) for _, sex in before]
    query = "query($mrn: String!) { timeline(mrn: $mrn) { nodes { kind status } } }"
    nodes = ward.ask(query, mrn=mrn)["timeline"]["nodes"]
    statuses = [n["status"] for n in nodes if n["kind"] == "PATIENT_DETAILS_CHANGED"]
    assert sorted(statuses) == ["CANCELLED", "CORRECTED", "TRUE"]


def test_mistake_191_what_was_guessed_of_a_person_can_be_unknown_again(ward: Ward) -> None:
    query = (
        "query($mrn: String!, $known: Position) { patient(mrn: $mrn, knownAtPosition: $known)"
        " { familyName givenName birthDate } }"
    )
    guessed = {"familyName": "Guess", "givenName": "Ed", "birthDate": ago(hours=30)[:10]}
    mrn = ward.patient(**guessed)
    before = ward.position()
    wrong = {"patientMrn": mrn, "reason": "another person's papers"}
    refusal = ward.execute(
        "correctPatientDetails", **wrong, unknown=["BIRTH_DATE"], birthDate="1980-01-01"
    )
    assert refusal["code"] == "InvalidInput"
    ward.record("correctPatientDetails", **wrong, unknown=["BIRTH_DATE", "GIVEN_NAME"])
    known = {"familyName": "Guess", "givenName": None, "birthDate": None}
    assert ward.ask(query, mrn=mrn)["patient"] == known
    assert ward.ask(query, mrn=mrn, known=before)["patient"] == guessed
    ward.stay(patientMrn=mrn, at=ago(days=9))  # before the birth that was guessed


def test_mistake_192_a_number_that_another_authority_assigned_is_put_right(ward: Ward) -> None:
    mrn, authority = ward.patient(), ward.name("authority")
    ward.record(
        "correctPatientDetails", patientMrn=mrn, newMrnAuthority=authority, reason="of the clinic"
    )
    query = "query($mrn: String!, $of: String) { patient(mrn: $mrn, mrnAuthority: $of) { id } }"
    patient = ward.ask(query, mrn=mrn, of=authority)["patient"]["id"]
    assert ward.ask(query, mrn=mrn)["patient"]["id"] == patient  # by the former number
    other = ward.record("registerPatient", mrn=mrn)["patient"]["id"]
    assert other != patient
    assert ward.ask(query, mrn=mrn)["patient"]["id"] == other
    back = {"patientMrn": mrn, "mrnAuthority": authority, "newMrnAuthority": "main"}
    refusal = ward.execute("correctPatientDetails", **back, reason="it was right")
    assert refusal["code"] == "AlreadyExists"


def test_mistake_158_a_death_told_in_a_stay_goes_with_it_to_the_right_patient(ward: Ward) -> None:
    wrong, right, third = ward.patient(), ward.patient(), ward.patient()
    stay = ward.stay(at=ago(days=2), patientMrn=wrong)
    ward.record("recordDeath", stayId=stay, **late(ago(hours=9)))
    died = died_at(ward, wrong)
    ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(hours=8)))
    ward.record("moveStay", stayId=stay, patientMrn=right, **WRONG)
    assert (died_at(ward, wrong), died_at(ward, right)) == (None, died)
    ward.stay(at=ago(hours=2), patientMrn=wrong)

    ward.record("recordDeath", patientMrn=third, **late(ago(hours=5)))
    refusal = ward.execute("moveStay", stayId=stay, patientMrn=third, **WRONG)
    assert refusal["__typename"] == "PatientDied"


def test_mistake_158_nobody_comes_back_from_a_discharge_after_death(ward: Ward) -> None:
    mrn = ward.patient()
    stay = ward.stay(at=ago(days=2), patientMrn=mrn)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=9)))
    ward.record("recordDeath", patientMrn=mrn, **late(ago(hours=8)))
    back = {"stayId": stay, "because": "DECISION_REVERSED", "withoutBed": "hall"}
    for hours, answer in ((7, "PatientDied"), (8.5, "StayRecorded")):
        reply = ward.execute("cancelDischarge", **back, **late(ago(hours=hours)))
        assert reply["__typename"] == answer


def test_mistake_158_an_allergy_does_not_begin_after_death_nor_is_a_bed_kept_for_the_dead(
    ward: Ward,
) -> None:
    first, last = chained(ward)[::2]
    room = ward.room("a")
    ward.record("recordDeath", patientMrn=first, **late(ago(hours=9)))
    allergy = {"patientMrn": last, "substance": {"name": "Latex"}}
    for hours, answer in ((8, "PatientDied"), (10, "AllergyRecorded")):
        reply = ward.execute("recordAllergy", **allergy, **late(ago(hours=hours)))
        assert reply["__typename"] == answer
    reservation = {"patientMrn": last, "until": ahead(hours=3), **place(f"{room}/a")}
    for hours, answer in ((8, "PatientDied"), (10, "RoomRecorded")):
        reply = ward.execute("reserveBed", **reservation, **late(ago(hours=hours)))
        assert reply["__typename"] == answer


def test_mistake_158_nothing_is_prescribed_before_birth(ward: Ward) -> None:
    mrn = ward.patient(birthDate=ago(days=5)[:10])
    stay = ward.stay(at=ago(days=1), patientMrn=mrn)
    order = {"stayId": stay, "medication": {"name": "Vitamin K"}}
    answer = ward.execute("writePrescription", **order, **late(ago(days=8)))
    assert (answer["__typename"], answer["path"]) == ("InvalidInput", ["occurredAt"])
    ward.record("writePrescription", **order, **late(ago(days=3)))
    born = ward.execute(
        "correctPatientDetails", patientMrn=mrn, birthDate=ago(days=1)[:10], **WRONG
    )
    assert born["__typename"] == "InvalidInput"


def shown_labels(ward: Ward, stay: str, mrns: list[str], at: str | None = None) -> set[str]:
    """Return each label that is shown of a person: of the records, and of a stay."""
    each = " ".join(
        f'p{mrn}: patient(mrn: "{mrn}", asOf: $at) {{ confidentiality }}' for mrn in mrns
    )
    query = "query($id: ID!, $at: DateTime) { stay(id: $id, asOf: $at) { confidentiality } %s }"
    answer = ward.ask(query % each, id=stay, at=at)
    return {node["confidentiality"] for node in answer.values()}


@pytest.mark.parametrize("labelled", range(3))
@pytest.mark.parametrize("link", [linked, chained], ids=["star", "chain"])
def test_mistake_276_the_label_shown_is_of_one_record_where_another_closes_the_person(
    ward: Ward, labelled: int, link: Callable[[Ward], list[str]]
) -> None:
    mrns = link(ward)
    stay = ward.stay(patientMrn=mrns[0])
    assert shown_labels(ward, stay, mrns) == {"NORMAL"}
    before = ward.position()
    label = {"patientMrn": mrns[labelled], "confidentiality": "RESTRICTED"}
    ward.record("correctPatientDetails", **label, **WRONG)
    assert shown_labels(ward, stay, mrns) == {"RESTRICTED"}
    query = """query($id: ID!, $known: Position) {
      stay(id: $id, knownAtPosition: $known) { confidentiality patient { confidentiality } } }"""
    then = ward.ask(query, id=stay, known=before)["stay"]
    assert then == {"confidentiality": "NORMAL", "patient": {"confidentiality": "NORMAL"}}
