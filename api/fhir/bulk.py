"""Resources of a house, a patient or a stay: a file for each type, as in FHIR Bulk Data.

https://hl7.org/fhir/uv/bulkdata/STU2/export.html: the layout; a server's files are fetched, these are
written by the command line.
"""

import os
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import BinaryIO

import msgspec

from api.fhir.outcome import not_found
from api.fhir.patient_everything import patient_everything
from api.fhir.reader import Item, Reader
from api.fhir.registry import RESOURCES
from api.fhir.resource import MOST, TIMES
from api.fhir.values import present


async def all_of_house(reader: Reader) -> AsyncIterator[Sequence[Item]]:
    """Yield the places and staff of the house, then all of each patient."""
    for type in ("Location", "Practitioner"):
        items = [item async for item in RESOURCES[type].search(reader, {}, MOST, None)]
        await reader.finish(items)
        yield items
    async for patient in RESOURCES["Patient"].search(reader, {}, MOST, None):
        yield (await patient_everything(reader, patient, {}, ""))[1]


async def all_of_patient(reader: Reader, mrn: str, authority: str) -> Sequence[Item]:
    """Return all that is held of a patient. Raises FhirError."""
    query_text = f"patient(mrn: $mrn, mrnAuthority: $authority, {TIMES}) {{ id }}"
    data = await reader.ask(query_text, mrn=("String", mrn), authority=("String", authority))
    if not data["patient"]:
        raise not_found("Patient")
    (patient,) = await RESOURCES["Patient"].by_ids(reader, [data["patient"]["id"]])
    return (await patient_everything(reader, patient, {}, ""))[1]


async def all_of_stay(reader: Reader, stay: str) -> Sequence[Item]:
    """Return a stay, its patient, and what of the patient is of no other stay. Raises FhirError."""
    encounters = await RESOURCES["Encounter"].by_ids(reader, [stay])
    if not encounters:
        raise not_found("Encounter")
    (encounter,) = encounters
    patient_name = encounter.resource["subject"].get("reference")
    if not patient_name:
        return encounters
    (patient,) = await RESOURCES["Patient"].by_ids(reader, [patient_name.partition("/")[2]])
    items = (await patient_everything(reader, patient, {}, ""))[1]
    return [item for item in items if _encounter_of(item) in (None, encounter.name)]


def _encounter_of(item: Item) -> str | None:
    """Return the stay that a resource is of; None if it is of none."""
    if item.type == "Encounter":
        return item.name
    of = item.resource.get("encounter") or item.resource.get("context") or {}
    if item.type == "Provenance":
        (of,) = item.resource["target"]
        if not of["reference"].startswith("Encounter/"):
            return None
    name: str | None = of.get("reference")
    return name


class ResourceFolder:
    """A folder of NDJSON files that their owner alone reads; each resource is written once.

    ``write_parquet``: makes a Parquet file of each when they are closed.
    """

    def __init__(
        self, folder: Path, write_parquet: Callable[[Path, Path], None] | None = None
    ) -> None:
        self._folder, self._write_parquet = folder, write_parquet
        self._files: dict[str, BinaryIO] = {}
        self._names: set[str] = set()
        self.counts: dict[str, int] = {}
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def write(self, items: Sequence[Item]) -> Sequence[Item]:
        """Write resources that are not there yet; return them."""
        new_items = [item for item in items if item.name not in self._names]
        for item in new_items:
            self._names.add(item.name)
            self.counts[item.type] = self.counts.get(item.type, 0) + 1
            file = self._files.get(item.type) or self._open(item.type)
            file.write(msgspec.json.encode(present(item.resource)) + b"\n")
        return new_items

    def close(self, *, complete: bool) -> None:
        """Close the files; they get their names if all was written. Raises DuckDBMissing."""
        for file in self._files.values():
            file.close()
        parts = {type: self._part(type) for type in self._files}
        try:
            if complete and self._write_parquet is not None:
                for type, part in parts.items():
                    parquet_part = self._folder / f".{type}.parquet.part"
                    self._write_parquet(part, parquet_part)
                    os.replace(parquet_part, self._folder / f"{type}.parquet")
            elif complete:
                for type, part in parts.items():
                    os.replace(part, self._folder / f"{type}.ndjson")
        finally:
            for part in parts.values():
                part.unlink(missing_ok=True)

    def _part(self, type: str) -> Path:
        return self._folder / f".{type}.ndjson.part"

    def _open(self, type: str) -> BinaryIO:
        self._part(type).unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        file = os.fdopen(os.open(self._part(type), flags, 0o600), "wb")
        self._files[type] = file
        return file
