"""Every list of the schema, in each of its orders, page by page to its end."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from graphql import GraphQLEnumType, get_named_type

from api.graphql.schema import schema
from tests.support.api_dsl import Ward, ago, late
from tests.support.source_movement_examples import admission, report

QUERY = schema._schema.query_type
assert QUERY is not None
ORDERING = ("orderBy", "read")
LISTS = {name: f for name, f in QUERY.fields.items() if str(f.type).endswith("Connection!")}


def orders(name: str) -> list[dict[str, str]]:
    """Return each order, and each way to read it, in which a list can be asked for."""
    kinds = {a: get_named_type(d.type) for a, d in LISTS[name].args.items() if a in ORDERING}
    values = [list(kind.values) for kind in kinds.values() if isinstance(kind, GraphQLEnumType)]
    return [dict(zip(kinds, each, strict=True)) for each in product(*values)]


@pytest.fixture(scope="module")
def walked(shared: Ward) -> Ward:
    """A house in which each list has some entries."""
    ward = shared
    room = ward.room("a", "b", "c", ward=ward.name("W"))
    mrns = [ward.patient(familyName="Same") for _ in range(5)]
    stays = [
        ward.stay(f"{room}/{bed}", patientMrn=mrn) for bed, mrn in zip("abc", mrns[:3], strict=True)
    ]
    for stay in stays:
        ward.record("changeSpecialty", stayId=stay, specialty="renal", **late(ago(hours=3)))
        ward.record("requestBed", stayId=stay)
        ward.record("requestConsult", stayId=stay, specialty="skin", question="what is it?")
    for mrn in mrns[3:]:
        ward.record("planAdmission", patientMrn=mrn, expectedAt=ago(hours=-30))
        report(
            ward, ward.name("V"), "1", 1, movement=admission(ward.name("U"), ago(hours=9), "X/1/a")
        )
    for _ in range(3):
        ward.doctor()
        day = ago(days=3)[:10]
        period = {"from": day, "to": day}
        ward.record("issueReport", name="inpatient-census", period=period)
    for mrn in mrns:
        ward.ask("query($mrn: String!) { patient(mrn: $mrn) { familyName } }", mrn=mrn)  # a reading
    return ward


def pages(ward: Ward, name: str, size: int, **arguments: Any) -> Iterator[dict[str, Any]]:
    """Ask for a list page by page, and once more after its last."""
    types = {argument: str(LISTS[name].args[argument].type) for argument in arguments}
    declared = ", ".join(f"${argument}: {type}" for argument, type in types.items())
    given = ", ".join(f"{argument}: ${argument}" for argument in arguments)
    after_type = LISTS[name].args["after"].type
    document = (
        f"query($first: Int, $after: {after_type}{', ' if declared else ''}{declared}) {{"
        f" {name}(first: $first, after: $after{', ' if given else ''}{given}) {{ totalCount"
        " edges { cursor } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    after = None
    while True:
        page = ward.ask(document, first=size, after=after, **arguments)[name]
        yield page
        if not page["edges"] and not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


@pytest.mark.parametrize(("name", "order"), [(n, each) for n in LISTS for each in orders(n)])
def test_a_list_is_the_same_page_by_page_to_its_end(
    walked: Ward, name: str, order: dict[str, str]
) -> None:
    own = {}
    if name == "timeline":
        stays = walked.ask("{ stays(first: 1) { nodes { id } } }")["stays"]["nodes"]
        own = {"stayId": stays[0]["id"]}
    if name == "accesses":
        own = {"to": ago()}  # for this question is one
    whole = list(pages(walked, name, 500, **own, **order))
    cursors = [edge["cursor"] for page in whole for edge in page["edges"]]
    assert len(cursors) > 1
    assert len(set(cursors)) == len(cursors)
    assert {page["totalCount"] for page in whole} <= {None, len(cursors)}
    for size in (1, 2):
        result = list(pages(walked, name, size, **own, **order))
        assert [edge["cursor"] for page in result for edge in page["edges"]] == cursors
        assert {page["totalCount"] for page in result} <= {None, len(cursors)}
        assert [page["pageInfo"]["hasPreviousPage"] for page in result] == [False] + [True] * (
            len(result) - 1
        )
        last = (
            result[-1:] if name == "events" else result[-2:]
        )  # that one may end with what is not told
        assert {page["pageInfo"]["hasNextPage"] for page in last} == {False}
