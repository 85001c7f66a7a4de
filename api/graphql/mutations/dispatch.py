"""From a mutation's input to its command, and from the recorded command to the mutation's payload."""

from collections.abc import Hashable
from dataclasses import fields
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import strawberry
from strawberry.types.base import has_object_definition

from api.graphql.context import Info
from api.graphql.mutations.inputs import BLANK_IS_ABSENT, CommandInput, IdOf
from api.graphql.mutations.payloads import Parked, ReadBack, RecordedNotYetReadable, RecordedPayload
from api.telemetry import metrics
from api.telemetry.logs import COMMAND_ID
from api.work import WORK, in_thread
from application.command import CommandSpec, Recorded, Request
from domain.refusals import InvalidInput, NotFound, Refusal
from domain.things import Thing
from infrastructure import tracing
from infrastructure.queries.log import versions_by_id
from infrastructure.queries.projection_status import parked_in

COMMON_INPUT = tuple(f.name for f in fields(CommandInput))
"""The input fields that every command has."""

PROJECTED_SECONDS = 0.01
"""The processor time that the database and the read models take for a command: not measured here."""


async def dispatch(
    info: Info, input: CommandInput, command: CommandSpec, payload: type[RecordedPayload]
) -> RecordedPayload:
    """Record a command, wait until its position can be read, and read back its payload.

    A repeated command is answered as known at its own position, to who may see it today: a label
    may have closed it since. Raises Refusal; nothing is recorded then.
    """
    context = info.context
    await payload.prepare(info)
    execute = partial(
        context.state.hospital.command(command.name),
        request(info, input),
        **parameters(input, command),
    )
    outcome: Recorded
    try:
        outcome = await in_thread(execute, is_short=not payload.computes_long)
    except Refusal as refusal:
        context.refusals.append(refusal)
        raise
    if work := WORK.get():
        work.use(PROJECTED_SECONDS)
    if command.name == "break_glass" and not outcome.repeated:
        metrics.EMERGENCY_ACCESSES.inc()
    context.note_position(outcome.position)
    is_of_many = command.name == "correct_facts"  # each with a time of its own
    entry = outcome.entry if is_of_many else outcome.own_event().entry
    common_fields: dict[str, Any] = {
        "command_id": strawberry.ID(str(outcome.command_id)),
        "position": context.position(outcome.position),
        "recorded_at": outcome.recorded_at,
        "occurred_at": entry.occurred_at,
    }
    progress = context.state.progress
    with tracing.span("wait for the read models"):
        is_readable = await progress.wait_for(
            outcome.position, context.state.settings.read_timeout_seconds
        )
    if progress.parked and (read_models := await context.query(parked_in, outcome.command_id)):
        return Parked.by(read_models, common_fields)
    if not is_readable:
        return RecordedNotYetReadable(**common_fields)
    context.refresh()
    await context.load_permissions()
    context.viewer.just_written = frozenset() if outcome.repeated else _written_by(outcome)
    as_of = max(outcome.recorded_at, outcome.entry.occurred_at)
    at = context.moment(as_of, outcome.position)
    versions = {event.originator_id: event.originator_version for event in outcome.events}
    context.note_views(versions_by_id, versions, at)
    read = ReadBack(info, outcome, common_fields, at)
    result = await payload.load(read)
    if result is None:
        assert outcome.repeated, "what was just written can be read by who wrote it"
        return RecordedNotYetReadable(**common_fields)
    return result


def _written_by(result: Recorded) -> frozenset[UUID]:
    """Return the ids of the streams, stays and patients that a command is about."""
    subjects = [event.entry.about for event in result.events if event.entry.about]
    streams = frozenset(event.originator_id for event in result.events)
    return streams | {s.patient for s in subjects} | {s.stay for s in subjects if s.stay}


def request(info: Info, input: CommandInput) -> Request:
    """Return the request of a command: its sender, and the input that all commands share."""
    try:
        command_id = UUID(input.command_id)
    except ValueError:
        raise InvalidInput("commandId", "make a UUID for each command") from None
    COMMAND_ID.set(str(command_id))
    return Request(
        command_id=command_id,
        by=info.context.caller.actor,
        occurred_at=input.occurred_at or None,
        precision=input.occurred_at_precision or None,
        performed_by=input.performed_by or None,
        witnessed_by=input.witnessed_by or None,
        reason=input.reason or None,
        wards=info.context.caller.wards,
        expected_version=None
        if input.expected_version is strawberry.UNSET
        else input.expected_version,
    )


def parameters(input: CommandInput, command: CommandSpec) -> dict[str, Any]:
    """Return the command's own parameters; absent ones are left to its defaults."""
    types = {name: parameter.annotation for name, parameter in command.parameters.items()}
    return _converted_fields(input, types)


def _converted_fields(input: Any, types: dict[str, Any]) -> dict[str, Any]:
    """Return the input's values by name, each as the type that is wanted of that name."""
    input_type: Any = type(input)
    hints = _hints(input_type)
    values: dict[str, Any] = {}
    for field in fields(input):
        value = getattr(input, field.name)
        if value is None or value is strawberry.UNSET or field.name not in types:
            continue
        if value == "" and field.metadata.get(BLANK_IS_ABSENT):
            continue
        values[field.name] = _convert(value, hints[field.name], types[field.name], field.name)
    return values


def _convert(value: Any, hint: Any, type_: Any, name: str) -> Any:
    """Return an input's value as a domain type: lists as tuples, ids as UUIDs, inputs as ``type_``."""
    hint, type_ = _without_none(hint), _without_none(type_)
    if isinstance(value, list):
        item_hint, item_type = get_args(hint)[0], get_args(type_)[0]
        return tuple(_convert(item, item_hint, item_type, name) for item in value)
    if has_object_definition(value):
        return type_(**_converted_fields(value, _hints(type_)))
    for id_of in getattr(hint, "__metadata__", ()):
        if isinstance(id_of, IdOf):
            return uuid(value, id_of.thing, id_of.field or name)
    return value


@cache
def _hints(kind: Hashable) -> dict[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _without_none(hint: Any) -> Any:
    """Return the type without None."""
    if get_origin(hint) in (Union, UnionType):
        return next(arg for arg in get_args(hint) if arg is not NoneType)
    return hint


def uuid(text: str, thing: Thing, field: str) -> UUID:
    """Return the id that a text is. Raises NotFound for one that cannot be an id of anything."""
    try:
        return UUID(text)
    except ValueError:
        raise NotFound(thing, text, field) from None
