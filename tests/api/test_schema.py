"""The schema by itself: complete, described, and the same names as the commands have."""

import inspect
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import pytest
import strawberry
from graphql import (
    GraphQLEnumType,
    GraphQLEnumValue,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLScalarType,
    GraphQLUnionType,
    get_named_type,
)
from strawberry.utils.str_converters import to_camel_case

from api.cli.schema import SDL_FILE
from api.errors import error_code
from api.graphql.mutations.dispatch import COMMON_INPUT
from api.graphql.mutations.refusals import HANDLERS, MEMBERS, OBJECTS, Fact
from api.graphql.schema import schema, sdl
from application import hospital
from application.command import COMMON_REFUSALS
from domain import refusals
from domain.bed_ref import BedRef
from domain.clinical_refusals import ClinicalWarning
from domain.described_enum import DescribedEnum
from domain.fact_ref import FactKind, FactRef
from domain.problems import Problem
from domain.refusals import Refusal
from domain.things import Thing
from tests.support.shared_history import Lived

TYPES = {
    name: kind
    for name, kind in schema._schema.type_map.items()
    if not name.startswith("__") and name not in ("Boolean", "Float", "ID", "Int", "String")
}
MUTATION = TYPES["Mutation"]
assert isinstance(MUTATION, GraphQLObjectType)
MUTATIONS = MUTATION.fields
OPERATORS = {"skip_command", "retry_parked"}
"""Commands of those who run the record, given on its command line."""

COMMANDS = {
    to_camel_case(name): spec for name, spec in hospital.COMMANDS.items() if name not in OPERATORS
}
EVERY_REFUSAL = {kind.__name__: kind for kind in Refusal.__subclasses__()}


def upper(name: str) -> str:
    return name[0].upper() + name[1:]


def input_of(mutation: str) -> GraphQLInputObjectType:
    kind = TYPES[f"{upper(mutation)}Input"]
    assert isinstance(kind, GraphQLInputObjectType)
    return kind


def members(mutation: str) -> dict[str, GraphQLObjectType]:
    union = TYPES[f"{upper(mutation)}Result"]
    assert isinstance(union, GraphQLUnionType)
    return {member.name: member for member in union.types}


def interfaces(kind: GraphQLObjectType) -> set[str]:
    return {interface.name for interface in kind.interfaces}


# -- commands --


def test_every_command_is_a_mutation_and_every_mutation_a_command() -> None:
    assert set(MUTATIONS) == set(COMMANDS)


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_mutation_takes_one_input_and_answers_one_union_both_named_after_it(
    mutation: str,
) -> None:
    field = MUTATIONS[mutation]
    assert list(field.args) == ["input"]
    assert str(field.args["input"].type) == f"{upper(mutation)}Input!"
    assert str(field.type) == f"{upper(mutation)}Result!"


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_the_input_says_what_the_command_takes(mutation: str) -> None:
    """Same names, the same ones needed; ``from`` is called ``since`` in Python."""
    taken = {
        ("from" if name == "since" else to_camel_case(name)): parameter.default
        is inspect.Parameter.empty
        for name, parameter in COMMANDS[mutation].parameters.items()
    }
    common_input = {to_camel_case(name) for name in COMMON_INPUT}
    needs = {
        name: isinstance(field.type, GraphQLNonNull)
        for name, field in input_of(mutation).fields.items()
    }
    assert common_input <= set(needs)
    assert {name for name in common_input if needs[name]} == {"commandId"}
    assert {name: needed for name, needed in needs.items() if name not in common_input} == taken


# -- refusals --


def test_every_refusal_is_a_member_with_the_same_name() -> None:
    assert {kind.__name__: kind for kind in MEMBERS} == EVERY_REFUSAL
    for kind, member in MEMBERS.items():
        assert member.__name__ == kind.__name__
        shown = TYPES[kind.__name__]
        assert isinstance(shown, GraphQLObjectType)
        assert interfaces(shown) == {"Refusal"}


