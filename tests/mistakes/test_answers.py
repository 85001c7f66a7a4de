"""Mistakes about answers to commands: what was just recorded cannot be put right, for want of its id."""

import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event

from api.graphql.schema import schema
from api.graphql.types.reports import ReportUnit
from api.http.page import forms
from application.authorization.roles import Role
from application.reports.registry import REPORTS
from infrastructure.postgres.database import Database
from tests.api.test_scope import login
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.api_example import EXAMPLES
from tests.support.correction_examples import renamed
from tests.support.hospital_dsl import rows
from tests.support.room_examples import closed

ANSWER = """mutation($input: %sInput!) { answer: %s(input: $input) { __typename
  ... on %s { %s } ... on Refusal { message } } }"""


def answer(house: Ward, command: str, payload: str, selected: str, **input: Any) -> Any:
    name = command[0].upper() + command[1:]
    input["commandId"] = str(uuid4())
    return house.ask(ANSWER % (name, command, payload, selected), input=input)["answer"]


def test_mistake_145_an_answer_carries_the_id_that_its_correction_needs(shared: Ward) -> None:
    room = shared.room("a", "b")
    stay = shared.stay(f"{room}/a")
    to = {"ward": "A", "room": room.split("/")[1], "bed": "b", **late(ago(hours=3))}
    moved = answer(
        shared, "transferPatient", "StayRecorded", "movements { id kind }", stayId=stay, **to
    )
    (movement,) = moved["movements"]
    assert movement["kind"] == "STAY_TRANSFERRED"
    at = ago(hours=4)
    corrected = {"movementId": movement["id"], "occurredAt": at, "reason": "earlier"}
    shared.record("correctMovement", **corrected)

    prescription = shared.prescription(stay)
    held = answer(
        shared,
        "holdPrescription",
        "PrescriptionRecorded",
        "change { kind changeId } administration { id }",
        prescriptionId=prescription,
        reason="low pressure",
    )
    assert held["change"]["kind"] == "PRESCRIPTION_HELD"
    assert held["change"]["changeId"]
    assert held["administration"] is None
    shared.record("resumePrescription", prescriptionId=prescription)
    reply = answer(
        shared,
        "recordAdministration",
        "PrescriptionRecorded",
        "administration { id given }",
        prescriptionId=prescription,
        given=True,
    )
    dose = reply["administration"]
    shared.record(
        "cancelAdministration",
        administrationId=dose["id"],
        reason="not given",
    )

    one, other = shared.patient(), shared.patient()
    merged = answer(
        shared,
        "mergePatients",
        "PatientRecorded",
        "merge { id }",
        patientMrn=one,
        intoMrn=other,
        reason="the same",
    )
    shared.record("unmergePatients", mergeId=merged["merge"]["id"], reason="two persons")


def test_mistake_241_what_is_said_in_fixed_words_is_an_enum_that_a_client_can_name() -> None:
    figures = [figure for report in REPORTS.values() for figure in report.figures]
    assert {figure.unit for figure in figures} == {unit.value for unit in ReportUnit}
    types: Any = schema._schema.type_map
    texts = [
        f"{of.name}.{name}"
        for of in types.values()
        for name, field in getattr(of, "fields", {}).items()
        if {"what": "thing", "unit": "unitKind", "alteredFields": "alteredDetails"}.get(name)
        not in {None, *of.fields}
        or (name in ("what", "unit", "alteredFields") and not field.deprecation_reason)
    ]
    assert texts == []


def test_mistake_244_who_may_introspect_is_told_names_like_an_unknown_one(shared: Ward) -> None:
    for role, hint in ((Role.ADMIN, " Did you mean 'mrn'?"), (Role.NURSE, "")):
        reply = login(shared, role).raw('{ patient(mrn: "x") { mrm } }')
        assert reply["errors"][0]["message"] == f"Cannot query field 'mrm' on type 'Patient'.{hint}"
    (error,) = shared.client.raw('{ stays(filter: {statuses: ["Okafor"]}) { totalCount } }')[
        "errors"
    ]
    assert "Okafor" not in error["message"]


def test_mistake_244_a_text_that_is_too_long_or_empty_is_refused_in_words_of_its_field(
    shared: Ward,
) -> None:
    mrn = shared.patient()
    for name, problem in (("", "is empty"), ("x" * 201, "has more than 200 characters")):
        reply = shared.execute("recordAllergy", patientMrn=mrn, substance={"name": name})
        assert (reply["path"], reply["message"]) == (
            ["substance"],
            f"substance: its name {problem}.",
        )
    long = shared.execute("recordDeath", patientMrn=mrn, performedBy="x" * 201)
    assert long["message"] == "performedBy: it has more than 200 characters."


