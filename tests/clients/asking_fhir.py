"""Clients of FHIR (fhirpy, fhirclient) at the door, and validators (fhir.resources, fhirkit) of it.

Run in the tools' environment. Its arguments: the address of the door, a token.
"""

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import fhirkit  # type: ignore[import-not-found]
import requests
from fhirclient.client import FHIRClient  # type: ignore[import-not-found]
from fhirclient.models.encounter import Encounter  # type: ignore[import-not-found]
from fhirclient.models.patient import Patient  # type: ignore[import-not-found]
from fhirpy import SyncFHIRClient  # type: ignore[import-not-found]
from fhirpy.base.exceptions import ResourceNotFound  # type: ignore[import-not-found]

TYPES = ("Location", "Practitioner", "Patient", "Encounter", "AuditEvent")
"""Types that are searched without a patient; the others are in what is held of each patient."""


class Door:
    """The door over plain HTTP."""

    def __init__(self, base: str, token: str) -> None:
        self.base = base
        self._session = requests.Session()
        self._session.headers["Authorization"] = f"Bearer {token}"

    def get(self, address: str) -> Any:
        response = self._session.get(address, timeout=60)
        assert response.status_code == 200, (address, response.text)
        return response.json()

    def search(self, path: str) -> Iterator[Any]:
        """Yield what a search finds, page by page."""
        address: str | None = f"{self.base}/{path}"
        while address:
            bundle = self.get(address)
            yield from (entry["resource"] for entry in bundle.get("entry", ()))
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            address = links.get("next")

    def everything(self) -> Iterator[Any]:
        """Yield every resource that the door tells of."""
        yield self.get(f"{self.base}/metadata")
        for type in TYPES:
            yield from self.search(f"{type}?_count=100")
        for patient in list(self.search("Patient")):
            bundle = self.get(f"{self.base}/Patient/{patient['id']}/$everything")
            yield from (entry["resource"] for entry in bundle["entry"])


def faults(resource: Any) -> list[str]:
    """Return what the validators find wrong with a resource."""
    type = resource["resourceType"]
    result = [
        f"fhirkit: {issue}" for issue in fhirkit.validate(resource) if "error" in str(issue)[:5]
    ]
    module = importlib.import_module(f"fhir.resources.R4B.{type.lower()}")
    try:
        getattr(module, type).model_validate(resource)
    except ValueError as error:
        result.append(f"fhir.resources: {error}")
    return result


def _set(name: str, value: Any) -> Callable[[Any], Any]:
    return lambda resource: {**resource, name: value}


PLANTED: dict[str, Callable[[Any], Any]] = {
    "a mandatory element is missing": lambda r: {k: v for k, v in r.items() if k != "status"},
    "a code is no code": _set("status", "two  words "),
    "a date is none": _set("period", {"start": "2026-13-01"}),
    "a time has no offset": _set("period", {"start": "2026-03-01T08:00:00"}),
    "a list is empty": _set("statusHistory", []),
    "a value is null": _set("partOf", None),
    "one stands for many": _set("location", {"status": "active"}),
    "an element is unknown": _set("bed", "1"),
    "a text stands for an object": _set("subject", "Patient/1"),
    "a flag is a text": _set("type", [{"coding": [{"code": "x", "userSelected": "yes"}]}]),
}
"""Mistakes in an Encounter, of which each has to be found."""


def validated(door: Door) -> None:
    counts: dict[str, int] = {}
    for resource in door.everything():
        result = faults(resource)
        assert not result, (json.dumps(resource), result)
        counts[resource["resourceType"]] = counts.get(resource["resourceType"], 0) + 1
    assert len(counts) == 11, counts
    print("valid:", ", ".join(f"{count} {type}" for type, count in sorted(counts.items())))
    (encounter, *_) = door.search("Encounter?_count=1")
    for kind, plant in PLANTED.items():
        assert faults(plant(deepcopy(encounter))), f"nobody finds that {kind}"


def by_fhirpy(base: str, token: str) -> None:
    client = SyncFHIRClient(base, authorization=f"Bearer {token}")
    stays = client.resources("Encounter")
    total = stays.count()
    assert total == len(stays.limit(7).fetch_all()) > 7
    present = stays.search(status__not="finished").include("Encounter", "subject").fetch_raw()
    assert {entry.resource["resourceType"] for entry in present.entry} >= {"Encounter", "Patient"}
    patient = client.resources("Patient").search(_sort="family").limit(1).first()
    assert client.reference("Patient", patient["id"]).to_resource() == patient
    assert client.execute(f"Patient/{patient['id']}/$everything", method="get")["total"]
    try:
        client.reference("Patient", "nobody").to_resource()
    except ResourceNotFound:
        pass
    else:
        raise AssertionError("a patient who is not there was found")


def by_fhirclient(base: str, token: str) -> None:
    client = FHIRClient(settings={"app_id": "clients", "api_base": base})
    client.server.session.headers["Authorization"] = f"Bearer {token}"
    assert client.prepare()
    result = list(Encounter.where({"status": "in-progress"}).perform_resources_iter(client.server))
    assert result
    patient = Patient.read(result[0].subject.reference.partition("/")[2], client.server)
    assert patient.identifier[0].value


def main(base: str, token: str) -> None:
    validated(Door(base, token))
    by_fhirpy(base, token)
    by_fhirclient(base, token)
    print("fhirpy, fhirclient, fhir.resources, fhirkit: ok")


if __name__ == "__main__":
    main(*sys.argv[1:])
