"""The course of a stay and of a person as a document: what stands in it, as of when, and for whom."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from api.course.words import time_text
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes, late, place
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import rows

COURSE = """query($stay: ID, $mrn: String, $format: CourseFormat!, $asOf: DateTime,
    $knownAt: DateTime, $position: Position) {
  course(stayId: $stay, mrn: $mrn, format: $format, asOf: $asOf, knownAt: $knownAt,
    knownAtPosition: $position) { mediaType fileName text } }"""

HOSTILE = "</td><script>alert('&')</script>\""


@dataclass
class Story:
    """A patient with a stay whose transfer was put right, and an earlier stay."""

    ward: Ward
    mrn: str
    stay: str
    earlier: str
    number: str
    moved: str
    before: dict[str, Any]
    """The document as it was before the correction was recorded."""

    def course(self, format: str = "JSON", **of: Any) -> Any:
        of = of if {"stay", "mrn"} & of.keys() else {"stay": self.stay, **of}
        answer = self.ward.ask(COURSE, format=format, **of)["course"]
        if answer is None:
            return None
        return json.loads(answer["text"]) if format == "JSON" else answer["text"]


@pytest.fixture(scope="module")
def story(shared: Ward) -> Story:
    ward = shared
    room = ward.room("a", "b", "c")
    number = room.split("/")[1]
    mrn = ward.patient(givenName=HOSTILE, birthDate="1961-12-24")
    earlier = ward.stay(at=ago(days=20), patientMrn=mrn)
    end = {"disposition": "HOME", **late(ago(days=19))}
    ward.record("dischargePatient", stayId=earlier, **end)
    stay = ward.stay(f"{room}/a", at=ago(days=3), patientMrn=mrn)
    moved = ago(days=1)
    ward.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(moved))
    visit = {"practitioner": ward.doctor(), "kind": "ROUND", "note": "=1+1"}
    ward.record("recordVisit", stayId=stay, **visit)
    consult = {"specialty": "cardiology", "question": "a murmur?"}
    ward.record("requestConsult", stayId=stay, **consult)
    drug = ward.prescription(stay, dose="1 g")
    ward.record("recordAdministration", prescriptionId=drug, given=True, doseGiven="500 mg")
    made = Story(ward, mrn, stay, earlier, number, moved, {})
    made.before = made.course()
    movements = "query($id: ID!) { stay(id: $id) { movements { id kind } } }"
    result = ward.ask(movements, id=stay)["stay"]["movements"]
    (movement,) = [m["id"] for m in result if m["kind"] == "STAY_TRANSFERRED"]
    wrong = {"movementId": movement, "reason": "bed c, misread"}
    ward.record("correctMovement", **wrong, **place(f"{room}/c"))
    return made


def beds(told: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(p["bed"], p["until"]) for s in told["stays"] for p in s["places"] if p["bed"]]


# -- content --


def test_a_document_of_a_stay_has_its_places_drugs_visits_and_consults(story: Story) -> None:
    answer = story.course()
    (stay,) = answer["stays"]
    assert beds(answer) == [("a", story.moved), ("c", None)]
    assert {p["room"]["number"] for p in stay["places"]} == {story.number}
    (prescription,) = stay["prescriptions"]
    assert (prescription["medication"]["name"], prescription["dose"]) == ("Paracetamol", "1 g")
    assert [d["doseGiven"] for d in prescription["administrations"]] == ["500 mg"]
    assert [v["kind"] for v in stay["visits"]] == ["ROUND"]
    assert [c["question"] for c in stay["consults"]] == ["a murmur?"]
    assert answer["patient"]["mrn"] == story.mrn


def test_a_document_says_who_printed_it_where_what_for_and_by_which_clocks(story: Story) -> None:
    imprint = story.course(asOf=story.moved)["imprint"]
    assert imprint["hospital"] == story.ward.ask("{ hospital { name } }")["hospital"]["name"]
    assert (imprint["timeZone"], imprint["purpose"]) == ("UTC", "treatment")
    assert imprint["printedBy"]["subject"] == "tester"
    assert imprint["asOf"] == story.moved
    assert imprint["knownAt"] == imprint["printedAt"]


def test_the_timeline_has_both_clocks_the_correction_and_its_reason(story: Story) -> None:
    entries = {entry["id"]: entry for entry in story.course()["timeline"]}
    (correction,) = [e for e in entries.values() if e["reason"] == "bed c, misread"]
    corrected = entries[correction["corrects"]]
    assert (corrected["status"], corrected["occurredAt"]) == ("CORRECTED", story.moved)
    assert corrected["correctedBy"] == correction["id"]
    assert corrected["recordedAt"] > corrected["occurredAt"]
    assert "bed c" in correction["summary"]


def test_the_names_of_the_timeline_are_those_of_graphql(story: Story) -> None:
    fields = "id kind status occurredAt recordedAt late summary reason corrects cancels stayId"
    query = f"query($id: ID) {{ timeline(stayId: $id, first: 100) {{ nodes {{ {fields} }} }} }}"
    reply = story.ward.ask(query, id=story.stay)["timeline"]["nodes"]
    answer = story.course()["timeline"]
    assert [{name: e[name] for name in fields.split()} for e in answer] == reply


def test_a_document_of_a_person_has_all_stays(story: Story) -> None:
    answer = story.course(mrn=story.mrn)
    assert [stay["id"] for stay in answer["stays"]] == [story.earlier, story.stay]
    assert answer["timeline"][0]["kind"] == "PATIENT_REGISTERED"
    before = story.course(mrn=story.mrn, asOf=ago(days=10))
    assert [stay["status"] for stay in before["stays"]] == ["DISCHARGED"]


def test_a_document_has_the_stays_of_all_records_of_the_person(shared: Ward) -> None:
    one, other = shared.patient(), shared.patient()
    stays = [shared.stay(at=ago(days=9), patientMrn=one), ""]
    end = {"disposition": "HOME", **late(ago(days=8))}
    shared.record("dischargePatient", stayId=stays[0], **end)
    stays[1] = shared.stay(patientMrn=other)
    shared.record("mergePatients", patientMrn=one, intoMrn=other, reason="the same person")
    answer = shared.ask(COURSE, mrn=other, format="JSON")["course"]["text"]
    assert [stay["id"] for stay in json.loads(answer)["stays"]] == stays
    assert [r["mrn"] for r in json.loads(answer)["otherRecords"]] == [one]


def test_a_document_is_as_of_a_moment_and_as_known_at_another(story: Story) -> None:
    known = story.before["imprint"]["printedAt"]
    then = story.course(knownAt=known)
    assert beds(then) == [("a", story.moved), ("b", None)]
    assert then["timeline"] == story.before["timeline"]
    assert then["imprint"]["knownAt"] == known
    earlier = story.course(asOf=ago(days=2))
    assert beds(earlier) == [("a", None)]
    assert not any(earlier["stays"][0][part] for part in ("prescriptions", "visits", "consults"))
    assert story.course(asOf=ago(days=40)) is None
    position = story.ward.ask(
        "query($id: ID) { timeline(stayId: $id, read: RECORD, first: 1) { nodes { position } } }",
        id=story.stay,
    )["timeline"]["nodes"][0]["position"]
    begun = story.course(position=position)
    assert beds(begun) == [("a", None)]
    assert story.course(knownAt=begun["imprint"]["knownAt"])["timeline"] == begun["timeline"]


def test_a_document_is_as_known_at_a_moment_that_is_given_as_one_value(
    story: Story,
) -> None:
    known = story.before["imprint"]["printedAt"]
    document = """query($stay: ID, $at: Moment) {
      course(stayId: $stay, format: JSON, at: $at) { text } }"""

    def imprint(**at: str) -> Any:
        answer = story.ward.ask(document, stay=story.stay, at=at)["course"]["text"]
        return json.loads(answer)["imprint"]

    assert imprint(knownAt=known)["knownAt"] == known
    assert imprint(asOf=known)["knownAt"] > known


def places(ward: Ward, stay: str) -> list[str]:
    """The places of the document in words, as CSV has them."""
    answer = ward.ask(COURSE, stay=stay, format="CSV")["course"]["text"]
    result = [row for row in csv.DictReader(io.StringIO(answer)) if row["part"] == "place"]
    for one, other in pairwise(result):
        assert one["until"]
        assert one["until"] <= other["since"]
    return [row["what"] for row in result]


def test_places_tell_of_waits_leaves_and_a_discharge_that_was_reversed(shared: Ward) -> None:
    room = shared.room("a", "b")
    bed = f"A, room {room.split('/')[1]}, bed"
    stay = shared.stay(at=ago(days=9), withoutBed="corridor")
    fields = {"stayId": stay}
    shared.record("allocateRoom", **fields, **place(f"{room}/a"), **late(ago(days=8)))
    shared.record("startLeave", **fields, keepBed=True, **late(ago(days=7)))
    shared.record("endLeave", **fields, **late(ago(days=6)))
    shared.record("startLeave", **fields, keepBed=False, **late(ago(days=5)))
    shared.record("endLeave", **fields, **place(f"{room}/b"), **late(ago(days=4)))
    shared.record("changeSpecialty", **fields, specialty="surgery", **late(ago(days=3)))
    shared.record("dischargePatient", **fields, disposition="HOME", **late(ago(days=2)))
    reversal = {"because": "DECISION_REVERSED", **late(ago(days=1))}
    shared.record("cancelDischarge", **fields, **reversal, **place(f"{room}/b"))
    assert places(shared, stay) == [
        "corridor",
        f"{bed} a",
        f"{bed} a (kept during a leave)",
        f"{bed} a",
        "on leave",
        f"{bed} b",
        f"{bed} b",
    ]


def test_a_stay_that_never_was_has_no_place(shared: Ward) -> None:
    stay = shared.stay(f"{shared.room('a')}/a")
    wrong = {"because": "ENTERED_IN_ERROR", "reason": "another patient"}
    shared.record("cancelAdmission", stayId=stay, **wrong)
    assert places(shared, stay) == []


def test_a_time_that_the_clocks_show_twice_has_its_offset() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    result = [time_text(datetime(2026, 10, 25, hour, 30, tzinfo=UTC), berlin) for hour in (0, 1, 2)]
    assert result == ["2026-10-25 02:30+02:00", "2026-10-25 02:30+01:00", "2026-10-25 03:30"]


# -- the three formats --


class Page(HTMLParser):
    """The elements of a page, and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.texts: list[str] = []
        self.attributes: dict[str, str | None] = {}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.add(tag)
        self.attributes.update(attrs)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_html_is_one_file_without_script_in_which_each_text_is_escaped(story: Story) -> None:
    answer = story.ward.ask(COURSE, stay=story.stay, format="HTML")["course"]
    assert answer["mediaType"] == "text/html; charset=utf-8"
    assert answer["fileName"].endswith(".html")
    assert story.mrn not in answer["fileName"]
    page = Page(answer["text"])
    assert "script" not in page.elements
    assert any(HOSTILE in text for text in page.texts)
    assert not {"src", "href", "onclick"} & page.attributes.keys()
    assert "default-src 'none'" in answer["text"].replace("&#x27;", "'")
    for text in ("bed c, misread", "Paracetamol", "by the clocks of UTC", "corrects 3"):
        assert any(text in answer for answer in page.texts), text


