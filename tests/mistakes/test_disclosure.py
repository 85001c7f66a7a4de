"""Mistakes of other systems about what somebody is told beside what they asked for."""

import json
from itertools import permutations
from pathlib import Path
from typing import Any
from uuid import uuid4

from starlette.testclient import TestClient

from api.http.app import app
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, late, place
from tests.support.correction_examples import IN_ERROR
from tests.support.graphql_client import GraphQLClient


def login(ward: Ward, role: Role, *wards: str) -> GraphQLClient:
    """A client of somebody with a role, of the house or of wards."""
    token = LOGIN.make(role, f"{role}-{ward.name('u')}", wards)
    return GraphQLClient(ward.client.http, token)


def give(client: GraphQLClient, command: str, told: str, **input: Any) -> dict[str, Any]:
    """Return the result of a mutation that reads back only what any role may see."""
    name = command[0].upper() + command[1:]
    query = (
        f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ __typename"
        f" ... on Refusal {{ message path }} {told} }} }}"
    )
    answer: dict[str, Any] = client.ask(query, input={"commandId": str(uuid4()), **input})
    return dict(answer[command])


def test_mistake_81_a_refusal_tells_no_clinical_fact_to_a_role_that_may_not_see_it(
    ward: Ward,
) -> None:
    stay = ward.stay(f"{ward.room('a')}/a")
    ward.record("recordVisit", stayId=stay, practitioner=ward.doctor(), kind="ROUND")
    ward.prescription(stay)

    facts = "... on ContradictsLaterFacts { facts { kind } }"
    nurse, registrar = (
        give(login(ward, role), "cancelAdmission", facts, stayId=stay, **IN_ERROR)
        for role in (Role.NURSE, Role.REGISTRAR)
    )

    assert nurse["__typename"] == registrar["__typename"] == "ContradictsLaterFacts"
    assert {fact["kind"] for fact in nurse["facts"]} >= {"visit", "prescription"}
    assert registrar["facts"] == []
    answer = registrar["message"].lower()
    assert "visit" not in answer
    assert "prescription" not in answer


def test_mistake_82_the_reason_of_a_closure_is_told_to_those_whom_it_concerns(
    ward: Ward,
) -> None:
    here, there = ward.name("Here"), ward.name("There")
    room, other = ward.room("a", ward=here), ward.room("a", "b", ward=there)
    ward.record("closeBed", **place(f"{other}/b"), reason="Mrs B has MRSA", until=ahead(hours=2))
    stay = ward.stay(f"{room}/a")
    reason = "... on BedNotOpen { reason }"
    board = f'{{ roomOccupancy(ward: "{there}") {{ beds {{ code state stateReason }} }} }}'

    def told_by(role: Role, *wards: str) -> tuple[dict[str, Any], Any]:
        client = login(ward, role, *wards)
        refusal = give(client, "transferPatient", reason, stayId=stay, **place(f"{other}/b"))
        return refusal, client.raw(board)

    for role, wards in ((Role.NURSE, (there,)), (Role.NURSE, ()), (Role.BED_MANAGER, ())):
        assert "MRSA" in json.dumps(login(ward, role, *wards).raw(board))
    refusal, _ = told_by(Role.BED_MANAGER)
    assert (refusal["__typename"], refusal["reason"]) == ("BedNotOpen", "Mrs B has MRSA")
    assert "MRSA" not in json.dumps(login(ward, Role.ANALYST).raw(board))
    for role, wards in ((Role.NURSE, (here,)), (Role.REGISTRAR, ())):
        assert "MRSA" not in json.dumps(told_by(role, *wards))
    refusal, _ = told_by(Role.NURSE, here)
    assert (refusal["__typename"], refusal["reason"]) == ("BedNotOpen", "it is closed")


