"""Resources of files, by their references."""

import json
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from api.fhir.parameters import at
from api.fhir.values import Json
from domain.errors import WardbookError
from domain.time import Precision, is_nameable

UNREADABLE = "unreadable"
"""The table of lines and files that are no resources."""

REFUSED = "refused"
"""The name of resources whose id another one has: of nobody."""

LONGEST_ID = 255
"""Characters of an id; FHIR has 64, and addresses stand for ids in Bundles."""

DEEPEST = 100
"""Levels of a resource, one in another."""


class BadFile(WardbookError):
    """A file that is not there, or none that has resources."""


@dataclass(frozen=True, slots=True, eq=False)
class Resource:
    """A resource: its type, its id in the files, and where it stands."""

    table: str
    key: str
    line: int
    body: Json

    @property
    def name(self) -> str:
        return f"{self.table}/{self.key}"

    def first(self, *path: str) -> Any:
        """Return the first value at a path; None if there is none."""
        return next((v for v in at(*path)(self.body) if v not in ("", [], {})), None)

    def all(self, *path: str) -> list[Any]:
        """Return all values at a path."""
        return list(at(*path)(self.body))

    def text(self, *path: str) -> str | None:
        """Return the text of a concept: its own, or how its first coding is displayed."""
        value = self.first(*path, "text") or self.first(*path, "coding", "display")
        return str(value).strip() or None if value else None


ROUGH = re.compile(r"\d{4}(-\d\d)?")
"""A date without a day."""


@dataclass(frozen=True, slots=True)
class When:
    """A moment, and how precisely it is said."""

    at: datetime
    precision: Precision | None = None


@dataclass(slots=True)
class Files:
    """All resources of some files, the same ones once."""

    zone: ZoneInfo
    resources: dict[str, Resource] = field(default_factory=dict)
    """By ``Type/id``, in the order of the files."""
    repeated: list[tuple[Resource, Resource]] = field(default_factory=list)
    """Resources of an id that another has, with that."""
    unreadable: list[Resource] = field(default_factory=list)
    _names: dict[str, str] = field(default_factory=dict)
    """Names of resources by what else refers to them: the address of an entry, an identifier."""
    _lines: int = 0

    def of(self, *types: str) -> list[Resource]:
        return [r for r in self.resources.values() if r.table in types]

    def find(self, reference: Any, base: Resource | None = None) -> Resource | None:
        """Return the resource that a reference leads to; None if it is not in the files."""
        if not isinstance(reference, str):
            return None
        if base is not None and reference.startswith("#"):
            for body in base.all("contained"):
                if isinstance(body, dict) and body.get("id") == reference[1:]:
                    return Resource(str(body.get("resourceType")), reference, base.line, body)
            return None
        name = self._names.get(reference, reference).partition("/_history/")[0]
        return self.resources.get(name) or self.resources.get("/".join(name.split("/")[-2:]))

    def moment(self, value: Any) -> When | None:
        """Return a dateTime as a moment: a day is known to the day. None where it cannot be read."""
        if not isinstance(value, str):
            return None
        try:
            moment = datetime.fromisoformat(value)
        except ValueError:
            return None
        if len(value) == len("2026-01-01"):
            day = datetime.combine(moment.date(), time(), self.zone)
            return When(day.astimezone(UTC), Precision.DAY) if is_nameable(day) else None
        if moment.tzinfo is None or not is_nameable(moment):
            return None
        return When(moment.astimezone(UTC))

    def rough_moment(self, value: Any) -> When | None:
        """Return a dateTime as `moment` does; of a year or a month alone its beginning, as estimated."""
        if not isinstance(value, str) or not ROUGH.fullmatch(value):
            return self.moment(value)
        begin = self.moment(f"{value}-01-01"[: len("2026-01-01")])
        return begin and When(begin.at, Precision.ESTIMATED)

    def read(self, path: Path) -> None:
        """Read a file, or all of a folder. Raises BadFile."""
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        files = [p for p in files if p.suffix in (".json", ".ndjson", ".jsonl")]
        if not files or not path.exists():
            raise BadFile(f"{path} has no file .json or .ndjson.")
        for file in files:
            try:
                data = file.read_bytes().removeprefix(BOM_UTF8)
            except OSError:
                self._refuse(file.name, "it cannot be read")
                continue
            if file.suffix == ".json":
                self._read_json(file.name, data)
                continue
            for number, line in enumerate(data.split(b"\n"), 1):
                if line.strip():
                    self._read_json(f"{file.name}:{number}", line)

    def _read_json(self, place: str, data: bytes) -> None:
        try:
            body = json.loads(data.decode())
        except UnicodeDecodeError:
            self._refuse(place, "it is not in UTF-8")
            return
        except (ValueError, RecursionError):
            self._refuse(place, "it is no JSON")
            return
        for number, (full_url, resource) in enumerate(_resources_in(body), 1):
            self._take(f"{place}#{number}", full_url, resource)

    def _take(self, place: str, full_url: str | None, body: Any) -> None:
        if not isinstance(body, dict) or not isinstance(body.get("resourceType"), str):
            self._refuse(place, "it is no resource")
            return
        id = body.get("id") or full_url
        if not isinstance(id, str) or not (id.isprintable() and len(id) <= LONGEST_ID):
            self._refuse(place, "it has no id, or none that can be one")
            return
        if not _is_writable(body):
            self._refuse(place, "it has half a character, or is too deep")
            return
        self._lines += 1
        resource = Resource(body["resourceType"], id.removeprefix("urn:uuid:"), self._lines, body)
        earlier = self.resources.setdefault(resource.name, resource)
        if earlier is not resource:
            self.repeated.append((resource, earlier))
        # what is refused is found by no name of its own, since its id leads to another
        name = resource.name if body == earlier.body else REFUSED
        if full_url:
            self._names.setdefault(full_url, name)
        for identifier in resource.all("identifier"):
            if isinstance(identifier, dict):
                query_text = f"{identifier.get('system') or ''}|{identifier.get('value')}"
                self._names.setdefault(f"{resource.table}?identifier={query_text}", name)

    def _refuse(self, place: str, reason: str) -> None:
        self._lines += 1
        self.unreadable.append(Resource(UNREADABLE, place, self._lines, {"why": reason}))


def _is_writable(body: Json) -> bool:
    """Return whether a resource can be written as text, and is not nested past all that FHIR has."""

    def is_flat(value: Any, left: int) -> bool:
        parts = value.values() if isinstance(value, dict) else value
        return not isinstance(value, dict | list) or (
            left > 0 and all(is_flat(part, left - 1) for part in parts)
        )

    try:
        return is_flat(body, DEEPEST) and bool(json.dumps(body, ensure_ascii=False).encode())
    except UnicodeEncodeError:
        return False


def _resources_in(body: Any) -> Iterator[tuple[str | None, Any]]:
    """Yield a resource, or those of a Bundle with their addresses."""
    if isinstance(body, dict) and body.get("resourceType") == "Bundle":
        entries = body.get("entry") or []
        for entry in entries if isinstance(entries, list) else [entries]:
            if not isinstance(entry, dict):
                yield None, entry
            elif next(at("search", "mode")(entry), None) != "outcome":
                full_url = entry.get("fullUrl")
                yield full_url if isinstance(full_url, str) else None, entry.get("resource")
    else:
        yield None, body