def test_csv_has_a_line_for_each_fact_and_no_formula(story: Story) -> None:
    result = list(csv.DictReader(io.StringIO(story.course("CSV"))))
    assert {"document", "patient", "stay", "place", "dose", "visit", "consult", "timeline"} <= {
        row["part"] for row in result
    }
    assert not any(cell.startswith(("=", "@")) for row in result for cell in row.values())
    assert "Born: 1961-12-24" in [row["what"] for row in result if row["part"] == "patient"]
    (dose,) = [row for row in result if row["part"] == "dose"]
    assert (dose["what"], dose["status"]) == ("Paracetamol: given 500 mg", "GIVEN")
    (correction,) = [row for row in result if row["reason"] == "bed c, misread"]
    assert correction["corrects"]


# -- for whom --


def login(ward: Ward, role: Role, *wards: str) -> GraphQLClient:
    return GraphQLClient(ward.client.http, LOGIN.make(role, "Ada", wards))


@pytest.mark.parametrize("role", [Role.REGISTRAR, Role.BED_MANAGER, Role.ANALYST])
def test_a_document_is_refused_to_who_may_not_read_a_timeline(story: Story, role: Role) -> None:
    fields = {"stay": story.stay, "format": "HTML"}
    assert codes(login(story.ward, role).raw(COURSE, fields)) == {"NOT_ALLOWED"}


