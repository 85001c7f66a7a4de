"""An id of what is closed to a login is answered like one that nothing has, in each field of a command.

What a command is about may be said to be closed, in words that say nothing else, so that the glass can
be broken.
The fields are found in the schema, so that a new one is covered by itself.
"""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from graphql import GraphQLEnumType, GraphQLInputObjectType, GraphQLList, GraphQLNonNull

from api.graphql.schema import schema
from application.authorization.roles import Role, may
from application.authorization.scope import CLOSED, ELSEWHERE, RESTRICTED, hidden_labels
from infrastructure.postgres.database import Database
from tests.api.test_mutations import mutations
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.api_example import EXAMPLES
from tests.support.arrival_examples import planned
from tests.support.canaries import item
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import rows

pytestmark = pytest.mark.slow

SAID = {text.replace("`break_glass`", "breakGlass") for text in (CLOSED, ELSEWHERE, RESTRICTED)}

LABEL = {"confidentiality": "VERY_RESTRICTED"}

Path = tuple[str, ...]


class Closed:
    """All that can be recorded of a patient in a ward, by the ids that it has."""

    def __init__(self, ward: Ward, of: str, **label: str) -> None:
        room, doctor = ward.room("a", "b", "c", ward=of), ward.doctor()
        self.bed, mrn = place(f"{room}/a"), ward.patient(sex="FEMALE", **label)
        plan = planned(ward, patientMrn=mrn, ward=of)
        answer = ward.record(
            "admitPatient",
            patientMrn=mrn,
            admissionType="ELECTIVE",
            expectedArrivalId=plan,
            **self.bed,
            **late(ago(days=2)),
        )
        stay = answer["stay"]["id"]
        visit, gone = (
            ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND")["visit"][
                "id"
            ]
            for _ in range(2)
        )
        ward.record("cancelVisit", visitId=gone, reason="another patient's")
        course = ward.prescription(stay)
        ward.record("recordAdministration", prescriptionId=course, given=True)
        allergy = {"patientMrn": mrn, "substance": {"name": "latex"}}
        flag = {"stayId": stay, "flagKind": "NOTE", "note": "calm"}
        consult = {"stayId": stay, "specialty": "cardiology"}
        ward.record("reserveBed", **place(f"{room}/b"), until=ahead(hours=5), patientMrn=mrn)
        away = planned(ward, patientMrn=mrn, ward=of)
        ward.record("cancelExpectedArrival", expectedArrivalId=away)
        result = ward.ask(
            "query($i: ID!) { stay(id: $i) { patient { id } movements { id }"
            " prescriptions { administrations { id } } } }",
            i=stay,
        )["stay"]
        self.patient: str = result["patient"]["id"]
        self.ids: list[str] = [
            stay,
            self.patient,
            visit,
            gone,
            course,
            result["prescriptions"][0]["administrations"][0]["id"],
            ward.record("recordAllergy", **allergy)["allergy"]["id"],
            ward.record("raiseFlag", **flag)["flag"]["id"],
            ward.record("requestConsult", **consult)["consult"]["id"],
            plan,
            away,
            planned(ward, patientMrn=mrn, ward=of),
            ward.bed(f"{room}/b")["reservationId"],
            answer["commandId"],
            *(movement["id"] for movement in result["movements"]),
        ]
        if not label:
            name_only = planned(ward, familyName="Somebody", ward=of)
            ward.record(
                "admitPatient",
                patientMrn=ward.patient(),
                admissionType="ELECTIVE",
                expectedArrivalId=name_only,
                **place(f"{room}/c"),
            )
            self.ids += [planned(ward, familyName="Somebody", ward=of), name_only]


@pytest.fixture(scope="module")
def closed(shared: Ward) -> dict[str, Closed]:
    """Return what is closed to somebody of other wards, and what is closed by a label."""
    elsewhere = Closed(shared, shared.name("Elsewhere"))
    return {"ward": elsewhere, "label": Closed(shared, "A", **LABEL)}


def logins(
    ward: Ward, name: str, closed: dict[str, Closed]
) -> Iterator[tuple[Closed, GraphQLClient]]:
    """Yield who may give a command, and what is closed to them."""
    all_wards = {w["name"] for w in ward.ask("{ wards { name } }")["wards"]}
    wards = all_wards - {closed["ward"].bed["ward"]}
    yield closed["ward"], GraphQLClient(ward.client.http, LOGIN.make(Role.ADMIN, "Ada", [*wards]))
    for role in Role:
        if hidden_labels(role) and may(role, snake(name)):
            yield closed["label"], GraphQLClient(ward.client.http, LOGIN.make(role, "Bea"))
            return


