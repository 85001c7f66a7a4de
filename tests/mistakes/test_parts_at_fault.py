"""Mistakes of other systems about what a refusal names: see `test_covered` for the list.

A refusal names a field that its mutation has, and the one that is wrong.
"""

from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type

from api.graphql.mutations.part_at_fault import part_at_fault
from api.graphql.mutations.refusals import HANDLERS
from api.graphql.schema import schema
from tests.support.api_dsl import Ward, ago, late
from tests.support.correction_examples import WRONG

UNSEEN = "\u200b"


def fields_of(kind: object) -> set[str]:
    input = get_named_type(kind)  # type: ignore[call-overload]
    if not isinstance(input, GraphQLInputObjectType):
        return set()
    return set(input.fields).union(*(fields_of(f.type) for f in input.fields.values()))


def test_mistake_586_a_refusal_names_a_field_that_the_mutation_has_not() -> None:
    graphql = schema._schema
    assert graphql.mutation_type is not None
    paths = {h.error_type.__name__: h.exception_type.path for h in HANDLERS}
    other_names = set()
    for mutation, field in graphql.mutation_type.fields.items():
        fields = fields_of(field.args["input"].type)
        for member in get_named_type(field.type).types:
            path = paths.get(member.name, ())
            if isinstance(path, tuple) and path:
                (part,) = part_at_fault(path, field.extensions["strawberry-definition"])
                assert part in fields, (mutation, member.name, part)
                other_names.add((mutation, path[0], part))
    assert ("withdrawConsult", "stay_id", "consultId") in other_names
    assert ("moveStay", "bed", "stayId") in other_names
    assert ("correctMovement", "prescription_id", "movementId") in other_names


def test_mistake_586_a_consult_that_was_answered_is_refused_by_its_own_field(ward: Ward) -> None:
    stay = ward.stay()
    reply = ward.record("requestConsult", stayId=stay, specialty="eyes", **late(ago(hours=9)))
    consult = {"consultId": reply["consult"]["id"]}
    seen = {"stayId": stay, "practitioner": ward.doctor(), "kind": "CONSULT", **consult}
    ward.record("recordVisit", **seen)
    answer = ward.execute("withdrawConsult", **consult)
    assert (answer["__typename"], answer["path"]) == ("StayStateBroken", ["consultId"])


@pytest.mark.parametrize(
    ("mutation", "field"),
    [
        ("openRoom", "room"),
        ("changeRoom", "newRoom"),
        ("changeRoom", "newWard"),
        ("correctRoom", "newRoom"),
        ("renameWard", "newWard"),
        ("correctPractitioner", "newStaffNumber"),
        ("correctPatientDetails", "newMrnAuthority"),
        ("correctPatientDetails", "mrn"),
    ],
)
def test_mistake_587_a_text_of_which_nothing_is_seen_is_refused_by_another_fields_name(
    ward: Ward, mutation: str, field: str
) -> None:
    name = ward.name("W")
    here = dict(zip(("ward", "room"), ward.room("a", ward=name).split("/"), strict=True))
    fields: dict[str, Any] = {
        "openRoom": {"ward": name, "beds": ["a"]},
        "changeRoom": here,
        "correctRoom": here,
        "renameWard": {"ward": name},
        "correctPractitioner": {"staffNumber": ward.doctor()},
        "correctPatientDetails": {"patientMrn": ward.patient()},
    }
    answer = ward.execute(mutation, **fields[mutation], **{field: UNSEEN}, **WRONG)
    assert (answer["__typename"], answer["path"], answer["field"]) == (
        "InvalidInput",
        [field],
        field,
    )
    assert answer["message"].startswith(f"{field}: it is blank")