@pytest.mark.parametrize("mutation", MUTATIONS)
def test_a_union_has_one_success_two_that_cannot_be_read_back_and_the_declared_refusals(
    mutation: str,
) -> None:
    kinds = {name: interfaces(member) for name, member in members(mutation).items()}
    recorded = [name for name, of in kinds.items() if of == {"Recorded"}]
    assert len(recorded) == 3
    assert {"RecordedNotYetReadable", "Parked"} <= set(recorded)
    refusal = [name for name, of in kinds.items() if of == {"Refusal"}]
    assert len(refusal) + 3 == len(kinds)
    declared = (*COMMANDS[mutation].raises, *COMMON_REFUSALS)
    assert refusal == [kind.__name__ for kind in declared]


def test_every_refusal_is_in_some_union() -> None:
    in_some = {name for mutation in MUTATIONS for name in members(mutation)}
    assert set(EVERY_REFUSAL) <= in_some


@pytest.mark.slow
def test_a_union_has_the_refusals_that_the_command_was_seen_to_raise(lived: Lived) -> None:
    seen = {refusal.partition(": ")[::2] for refusal in lived.refused}
    seen = {(command, code) for command, code in seen if command not in OPERATORS}
    assert len(seen) > 30
    for command, code in sorted(seen):
        assert code in members(to_camel_case(command)), (command, code)


NOT_SHOWN = {
    "BedNotOpen": {"is_free_text"},
    "StayNotOpen": {"stay"},
    "OutsideStay": {"stay"},
    "NotFound": {"key", "field", "hint"},
    "MovementNotFound": {"id", "field"},
    "InvalidInput": {"is_blank"},
    "AlreadyExists": {"key", "field"},
    "LikelyDuplicates": {"patients"},
}
"""What a refusal carries and shows in its message alone."""

SOME_ID, SOME_TIME = uuid4(), datetime(2026, 3, 1, tzinfo=UTC)
SAMPLES: dict[Any, Any] = {
    UUID: SOME_ID,
    datetime: SOME_TIME,
    str: "valid_from",
    Thing: Thing.BED,
    bool: False,
    int | None: 7,
    str | None: "CLOSED",
    refusals.PolicyName: "ISOLATION",
    BedRef: BedRef(SOME_ID, "A"),
    tuple[UUID, ...]: (SOME_ID,),
    Mapping[ClinicalWarning, str]: {ClinicalWarning.ALLERGY: "An allergy"},
    tuple[FactRef, ...]: (FactRef(SOME_ID, FactKind.DOSE, SOME_TIME),),
    Problem: Problem.NO_INFUSION,
}


@pytest.mark.parametrize("name", EVERY_REFUSAL)
def test_a_refusal_shows_what_the_domain_knows(name: str) -> None:
    """What the exception carries beyond its message, the type has as a field."""
    kind = EVERY_REFUSAL[name]
    _, *parameters = inspect.signature(kind.__init__).parameters.values()
    refusal = kind(**{p.name: SAMPLES[p.annotation] for p in parameters})
    carried = set(vars(refusal)) - {"path", "_text"}
    fields = getattr(TYPES[name], "fields")  # noqa: B009
    assert NOT_SHOWN.get(name, set()) <= carried
    of_stays = {to_camel_case(field) for (of, _), (field, _) in OBJECTS.items() if of == name}
    assert set(fields) - {"code", "errorCode", "message", "path"} - of_stays == {
        to_camel_case(attribute) for attribute in carried - NOT_SHOWN.get(name, set())
    }

    (handler,) = (handler for handler in HANDLERS if handler.exception_type is kind)
    member = handler.handle(refusal, field=strawberry.field(), info=None)
    assert (member.code, member.message) == (name, refusal.text(to_camel_case))
    assert member.error_code == error_code(name)
    assert member.path == [to_camel_case(part) for part in refusal.path]
    for attribute in carried - NOT_SHOWN.get(name, set()) - {"bed"}:
        value = getattr(refusal, attribute)
        assert getattr(member, attribute) == ("validFrom" if attribute == "field" else shown(value))


def shown(value: Any) -> Any:
    match value:
        case UUID():
            return str(value)
        case FactRef(id, kind, occurred_at, None):
            return Fact(
                id=strawberry.ID(str(id)),
                fact_kind=kind,
                kind=kind.value,
                occurred_at=occurred_at,
                stay=None,
            )
        case tuple():
            return [shown(item) for item in value]
        case _:
            return value