def test_mistake_144_the_history_of_a_room_tells_no_more_than_its_board(ward: Ward) -> None:
    here, there = ward.name("Here"), ward.name("There")
    room, _ = ward.room("a", ward=there), ward.room("a", ward=here)
    ward.record("closeBed", **place(f"{room}/a"), reason="Mrs B has MRSA", until=ahead(hours=2))
    query = f'{{ roomOccupancy(ward: "{there}") {{ room {{ bedStates {{ state reason }} }} }} }}'
    for role, wards, is_told in (
        (Role.NURSE, (there,), True),
        (Role.BED_MANAGER, (), True),
        (Role.NURSE, (here,), False),
        (Role.REGISTRAR, (), False),
        (Role.ANALYST, (), False),
    ):
        answer = json.dumps(login(ward, role, *wards).raw(query))
        assert ("MRSA" in answer) == is_told, (role, wards)


def test_mistake_82_the_feed_of_a_ward_tells_of_no_bed_of_another(ward: Ward) -> None:
    here, there = ward.name("Here"), ward.name("There")
    room, other = ward.room("a", ward=here), ward.room("a", ward=there)
    stay, moved = ward.stay(f"{room}/a"), ward.stay(f"{other}/a")

    ward.record("swapBeds", stayId=stay, withStayId=moved)

    answer = login(ward, Role.SERVICE, here).ask(
        f'{{ events(ward: "{here}", first: 500) {{ nodes {{ subject kind data }} }} }}'
    )["events"]["nodes"]
    rooms = {event["data"]["ward"] for event in answer if event["kind"] == "ROOM_OPENED"}
    changed = [event["subject"] for event in answer if event["kind"] == "BED_OCCUPANCY_CHANGED"]
    assert rooms == {here}
    assert changed
    ids = {event["subject"] for event in answer if event["kind"] == "ROOM_OPENED"}
    assert set(changed) == ids


def test_mistake_83_a_reason_to_break_the_glass_has_words(ward: Ward) -> None:
    mrn = ward.patient(confidentiality="VERY_RESTRICTED")
    nurse = login(ward, Role.NURSE)
    for reason in (".", "  -- ", "xx", "123", "aaaa"):
        result = give(nurse, "breakGlass", "", patientMrn=mrn, reason=reason)
        assert (result["__typename"], result["path"]) == ("ReasonNeeded", ["reason"]), reason
    assert nurse.execute("breakGlass", patientMrn=mrn, reason="arrest")["until"]


REPORT = """query($name: String!, $ward: String, $days: ReportPeriod!,
  $chosen: [ReportParameterInput!]) {
  report(name: $name, ward: $ward, period: $days, parameters: $chosen) {
    canonical figures { name of { value } shown suppressed value exact } } }"""


def test_mistake_84_a_report_of_few_persons_tells_nothing_of_who_is_closed(ward: Ward) -> None:
    here, days = ward.name("Few"), {"from": ago(days=2)[:10], "to": ago(days=1)[:10]}
    drugs = {"closed": "Drug of the closed one", "open": "Drug of the others"}

    def give(label: str, drug: str) -> None:
        mrn = ward.patient(confidentiality=label)
        stay = ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=4), patientMrn=mrn)
        course = ward.prescription(stay, medication={"name": drug}, **late(ago(days=3)))
        at = late(ago(days=1, hours=3))
        ward.record("recordAdministration", prescriptionId=course, given=True, **at)

    def told_to(role: Role, name: str = "days-of-therapy") -> dict[str, Any]:
        answer = login(ward, role).ask(REPORT, name=name, ward=here, days=days)
        return dict(answer["report"])

    give("VERY_RESTRICTED", drugs["closed"])
    for _ in range(5):
        give("NORMAL", drugs["open"])

    assert drugs["closed"] in json.dumps(told_to(Role.ADMIN))
    for role in (Role.NURSE, Role.PHYSICIAN, Role.REGISTRAR, Role.BED_MANAGER, Role.ANALYST):
        assert drugs["closed"] not in json.dumps(told_to(role)), role
    for role in (Role.REGISTRAR, Role.BED_MANAGER, Role.ANALYST):
        assert drugs["open"] not in json.dumps(told_to(role)), role
        refusal = login(ward, role).raw(
            REPORT,
            {
                "name": "days-of-therapy",
                "ward": here,
                "days": days,
                "chosen": [{"name": "drugs", "value": drugs["closed"]}],
            },
        )
        assert codes(refusal) == {"NOT_ALLOWED"}

    # neither is it the whole less the rest
    nurse = {(f["name"], str(f["of"])): f for f in told_to(Role.NURSE)["figures"]}
    by_drug = [f for (name, _), f in nurse.items() if name == "daysOfTherapyByDrug"]
    whole = nurse["daysOfTherapy", "[]"]
    assert whole["suppressed"] or not by_drug
    assert nurse["patientDays", "[]"]["value"] == 12


