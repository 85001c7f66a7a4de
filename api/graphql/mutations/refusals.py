"""Refusal types of the result unions, generated from the domain's refusal classes.

One type per class of `domain.refusals`: the same name, the first line of its docstring as
description, and one field per attribute that is annotated with a description. An exception handler
per class makes a raised refusal the member of the union, so that no resolver catches anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from types import GenericAlias
from typing import Annotated, Any, Self, get_args, get_origin, get_type_hints
from uuid import UUID

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from api.errors import error_code
from api.graphql.batches import find_all
from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.mutations.part_at_fault import part_at_fault
from api.graphql.types.enums import BedState, RoomPolicy
from api.graphql.types.error_code import ErrorCode, first_line
from api.graphql.types.people import Patient
from api.graphql.types.rooms import Room
from api.graphql.types.stays import Stay
from api.telemetry import metrics
from domain import refusals
from domain.bed_ref import BedRef
from domain.fact_ref import FactKind, FactRef
from domain.problems import Problem
from domain.things import Thing


@shows(DataKind.HOUSE, subtypes=True)
@strawberry.interface(description="A command that was understood and not accepted.")
class Refusal:
    code: str = strawberry.field(description="The name of its type.")
    error_code: ErrorCode = strawberry.field(
        description="The code for programs, in the style of errors' extensions.errorCode."
    )
    message: str = strawberry.field(description="What is wrong, and what to do, for a person.")
    path: list[str] = strawberry.field(description="The part of the input at fault.")


def _described_attributes(kind: type) -> dict[str, tuple[Any, str]]:
    """Return the type and the description of each attribute that is annotated with one."""
    hints = get_type_hints(kind, include_extras=True)
    return {
        name: (hint.__origin__, hint.__metadata__[0])
        for name, hint in hints.items()
        if get_origin(hint) is Annotated
    }


_FACT = {name: description for name, (_, description) in _described_attributes(FactRef).items()}

strawberry.enum(FactKind, description="What a fact is that stands in the way.")
strawberry.enum(Thing, description="What a refusal says is not there, or is there already.")
strawberry.enum(Problem, description="What exactly is wrong, where errorCode names but its kind.")


@shows(DataKind.HOUSE)
@strawberry.type(description=FactRef.__doc__)
class Fact:
    id: strawberry.ID = strawberry.field(description=_FACT["id"])
    fact_kind: FactKind = strawberry.field(description=_FACT["fact_kind"])
    kind: str = strawberry.field(
        description="What it is, in words.", deprecation_reason="Use factKind, an enum."
    )
    occurred_at: datetime = strawberry.field(description=_FACT["occurred_at"])
    stay: strawberry.ID | None = strawberry.field(description=_FACT["stay"])

    @classmethod
    def of(cls, fact: FactRef) -> Self:
        return cls(
            id=_id(fact.id),
            fact_kind=fact.fact_kind,
            kind=fact.kind,
            occurred_at=fact.occurred_at,
            stay=_id(fact.stay) if fact.stay else None,
        )


def _id(id: UUID) -> strawberry.ID:
    return strawberry.ID(str(id))


CONVERSIONS: dict[Any, tuple[Any, Callable[[Any], Any]]] = {
    UUID: (strawberry.ID, _id),
    FactRef: (Fact, Fact.of),
    refusals.FieldName: (str, to_camel_case),
    refusals.PolicyName: (RoomPolicy, RoomPolicy),
    refusals.BedStateName | None: (BedState | None, lambda name: name and BedState(name)),
}
"""The GraphQL type and the conversion of each domain type that GraphQL shows in another shape."""


def _conversion(hint: Any) -> tuple[Any, Callable[[Any], Any]]:
    """Return the GraphQL type of a domain type, and the function from the one to the other."""
    if get_origin(hint) is tuple:
        kind, convert = _conversion(get_args(hint)[0])
        return GenericAlias(list, kind), lambda values: [convert(value) for value in values]
    return CONVERSIONS.get(hint, (hint, lambda value: value))


@dataclass(frozen=True)
class RefusalHandler:
    """Strawberry exception handler: one class of refusals as its member of the result unions."""

    exception_type: type[refusals.Refusal]
    error_type: type[Refusal]
    attributes: dict[str, tuple[str, Callable[[Any], Any]]]
    """By field of the member: the attribute of the refusal, and its conversion."""

    def handle(self, exception: refusals.Refusal, *, field: StrawberryField, info: Any) -> Refusal:
        metrics.REFUSALS.labels(exception.code).inc()
        data = {
            name: convert(getattr(exception, attribute))
            for name, (attribute, convert) in self.attributes.items()
        }
        return self.error_type(
            code=exception.code,
            error_code=ErrorCode[error_code(exception.code)],
            message=exception.text(to_camel_case),
            path=part_at_fault(exception.path, field),
            **data,
        )


def _handler(refusal: type[refusals.Refusal]) -> RefusalHandler:
    """Generate the member type of a class of refusals, with its handler."""
    namespace: dict[str, Any] = {"__module__": __name__}
    annotations: dict[str, Any] = {}
    attributes: dict[str, tuple[str, Callable[[Any], Any]]] = {}
    for name, (hint, description) in _described_attributes(refusal).items():
        if hint is BedRef:  # its label is read when it is asked for
            reference = f"{name}_ref"
            annotations[reference] = strawberry.Private[BedRef]
            attributes[reference] = name, lambda bed: bed
            namespace[name] = strawberry.field(
                resolver=_bed_label(reference), description=description
            )
        else:
            annotations[name], convert = _conversion(hint)
            attributes[name] = name, convert
            namespace[name] = strawberry.field(
                description=description, deprecation_reason=DEPRECATED.get((refusal.__name__, name))
            )
        if (refusal.__name__, name) in OBJECTS:
            field, field_description = OBJECTS[refusal.__name__, name]
            of = Patient if name == "candidates" else Stay
            resolver = _objects(of, name) if get_origin(hint) is tuple else _object(of, name)
            namespace[field] = strawberry.field(resolver=resolver, description=field_description)
    member = type(refusal.__name__, (Refusal,), namespace | {"__annotations__": annotations})
    member = strawberry.type(member, description=first_line(refusal))
    return RefusalHandler(refusal, member, attributes)


DEPRECATED = {
    ("RoomPolicyBroken", "policy"): "Use roomPolicy, an enum.",
    ("MovementNotFound", "what"): "Use thing, an enum.",
    ("NotFound", "what"): "Use thing, an enum.",
    ("AlreadyExists", "what"): "Use thing, an enum.",
}
"""Fields that others stand for, by the class of the refusal and the attribute."""

OBJECTS = {
    ("BedOccupied", "by_stay"): ("occupied_by", "That stay as now held, if you may see it."),
    ("PatientAlreadyAdmitted", "stay"): (
        "other_stay",
        "That stay as now held, if you may see it.",
    ),
    ("SharersUnplaced", "stays"): ("children", "Those stays as now held that you may see."),
    ("MergeImpossible", "stays"): (
        "stays_at_once",
        "Those stays as now held that you may see.",
    ),
    ("ErasureImpossible", "stays"): ("open_stays", "Those stays as now held that you may see."),
    ("LikelyDuplicates", "candidates"): ("likely", "Those patients that you may see."),
}
"""The fields that show stays and patients whose ids a refusal has, by its class and the attribute."""


def _object(of: type[Stay] | type[Patient], attribute: str) -> Callable[..., Any]:
    """Return the resolver of the stay or patient whose id is in an attribute."""

    async def resolve(self: Any, info: Info) -> Any:
        return await of.find(info, UUID(getattr(self, attribute)), await info.context.at())

    resolve.__annotations__["return"] = of | None
    return resolve


def _objects(of: type[Stay] | type[Patient], attribute: str) -> Callable[..., Any]:
    """Return the resolver of the stays or patients whose ids are in an attribute."""

    async def resolve(self: Any, info: Info) -> Any:
        at = await info.context.at()
        return await find_all(of.find(info, UUID(id), at) for id in getattr(self, attribute))

    resolve.__annotations__["return"] = GenericAlias(list, of)
    return resolve


def _bed_label(reference: str) -> Callable[..., Any]:
    """Return the resolver of a bed's label, given the attribute that has its reference."""

    async def resolve(self: Any, info: Info) -> str:
        bed: BedRef = getattr(self, reference)
        status = await info.context.log_status()
        room = await Room.find(info, bed.room, info.context.moment(status.now, status.position))
        return f"{room.ward}/{room.number}/{bed.bed}" if room else bed.bed

    return resolve


HANDLERS = [_handler(refusal) for refusal in refusals.Refusal.__subclasses__()]
MEMBERS = {handler.exception_type: handler.error_type for handler in HANDLERS}
"""The member of the result unions by class of refusals."""


def parameters_of(refusal: refusals.Refusal) -> dict[str, Any]:
    """Return the fields of a refusal that are JSON, for the extensions of an error."""
    (handler,) = (handler for handler in HANDLERS if isinstance(refusal, handler.exception_type))
    values = {
        to_camel_case(name): convert(getattr(refusal, attribute))
        for name, (attribute, convert) in handler.attributes.items()
    }
    return {
        name: value.name if isinstance(value, Enum) else value
        for name, value in values.items()
        if isinstance(value, str | int)
    }
