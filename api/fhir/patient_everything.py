"""Patient/$everything (https://hl7.org/fhir/R4/patient-operation-everything.html)."""

from collections.abc import Mapping
from datetime import datetime

from api.fhir.outcome import FhirError
from api.fhir.parameters import references, span, whole_number
from api.fhir.reader import Item, Reader
from api.fhir.registry import COMPARTMENT, RESOURCES
from api.fhir.resource import MOST, PAGE, check_type
from api.fhir.search import entry, link_of, next_link, referring
from api.fhir.smart import is_in_scope
from api.fhir.values import Json, present

REFERRED = ("Location", "Practitioner")
"""Types of the house that are told with the references to them."""


async def patient_everything(
    reader: Reader, patient: Item, given: Mapping[str, str], base: str
) -> tuple[Json, list[Item]]:
    """Return a Bundle of all that is held of a patient, as far as it is for who asks."""
    types = set(filter(None, given.get("_type", "").split(",")))
    if types - RESOURCES.keys() or ("_type" in given and not types):
        raise FhirError(400, "invalid", f"_type names some of: {', '.join(RESOURCES)}.")
    items = [patient]
    for type, parameter in COMPARTMENT.items():
        items += await _referring_items(reader, type, parameter, patient.name)
    await reader.finish(items)
    since = span(given["_since"])[1][0] if "_since" in given else None
    items, referred_items = [item for item in items if _is_since(item, since)], []
    for type in REFERRED:
        ids = {
            reference.partition("/")[2]: None
            for item in items
            for path in _PATHS
            for reference in references(*path)(item.resource)
            if reference.startswith(f"{type}/")
        }
        if ids and is_in_scope(reader.caller, type):
            referred_items += await RESOURCES[type].by_ids(reader, list(ids))
    await reader.finish(referred_items)
    items += [item for item in referred_items if _is_since(item, since)]
    items = [item for item in items if not types or item.type in types]
    total, url = len(items), f"{base}/{patient.name}/$everything"
    links = [{"relation": "self", "url": link_of(url, list(given.items()))}]
    if "_count" in given or "_after" in given:
        count = min(whole_number("_count", given.get("_count", str(PAGE))), MOST)
        begin = whole_number("_after", given.get("_after", "0"))
        items = items[begin : begin + count]
        if count and begin + count < total:
            after = str(begin + count)
            links.append(next_link(url, list(given.items()), after, reader))
    bundle = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": total,
        "link": links,
        "entry": [entry(item, base, "match") for item in items],
    }
    return present(bundle), items or [patient]


_PATHS = (("location", "location"), ("participant", "individual"), ("requester",))


async def _referring_items(reader: Reader, type: str, parameter: str, target: str) -> list[Item]:
    """Return the resources that refer to the patient, without those closed to the caller."""
    try:
        check_type(reader, RESOURCES[type])
        return await referring(reader, type, parameter, target)
    except FhirError as error:
        if error.status != 403:
            raise
        return []


def _is_since(item: Item, since: datetime | None) -> bool:
    """Return whether a resource has changed since a moment; one without versions counts as changed."""
    last_updated = item.resource.get("meta", {}).get("lastUpdated")
    return since is None or last_updated is None or span(last_updated)[1][0] >= since
