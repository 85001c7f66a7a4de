"""Groups of commands about one subject, and the decorators that declare a command in them."""

from collections.abc import Callable, Mapping
from functools import wraps
from inspect import getmembers
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from application.authorization.roles import Roles, grant
from application.command import CommandSpec, Recorded, Request, Rules
from application.command_pipeline import CommandPipeline, Invocation
from application.ports import EventStore
from application.unit_of_work import UnitOfWork
from domain.refusals import InvalidInput, Refusal
from domain.text import BLANK, is_blank


class CommandGroup:
    """The commands about one subject: methods declared by `command` or `correction`."""

    def __init__(self, pipeline: CommandPipeline) -> None:
        self.pipeline = pipeline

    @property
    def rules(self) -> Rules:
        return self.pipeline.rules

    @property
    def record(self) -> EventStore:
        return self.pipeline.record


P = ParamSpec("P")
G = TypeVar("G", bound=CommandGroup)

Decide = Callable[Concatenate[G, UnitOfWork, P], None]
Command = Callable[Concatenate[G, Request, P], Recorded]


def command(
    *, roles: Roles, raises: tuple[type[Refusal], ...] = ()
) -> Callable[[Decide[G, P]], Command[G, P]]:
    """Declare a method that decides as a command, which is recorded once and whole or refused.

    The method may run several times: it reads through the `UnitOfWork` and calls the aggregates.
    The command raises `NotAllowed` for other ``roles``, and only refusals that are in ``raises`` or
    in `COMMON_REFUSALS`; nothing is recorded then. Its `CommandSpec` is the attribute ``spec``.
    """

    def declare(decide: Decide[G, P]) -> Command[G, P]:
        return _declare(roles, raises, False, decide)

    return declare


def correction(
    *,
    roles: Roles,
    raises: tuple[type[Refusal], ...] = (),
    own_times: tuple[str, ...] | None = None,
) -> Callable[[Decide[G, P]], Command[G, P]]:
    """Declare a `command` whose ``occurred_at`` is the corrected time of the fact.

    The act of correcting itself occurs now, and needs a reason (HL7 EVN-4). ``own_times``: the
    parameters that say the times of the fact instead, none of a fact that is taken back; then
    ``occurred_at`` is refused.
    """

    def declare(decide: Decide[G, P]) -> Command[G, P]:
        return _declare(roles, raises, True, decide, own_times)

    return declare


def _declare(
    roles: Roles,
    raises: tuple[type[Refusal], ...],
    corrects: bool,
    decide: Decide[G, P],
    own_times: tuple[str, ...] | None = None,
) -> Command[G, P]:
    name = decide.__name__
    grant(name, roles)

    spec = CommandSpec(name, roles, raises, corrects, decide, own_times)

    @wraps(decide)
    def execute(group: G, request: Request, /, *args: P.args, **content: P.kwargs) -> Recorded:
        assert not args, "commands take keyword arguments only"
        return group.pipeline.execute(invocation(group, spec, request, content))

    execute.spec = spec  # type: ignore[attr-defined]
    return cast("Command[G, P]", execute)


def invocation(
    group: CommandGroup, spec: CommandSpec, request: Request, content: Mapping[str, Any]
) -> Invocation:
    """Return a command of a group with its request and input, to be executed."""

    def attempt(uow: UnitOfWork) -> None:
        try:
            spec.decide(group, uow, **uow.without_clock_skew(content))
        except InvalidInput as refusal:
            raise _as_sent(refusal, content) from None

    return Invocation(request, spec.name, content, attempt, spec.corrects, spec.own_times)


def _as_sent(refusal: InvalidInput, content: Mapping[str, object]) -> InvalidInput:
    """Return a refusal of a blank text with the field of the command that has it.

    The event, which refused it, may call it otherwise: the new ward is the ward there.
    """
    blank_fields = [name for name, value in content.items() if is_blank(value)]
    if not refusal.is_blank or not blank_fields or refusal.field in blank_fields:
        return refusal
    likely_first = sorted(blank_fields, key=lambda name: not name.endswith(refusal.field))
    return InvalidInput(likely_first[0], BLANK, is_blank=True)


def specs_of(commands: type) -> dict[str, CommandSpec]:
    """Return the specifications of a class's commands by name."""
    specs = (getattr(method, "spec", None) for _, method in getmembers(commands))
    return {spec.name: spec for spec in specs if isinstance(spec, CommandSpec)}
