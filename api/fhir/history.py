"""Versions of a resource: the record as known after each change of what it is made of."""

from collections.abc import Mapping
from datetime import datetime

from api.fhir.outcome import not_found
from api.fhir.parameters import span, whole_from, whole_number
from api.fhir.reader import Item, Reader
from api.fhir.resource import MOST, Resource
from api.fhir.search import next_link
from api.fhir.values import Json, present
from api.graphql.scalars import iso_moment

PAGE = 20
"""Versions of a page; each is read by itself."""


async def version_of(reader: Reader, resource: Resource, id: str, version: str) -> Item:
    """Return a version of a resource. Raises FhirError if it has none such."""
    last, _, suffix = version.partition("-")
    number = whole_from(last.partition(".")[0])
    if number is not None and await reader.is_recorded(number):
        item = await _version_at(reader, resource, id, number)
        if item is not None and _version_id(item) != version:
            # it follows the clock: as of the moment that is named, or when that was recorded
            moment = _moment(suffix) or item.resource.get("meta", {}).get("lastUpdated")
            item = await _version_at(reader, resource, id, number, moment)
        if item is not None and _version_id(item) == version:
            return item
    raise not_found(f"version of this {resource.type}")


async def _version_at(
    reader: Reader, resource: Resource, id: str, position: int, moment: str | None = None
) -> Item | None:
    then = reader.at_version(position, moment)
    items = await resource.by_ids(then, [id])
    await then.finish(items)
    return items[0] if items else None


def _version_id(item: Item) -> str | None:
    version: str | None = item.resource.get("meta", {}).get("versionId")
    return version


def _position_of(item: Item) -> int | None:
    return whole_from((_version_id(item) or "").partition("-")[0].partition(".")[0])


def _moment(text: str) -> str | None:
    try:
        return iso_moment(datetime.fromisoformat(text))
    except ValueError:
        return None


async def history(
    reader: Reader, resource: Resource, latest: Item, given: Mapping[str, str], base: str
) -> tuple[Json, list[Item]]:
    """Return a page of the versions of a resource, the latest first, and what it shows."""
    first = min(whole_number("_count", given.get("_count", str(PAGE))), PAGE, MOST)
    before = whole_number("_after", given["_after"]) if given.get("_after") else None
    positions = await reader.versions(latest, before, first + 1)
    since = span(given["_since"])[1][0] if "_since" in given else None
    items: list[Item] = []
    for position in positions[:first]:
        item = await _version_at(reader, resource, latest.id, position)
        # before a merge the changes of the other record made no version
        items += [item] if item and _position_of(item) == position else []
    if since is not None:
        items = [
            item for item in items if span(item.resource["meta"]["lastUpdated"])[1][0] >= since
        ]
    url = f"{base}/{latest.name}/_history"
    links = [{"relation": "self", "url": url}]
    if len(positions) > first and first:
        given_pairs = [(name, value) for name, value in given.items() if name != "_count"]
        pairs = [*given_pairs, ("_count", str(first))]
        links.append(next_link(url, pairs, str(positions[first - 1]), reader))
    bundle = {
        "resourceType": "Bundle",
        "type": "history",
        "link": links,
        "entry": [
            {
                "fullUrl": f"{base}/{item.name}",
                "resource": item.resource,
                "request": {"method": "PUT", "url": item.name},
                "response": {
                    "status": "200",
                    "etag": f'W/"{item.resource["meta"]["versionId"]}"',
                    "lastModified": item.resource["meta"]["lastUpdated"],
                },
            }
            for item in items
        ],
    }
    return present(bundle), items
