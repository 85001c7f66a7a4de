"""Mistakes about figures: typed in by hand, or of those only who came lately."""

import re
from typing import Any

from graphql import GraphQLInputObjectType, get_named_type

from api.graphql.schema import schema
from tests.reports.test_asked import report, values
from tests.support.api_dsl import Ward, ago, late


def _inputs(kind: Any, seen: set[str]) -> list[str]:
    """The names of all that can be told in an input, in the inputs inside of it too."""
    named = get_named_type(kind)
    if not isinstance(named, GraphQLInputObjectType) or named.name in seen:
        return []
    seen.add(named.name)
    inside = [name for field in named.fields.values() for name in _inputs(field.type, seen)]
    return [*named.fields, *inside]


def test_mistake_25_bed_days_and_deaths_are_typed_in_by_hand(ward: Ward) -> None:
    """Every figure follows from the events, and there is no place to type one in."""
    room = ward.room("a", "b", ward="Figures")
    fields: dict[str, Any] = {"ward": "Figures"}
    assert values(report(ward, "bed-occupancy-rate", 5, 2, **fields), "serviceDays") == [0]
    stay = ward.stay(f"{room}/a", at=ago(days=6))
    answer = ward.record("dischargePatient", stayId=stay, disposition="DIED", **late(ago(days=3)))
    fields["atLeast"] = answer["position"]
    beds = report(ward, "bed-turnover-rate", 5, 2, **fields)
    assert values(beds, "discharges") == [1]
    days = report(ward, "bed-occupancy-rate", 5, 2, **fields)
    assert (values(days, "serviceDays"), values(days, "availableBedDays")) == ([2], [8])

    mutations = schema._schema.mutation_type
    assert mutations is not None
    for name, mutation in mutations.fields.items():
        told_in = _inputs(mutation.args["input"].type, set())
        figures = [n for n in told_in if re.search("(?i)days|deaths|census|rate|count|figure", n)]
        assert figures == (["censusTime"] if name == "setHospitalTime" else [])


def test_mistake_26_the_census_leaves_out_those_admitted_before_the_period(ward: Ward) -> None:
    room = ward.room("a", "b", ward="Long")
    ward.stay(f"{room}/a", at=ago(days=25))
    ward.stay(f"{room}/b", at=ago(days=3))
    result = report(ward, "inpatient-census", 4, 2, ward="Long")
    assert values(result, "census") == [1, 2, 2]
