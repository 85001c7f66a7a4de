"""Search: parameters in, a Bundle of type searchset out (https://hl7.org/fhir/R4/http.html#search)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode
from uuid import UUID

from api.fhir.elements import leave
from api.fhir.outcome import FhirError, outcome, suppress_not_found
from api.fhir.parameters import criterion, matches, sort_keys, whole_number
from api.fhir.query import Query, query_of, unknown_text
from api.fhir.reader import Item, Reader
from api.fhir.registry import RESOURCES
from api.fhir.resource import MOST
from api.fhir.values import Json, present

ROUNDS = 200
"""Candidates that are looked through for a page, for each that it may have; then it ends."""

SORTED = 1_000
"""Candidates that are sorted at most."""

COUNTED = 10_000
"""Candidates that are counted at most for a total."""

NAMING = {"_id", "identifier", "patient", "subject", "encounter", "context", "request", "target"}
"""Parameters that name a patient, or what is of one: a number that is told of it is read of them."""


async def resolve_chains(reader: Reader, query: Query) -> None:
    """Give the criteria of chained parameters: what their references lead to. Raises FhirError."""
    for name, type in dict.fromkeys((chain.name, chain.type) for chain in query.chains):
        parameters = [
            (c.parameter, c.value) for c in query.chains if (c.name, c.type) == (name, type)
        ]
        target = query_of(RESOURCES[type], parameters, True, query.server)
        ids = []
        async for item in _candidates(reader, target, MOST, None):
            if _matches(item, target):
                ids.append(item.id)
            if len(ids) > MOST:
                raise FhirError(400, "too-costly", f"{name} leads to too many: search for less.")
        references = ",".join(f"{type}/{id}" for id in ids) or f"{type}/{UUID(int=0)}"
        read = criterion(name, references, query.resource.searched_by[name])
        query.criteria.setdefault(name, []).append(read)


@dataclass(slots=True)
class Result:
    """Result of a search: matches, what they include, and where the next page begins."""

    matches: list[Item] = field(default_factory=list)
    included: list[Item] = field(default_factory=list)
    after: str | None = None
    total: int | None = None
    counted: list[Item] = field(default_factory=list)
    """Resources that were named, or whose patient was, and are told by their number alone."""
    hidden: bool = False
    """True if something that was to be included is hidden from the caller."""


async def search(reader: Reader, query: Query) -> Result:
    """Find what a search asks for, a page of it."""
    result = Result()
    if query.count == 0 or query.total:
        result.total = await _total(reader, query, result)
    if query.count:
        await (_sorted_page if query.sort else _page)(reader, query, result)
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


async def _sorted_page(reader: Reader, query: Query, result: Result) -> None:
    """Find all matches, and give the page of them that is asked for, in order. Raises FhirError."""
    matches_found: list[Item] = []
    count_looked_at = 0
    async for item in _candidates(reader, query, MOST, None):
        count_looked_at += 1
        if count_looked_at > SORTED:
            raise FhirError(400, "too-costly", "There are too many to be sorted: search for less.")
        if _matches(item, query):
            matches_found.append(item)
    if any(name == "_lastUpdated" for name, _ in query.sort):
        await reader.finish(matches_found)
    for name, is_descending in reversed(query.sort):
        parameter = query.resource.searched_by[name]
        keys = {id(item): sort_keys(parameter, present(item.resource)) for item in matches_found}
        items_with_key = [item for item in matches_found if keys[id(item)]]
        items_without = [item for item in matches_found if not keys[id(item)]]
        edge = max if is_descending else min
        items_with_key.sort(key=lambda item: edge(keys[id(item)]), reverse=is_descending)
        matches_found = items_with_key + items_without
    begin = whole_number("_after", query.after or "0")
    result.matches = matches_found[begin : begin + query.count]
    result.total = len(matches_found)
    if begin + query.count < len(matches_found):
        result.after = str(begin + query.count)
    await reader.finish(result.matches)


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
        if criterion_given not in item.holds
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


def searchset(result: Result, query: Query, base: str, reader: Reader) -> Json:
    """Return the Bundle of a page."""
    url = f"{base}/{query.resource.type}"
    links = [{"relation": "self", "url": link_of(url, query.kept)}]
    if result.after is not None:
        pairs = [(name, value) for name, value in query.kept if name != "_count"]
        pairs.append(("_count", str(query.count)))
        links.append(next_link(url, pairs, result.after, reader))
    entries = [
        entry(item, base, "match") | {"resource": leave(item.resource, query.elements)}
        for item in result.matches
    ]
    entries += [entry(item, base, "include") for item in result.included]
    outcomes = []
    if query.unknown:
        outcomes.append(outcome("not-supported", unknown_text(query), "warning"))
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


def next_link(
    url: str, given: Sequence[tuple[str, str]], after: str, reader: Reader
) -> dict[str, str]:
    """Return the link to the page after something, with the parameters given, at the same moments."""
    parameters = [pair for pair in given if pair[0] not in ("_after", "_known")]
    parameters.append(("_after", after))
    names = {name for name, _ in parameters}
    if reader.as_of and "asOf" not in names:
        parameters.append(("asOf", reader.as_of))
    if reader.position and "knownAt" not in names:
        parameters.append(("_known", reader.position))
    return {"relation": "next", "url": link_of(url, parameters)}


def link_of(url: str, given: Sequence[tuple[str, str]]) -> str:
    return f"{url}?{urlencode(given)}" if given else url