def test_mistake_84_a_ward_of_few_patients_shows_no_figure_of_them(ward: Ward) -> None:
    here, days = ward.name("Small"), {"from": ago(days=1)[:10], "to": ago(days=1)[:10]}
    ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=4))
    for role, is_told in ((Role.ANALYST, False), (Role.NURSE, True), (Role.ADMIN, True)):
        answer = login(ward, role).ask(REPORT, name="inpatient-census", ward=here, days=days)
        figures = answer["report"]["figures"]
        assert any(f["value"] == 1 for f in figures) == is_told, (role, figures)
        assert any(f["suppressed"] for f in figures) != is_told
        assert ('"value":1' in answer["report"]["canonical"]) == is_told


def test_mistake_137_two_reports_together_tell_of_few_persons(ward: Ward) -> None:
    """Days that follow each other, as known before, the house less its wards."""
    here, there = ward.name("Many"), ward.name("One")

    def admit(name: str, at: str, **content: Any) -> None:
        ward.stay(f"{ward.room('a', ward=name)}/a", at, patientMrn=ward.patient(**content))

    others = ward.name("Others")  # of the house less one ward there are many then
    for _ in range(6):
        admit(here, ago(days=3))
        admit(others, ago(days=3))
    before = ago()
    for name in (here, there):
        admit(name, ago(days=1), confidentiality="VERY_RESTRICTED")

    def told_to(client: GraphQLClient, **asked: Any) -> int | None:
        days = {"from": ago(days=5)[:10], "to": asked.pop("until", ago(days=1)[:10])}
        answer = client.ask(ADMISSIONS, **{"ward": here, "days": days, **asked})
        ((figure),) = [f for f in answer["report"]["figures"] if f["name"] == "admissions"]
        assert figure["suppressed"] == (figure["value"] is None)
        return None if figure["suppressed"] else int(figure["value"])

    admin = login(ward, Role.ADMIN)
    for other in ({"until": ago(days=2)[:10]}, {"known": before}):
        for first, second in (({}, other), (other, {})):
            nurse = login(ward, Role.NURSE)
            values = told_to(nurse, **first), told_to(nurse, **second), told_to(nurse, **first)
            assert values == (told_to(admin, **first), None, told_to(admin, **first))
            assert {told_to(admin, **asked) for asked in (first, second)} == {6, 7}

    nurse = login(ward, Role.NURSE)
    for result in ward.ask("{ wards { name } }")["wards"]:
        told_to(nurse, ward=result["name"])
    assert told_to(nurse, ward=None) is None
    nurse = login(ward, Role.NURSE)
    assert told_to(nurse, ward=None)
    assert told_to(nurse, ward=there) is None
    assert told_to(nurse) == 7


def test_mistake_188_three_reports_on_times_that_overlap_tell_of_few_persons(ward: Ward) -> None:
    """The two parts of a week that share a day, less the week: what is left is of that day alone."""
    here = ward.name("Shared")
    labels = {9: ["NORMAL"] * 5, 6: ["VERY_RESTRICTED"], 3: ["NORMAL"] * 5}
    for days, given in labels.items():
        for label in given:
            mrn = ward.patient(confidentiality=label)
            ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=days), patientMrn=mrn)
    week = [{"from": ago(days=a)[:10], "to": ago(days=b)[:10]} for a, b in ((9, 6), (6, 3), (9, 3))]
    for first, second, third in permutations(week):
        nurse = login(ward, Role.NURSE)
        result = [
            [
                f["suppressed"]
                for f in nurse.ask(ADMISSIONS, ward=here, days=days)["report"]["figures"]
                if f["name"] == "admissions"
            ]
            for days in (first, second, third)
        ]
        assert result == [[False], [False], [True]], (first, second, third)


