"""Two questions in one: as of which moment at the bedside, as known at which place in the record."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from api.container import AppState
from api.graphql.scalars import decode_position, encode_position
from api.graphql.schema import schema
from tests.api.test_schema import READS
from tests.support.api_dsl import Ward, ago, ahead, iso, late, moment, place

ARGUMENTS = (
    "$asOf: DateTime",
    "$knownAt: DateTime",
    "$knownAtPosition: Position",
    "$atLeast: Position",
    "$mrn: String",
    "$two: String!",
    "$room: ID!",
    "$doctor: String",
    "$stay: ID!",
    "$drug: ID!",
    "$from: DateTime!",
    "$to: DateTime!",
)


@dataclass(frozen=True)
class Told:
    """A place in the record: its position, and when it was recorded."""

    position: str
    at: str


@dataclass(frozen=True)
class Story:
    """A transfer that was entered a day late, and what else was learned with it."""

    ward: Ward
    names: dict[str, str]
    before: Told
    after: Told

    def ask(self, name: str, **at: Any) -> dict[str, Any]:
        """A read's whole answer, asked about the day after the transfer unless said otherwise."""
        own, fields, _ = QUESTIONS[name]
        result = [f"{a}: ${a}" for a in READS if (name, a) != ("occupancyHistory", "asOf")]
        field = f"{name}({', '.join([own, *result] if own else result)}) {{ {fields} }}"
        used = [argument for argument in ARGUMENTS if argument.partition(":")[0] in field]
        values = {"asOf": self.names["later"], **self.names, **at}
        names = [argument.partition(":")[0][1:] for argument in used]
        query = f"query({', '.join(used)}) {{ {field} }}"
        return self.ward.client.raw(query, {name: values.get(name) for name in names})

    @property
    def house(self) -> AppState:
        house = self.ward.client.http.app_state["container"]
        assert isinstance(house, AppState)
        return house

    def number(self, position: str) -> int:
        """The number in the log that a position stands for."""
        return decode_position(position, self.house.log.id, self.house.log.epoch, "position")

    def recorded(self, kind: str) -> datetime:
        """Return when the stay's one fact of this kind was recorded, as its timeline tells."""
        query = f"""query($id: ID!) {{
          timeline(stayId: $id, kinds: [{kind}]) {{ nodes {{ recordedAt }} }} }}"""
        (result,) = self.ward.client.ask(query, id=self.names["stay"])["timeline"]["nodes"]
        return moment(result["recordedAt"])

    def answer(self, name: str, **at: Any) -> Any:
        reply = self.ask(name, **at)
        assert "errors" not in reply, reply["errors"]
        _, _, read = QUESTIONS[name]
        return read(self, reply["data"][name])


def the_wards(story: Story, told: Any) -> list[str]:
    ours = (story.names["one"], story.names["two"])
    return [w["name"] for w in told if w["name"] in ours]


def the_bed(story: Story, told: Any) -> list[str]:
    return [
        f"{r['room']['ward']}/{b['code']}"
        for r in told
        for b in r["beds"]
        if b["stay"] and b["stay"]["id"] == story.names["stay"]
    ]


def the_stretches(story: Story, told: Any) -> list[tuple[str, str | None]]:
    ours = [s for s in told if s["stay"]["id"] == story.names["stay"]]
    return [(s["room"]["ward"], s["until"]) for s in ours]


# Each read: its own arguments, its fields, and what of its answer depends on what was learned.
QUESTIONS: dict[str, tuple[str, str, Callable[[Story, Any], Any]]] = {
    "patient": (
        "mrn: $mrn",
        "stays { room { ward } }",
        lambda story, told: [s["room"]["ward"] for s in told["stays"]],
    ),
    "patients": (
        "search: $mrn",
        "nodes { stays { room { ward } } }",
        lambda story, told: [s["room"]["ward"] for p in told["nodes"] for s in p["stays"]],
    ),
    "practitioners": (
        "staffNumber: $doctor",
        "nodes { staffNumber }",
        lambda story, told: [p["staffNumber"] for p in told["nodes"]],
    ),
    "wards": ("", "name", the_wards),
    "ward": ("name: $two", "name", lambda story, told: told and told["name"]),
    "room": ("id: $room", "ward", lambda story, told: told and told["ward"]),
    "stay": (
        "id: $stay",
        "room { ward }",
        lambda story, told: told["room"]["ward"] if told else None,
    ),
    "nodeAsOf": (
        "id: $stay",
        "... on Stay { room { ward } }",
        lambda story, told: told["room"]["ward"] if told else None,
    ),
    "stays": (
        "filter: {patientMrn: $mrn}",
        "nodes { room { ward } }",
        lambda story, told: [s["room"]["ward"] for s in told["nodes"]],
    ),
    "prescription": (
        "id: $drug",
        "dose",
        lambda story, told: told["dose"] if told else None,
    ),
    "roomOccupancy": ("", "room { ward } beds { code stay { id } }", the_bed),
    "beds": (
        "filter: {states: [OCCUPIED]}, first: 500",
        "nodes { code room { ward } stay { id } }",
        lambda story, told: [
            f"{bed['room']['ward']}/{bed['code']}"
            for bed in told["nodes"]
            if bed["stay"]["id"] == story.names["stay"]
        ],
    ),
    "occupancyHistory": (
        "from: $from, to: $to",
        "room { ward } until stay { id }",
        the_stretches,
    ),
    "timeline": (
        "mrn: $mrn",
        "nodes { kind }",
        lambda story, told: [e["kind"] for e in told["nodes"]][-2:],
    ),
}


