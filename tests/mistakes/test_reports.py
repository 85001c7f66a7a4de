"""Mistakes of reports: why a figure changed is guessed, and what it rests on is kept back."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from application.reports.census import INPATIENT_CENSUS_1
from application.reports.registry import resolve_question
from domain.refusals import InvalidInput
from tests.reports.test_asked import REPORT, days_ago, values
from tests.reports.test_issued import EXPOSURE, issued, the_issue
from tests.support.api_dsl import Ward, ago, codes, iso, late, moment, place
from tests.support.correction_examples import WRONG, movement
from tests.support.report_house import calendar

HOME = {"disposition": "HOME"}


def restated(ward: Ward, issue: str) -> dict[str, Any]:
    answer = ward.record("restateReport", issueId=issue)
    (last,) = the_issue(ward, issue, atLeast=answer["position"])["restatements"]
    assert isinstance(last, dict)
    return last


def test_mistake_74_a_corrected_fact_is_told_at_the_time_of_its_correction(ward: Ward) -> None:
    name = ward.name("Told ")
    stay = ward.stay(f"{ward.room(ward=name)}/a", at=ago(days=6))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=4)))
    issue = issued(ward, 5, 2, name="patient-days", ward=name)
    gone = ago(days=3)
    discharge = movement(ward, stay, "STAY_DISCHARGED")
    doctor = ward.doctor()
    ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", **late(ago(days=5)))
    ward.record("correctMovement", movementId=discharge, occurredAt=gone, reason="the slip")
    changes = restated(ward, issue)["changes"]
    # Only what moved: there was one discharge, and there is one.
    assert {"lengthOfStay", "timeInHospital"} <= {c["name"] for c in changes}
    assert "discharges" not in {c["name"] for c in changes}
    for change in changes:
        ((fact,),) = (cause["facts"] for cause in change["causes"])
        assert fact["kind"] == "STAY_MOVEMENT_CORRECTED"
        assert moment(fact["occurredAt"]) == moment(gone)
        delay = moment(fact["recordedAt"]) - moment(gone)
        assert fact["minutesLate"] == delay // timedelta(minutes=1)


def test_mistake_75_the_exposure_names_reports_that_a_fact_did_not_change(ward: Ward) -> None:
    name = ward.name("Exposed ")
    room = ward.room("a", "b", "c", ward=name)
    stay = ward.stay(f"{room}/a", at=ago(days=6))
    drug = ward.prescription(stay, **late(ago(days=5)))
    answer = ward.record(
        "recordAdministration", prescriptionId=drug, given=True, **late(ago(days=3))
    )
    (dose,) = (dose["id"] for dose in answer["prescription"]["administrations"])
    reports = {
        report: issued(ward, 4, 2, name=report, ward=name)
        for report in ("inpatient-census", "days-of-therapy", "timeliness", "boarding")
    }
    ward.record("cancelAdministration", administrationId=dose, **WRONG)
    exposed = ward.ask(EXPOSURE, id=dose)["exposure"]["reports"]
    assert [report["id"] for report in exposed] == [
        reports["days-of-therapy"],
        reports["timeliness"],
    ]


def test_mistake_209_a_fact_that_was_wrong_twice_exposes_the_reports_of_both_times(
    ward: Ward,
) -> None:
    name = ward.name("Twice ")
    right = ago(days=9)
    stay = ward.stay(f"{ward.room(ward=name)}/a", at=right)
    admission = movement(ward, stay, "STAY_ADMITTED")
    when_right = issued(ward, 9, 7, ward=name)
    expected = []
    for days in (6, 3):
        correction = {"movementId": admission, "occurredAt": ago(days=days), "reason": "a slip"}
        ward.record("correctMovement", **correction)
        expected.append(issued(ward, 9, 2, ward=name))
        issued(ward, 2, 1, ward=name)  # of days of which either is right
    ward.record("correctMovement", movementId=admission, occurredAt=right, reason="it was right")
    exposed = ward.ask(EXPOSURE, id=admission)["exposure"]["reports"]
    assert [report["id"] for report in exposed] == expected
    ward.record("correctMovement", movementId=admission, occurredAt=ago(days=8.5), reason="so")
    ward.record("correctMovement", movementId=admission, occurredAt=ago(days=4), reason="so")
    exposed = ward.ask(EXPOSURE, id=admission)["exposure"]["reports"]
    assert [report["id"] for report in exposed] == [when_right, *expected]


def test_mistake_209_each_figure_is_told_with_the_facts_that_changed_it_and_no_others(
    ward: Ward,
) -> None:
    name = ward.name("Apart ")
    room = ward.room(ward=name)
    issue = issued(ward, 5, 2, name="admissions-discharges-deaths", ward=name)
    stay = ward.stay(f"{room}/a", at=ago(days=4.5))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=3)))
    facts = {
        change["name"]: [fact["kind"] for cause in change["causes"] for fact in cause["facts"]]
        for change in restated(ward, issue)["changes"]
    }
    assert facts["admissions"] == ["STAY_ADMITTED", "STAY_ROOM_ALLOCATED"]
    assert facts["discharges"] == ["STAY_DISCHARGED"]


def test_mistake_305_what_a_record_had_before_its_merge_is_told_as_a_fact_of_the_person(
    ward: Ward,
) -> None:
    name = ward.name("Merged ")
    room, one, other = ward.room(ward=name), ward.patient(), ward.patient()
    ward.stay(f"{room}/a", at=ago(days=6), patientMrn=one, dischargedAt=ago(days=5.5), **HOME)
    issue = issued(ward, 7, 2, name="readmission", ward=name)
    again = {"patientMrn": other, "admissionType": "EMERGENCY"}
    stay = ward.stay(f"{room}/b", at=ago(days=4.5), **again)
    ward.record("dischargePatient", stayId=stay, **HOME, **late(ago(days=4)))
    ward.record("mergePatients", patientMrn=other, intoMrn=one, reason="one person")
    facts = {
        change["name"]: [fact["kind"] for cause in change["causes"] for fact in cause["facts"]]
        for change in restated(ward, issue)["changes"]
    }
    assert facts["liveDischarges"] == ["STAY_DISCHARGED"]
    assert facts["readmissions"] == ["PATIENT_MERGED"]


def test_mistake_209_a_grade_a_name_of_a_ward_and_a_death_of_another_record_are_told_as_causes(
    ward: Ward,
) -> None:
    name, doctor = ward.name("Named "), ward.doctor()
    room, former, now = ward.room(ward=name), ward.patient(), ward.patient()
    stay, gone = ward.stay(f"{room}/a", at=ago(days=5), patientMrn=former), ago(days=3)
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late(ago(days=4.9)))
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(gone))
    ward.record("mergePatients", patientMrn=former, intoMrn=now, reason="one person")
    reports = ("senior-review", "admissions-discharges-deaths", "inpatient-census")
    issues = {report: issued(ward, 6, 2, name=report, ward=name) for report in reports}
    grade = {"grade": "CONSULTANT", "gradeFrom": "2020-01-01", "reason": "it was so"}
    ward.record("correctPractitioner", staffNumber=doctor, **grade)
    ward.record("recordDeath", patientMrn=now, **late(gone))
    kinds = {
        report: {
            fact["kind"]
            for change in restated(ward, issues[report])["changes"]
            for cause in change["causes"]
            for fact in cause["facts"]
        }
        for report in reports[:2]
    }
    assert kinds["senior-review"] == {"PRACTITIONER_DETAILS_CORRECTED"}
    assert kinds["admissions-discharges-deaths"] == {"PATIENT_DIED"}
    renamed = {"ward": name, "newWard": f"{name} new", "validFrom": ago(days=20)[:10]}
    ward.record("renameWard", **renamed, reason="another name")
    changes = restated(ward, issues["inpatient-census"])["changes"]
    assert {
        fact["kind"] for change in changes for cause in change["causes"] for fact in cause["facts"]
    } == {"ROOM_DETAILS_CHANGED"}
    assert {change["new"] for change in changes if change["name"] == "census"} == {"0"}


def test_mistake_209_a_dose_without_prescription_and_a_reversal_into_a_bed_are_decisions(
    ward: Ward,
) -> None:
    room, doctor = ward.room("a", "b", "c"), ward.doctor()
    other, stay = ward.stay(f"{room}/b", at=ago(days=6)), ward.stay(f"{room}/a", at=ago(days=6))
    allocated = movement(ward, stay, "STAY_ROOM_ALLOCATED")
    dose = {"medication": {"name": "Morphine"}, "basis": "VERBAL_ORDER", "orderedBy": doctor}
    ward.record("recordUnprescribedDose", stayId=stay, **dose, **late(ago(days=4)))
    ward.record("dischargePatient", stayId=other, disposition="HOME", **late(ago(days=4)))
    back = {"stayId": other, "because": "DECISION_REVERSED", **late(ago(days=3))}
    ward.record("cancelDischarge", **back, **place(f"{room}/b"))
    ward.record("correctMovement", movementId=allocated, **place(f"{room}/c"), **WRONG)
    query = "query($id: ID!) { exposure(movementId: $id) { decided { stayId kind } } }"
    decided = ward.ask(query, id=allocated)["exposure"]["decided"]
    assert decided == [
        {"stayId": stay, "kind": "PRESCRIPTION_UNPRESCRIBED_GIVEN"},
        {"stayId": other, "kind": "STAY_DISCHARGE_CANCELLED"},
    ]


@pytest.mark.parametrize(
    ("report", "parameter", "code"),
    [
        ("inpatient-census", {"name": "without", "value": "NEWBORNS"}, "InvalidInput"),
        ("readmission", {"name": "unplanned", "value": "URGENT"}, "InvalidInput"),
        ("senior-review", {"name": "types", "value": "EMERGENCY, URGENT"}, "InvalidInput"),
        ("boarding", {"name": "wards", "value": "no such"}, "NotFound"),
        ("emergency-department-stay", {"name": "wards", "value": "no such"}, "NotFound"),
    ],
)
def test_mistake_211_a_parameter_that_names_nothing_is_no_figure_of_all_or_of_none(
    shared: Ward, report: str, parameter: dict[str, str], code: str
) -> None:
    query = (
        "query($name: String!, $period: ReportPeriod!, $parameters: [ReportParameterInput!])"
        " { report(name: $name, period: $period, parameters: $parameters) { digest } }"
    )
    fields = {"name": report, "period": {"from": days_ago(3), "to": days_ago(2)}}
    answer = shared.client.raw(query, {**fields, "parameters": [parameter]})
    assert codes(answer) == {code}
    refusal = shared.execute("issueReport", **fields, parameters=[parameter])
    assert refusal["__typename"] == code


def test_mistake_211_issues_of_a_report_that_there_is_not_are_no_empty_list(shared: Ward) -> None:
    assert codes(shared.client.raw('{ reportIssues(name: "no such") { nodes { id } } }')) == {
        "NotFound"
    }


def test_mistake_211_a_ward_is_found_as_a_parameter_in_any_spelling(shared: Ward) -> None:
    name = shared.name("Acute ")
    shared.room(ward=name)
    period = {"from": days_ago(3), "to": days_ago(2)}
    written = {"name": "wards", "value": name.upper()}
    answer = shared.record("issueReport", name="boarding", period=period, parameters=[written])
    query = (
        "query($id: ID!) { reportIssue(id: $id) { report { parameters { name value meaning } } } }"
    )
    (parameter,) = shared.ask(query, id=answer["issue"]["id"])["reportIssue"]["report"][
        "parameters"
    ]
    assert parameter["value"] == name


def test_mistake_75_the_exposure_leaves_out_what_a_correction_decided(ward: Ward) -> None:
    room, other = ward.room("a", "b", "c"), ward.room("a")
    stay = ward.stay(f"{room}/a", at=ago(days=6))
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(days=5)))
    wrong = movement(ward, stay, "STAY_TRANSFERRED")
    neighbour = ward.stay(f"{other}/a", at=ago(days=6))
    allocated = movement(ward, neighbour, "STAY_ROOM_ALLOCATED")
    ward.record("correctMovement", movementId=allocated, **place(f"{room}/c"), **WRONG)
    ward.record("cancelMovement", movementId=wrong, because="ENTERED_IN_ERROR", **WRONG)
    query = "query($id: ID!) { exposure(movementId: $id) { decided { stayId kind } } }"
    decided = ward.ask(query, id=wrong)["exposure"]["decided"]
    assert {"stayId": neighbour, "kind": "STAY_ROOM_ALLOCATED"} in decided


def test_mistake_76_a_report_known_in_the_middle_of_its_period_is_refused(ward: Ward) -> None:
    name = ward.name("Middle ")
    ward.stay(f"{ward.room(ward=name)}/a", at=ago(days=6))
    fields = {"name": "inpatient-census", "from": days_ago(2), "to": days_ago(0), "ward": name}
    answer = ward.ask(REPORT, **fields)["report"]
    assert answer["period"]["to"] == days_ago(1)
    days = calendar()
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    later = now + timedelta(days=30)
    period = (INPATIENT_CENSUS_1, days, now, date(2026, 3, 8), date(2026, 3, 20))
    assert resolve_question(*period, clock=later).last == date(2026, 3, 9)
    with pytest.raises(InvalidInput, match="lies in the future"):
        resolve_question(*period)


def test_mistake_77_missing_data_are_told_as_a_finding(ward: Ward) -> None:
    name = ward.name("Missing ")
    bed = f"{ward.room(ward=name)}/a"
    stay = ward.stay(bed, at=ago(days=4), admissionType="EMERGENCY")
    visit = {"stayId": stay, "practitioner": ward.doctor(), "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late(ago(days=3)))

    def notes(report: str, of: str) -> list[str]:
        fields = {"name": report, "from": days_ago(5), "to": days_ago(1), "ward": of}
        query = REPORT.replace("digest", "notes")
        answer: list[str] = ward.ask(query, **fields)["report"]["notes"]
        return answer

    (grade,) = notes("senior-review", name)
    assert "1 of the 1 admissions were visited by somebody without a known grade" in grade
    (decision,) = notes("boarding", name)
    assert "Of 1 of the 1 admissions it is not known when they were decided on" in decision
    (arrival,) = notes("emergency-department-stay", name)
    assert "Of 1 of the 1 emergency admissions no arrival" in arrival
    assert notes("inpatient-census", name) == []
    ward.record("recordVisit", **visit, **late(ago(days=2)), occurredAtPrecision="DAY")
    for report, number in (("senior-review", 2), ("occupancy-over-time", 1)):
        answer = notes(report, name)
        assert len(answer) == number
        assert "Of 1 of the 1 stays a time that the figures rest on is not known" in answer[0]


def test_mistake_78_a_stay_of_no_duration_counts_in_the_house_and_in_no_ward(ward: Ward) -> None:
    name, at = ward.name("Brief "), ago(days=3)
    stay = ward.stay(f"{ward.room(ward=name)}/a", at=at)
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(at))
    for report, figure in (
        ("admissions-discharges-deaths", "admissions"),
        ("admissions-discharges-deaths", "discharges"),
        ("inpatient-service-days", "serviceDays"),
        ("inpatient-service-days", "sameDay"),
        ("days-present", "daysPresent"),
        ("patient-days", "patientDays"),
        ("occupancy-over-time", "arrivals"),
        ("occupancy-over-time", "departures"),
    ):
        answer = ward.ask(
            REPORT, name=report, **{"from": days_ago(4), "to": days_ago(1)}, ward=name
        )
        assert [n for n in values(answer["report"], figure) if n] == [1], figure


def test_mistake_79_waits_are_cut_to_the_second_before_they_are_shown(ward: Ward) -> None:
    name, admitted = ward.name("Exact "), moment(ago(days=4)).replace(microsecond=250_000)
    number = ward.name("D")
    ward.record(
        "registerPractitioner", staffNumber=number, grade="CONSULTANT", **late(ago(days=30))
    )
    stay = ward.stay(f"{ward.room(ward=name)}/a", at=iso(admitted))
    seen = iso(admitted + timedelta(minutes=90, microseconds=500_000))
    visit = {"stayId": stay, "practitioner": number, "kind": "ROUND"}
    ward.record("recordVisit", **visit, **late(seen))
    fields = {"name": "senior-review", "from": days_ago(5), "to": days_ago(2), "ward": name}
    answer = ward.ask(REPORT, **fields)["report"]
    (wait,) = (f for f in answer["figures"] if f["name"] == "medianWait")
    assert (wait["exact"], wait["shown"]) == ("10801/2", "5401")


def test_mistake_127_each_report_says_of_which_day_a_discharge_is(shared: Ward) -> None:
    answer = shared.ask("{ reportDefinitions { name formula } }")["reportDefinitions"]
    by_date = {of["name"] for of in answer if "calendar date" in of["formula"]}
    by_hospital_day = {of["name"] for of in answer if "hospital day, which ends" in of["formula"]}
    assert by_date | by_hospital_day == {of["name"] for of in answer}
    assert not by_date & by_hospital_day
    assert {"patient-days", "average-length-of-stay"} <= by_date
    assert {"inpatient-census", "admissions-discharges-deaths"} <= by_hospital_day
