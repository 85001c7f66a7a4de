"""Mutation fields, generated from the inputs and the specifications of their commands.

An input is declared with `command_input`. Its mutation's result union (the payload, the refusals
that the command's specification lists, those that every command may meet) and its resolver, which
is `dispatch` for all, follow from that.
"""

from collections.abc import Callable
from types import ModuleType
from typing import Annotated, Any, TypeVar, Union

import strawberry
from strawberry.types.field import StrawberryField
from strawberry.utils.str_converters import to_camel_case

from api.graphql.context import Info
from api.graphql.mutations.dispatch import dispatch
from api.graphql.mutations.inputs import CommandInput
from api.graphql.mutations.payloads import Parked, RecordedNotYetReadable, RecordedPayload
from api.graphql.mutations.refusals import MEMBERS
from application.command import COMMON_REFUSALS, CommandSpec
from application.hospital import COMMANDS

Input = TypeVar("Input", bound=type[CommandInput])

_FIELDS: dict[str, list[StrawberryField]] = {}
"""The mutation fields by the module of their inputs, in the order of declaration."""


def command_input(
    command: str, payload: type[RecordedPayload], description: str, mutation_description: str = ""
) -> Callable[[Input], Input]:
    """Declare the input of a command, and with it the mutation of the same name.

    ``mutation_description`` is the mutation's own, where it is another than the input's.
    """

    def declare(cls: Input) -> Input:
        input_type: Input = strawberry.input(cls, description=description)
        field = _mutation(
            COMMANDS[command], input_type, payload, mutation_description or description
        )
        _FIELDS.setdefault(cls.__module__, []).append(field)
        return input_type

    return declare


def mutations_of(module: ModuleType) -> list[StrawberryField]:
    """Return the mutation fields of the inputs that a module declares, in their order."""
    return _FIELDS[module.__name__]


def _mutation(
    command: CommandSpec,
    input_type: type[CommandInput],
    payload: type[RecordedPayload],
    description: str,
) -> Any:
    async def resolve(info: Info, input: Any) -> Any:
        return await dispatch(info, input, command, payload)

    resolve.__name__ = command.name
    resolve.__annotations__ = {
        "info": Info,
        "input": input_type,
        "return": _result_union(command, payload),
    }
    return strawberry.mutation(resolve, description=description)


def _result_union(command: CommandSpec, payload: type[RecordedPayload]) -> Any:
    """Return the union that the mutation answers: payload, own refusals, common ones."""
    members = [MEMBERS[refusal] for refusal in command.raises]
    common = [MEMBERS[refusal] for refusal in COMMON_REFUSALS]
    name = to_camel_case(command.name)
    return Annotated[
        Union[(payload, *members, RecordedNotYetReadable, Parked, *common)],
        strawberry.union(
            f"{name[0].upper()}{name[1:]}Result",
            description=f"What {name} answers: what was recorded, or why not.",
        ),
    ]