def test_mistake_902_a_text_that_is_too_long_is_refused_by_a_name_that_the_input_has_not(
    shared: Ward,
) -> None:
    """An event has a room's number, and its ward then; inputs have room, newRoom and newWard."""
    long, here = "x" * 201, place(f"{shared.room('a')}/a")
    of_room = {"ward": here["ward"], "room": here["room"]}
    for command, content, field, most in (
        ("openRoom", {"ward": here["ward"], "room": long, "beds": ["a"]}, "room", 40),
        ("openRoom", {"ward": long, "room": "1", "beds": ["a"]}, "ward", 200),
        ("changeRoom", {**of_room, "newRoom": long}, "newRoom", 40),
        ("changeRoom", {**of_room, "newWard": long}, "newWard", 200),
        ("correctRoom", {**of_room, "newRoom": long, "reason": "typo"}, "newRoom", 40),
        ("correctRoom", {**of_room, "newWard": long, "reason": "typo"}, "newWard", 200),
    ):
        reply = shared.execute(command, **content)
        assert (reply["message"], reply["path"]) == (
            f"{field}: it has more than {most} characters.",
            [field],
        ), command


def test_mistake_903_a_ward_with_a_long_name_has_beds_and_nobody_can_be_expected_there(
    shared: Ward,
) -> None:
    """What a room may have as its ward may be named by whatever else is of a ward."""
    ward = shared.name("Department of anaesthesia and operative intensive care")
    assert len(ward) > 40
    stay = shared.stay(f"{shared.room('a', ward=ward)}/a")
    shared.record("planAdmission", ward=ward, familyName="Somebody", expectedAt=ahead(hours=3))
    shared.record("requestBed", stayId=stay, ward=ward, urgency="STAT")
    shared.record("setBedCleaning", applies=False, ward=ward)
    asked = "query($w: String!) { expectedArrivals(filter: { ward: $w }) { nodes { ward } } }"
    told = shared.ask(asked, w=ward)["expectedArrivals"]["nodes"]
    assert told == [{"ward": ward}] * 2


def test_an_event_is_of_the_version_that_reads_its_ward(shared: Ward, migrated: Database) -> None:
    """A program of before holds at a name that it cannot read, and reads the shorter ones."""
    for length, version in ((40, 1), (41, 2)):
        ward = shared.name("Ward").ljust(length, "x")
        shared.room("a", ward=ward)
        shared.record("planAdmission", ward=ward, familyName="Somebody", expectedAt=ahead(hours=3))
        shared.record("setBedCleaning", applies=False, ward=ward)
        written = (
            "SELECT DISTINCT schema_version FROM record.events WHERE body->>'ward' = %s"
            " AND topic IN ('arrival.planned', 'house-rules.cleaning-set')"
        )
        assert rows(migrated, written, [ward]) == [(version,)]


REFUSED = """mutation($input: AdmitPatientInput!) { admitPatient(input: $input) { ... on Refusal {
  __typename code errorCode } ... on BedNotOpen { state } ... on RoomPolicyBroken { roomPolicy }
  ... on NotFound { what thing } ... on InFuture { at: occurredAt } } }"""


def test_mistake_245_a_screen_cannot_translate_codes_of_two_styles_nor_what_they_are_about(
    shared: Ward,
) -> None:
    def refused(**input: Any) -> dict[str, Any]:
        input = {"admissionType": "EMERGENCY", "commandId": str(uuid4()), **input}
        result: dict[str, Any] = shared.ask(REFUSED, input=input)["admitPatient"]
        assert result.pop("__typename") == result.pop("code")
        return result

    room, patient = shared.room("a", "b", "c"), shared.patient()
    shared.record("closeBed", **place(f"{room}/a"), reason="paint")
    shared.stay(f"{room}/b")
    shared.record(
        "setRoomPolicy", ward="A", room=room.split("/")[1], policy="ISOLATION", applies=True
    )
    result = refused(patientMrn=patient, **place(f"{room}/a"))
    assert result == {"errorCode": "BED_NOT_OPEN", "state": "CLOSED"}
    result = refused(patientMrn=patient, **place(f"{room}/c"))
    assert result == {"errorCode": "ROOM_POLICY_BROKEN", "roomPolicy": "ISOLATION"}
    result = refused(patientMrn="nobody")
    assert result == {
        "errorCode": "NOT_FOUND",
        "what": "patient with MRN",
        "thing": "PATIENT_WITH_MRN",
    }
    later = ago(hours=-2)
    assert refused(patientMrn=patient, occurredAt=later)["errorCode"] == "IN_FUTURE"
    (error,) = shared.client.raw("{ patients(first: 0) { totalCount } }")["errors"]
    codes = {"code": "InvalidInput", "errorCode": "INVALID_INPUT"}
    assert error["extensions"] == {**codes, "parameters": {"field": "first"}}
    (error,) = shared.client.raw("{ nothing }")["errors"]
    assert error["extensions"]["errorCode"] == "BAD_REQUEST"
    viewer = shared.ask("{ viewer { roleName } }")["viewer"]
    assert viewer == {"roleName": "ADMIN"}


def without_a_time() -> list[str]:
    """Return the commands in whose forms the page asks for no time."""
    return [name for name, form in forms()["commands"].items() if form["without"]]


