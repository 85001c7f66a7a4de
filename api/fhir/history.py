"""Versions of a resource: the record as known after each change of what it is made of."""

from collections.abc import Mapping

from api.fhir.outcome import not_found
from api.fhir.parameters import span, whole_from, whole_number
from api.fhir.reader import Item, Reader
from api.fhir.resource import MOST, Resource
from api.fhir.values import Json, present

PAGE = 20
"""Versions of a page; each is read by itself."""


async def version_of(reader: Reader, resource: Resource, id: str, version: str) -> Item:
    """Return a version of a resource. Raises FhirError if it has none such."""
    number = whole_from(version.partition("-")[0])
    versions: list[Item] = []
    if number is not None:
        then = reader.at_version(number)
        versions = await resource.by_ids(then, [id])
        await then.finish(versions)
    if not versions or versions[0].resource.get("meta", {}).get("versionId") != version:
        raise not_found(f"version of this {resource.type}")
    return versions[0]


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
        then = reader.at_version(position)
        versions = await resource.by_ids(then, [latest.id])
        await then.finish(versions)
        items += versions
    if since is not None:
        items = [
            item for item in items if span(item.resource["meta"]["lastUpdated"])[1][0] >= since
        ]
    url = f"{base}/{latest.name}/_history"
    links = [{"relation": "self", "url": url}]
    if len(positions) > first and first:
        times = "".join(f"&{n}={given[n]}" for n in ("asOf", "knownAt", "_since") if n in given)
        link = f"{url}?_count={first}&_after={positions[first - 1]}{times}"
        links.append({"relation": "next", "url": link.replace("+", "%2B")})
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