@pytest.fixture(scope="module")
def story(shared: Ward) -> Story:
    one, two = sorted(shared.name("W") for _ in "12")
    mrn, first = shared.patient(), shared.room("a", ward=one)
    stay = shared.stay(f"{first}/a", ago(days=5), patientMrn=mrn)
    drug = shared.prescription(stay, dose="1 g", **late(ago(days=4)))
    answer = shared.record("changeSpecialty", stayId=stay, specialty="surgery", **late(ago(days=4)))
    before = Told(answer["position"], answer["recordedAt"])

    moved = ago(days=3)
    doctor, second = shared.doctor(), shared.room("a", ward=two)
    shared.record("changePrescription", prescriptionId=drug, dose="2 g", **late(moved))
    answer = shared.record("transferPatient", stayId=stay, **place(f"{second}/a"), **late(moved))
    after = Told(answer["position"], answer["recordedAt"])
    opened = shared.ask("query($w: String) { roomOccupancy(ward: $w) { room { id } } }", w=two)
    room = opened["roomOccupancy"][0]["room"]["id"]
    names = {
        "mrn": mrn,
        "stay": stay,
        "room": room,
        "drug": drug,
        "doctor": doctor,
        "one": one,
        "two": two,
    }
    times = {"moved": moved, "later": ago(days=2), "from": ago(days=9), "to": ahead(days=1)}
    return Story(shared, {**names, **times}, before, after)


def believed(story: Story) -> dict[str, Any]:
    """Return what was believed of the day after the transfer, before it was entered."""
    one = story.names["one"]
    return {
        "patient": [one],
        "patients": [one],
        "practitioners": [],
        "wards": [one],
        "ward": None,
        "room": None,
        "stay": one,
        "nodeAsOf": one,
        "stays": [one],
        "prescription": "1 g",
        "roomOccupancy": [f"{one}/a"],
        "beds": [f"{one}/a"],
        "occupancyHistory": [(one, None)],
        "timeline": ["PRESCRIPTION_WRITTEN", "STAY_SPECIALTY_CHANGED"],
    }


def known(story: Story) -> dict[str, Any]:
    """Return what is known of the same day since."""
    one, two, moved = (story.names[n] for n in ("one", "two", "moved"))
    return {
        "patient": [two],
        "patients": [two],
        "practitioners": [story.names["doctor"]],
        "wards": [one, two],
        "ward": two,
        "room": two,
        "stay": two,
        "nodeAsOf": two,
        "stays": [two],
        "prescription": "2 g",
        "roomOccupancy": [f"{two}/a"],
        "beds": [f"{two}/a"],
        "occupancyHistory": [(one, moved), (two, None)],
        "timeline": ["PRESCRIPTION_CHANGED", "STAY_TRANSFERRED"],
    }


def test_every_read_with_a_past_is_asked_here() -> None:
    query = schema._schema.query_type
    assert query is not None
    with_a_past = {n for n, field in query.fields.items() if "knownAt" in field.args}
    elsewhere = {
        "exposure",
        "report",
        "reportBundle",
        "reportIssues",
        "reportIssue",
        "pendingMovements",
        "lateEntries",
        "deceased",
        "openConsults",
        "expectedArrival",
        "houseTotals",
        "expectedArrivals",
        "likelyDuplicates",
        "dosesDue",
        "course",
    }
    assert set(QUESTIONS) == with_a_past - elsewhere  # test_differences, test_course_documents, …


@pytest.mark.parametrize("name", QUESTIONS)
def test_the_same_moment_has_another_answer_since_more_is_known(story: Story, name: str) -> None:
    before, after = believed(story)[name], known(story)[name]

    assert story.answer(name, knownAtPosition=story.before.position) == before
    assert story.answer(name, knownAt=story.before.at) == before
    assert story.answer(name, knownAtPosition=story.after.position) == after
    assert story.answer(name, knownAt=story.after.at) == after
    assert story.answer(name) == after


@pytest.mark.parametrize("name", QUESTIONS)
def test_what_was_believed_ends_in_the_very_moment_in_which_more_is_recorded(
    story: Story, name: str
) -> None:
    """A command is known whole, from the first of its facts on."""
    recorded = story.recorded("STAY_TRANSFERRED")
    assert recorded < moment(story.after.at)
    assert story.answer(name, knownAt=iso(recorded)) == known(story)[name]
    just_before = iso(recorded - timedelta(microseconds=1))
    whole = story.answer(name, knownAt=just_before)
    assert story.answer(name, knownAt=just_before) == whole
    if name in ("stay", "stays", "patient", "roomOccupancy"):
        assert whole == believed(story)[name]