# -- words --


def described() -> Iterator[tuple[str, Any]]:
    """Everything that can have a description, with its place in the schema."""
    for name, kind in TYPES.items():
        yield name, kind
        if isinstance(kind, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for field_name, field in kind.fields.items():
                yield f"{name}.{field_name}", field
                for argument, said in getattr(field, "args", {}).items():
                    yield f"{name}.{field_name}({argument})", said
        if isinstance(kind, GraphQLEnumType):
            for value_name, value in kind.values.items():
                yield f"{name}.{value_name}", value


def test_everything_in_the_schema_is_described() -> None:
    silent = [place for place, thing in described() if not (thing.description or "").strip()]
    assert silent == []
    assert len(list(described())) > 500


def test_what_needs_nothing_made_for_it_is_resolved_without_a_detour() -> None:
    bed, seen = TYPES["Bed"], SimpleNamespace(code="a")
    assert isinstance(bed, GraphQLObjectType)
    code, stay = bed.fields["code"].resolve, bed.fields["stay"].resolve
    nothing: Any = None

    assert code is not None
    assert code(seen, nothing) == "a"
    assert getattr(stay, "__qualname__", "") == "Bed.stay"


def test_resolvers_use_nothing_of_their_info_but_its_context() -> None:
    used = {
        used
        for file in (Path(__file__).parents[2] / "api" / "graphql").rglob("*.py")
        for used in re.findall(r"\binfo\.(\w+)", file.read_text())
    }
    assert used == {"context"}


def test_names_are_as_graphql_writes_them() -> None:
    for place, thing in described():
        kind, _, field = place.partition(".")
        if isinstance(thing, GraphQLEnumValue):
            continue
        assert re.fullmatch(r"[A-Z][A-Za-z]*", kind), place
        assert field == "" or re.fullmatch(r"[a-z][A-Za-z]*(\([a-zA-Z]+\))?", field), place
    for enum in TYPES.values():
        if isinstance(enum, GraphQLEnumType):
            assert all(re.fullmatch(r"[A-Z]+(_[A-Z]+)*", value) for value in enum.values)


def test_all_moments_are_the_strict_date_time() -> None:
    for place, thing in described():
        if re.search(r"(At|since|until|asOf|knownAt|expectedReturn)\)?$", place):
            kind = get_named_type(getattr(thing, "type", None))
            if kind is not None:
                assert kind.name == "DateTime", place
    scalars = {name for name, kind in TYPES.items() if isinstance(kind, GraphQLScalarType)}
    assert scalars == {"DateTime", "Date", "Time", "Position", "Long", "JSON"}


READS = ("asOf", "knownAt", "knownAtPosition", "atLeast")


def test_every_read_about_the_hospital_can_be_asked_about_any_past() -> None:
    queries = getattr(TYPES["Query"], "fields")  # noqa: B009
    timeless = {
        "accesses",
        "command",
        "projections",
        "stayDifference",
        "reportDefinitions",
        "events",
        "viewer",
        "node",
        "hospital",
    }
    for name, field in queries.items():
        taken = set(field.args) & set(READS)
        if name in timeless:
            assert taken == set()
        elif name in ("occupancyHistory", "exposure", "report", "reportBundle", "lateEntries"):
            assert taken == set(READS) - {"asOf"}
        elif name in ("reportIssue", "reportIssues"):  # what was said stays as it was said
            assert taken == {"atLeast"}
        elif name == "occupancyDifference":  # known at two moments of its own
            assert taken == {"asOf"}
        else:
            assert taken == set(READS), name


def test_a_member_of_an_enumeration_cannot_be_without_a_description() -> None:
    with pytest.raises(TypeError, match="'EAST' of Wind has no description"):

        class Wind(DescribedEnum):
            NORTH = "NORTH", "Cold."
            EAST = "EAST"


# -- kept --


def test_the_schema_that_is_kept_is_that_of_the_program() -> None:
    assert SDL_FILE.read_text() == sdl(), "run: wardbook schema --write"
