"""Mistakes of answers to commands: they lack the ids, and what else names it, by which one corrects."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLInputFieldMap, GraphQLInputObjectType, GraphQLNonNull
from graphql.pyutils import Undefined
from strawberry.utils.str_converters import to_camel_case

from api.graphql.extensions.authorization import snake
from api.graphql.schema import schema
from api.http.page import COMMON
from application.hospital import COMMANDS
from domain.aggregate import Event, NotNeeded
from tests.api.test_mutations import mutations
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late, place
from tests.support.api_example import EXAMPLES
from tests.support.graphql_client import GraphQLClient

DECIDED = {"because", "legalBasis", "kind", "name", "newWard", "movement"}
"""What who corrects decides: nothing that was recorded."""
ALSO_CALLED = {
    "setAt": "occurredAt",
    "patientMrn": "mrn",
    "room": "number",
    "intoMrn": "mrn",
    "bed": "beds",
}
"""What the inputs of corrections call otherwise than the things are called."""
OF = {"stayId": "stay", "prescriptionId": "prescription", "issueId": "report"}
"""The ids of things: of which kind of stream each is."""
FACT = {"bedStateId": "spell", "mergeId": "merge"}
"""The ids of facts that are not called by the field that holds them."""


class Heard(GraphQLClient):
    """A client that keeps what each command was answered, all fields of it, two levels deep."""

    answers: list[tuple[str, dict[str, Any], dict[str, Any]]]

    def _mutate(self, command: str, details: str, input: dict[str, Any]) -> dict[str, Any]:
        reply = super()._mutate(command, details, input)
        if "recordedAt" in reply:
            body = {"commands": [{"mutation": command, "input": input}]}
            headers = {"Authorization": f"Bearer {TOKEN}"}
            (answer,) = self.http.post("/commands", json=body, headers=headers).json()["results"]
            assert answer["position"] == reply["position"], answer
            self.answers.append((command, input, answer))
        return reply


@pytest.fixture
def heard(shared: Ward) -> Ward:
    client = Heard(shared.client.http, TOKEN)
    client.answers = []
    return Ward(client, shared._named)


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Return all that is in an answer, or an input, each with the name of its field."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key.rpartition("___")[2])
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    elif value is not None:
        yield name, str(value)


def events_of(ward: Ward, command: str) -> list[Event]:
    """Return what a command recorded, as it is in the log."""
    record = ward.client.http.app_state["container"].hospital.record
    recorded = record.preload(UUID(command)).earlier
    events: list[Event] = record.events_between(recorded.first_position, recorded.position)
    return events


def input_fields(name: str) -> GraphQLInputFieldMap:
    """Return the fields of the input of a mutation."""
    kind = schema._schema.type_map[f"{name[0].upper()}{name[1:]}Input"]
    assert isinstance(kind, GraphQLInputObjectType)
    fields: GraphQLInputFieldMap = kind.fields
    return fields


def needed(command: str) -> list[str]:
    """Return what the input of a correction needs to name a fact."""
    return [
        field
        for field, declared in input_fields(to_camel_case(command)).items()
        if isinstance(declared.type, GraphQLNonNull)
        and declared.default_value is Undefined
        and field not in (*COMMON, *DECIDED, "commandId")
    ]


def id_of(event: Event, field: str) -> str:
    """Return the id that a field of a correction asks for."""
    if OF.get(field) == event.TOPIC.partition(".")[0] or field == "expectedArrivalId":
        return str(event.originator_id)
    if field == "stayId" and event.entry.about:
        return str(event.entry.about.stay)
    return str(getattr(event, FACT.get(field, field.removesuffix("Id"))))


def lacking(event: Event, input: dict[str, Any], answer: dict[str, Any]) -> list[str]:
    """Return what the corrections of a fact need, and neither input nor answer says."""
    if getattr(event, "discharge", None):  # a stop that is put right with its discharge
        return []
    result = [*leaves(answer), *leaves(input)]
    names, values = {name for name, _ in result}, {value for _, value in result}
    remedies = [r for r in (event.CORRECTED_BY, event.CANCELLED_BY) if not isinstance(r, NotNeeded)]
    lacks = []
    for command in sorted({name for remedy in remedies for name in remedy}):
        assert command in COMMANDS
        for field in needed(command):
            is_told = field in input or bool({field, ALSO_CALLED.get(field)} & names)
            if field.endswith("Id") and field not in input:
                is_told = id_of(event, field) in values
            if not is_told:
                lacks.append(f"{event.TOPIC}: {command} needs {field}")
    return lacks


@pytest.mark.slow
@pytest.mark.parametrize("name", mutations())
def test_mistake_571_an_answer_lacks_what_its_correction_needs(heard: Ward, name: str) -> None:
    """The id of a closure was at its bed only, and gone with it; the day of a change that was taken
    for granted was nowhere; nor were the doses and visits that were entered late."""
    _, give = EXAMPLES[name]
    give(heard)
    lacks: dict[str, set[str]] = {}
    client = heard.client
    assert isinstance(client, Heard)
    for command, input, answer in client.answers:
        for event in events_of(heard, input["commandId"]):
            lacks.setdefault(command, set()).update(lacking(event, input, answer))
    assert name in lacks, "the example records nothing by it"
    assert {command: sorted(those) for command, those in lacks.items() if those} == {}


def test_mistake_572_what_was_entered_late_with_others_is_answered_without_its_ids(
    heard: Ward,
) -> None:
    room, doctor = heard.room("a"), heard.doctor()
    stay = heard.stay(f"{room}/a")
    prescription = heard.prescription(stay)
    answer = heard.client.ask(
        """mutation($input: CorrectFactsInput!) { correctFacts(input: $input) {
          ... on StayRecorded { visits { id note } administrations { id doseGiven } } } }""",
        input={
            "commandId": str(uuid4()),
            "newVisits": [
                {"stayId": stay, "practitioner": doctor, "kind": "ROUND", "note": "well",
                 "occurredAt": ago(hours=5)}
            ],
            "newDoses": [
                {"prescriptionId": prescription, "given": True, "doseGiven": "1 g",
                 "occurredAt": ago(hours=4)}
            ],
            "reason": "the paper was found",
        },
    )["correctFacts"]  # fmt: skip
    (visit,), (dose,) = answer["visits"], answer["administrations"]
    heard.record("cancelVisit", visitId=visit["id"], reason="another patient's")
    heard.record("cancelAdministration", administrationId=dose["id"], reason="another patient's")
    assert (visit["note"], dose["doseGiven"]) == ("well", "1 g")


def test_mistake_573_a_closure_that_was_ended_is_answered_without_its_id(heard: Ward) -> None:
    room = heard.room("a")
    bed, (ward, number) = place(f"{room}/a"), room.split("/")
    heard.record("closeBed", **bed, **late(ago(hours=5)))
    answer = heard.client.ask(
        """mutation($input: ReopenBedInput!) { reopenBed(input: $input) {
          ... on RoomRecorded { occurredAt bedStates { id state until } } } }""",
        input={"commandId": str(uuid4()), **bed, **late(ago(hours=3))},
    )["reopenBed"]
    (closure,) = answer["bedStates"]
    assert (closure["state"], closure["until"]) == ("CLOSED", answer["occurredAt"])
    right = {"bedStateId": closure["id"], "until": ago(hours=4), "reason": "open before"}
    heard.record("correctBedState", ward=ward, room=number, **right)


@pytest.mark.parametrize("name", mutations())
def test_mistake_574_a_correction_is_said_to_be_of_now_by_default(name: str) -> None:
    """Who knows the schema alone read that a movement that is put right happened now, and needs no
    reason."""
    fields = input_fields(name)
    when, why = (str(fields[field].description) for field in ("occurredAt", "reason"))
    assert COMMANDS[snake(name)].corrects != ("now by default" in when)
    assert "put right" in why


def test_mistake_575_who_knows_the_schema_alone_does_not_learn_how_to_ask() -> None:
    types = schema._schema.type_map
    query, mutation, subscription = (
        str(types[name].description) for name in ("Query", "Mutation", "Subscription")
    )
    for word in ("Authorization", "X-Purpose", "extensions.position", "extensions.errorCode"):
        assert word in query
    assert {"Recorded", "Refusal", "commandId"} <= set(re.findall(r"\w+", mutation))
    assert "connection_init" in subscription
