"""Search: parameters in, a Bundle of type searchset out (https://hl7.org/fhir/R4/http.html#search)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from api.fhir.elements import elements_asked, leave
from api.fhir.outcome import FhirError, outcome, suppress_not_found
from api.fhir.parameters import Criterion, criterion, matches, whole_number
from api.fhir.reader import Item, Reader
from api.fhir.registry import RESOURCES, reverse_includes
from api.fhir.resource import MOST, PAGE, Resource
from api.fhir.values import Json, present

RESULT = (
    "_count",
    "_total",
    "_summary",
    "_elements",
    "_include",
    "_revinclude",
    "_after",
    "_known",
)
"""Parameters of the result, beside those of the search itself."""

EVERYWHERE = ("asOf", "knownAt", "_format", "_pretty")
"""Parameters that every request may have."""

ROUNDS = 200
"""Candidates that are looked through for a page, for each that it may have; then it ends."""

COUNTED = 10_000
"""Candidates that are counted at most for a total."""

NAMING = {"_id", "identifier", "patient", "subject", "encounter", "context", "request", "target"}
"""Parameters that name a patient, or what is of one: a number that is told of it is read of them."""

WITH_REVERSE = 20
"""The most matches of a page that includes what refers to them."""


@dataclass(slots=True)
class Query:
    """What a search asks for."""

    resource: Resource
    criteria: dict[str, list[Criterion]] = field(default_factory=dict)
    count: int = PAGE
    total: bool = False
    includes: list[str] = field(default_factory=list)
    reverse: list[tuple[str, str]] = field(default_factory=list)
    elements: Sequence[str] | None = None
    """The elements of matches that are asked for; None for all."""
    after: str | None = None
    kept: list[tuple[str, str]] = field(default_factory=list)
    """The parameters that were understood, as they were given."""
    chains: list[tuple[str, str]] = field(default_factory=list)
    """Parameters of references, with the identifiers of the patients to which they lead."""
    unknown: list[str] = field(default_factory=list)

    @property
    def narrowed(self) -> list[tuple[Criterion, str]]:
        """Return the criteria that candidates are compared with."""
        return [(item, name) for name, criteria in self.criteria.items() for item in criteria]


def query_of(resource: Resource, given: Sequence[tuple[str, str]], strict: bool) -> Query:
    """Read the parameters of a search. Raises FhirError for what cannot be understood.

    ``strict``: also for a parameter that is not known (Prefer: handling=strict); else it is told.
    """
    query = Query(resource)
    for name, value in given:
        base = name.partition(":")[0]
        if (parameter_name := _chain_of(resource, name)) and value:
            query.chains.append((parameter_name, value))
        elif base in resource.searched_by:
            parameter = resource.searched_by[base]
            read = criterion(name, value, parameter)
            if read.values:
                query.criteria.setdefault(base, []).append(read)
        elif not _of_result(query, name, value) and base not in EVERYWHERE:
            query.unknown.append(base)
            continue
        query.kept.append((name, value))
    if query.unknown and strict:
        raise FhirError(400, "not-supported", _unknown_text(query))
    if query.reverse:
        query.count = min(query.count, WITH_REVERSE)
    resource.check(query.criteria | {name: [Criterion(name, None, ())] for name, _ in query.chains})
    return query


def _chain_of(resource: Resource, name: str) -> str | None:
    """Return the parameter that leads to a patient whose identifier is asked for, if one does."""
    parameter, _, rest = name.partition(".")
    base, _, type = parameter.partition(":")
    targets = resource.searched_by[base].targets if base in resource.searched_by else ()
    return (
        base if rest == "identifier" and "Patient" in targets and type in ("", "Patient") else None
    )


async def resolve_chains(reader: Reader, query: Query) -> None:
    """Give the criteria of chained parameters: the patients whose identifiers are asked for."""
    for name, value in query.chains:
        patients = Query(RESOURCES["Patient"])
        patients.criteria["identifier"] = [
            criterion("identifier", value, patients.resource.searched_by["identifier"])
        ]
        ids = [item.id async for item in _candidates(reader, patients, MOST, None)]
        references = ",".join(f"Patient/{id}" for id in ids) or f"Patient/{UUID(int=0)}"
        read = criterion(name, references, query.resource.searched_by[name])
        query.criteria.setdefault(name, []).append(read)


def _of_result(query: Query, name: str, value: str) -> bool:
    """Read a parameter of the result; return whether it is one that is known."""
    match name:
        case "_count":
            query.count = min(whole_number(name, value), MOST)
        case "_total":
            if value not in ("accurate", "estimate", "none"):
                raise FhirError(400, "invalid", "_total is one of: accurate, estimate, none.")
            query.total = value != "none"
        case "_summary":
            query.elements = elements_asked({name: value}, query.resource.type)
            query.count = 0 if value == "count" else query.count
        case "_elements":
            query.elements = elements_asked({name: value}, query.resource.type)
        case "_after":
            query.after = value
        case "_known":
            pass
        case "_include" | "_revinclude":
            _include(query, name, value)
        case _:
            return False
    return True


def _include(query: Query, name: str, value: str) -> None:
    """Read an include. Raises FhirError for one that is not known."""
    type, _, parameter = value.partition(":")
    parameter = parameter.partition(":")[0]
    resource = query.resource
    if name == "_include":
        if type == resource.type and parameter in resource.includes:
            query.includes.append(parameter)
            return
        names = [f"{resource.type}:{parameter}" for parameter in resource.includes]
    else:
        reverse = reverse_includes(resource.type)
        if (type, parameter) in reverse:
            query.reverse.append((type, parameter))
            return
        names = [":".join(pair) for pair in reverse]
    known_names = f"there are: {', '.join(names)}" if names else "there is none of this type"
    raise FhirError(400, "not-supported", f"This {name} is not known; {known_names}.")


@dataclass(slots=True)
class Result:
    """What a search has found: matches, what they include, and where the next page begins."""

    matches: list[Item] = field(default_factory=list)
    included: list[Item] = field(default_factory=list)
    after: str | None = None
    total: int | None = None
    counted: list[Item] = field(default_factory=list)
    """Resources that were named, or whose patient was, and are told by their number alone."""
    hidden: bool = False
    """Truth of: something that was to be included is not for who asks."""


async def search(reader: Reader, query: Query) -> Result:
    """Find what a search asks for, a page of it."""
    result = Result()
    if query.count == 0 or query.total:
        result.total = await _total(reader, query, result)
    if query.count:
        await _page(reader, query, result)
        await _add_included(reader, query, result)
    return result


async def _page(reader: Reader, query: Query, result: Result) -> None:
    count_looked_at = 0
    first = query.count + 1
    last: str | None = None
    async for item in _candidates(reader, query, first, query.after):
        count_looked_at += 1
        if len(result.matches) == query.count or count_looked_at > ROUNDS * query.count:
            result.after = last
            break
        if _matches(item, query):
            result.matches.append(item)
        last = item.cursor
    await reader.finish(result.matches)
    if result.total is None and query.after is None and result.after is None:
        result.total = len(result.matches)


async def _candidates(
    reader: Reader, query: Query, first: int, after: str | None
) -> AsyncIterator[Item]:
    """Yield the candidates of a search; where their versions are compared, each with its own."""
    candidates = _those_there(query.resource.search(reader, query.criteria, first, after))
    if "_lastUpdated" not in query.criteria:
        async for item in candidates:
            yield item
        return
    batch: list[Item] = []
    async for item in candidates:
        batch.append(item)
        if len(batch) == first:
            await reader.finish(batch)
            for candidate in batch:
                yield candidate
            batch = []
    await reader.finish(batch)
    for candidate in batch:
        yield candidate


async def _those_there(candidates: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """Yield candidates; none where what the search names is not there."""
    with suppress_not_found():
        async for item in candidates:
            yield item


async def _total(reader: Reader, query: Query, result: Result) -> int:
    count = count_looked_at = 0
    names_few = not NAMING.isdisjoint(query.criteria)
    matches: list[Item] = []
    async for item in _candidates(reader, query, MOST, None):
        count_looked_at += 1
        if count_looked_at > COUNTED:
            raise FhirError(400, "too-costly", "There are too many to be counted: search for less.")
        if _matches(item, query):
            count += 1
            if count <= reader.smallest_cell:
                matches.append(item)
        if names_few:
            result.counted.append(item)  # that it does not match is told, too
    if not names_few and count < reader.smallest_cell:
        result.counted += matches  # so few are told by their number
    return count


def _matches(item: Item, query: Query) -> bool:
    resource = present(item.resource)
    return all(
        matches(criterion_given, query.resource.searched_by[name], resource)
        for criterion_given, name in query.narrowed
        if name not in item.holds or criterion_given.modifier
    )


async def _add_included(reader: Reader, query: Query, result: Result) -> None:
    """Add what the matches refer to, and what refers to them, each once."""
    ids_by_type: dict[str, dict[str, None]] = {}
    for name in query.includes:
        for item in result.matches:
            for reference in query.resource.includes[name].values(present(item.resource)):
                type, _, id = reference.partition("/")
                ids_by_type.setdefault(type, {})[id] = None
    known_names = {item.name for item in result.matches}
    for type, ids in ids_by_type.items():
        try:
            _include_items(result, known_names, await RESOURCES[type].by_ids(reader, list(ids)))
        except FhirError as error:
            _include_items(result, known_names, error)
    for type, parameter in query.reverse:
        results = await asyncio.gather(
            *(referring(reader, type, parameter, item.name) for item in result.matches),
            return_exceptions=True,
        )
        for items in results:
            _include_items(result, known_names, items)
    await reader.finish(result.included)


async def referring(reader: Reader, type: str, parameter: str, target: str) -> list[Item]:
    """Return all of a type that refer to a resource by a parameter."""
    query = query_of(RESOURCES[type], [(parameter, target)], strict=True)
    items = query.resource.search(reader, query.criteria, MOST, None)
    return [item async for item in items if _matches(item, query)]


def _include_items(
    result: Result, known_names: set[str], found: Sequence[Item] | BaseException
) -> None:
    """Add what was read and is not there yet; what is not for who asks is left out."""
    if isinstance(found, FhirError) and found.status == 403:
        result.hidden = True
    elif isinstance(found, BaseException):
        raise found
    else:
        for item in found:
            if item.name not in known_names:
                known_names.add(item.name)
                result.included.append(item)


def searchset(result: Result, query: Query, base: str, known_at: str | None) -> Json:
    """Return the Bundle of a page. ``known_at``: where the log is read, for the next page."""
    url = f"{base}/{query.resource.type}"
    links = [{"relation": "self", "url": _link(url, query.kept)}]
    if result.after is not None:
        parameters = [(n, v) for n, v in query.kept if n not in ("_after", "_known", "_count")]
        parameters += [("_count", str(query.count)), ("_after", result.after)]
        if known_at and not any(name == "knownAt" for name, _ in parameters):
            parameters.append(("_known", known_at))
        links.append({"relation": "next", "url": _link(url, parameters)})
    entries = [
        entry(item, base, "match") | {"resource": leave(item.resource, query.elements)}
        for item in result.matches
    ]
    entries += [entry(item, base, "include") for item in result.included]
    outcomes = []
    if query.unknown:
        outcomes.append(outcome("not-supported", _unknown_text(query), "warning"))
    if result.hidden:
        outcomes.append(
            outcome("suppressed", "Some of what was to be included is not for you.", "information")
        )
    entries += [{"resource": item, "search": {"mode": "outcome"}} for item in outcomes]
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": result.total,
        "link": links,
        "entry": entries,
    }
    body: Json = present(bundle)
    return body | ({"total": 0} if result.total == 0 else {})


def entry(item: Item, base: str, mode: str) -> Json:
    return {
        "fullUrl": f"{base}/{item.name}",
        "resource": item.resource,
        "search": {"mode": mode},
    }


def _unknown_text(query: Query) -> str:
    names = ", ".join([*query.resource.searched_by, *RESULT[:6], *EVERYWHERE])
    return (
        f"{len(query.unknown)} of the parameters are not known here: the link self has the others."
        f" {query.resource.type} is searched by {names}."
    )


def _link(url: str, given: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(given)}" if given else url