@pytest.mark.parametrize("name", [n for n in QUESTIONS if n != "occupancyHistory"])
def test_a_moment_before_the_late_fact_is_answered_as_ever(story: Story, name: str) -> None:
    earlier = iso(moment(story.names["moved"]) - timedelta(microseconds=1))
    if name == "practitioners":  # known is that there always was such a doctor
        return
    answer = story.answer(name, asOf=earlier)
    if name in ("wards", "ward", "room"):  # the second room was opened long ago, as is known since
        assert answer == known(story)[name]
    else:
        assert answer == believed(story)[name]


def test_before_its_admission_there_is_no_stay(story: Story) -> None:
    long_ago = ago(days=6)
    assert story.answer("stay", asOf=long_ago) is None
    assert story.answer("stays", asOf=long_ago) == []
    assert story.answer("patient", asOf=long_ago) == []
    assert story.answer("roomOccupancy", asOf=long_ago) == []
    assert story.answer("prescription", asOf=long_ago) is None
    assert story.answer("timeline", asOf=long_ago) == ["PATIENT_REGISTERED"]
    assert story.answer("wards", asOf=ago(days=99)) == []


@pytest.mark.parametrize("name", QUESTIONS)
def test_an_answer_says_where_in_the_record_it_was_computed(story: Story, name: str) -> None:
    answer = story.ask(name, knownAtPosition=story.before.position)
    assert answer["extensions"] == {"position": story.before.position}
    answer = story.ask(name, knownAt=story.after.at)
    assert answer["extensions"] == {"position": story.after.position}
    assert story.ask(name)["extensions"]["position"]


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_read_can_wait_for_what_was_just_recorded(story: Story, name: str) -> None:
    assert story.answer(name, atLeast=story.after.position) == known(story)[name]
    answer = story.ward.record("registerPatient", mrn=story.ward.name("M"))
    reply = story.ask(name, atLeast=answer["position"])
    assert "errors" not in reply
    assert story.number(reply["extensions"]["position"]) >= story.number(answer["position"])


@pytest.mark.parametrize("name", QUESTIONS)
def test_nobody_knows_yet_what_will_be_known(story: Story, name: str) -> None:
    assert refused(story.ask(name, knownAt=ahead(minutes=1))) == ("InvalidInput", "knownAt")


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_place_in_another_log_or_none_at_all_is_refused(story: Story, name: str) -> None:
    log, number = story.house.log, story.number(story.after.position)
    other = encode_position(uuid4(), log.epoch, number)
    restored = encode_position(log.id, log.epoch + 1, number)
    for argument in ("knownAtPosition", "atLeast"):
        for wrong in (other, restored, "garbage", "WyJwIl0", "é", "x" * 1000):
            assert refused(story.ask(name, **{argument: wrong})) == ("InvalidInput", argument)
    beyond = encode_position(log.id, log.epoch, number + 100_000)
    assert refused(story.ask(name, knownAtPosition=beyond)) == ("InvalidInput", "knownAtPosition")
    both = {"knownAt": story.after.at, "knownAtPosition": story.after.position}
    assert refused(story.ask(name, **both)) == ("InvalidInput", "knownAt")


def test_a_place_inside_a_command_is_that_before_the_command(story: Story) -> None:
    ward, log = story.ward, story.house.log
    room = ward.room("a", "b")
    stays = [ward.stay(f"{room}/{bed}", ago(hours=5)) for bed in "ab"]
    start = ward.record("registerPatient", mrn=ward.name("M"))["position"]
    at = ago(hours=2)
    end = ward.record("swapBeds", stayId=stays[0], withStayId=stays[1], **late(at))["position"]
    first, last = story.number(start), story.number(end)
    assert last - first > 2

    def beds(number: int) -> list[str]:
        position = encode_position(log.id, log.epoch, number)
        result = [ward.bed(f"{room}/{bed}", knownAtPosition=position) for bed in "ab"]
        return [bed["stay"]["id"] for bed in result]

    for inside in range(first, last):
        assert beds(inside) == stays
    assert beds(last) == stays[::-1]


def refused(answer: dict[str, Any]) -> tuple[str, str]:
    """The code of an answer's one error, and the field that it names."""
    (error,) = answer["errors"]
    return error["extensions"]["code"], error["message"].partition(":")[0]


def test_both_clocks_are_asked_as_one_value_too(story: Story) -> None:
    query = """query($id: ID!, $at: Moment!, $asOf: DateTime) {
      stay(id: $id, at: $at, asOf: $asOf) { room { ward } } }"""
    for moment_of, ward in ((story.before, "one"), (story.after, "two")):
        for known_at in ({"knownAt": moment_of.at}, {"knownAtPosition": moment_of.position}):
            at = {"asOf": story.names["later"], **known_at}
            answer = story.ward.ask(query, id=story.names["stay"], at=at)
            assert answer["stay"]["room"]["ward"] == story.names[ward]
    twice = {"id": story.names["stay"], "at": {}, "asOf": story.names["later"]}
    (error,) = story.ward.client.raw(query, twice)["errors"]
    assert error["extensions"]["code"] == "InvalidInput"