def test_a_document_is_refused_where_the_patient_is_closed_by_label(shared: Ward) -> None:
    mrn = shared.patient(confidentiality="VERY_RESTRICTED")
    stay = shared.stay(patientMrn=mrn)
    for of in ({"stay": stay}, {"mrn": mrn}):
        answer = login(shared, Role.PHYSICIAN).raw(COURSE, {**of, "format": "CSV"})
        assert codes(answer) == {"NOT_ALLOWED"}
        assert mrn not in json.dumps(answer)


def test_a_document_is_recorded_as_read_with_its_purpose(story: Story, migrated: Database) -> None:
    ward = story.ward
    headers = {"Authorization": f"Bearer {LOGIN.make()}", "X-Purpose": "patient_request"}
    fields = {"mrn": story.mrn, "format": "HTML", "asOf": story.moved}
    body = {"query": COURSE, "variables": fields}
    response = ward.client.http.post("/graphql", json=body, headers=headers)
    assert response.headers["cache-control"] == "no-store"
    assert "patient request" in response.json()["data"]["course"]["text"]
    last = rows(
        migrated,
        "SELECT operation, purpose, cardinality(patients), resources FROM audit.accesses"
        " ORDER BY no DESC LIMIT 1",
    )
    ((operation, purpose, patients, resources),) = last
    assert (operation, purpose, patients) == ("course", "patient_request", 1)
    assert {story.earlier, story.stay} <= {str(id) for id in resources}


def test_a_document_is_of_a_stay_or_of_a_patient(story: Story) -> None:
    for of in ({}, {"stay": story.stay, "mrn": story.mrn}):
        assert codes(story.ward.client.raw(COURSE, {**of, "format": "CSV"})) == {"InvalidInput"}
    answer = story.ward.client.raw(COURSE, {"mrn": "nobody", "format": "CSV"})
    assert codes(answer) == {"NotFound"}
