"""Mistakes of other systems about refusals that name what is closed to who is refused."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from inspect import signature
from typing import Any, cast, get_type_hints
from uuid import UUID, uuid4

import pytest
from graphql import GraphQLUnionType, is_leaf_type

from api.graphql.schema import schema
from application.authorization.roles import Role
from application.authorization.scope import hidden_labels
from application.command import Request
from application.command_pipeline import Invocation
from application.hospital import COMMANDS, Hospital
from domain.bed_ref import BedRef
from domain.envelope import Actor
from domain.fact_ref import FactKind, FactRef
from domain.patient import Confidentiality
from domain.problems import Problem
from domain.refusals import BedNotOpen, BedOccupied, Refusal
from domain.stay.aggregate import Stay
from domain.stay.events import VisitKind
from domain.things import Thing
from tests.conftest import LOGIN
from tests.support import hospital_dsl as dsl
from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.canaries import item
from tests.support.correction_examples import IN_ERROR, WRONG
from tests.support.graphql_client import GraphQLClient

# -- every class of refusals, also those to come --


def told(kind: Any, closed: UUID, stay: UUID) -> Any:
    """Return a value of a parameter of a refusal, which tells a closed id wherever it can."""
    values: dict[Any, Any] = {
        UUID: closed,
        UUID | None: closed,
        tuple[UUID, ...]: (closed,),
        tuple[FactRef, ...]: (FactRef(closed, FactKind.VISIT, dsl.ago(), stay),),
        str: f"something of {closed}",
        str | None: "CLOSED",
        Problem: Problem.ON_LEAVE,
        Thing: Thing.STAY,
        BedRef: BedRef(uuid4(), "a"),
        datetime: datetime(2026, 1, 1, tzinfo=UTC),
        bool: False,
        int | None: 1,
    }
    return values.get(kind, {})  # of warnings: none


@pytest.mark.parametrize("role", [Role.NURSE, Role.PRIVACY_OFFICER])
@pytest.mark.parametrize("thing", ["stay", "visit"])
def test_mistake_225_no_class_of_refusals_tells_an_id_that_is_closed(
    hospital: Hospital, role: Role, thing: str
) -> None:
    """By the label for the one, by the ward for the other."""
    dsl.room(hospital, ward="There")
    label, said = Confidentiality.VERY_RESTRICTED, dsl.request(dsl.ago(days=30))
    hospital.patients.register_patient(said, mrn="M1", confidentiality=label)
    stay = closed = dsl.readmitted(hospital, "M1", "There/1/a")
    if thing == "visit":
        result = hospital.stays.record_visit(
            dsl.request(), stay_id=stay, practitioner=dsl.doctor(hospital), kind=VisitKind.ROUND
        )
        (closed,) = [e.visit for e in result.events if isinstance(e, Stay.VisitRecorded)]

    def refusal(kind: type[Refusal], by: Role, *wards: str) -> Refusal:
        hints = get_type_hints(kind.__init__)
        parameters = [p for p in signature(kind).parameters if p != "untold"]

        def refuse(_: Any) -> None:
            raise kind(**{name: told(hints[name], closed, stay) for name in parameters})

        who = Actor(issuer="test", subject="somebody", role=by)
        said = Request(command_id=uuid4(), by=who, wards=frozenset(wards) or None)
        with pytest.raises(Refusal) as raised:
            hospital.pipeline.execute(Invocation(said, "break_glass", {}, refuse))
        return raised.value

    for kind in Refusal.__subclasses__():
        for wards in (("Here",), ("Here", "Elsewhere")):
            answer = refusal(kind, role, *wards)
            assert str(closed) not in f"{vars(answer)!r} {answer}", kind
            assert answer.message, kind
        assert type(refusal(kind, Role.ADMIN)) is kind


def test_mistake_225_what_is_told_instead_is_a_refusal_of_the_same_commands() -> None:
    for spec in COMMANDS.values():
        assert BedNotOpen in spec.raises or BedOccupied not in spec.raises, spec.name


# -- as they are provoked, by each role and door --

ADMISSION = {"admissionType": "ELECTIVE"}


@dataclass
class Things:
    """Things open to somebody of ward ``here``, and the words and ids of who is not."""

    here: str
    commands: list[tuple[str, dict[str, Any]]]
    labelled: set[str]
    away: set[str]


@pytest.fixture(scope="module")
def things(shared: Ward) -> Things:
    """A patient with a label in a bed here, a labelled child with its mother, past stays elsewhere."""
    here, there = shared.name("Here"), shared.name("There")
    room, away = shared.room("a", "b", "c", ward=here), shared.room("a", "b", "c", ward=there)
    labelled, away_now = set[str](), set[str]()

    def closed(mrn: str, bed: str, at: str, until: str | None = None, **content: Any) -> str:
        why, note, drug = (shared.name(f"Canary{kind}") for kind in ("Why", "Note", "Drug"))
        stay = shared.record(
            "admitPatient", patientMrn=mrn, occurredAt=at, reason=why, **place(bed), **content
        )["stay"]["id"]
        visit = {"practitioner": shared.doctor(), "kind": "ROUND", "note": note}
        shared.record("recordVisit", stayId=stay, **visit, **late(ago(days=5, hours=1)))
        shared.prescription(stay, medication={"name": drug}, **late(at))
        if until:
            shared.record("dischargePatient", stayId=stay, disposition="HOME", **late(until))
        (away_now if until else labelled).update({stay, why, note, drug})
        if not until:
            labelled.update({mrn, f"Family {mrn}"})
        return str(stay)

    label = {"confidentiality": "VERY_RESTRICTED"}
    hidden = closed(shared.patient(**label), f"{room}/a", ago(days=9), **ADMISSION)
    mother = shared.stay(f"{room}/b", ago(days=9), patientMrn=shared.patient(sex="FEMALE"))
    newborn = {"admissionType": "NEWBORN", "sharesBedOf": mother}
    closed(shared.patient(**label), f"{room}/b", ago(days=8), **newborn)
    was_away, also_away = shared.patient(), shared.patient()
    for mrn, bed in ((was_away, "a"), (also_away, "b")):
        closed(mrn, f"{away}/{bed}", ago(days=9), ago(days=4), **ADMISSION)
    stay = shared.stay(f"{room}/c", ago(days=3))
    taken, in_room = place(f"{room}/a"), {"ward": here, "room": room.split("/")[1]}
    between = late(ago(days=6))
    prescription = shared.prescription(stay)
    commands: list[tuple[str, dict[str, Any]]] = [
        ("transferPatient", {"stayId": stay, **taken}),
        ("admitPatient", {"patientMrn": shared.patient(), **ADMISSION, **taken}),
        ("admitPatient", {"patientMrn": was_away, **ADMISSION, **between}),
        ("admitPatient", {"patientMrn": was_away, **ADMISSION, "sharesBedOf": hidden, **taken}),
        ("transferPatient", {"stayId": mother, "withoutBed": "corridor"}),
        ("dischargePatient", {"stayId": mother, "disposition": "HOME"}),
        ("startLeave", {"stayId": mother, "keepBed": False}),
        ("moveStay", {"stayId": mother, "patientMrn": was_away, **WRONG}),
        ("swapBeds", {"stayId": stay, "withStayId": mother}),
        ("swapBeds", {"stayId": stay, "withStayId": hidden}),
        ("mergePatients", {"patientMrn": was_away, "intoMrn": also_away, "reason": "one person"}),
        ("recordDeath", {"patientMrn": was_away, **between}),
        ("correctPatientDetails", {"patientMrn": was_away, "birthDate": ago()[:10], **WRONG}),
        ("requestErasure", {"patientMrn": was_away, "legalBasis": "OBJECTION", **between}),
        ("retireBeds", taken),
        ("cancelBed", {**taken, **WRONG}),
        ("correctBed", {**taken, **WRONG, "occurredAt": ago(hours=1)}),
        ("closeBed", {**taken, "reason": "broken", "occurredAt": ago(hours=1)}),
        ("startCleaning", taken),
        ("reserveBed", {**taken, "stayId": stay, "until": ahead(hours=2)}),
        ("setRoomPolicy", {**in_room, "policy": "ISOLATION"}),
        ("cancelAdmission", {"stayId": mother, **IN_ERROR}),
        ("correctMovement", {"movementId": hidden, **WRONG}),
        ("recordAdministration", {"prescriptionId": prescription, "given": True}),
    ]
    return Things(here, commands, labelled, away_now)


@pytest.mark.parametrize("role", list(Role))
def test_mistake_225_no_refusal_tells_what_is_closed(
    shared: Ward, things: Things, role: Role
) -> None:
    """By GraphQL and as a batch; to who sees labels the stays in the other ward are closed."""
    client = GraphQLClient(shared.client.http, LOGIN.make(role, f"refused {role}", [things.here]))
    canaries = things.away | (things.labelled if hidden_labels(role) else set())
    provoked = set()
    for command, content in things.commands:
        fields = {"commandId": str(uuid4()), **content}
        body = {"commands": [{"mutation": command, "input": fields}]}
        batch = client.http.post("/commands", json=body, headers=client._headers).json()
        answers = (batch["results"][0], client.raw(refusals_of(command), {"input": fields}))
        for answer in answers:
            text, asked = json.dumps(answer), json.dumps(content)
            assert "INTERNAL" not in text, (command, answer)
            told = {word for word in canaries if word in text and word not in asked}
            assert not told, (command, told, answer)
        provoked.add((command, answers[0].get("__typename")))
    assert not {command for command, kind in provoked if kind is None}
    if role in (Role.NURSE, Role.BED_MANAGER):
        assert {kind for _, kind in provoked} >= {
            "BedNotOpen", "ContradictsLaterFacts", "NotAllowed", "SharersUnplaced",
        }  # fmt: skip


def refusals_of(command: str) -> str:
    """Return a mutation that selects all that its refusals have, with the stays that they show."""
    name = command[0].upper() + command[1:]
    union = cast(GraphQLUnionType, schema._schema.type_map[f"{name}Result"])
    members = [m for m in union.types if any(i.name == "Refusal" for i in m.interfaces)]
    selections = [
        f"... on {member.name} {{ "
        + " ".join(
            f"{member.name}_{field}: {field}{inner(of.type)}" for field, of in member.fields.items()
        )
        + " }"
        for member in members
    ]
    return (
        f"mutation($input: {name}Input!) {{ {command}(input: $input) {{ __typename"
        f" {' '.join(selections)} }} }}"
    )


def inner(kind: Any) -> str:
    kind = item(kind)
    return "" if is_leaf_type(kind) else " { id }"