def is_of_caller(path: Path) -> bool:
    """Return whether an id is the caller's own, or another system's: it names nothing of the record."""
    return path[-1] in ("commandId", "sourceId") or path[-2:] == ("source", "id")


@pytest.mark.parametrize("name", mutations())
def test_an_id_of_what_is_closed_tells_no_more_than_one_that_nothing_has(
    shared: Ward, migrated: Database, closed: dict[str, Closed], name: str
) -> None:
    kind = item(schema._schema.mutation_type.fields[name].args["input"].type)  # type: ignore[union-attr]
    paths = [path for path in ids_in(kind) if not is_of_caller(path)]
    if not paths:
        return
    given = prepared(shared, name)
    free = place(f"{shared.room('free')}/free")
    for things, client in logins(shared, name, closed):
        before = events_about(migrated, things)
        for path in paths:
            places = [free, things.bed] if path[-1] == "sharesBedOf" else [{}]
            for base in ({**given, **there} for there in places):
                nothing, *answers = sent(
                    client, name, kind, base, path, [str(uuid4()), *things.ids]
                )
                result = [
                    (number, answer)
                    for number, answer in enumerate(answers)
                    if answer != nothing and answer.get("message", "").rstrip(".") not in SAID
                ]
                assert not result, (path, nothing, result)
        assert events_about(migrated, things) == before


def ids_in(kind: GraphQLInputObjectType, above: Path = ()) -> Iterator[Path]:
    """Yield the fields of an input that take ids, those of its parts too."""
    for name, field in kind.fields.items():
        inner = item(field.type)
        if isinstance(inner, GraphQLInputObjectType):
            yield from ids_in(inner, (*above, name))
        elif inner.name == "ID":
            yield (*above, name)


def prepared(ward: Ward, name: str) -> dict[str, Any]:
    """Return the input of a mutation's example, of which all but itself is recorded."""

    class Told(Exception):
        pass

    inputs: list[dict[str, Any]] = []
    own = Ward(ward.client, ward._named)

    def given(command: str, send: Any, input: dict[str, Any]) -> dict[str, Any]:
        if command == name:
            inputs.append(input)
            raise Told
        return dict(send(command, **input))

    own.execute = lambda command, **input: given(command, ward.client.execute, input)
    own.record = lambda command, **input: given(command, ward.client.record, input)
    with pytest.raises(Told):
        EXAMPLES[name][1](own)
    return inputs[0]


def sent(
    client: GraphQLClient,
    name: str,
    kind: GraphQLInputObjectType,
    base: dict[str, Any],
    path: Path,
    ids: list[str],
) -> list[dict[str, Any]]:
    """Return the answers to a command with each of some ids in a field, without that id."""
    inputs = [{**set_in(kind, base, path, id), "commandId": str(uuid4())} for id in ids]
    body = {"commands": [{"mutation": name, "input": input} for input in inputs]}
    post = client.http.post("/commands", json=body, headers=client._headers)
    return [
        json.loads(json.dumps(answer).replace(id, "ID").replace(input["commandId"], ""))
        for id, input, answer in zip(ids, inputs, post.json()["results"], strict=True)
    ]


def set_in(kind: GraphQLInputObjectType, base: Any, path: Path, id: str) -> dict[str, Any]:
    """Return an input with an id in a field, and with all that this needs beside it."""
    name, *below = path
    field = kind.fields[name]
    value: Any = id
    if below:
        inner = item(field.type)
        old = base.get(name) or {}
        old = old[0] if isinstance(old, list) and old else old or {}
        value = set_in(inner, {**needed(inner), **old}, tuple(below), id)
    is_list = isinstance(getattr(field.type, "of_type", field.type), GraphQLList) or isinstance(
        field.type, GraphQLList
    )
    return {**base, name: [value] if is_list else value}


def needed(kind: GraphQLInputObjectType) -> dict[str, Any]:
    """Return values of the fields of a part that have to be given."""
    values: dict[str, Any] = {}
    for name, field in kind.fields.items():
        inner = item(field.type)
        if not isinstance(field.type, GraphQLNonNull):
            continue
        if isinstance(inner, GraphQLEnumType):
            values[name] = next(iter(inner.values))
        elif inner.name == "DateTime":
            values[name] = ago(minutes=5)
    return values


def events_about(database: Database, things: Closed) -> int:
    """Return how many events there are about a patient."""
    where = f"patient = '{things.patient}'"
    ((count,),) = rows(database, f"SELECT count(*) FROM record.stored_events WHERE {where}")
    return int(count)


def snake(name: str) -> str:
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
