"""Query of a search: its parameters as they are read (https://hl7.org/fhir/R4/search.html)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from api.fhir.elements import elements_asked
from api.fhir.outcome import FhirError
from api.fhir.parameters import Criterion, criterion, whole_number
from api.fhir.registry import RESOURCES, reverse_includes
from api.fhir.resource import MOST, PAGE, Resource

RESULT = (
    "_count",
    "_total",
    "_summary",
    "_elements",
    "_include",
    "_revinclude",
    "_sort",
    "_after",
    "_known",
)
"""Parameters of the result, beside those of the search itself."""

EVERYWHERE = ("asOf", "knownAt", "_format", "_pretty")
"""Parameters that every request may have."""

WITH_REVERSE = 20
"""The most matches of a page that includes what refers to them."""


@dataclass(frozen=True, slots=True)
class Chain:
    """A parameter that leads to what is searched by another one: ``patient.family=Abel``."""

    name: str
    type: str
    parameter: str
    value: str


@dataclass(slots=True)
class Query:
    """A search: its parameters, order and page."""

    resource: Resource
    server: str = ""
    """The address of this server."""
    criteria: dict[str, list[Criterion]] = field(default_factory=dict)
    count: int = PAGE
    total: bool = False
    includes: list[str] = field(default_factory=list)
    reverse: list[tuple[str, str]] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)
    """The parameters by which matches are told in part."""
    elements: Sequence[str] | None = None
    """The elements of matches that are asked for; None for all."""
    after: str | None = None
    kept: list[tuple[str, str]] = field(default_factory=list)
    """The parameters that were understood, as they were given."""
    chains: list[Chain] = field(default_factory=list)
    sort: list[tuple[str, bool]] = field(default_factory=list)
    """Parameters by which matches are sorted, each with whether the greatest comes first."""
    unknown: list[str] = field(default_factory=list)

    @property
    def narrowed(self) -> list[tuple[Criterion, str]]:
        """Return the criteria that candidates are compared with."""
        return [(item, name) for name, criteria in self.criteria.items() for item in criteria]


def query_of(
    resource: Resource, given: Sequence[tuple[str, str]], strict: bool, server: str = ""
) -> Query:
    """Read the parameters of a search. Raises FhirError for what cannot be understood.

    ``strict``: also for a parameter that is not known (Prefer: handling=strict); else it is told.
    ``server``: the address of this one.
    """
    query = Query(resource, server)
    for name, value in given:
        base = name.partition(":")[0]
        if chain := _chain_of(resource, name, value):
            query.chains.append(chain)
        elif base in resource.searched_by:
            parameter = resource.searched_by[base]
            query.criteria.setdefault(base, []).append(criterion(name, value, parameter, server))
        elif not _of_result(query, name, value) and name not in EVERYWHERE:
            query.unknown.append(base)
            continue
        query.kept.append((name, value))
    if query.left.get("_summary") == "text" and (query.includes or query.reverse):
        raise FhirError(400, "invalid", "With _summary=text nothing is included.")
    if query.unknown and strict:
        raise FhirError(400, "not-supported", unknown_text(query))
    if query.reverse:
        query.count = min(query.count, WITH_REVERSE)
    resource.check(
        query.criteria | {chain.name: [Criterion(chain.name, None, ())] for chain in query.chains}
    )
    return query


def _chain_of(resource: Resource, name: str, value: str) -> Chain | None:
    """Return the chain that a parameter is; None if it is none, or leads to what is not searched so."""
    parameter, _, rest = name.partition(".")
    base, _, type = parameter.partition(":")
    targets = resource.searched_by[base].targets if base in resource.searched_by else ()
    if not rest or not targets or (type and type not in targets):
        return None
    target_parameter, types = rest.partition(":")[0], [type] if type else targets
    fitting_types = [
        name
        for name in types
        if name in RESOURCES
        and target_parameter in RESOURCES[name].searched_by
        and not RESOURCES[name].needed
    ]
    return Chain(base, fitting_types[0], rest, value) if len(fitting_types) == 1 else None


def _of_result(query: Query, name: str, value: str) -> bool:
    """Read a parameter of the result; return whether it is one that is known."""
    match name:
        case "_count":
            query.count = min(whole_number(name, value), MOST)
        case "_total":
            if value not in ("accurate", "estimate", "none"):
                raise FhirError(400, "invalid", "_total is one of: accurate, estimate, none.")
            query.total = value != "none"
        case "_summary" | "_elements":
            query.elements = elements_asked(query.left | {name: value}, query.resource.type)
            query.left[name] = value
            query.count = 0 if value == "count" else query.count
        case "_sort":
            query.sort = _sorting(query.resource, value)
        case "_after":
            query.after = value
        case "_known":
            pass
        case "_include" | "_revinclude":
            _include(query, name, value)
        case _:
            return False
    return True


def _sorting(resource: Resource, value: str) -> list[tuple[str, bool]]:
    """Return the parameters by which matches are sorted. Raises FhirError for one that is not known."""
    names = [name.strip() for name in value.split(",") if name.strip()]
    sorting = [(name.removeprefix("-"), name.startswith("-")) for name in names]
    if not names:
        raise FhirError(400, "invalid", "_sort has no value: give one, or leave it out.")
    if any(name not in resource.searched_by for name, _ in sorting):
        raise FhirError(
            400,
            "not-supported",
            f"_sort takes parameters of the search alone: {', '.join(resource.searched_by)}.",
        )
    return sorting


def _include(query: Query, name: str, value: str) -> None:
    """Read an include. Raises FhirError for one that is not known."""
    type, _, parameter = value.partition(":")
    parameter, _, target = parameter.partition(":")
    resource = query.resource
    if name == "_include":
        reference = resource.includes.get(parameter) if type == resource.type else None
        if reference and (not target or target in reference.targets):
            query.includes.append(parameter)
            return
        names = [f"{resource.type}:{parameter}" for parameter in resource.includes]
    else:
        reverse = reverse_includes(resource.type)
        if (type, parameter) in reverse and target in ("", resource.type):
            query.reverse.append((type, parameter))
            return
        names = [":".join(pair) for pair in reverse]
    known_names = f"there are: {', '.join(names)}" if names else "there is none of this type"
    raise FhirError(400, "not-supported", f"This {name} is not known; {known_names}.")


def unknown_text(query: Query) -> str:
    names = ", ".join([*query.resource.searched_by, *RESULT[:7], *EVERYWHERE])
    return (
        f"{len(query.unknown)} of the parameters are not known here: the link self has the others."
        f" {query.resource.type} is searched by {names}."
    )
