"""Arguments that many queries take: the two clocks, and the page."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import update_wrapper
from inspect import Parameter, signature
from typing import Annotated, Any, TypeVar

from strawberry import argument

from api.graphql.context import Info
from api.graphql.moment_input import MomentInput
from api.graphql.relay import After as After
from api.graphql.relay import First as First
from api.graphql.scalars import Position
from api.graphql.scalars import id_of as id_of
from domain.refusals import InvalidInput
from infrastructure.queries.as_of import AsOf

V = TypeVar("V")

AsOfArgument = Annotated[
    datetime | None, argument(description="As of this moment at the bedside; now by default.")
]
KnownAt = Annotated[
    datetime | None, argument(description="As known to the record then; now by default.")
]
KnownAtPosition = Annotated[
    Position | None, argument(description="As known at this place in the log.")
]
AtLeast = Annotated[Position | None, argument(description="Wait until this can be read.")]
MomentArgument = Annotated[
    MomentInput | None,
    argument(name="at", description="Both clocks in one value, instead of the four arguments."),
]
KnownMoment = Annotated[
    MomentInput | None,
    argument(name="at", description="As known when, in one value; it names no asOf."),
]
FromKnown = Annotated[datetime, argument(description="As known to the record then.")]
ToKnown = Annotated[
    datetime | None, argument(description="As known to the record then; now by default.")
]
MrnAuthority = Annotated[
    str | None, argument(description="Who assigned the MRN; the hospital's own by default.")
]

Hours = Annotated[int, argument(description="For so many hours ahead, 1 to 168.")]
MOST_HOURS = 7 * 24


def hours_ahead(hours: int) -> int:
    """Return a number of hours ahead. Raises InvalidInput if it is too small or too large."""
    if not 1 <= hours <= MOST_HOURS:
        raise InvalidInput("hours", f"ask for 1 to {MOST_HOURS} hours")
    return hours


def bitemporal(resolver: Callable[..., Awaitable[V]]) -> Callable[..., Awaitable[V]]:
    """Give a resolver the arguments of both clocks, and it the moment that they name as `at`.

    For questions about a moment; those about a period or a change have arguments of their own.
    """

    async def resolve(
        self: Any,
        *,
        info: Info,
        as_of: AsOfArgument = None,
        known_at: KnownAt = None,
        known_at_position: KnownAtPosition = None,
        at_least: AtLeast = None,
        moment: MomentArgument = None,
        **arguments: Any,
    ) -> V:
        at = await info.context.at(as_of, known_at, known_at_position, at_least, moment)
        return await resolver(self, info=info, at=at, **arguments)

    of_resolver, clocks = signature(resolver), signature(resolve)
    first, *others = (p for name, p in of_resolver.parameters.items() if name != "at")
    others += (p for p in clocks.parameters.values() if p.default is None)
    parameters = first, *(p.replace(kind=Parameter.KEYWORD_ONLY) for p in others)
    update_wrapper(resolve, resolver)
    resolve.__signature__ = of_resolver.replace(parameters=parameters)  # type: ignore[attr-defined]
    return resolve


def check_subject(mrn: str | None, stay_id: str | None, is_needed: bool = True) -> None:
    """Check that a patient or a stay is named, not both. Raises InvalidInput."""
    subjects = [value for value in (mrn, stay_id) if value is not None]
    if len(subjects) > 1 or (is_needed and not subjects):
        raise InvalidInput("mrn", "name a patient by mrn, or a stay by stayId")


def known_moment(moment: MomentInput | None) -> MomentInput | None:
    """Return a moment of the record alone. Raises InvalidInput for one at the bedside, too."""
    if moment is not None and moment.as_of:
        raise InvalidInput("at", "this is asked of a period or a fact: leave out asOf")
    return moment


async def two_moments(
    info: Info, as_of: datetime | None, from_known: datetime, to_known: datetime | None
) -> tuple[AsOf, AsOf]:
    """Return a moment as known later, and as known before."""
    after = await info.context.at(as_of, to_known)
    before = await info.context.at(after.as_of, from_known)
    if before.known > after.known:
        raise InvalidInput("fromKnown", "it lies after toKnown")
    return after, before