def own_times(ward: Ward) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the corrections whose times are fields of their own, each with an input."""
    here, closure = closed(ward)
    yield "correctBedState", {**here, "bedStateId": closure, "until": ahead(days=1)}
    yield "correctPatientChange", {**renamed(ward, "2026-01-02"), "newValidFrom": "2026-01-03"}
    yield "correctPractitioner", {"staffNumber": ward.doctor(), "gradeFrom": "2020-01-01"}


def test_mistake_630_a_time_is_taken_that_puts_nothing_right(shared: Ward) -> None:
    """`occurredAt` of these was taken, and the fact stayed as it was."""
    corrections = dict(own_times(shared))
    assert {name for name in without_a_time() if not name.startswith("cancel")} == set(corrections)
    for command, content in corrections.items():
        input = {**content, "reason": "mistyped", "commandId": str(uuid4())}
        refusal = shared.execute(command, **input, occurredAt=ago(hours=1))
        assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["occurredAt"]), command
        input_type: Any = schema._schema.type_map[f"{command[0].upper()}{command[1:]}Input"]
        fields = input_type.fields
        times = re.findall(r"\w+", fields["occurredAt"].deprecation_reason)
        assert {"from", "until", "newValidFrom", "gradeFrom"} & {*times, *content}, command
        assert all(f"{time}" in refusal["message"] for time in times if time in fields)
        assert shared.execute(command, **input)["__typename"].endswith("Recorded")


class Timed(Ward):
    """A client that gives a command with a time first, then without."""

    def __init__(self, ward: Ward, command: str) -> None:
        super().__init__(ward.client, ward._named)
        self.refusals: list[dict[str, Any]] = []

        def execute(name: str, **input: Any) -> dict[str, Any]:
            if name == command:
                self.refusals.append(ward.execute(name, **input, occurredAt=ago(hours=1)))
            return ward.execute(name, **input)

        self.execute = execute


TAKEN_BACK = [name for name in without_a_time() if name.startswith("cancel")]


@pytest.mark.parametrize("command", TAKEN_BACK)
def test_mistake_756_a_time_is_taken_of_what_never_was(shared: Ward, command: str) -> None:
    """`occurredAt` of these was taken, without any effect; its description alone said so."""
    assert len(TAKEN_BACK) == 7
    timed = Timed(shared, command)
    assert EXAMPLES[command][1](timed)["__typename"].endswith("Recorded")
    (refusal,) = timed.refusals
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["occurredAt"])
    assert "leave it out" in refusal["message"]
    input_type: Any = schema._schema.type_map[f"{command[0].upper()}{command[1:]}Input"]
    assert input_type.fields["occurredAt"].deprecation_reason == "Leave it out."


@contextmanager
def statements(ward: Ward) -> Iterator[list[str]]:
    """Collect the statements by which a server reads its answers meanwhile."""
    texts: list[str] = []

    def note(_connection: object, _cursor: object, text: str, *_: object) -> None:
        texts.append(text)

    engine = ward.client.http.app_state["container"].engine.sync_engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield texts
    finally:
        event.remove(engine, "before_cursor_execute", note)


def repeated(texts: list[str]) -> list[str]:
    """Return the statements that read tables of read models more than once."""
    return [t for t, times in Counter(texts).items() if times > 1 and re.search(r"_v\d+\.", t)]


RECORDED = "movements { id } visits { id } administrations { id } changedStays { id }"


def test_mistake_632_an_answer_reads_what_it_recorded_one_after_the_other(shared: Ward) -> None:
    """A statement for each prescription, visit and stay that a command had touched."""
    stay, doctor = shared.stay(), shared.doctor()
    orders, at = [shared.prescription(stay) for _ in range(4)], ago(hours=3)
    doses = [{"prescriptionId": id, "given": True, "occurredAt": at} for id in orders]
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND", "occurredAt": at}
    facts = {"newDoses": doses, "newVisits": [visit] * 4, "reason": "the network was away"}
    with statements(shared) as texts:
        result = answer(shared, "correctFacts", "StayRecorded", RECORDED, **facts)
    assert len(result["administrations"]) == len(result["visits"]) == 4
    assert texts
    assert repeated(texts) == []


def test_mistake_632_so_are_the_visits_that_answer_consults(shared: Ward) -> None:
    stay, doctor = shared.stay(), shared.doctor()
    for _ in range(4):
        fields = {"specialty": "skin", "question": "what is it?"}
        consult = shared.record("requestConsult", stayId=stay, **fields)["consult"]["id"]
        about = {"kind": "CONSULT", "practitioner": doctor, "consultId": consult}
        shared.record("recordVisit", stayId=stay, **about)
    query = "query($id: ID!) { stay(id: $id) { consults { visit { id } } } }"
    with statements(shared) as texts:
        consults = shared.ask(query, id=stay)["stay"]["consults"]
    assert all(consult["visit"] for consult in consults)
    assert texts
    assert repeated(texts) == []