def test_mistake_224_a_month_less_its_overlapping_parts_tells_of_few_persons(ward: Ward) -> None:
    """The first two of three parts share a day: all three less the whole leave who came then."""
    here = ward.name("Parts")
    labels = {12: ["NORMAL"] * 5, 9: ["VERY_RESTRICTED"], 8: ["NORMAL"] * 5, 3: ["NORMAL"] * 5}
    for days, given in labels.items():
        for label in given:
            mrn = ward.patient(confidentiality=label)
            ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=days), patientMrn=mrn)
    periods = [
        {"from": ago(days=a)[:10], "to": ago(days=b)[:10]}
        for a, b in ((12, 9), (9, 6), (6, 3), (12, 3))
    ]
    for first in range(4):
        nurse = login(ward, Role.NURSE)
        result = [
            f["suppressed"]
            for days in (*periods[first:], *periods[:first])
            for f in nurse.ask(ADMISSIONS, ward=here, days=days)["report"]["figures"]
            if f["name"] == "admissions"
        ]
        assert result == [False, False, False, True], first


ADMISSIONS = """query($ward: String, $days: ReportPeriod!, $known: DateTime) {
  report(name: "admissions-discharges-deaths", ward: $ward, period: $days, knownAt: $known) {
    figures { name suppressed value } } }"""


def test_mistake_84_a_house_may_keep_its_administrators_from_reading_notes(
    ward: Ward, migrated: Database, tmp_path: Path
) -> None:
    stay = ward.stay()
    notes = "query($i: ID!) { stay(id: $i) { status visits { note } } }"
    ward.ask(notes, i=stay)
    settings = Settings(home=tmp_path, admins_see_clinical=False)
    with TestClient(app(settings, migrated, LOGIN, with_worker=False)) as http:
        admin = GraphQLClient(http, LOGIN.make(Role.ADMIN))
        assert codes(admin.raw(notes, {"i": stay})) == {"NOT_ALLOWED"}
        assert admin.ask("query($i: ID!) { stay(id: $i) { status } }", i=stay)["stay"]
        assert admin.ask("{ accesses(first: 1) { nodes { id } } }")


def test_mistake_352_what_a_house_keeps_from_its_administrators_is_told_by_other_ways(
    ward: Ward, migrated: Database, tmp_path: Path
) -> None:
    """An id of a finding is known to nobody, a reason is not read; and a batch is taken as before."""
    stay, doctor = ward.stay(), ward.doctor()
    visit = ward.record("recordVisit", stayId=stay, kind="ROUND", practitioner=doctor)["visit"]
    course = ward.prescription(stay)
    physician = GraphQLClient(ward.client.http, LOGIN.make(Role.PHYSICIAN))
    physician.record("changeSpecialty", stayId=stay, specialty="surgery", reason="a finding")
    settings = Settings(home=tmp_path, admins_see_clinical=False)
    with TestClient(app(settings, migrated, LOGIN, with_worker=False)) as http:
        admin = GraphQLClient(http, LOGIN.make(Role.ADMIN))
        node = "query($i: ID!) { node(id: $i) { id __typename } }"
        assert admin.ask(node, i=stay)["node"] == {"id": stay, "__typename": "Stay"}
        assert [admin.ask(node, i=id)["node"] for id in (visit["id"], course)] == [None, None]
        reasons = "query($i: ID!) { stay(id: $i) { movements { reason } } }"
        movements = admin.ask(reasons, i=stay)["stay"]["movements"]
        assert {movement["reason"] for movement in movements} == {None}
        command = {"stayId": stay, "kind": "ROUND", "practitioner": doctor, "note": "unrest"}
        body = {
            "commands": [
                {"mutation": "recordVisit", "input": {**command, "commandId": str(uuid4())}}
            ]
        }
        (result,) = http.post("/commands", json=body, headers=admin._headers).json()["results"]
        assert result["__typename"] == "VisitRecorded"
        assert "unrest" not in json.dumps(result)
        facts = "... on ContradictsLaterFacts { facts { kind } }"
        for client, kinds in ((admin, set()), (ward.client, {"visit", "prescription"})):
            refusal = give(client, "cancelAdmission", facts, stayId=stay, **IN_ERROR)
            told_kinds = {fact["kind"] for fact in refusal["facts"]}
            assert told_kinds & {"visit", "prescription"} == kinds
