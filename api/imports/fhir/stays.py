"""Stays of the files: the acts that an Encounter tells, each at its time."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from api.fhir.encounter import ACT, ADMISSION_TYPES, DISPOSITIONS, SOURCES
from api.fhir.values import Json
from api.imports.fhir.places import Bed
from api.imports.fhir.resources import Files, Resource, When
from domain.stay.facts import AdmissionType, Disposition

CLASSES = ("IMP", "ACUTE", "NONACUTE", "OBSENC", "SS")
"""v3-ActCode of the classes that are stays in the house."""

OPEN = ("in-progress", "onleave")
"""Statuses of a stay that goes on."""

PRIORITIES = {
    "EM": AdmissionType.EMERGENCY,
    "UR": AdmissionType.EMERGENCY,
    "EL": AdmissionType.ELECTIVE,
}
DISPOSITION_CODES = {code: Disposition(name) for name, (code, _) in DISPOSITIONS.items()} | {
    "alt-home": Disposition.HOME,
    "hosp": Disposition.TRANSFERRED,
    "long": Disposition.TRANSFERRED,
    "rehab": Disposition.TRANSFERRED,
    "psy": Disposition.TRANSFERRED,
    "snf": Disposition.TRANSFERRED,
    "hosp-trans": Disposition.TRANSFERRED,
}
TYPES = {type.value: type for type in AdmissionType}
SOURCE_CODES = {code: AdmissionType(name) for name, (code, _) in SOURCES.items()}


@dataclass(frozen=True, slots=True)
class Stretch:
    """A time in a bed, or in a place without one."""

    since: When
    until: When | None
    bed: Bed | None
    place: str | None = None


@dataclass(slots=True)
class Stay:
    """A stay as the files tell it, and what was recorded of it."""

    encounter: Resource
    patient: Resource
    admitted: When
    discharged: When | None
    arrived: When | None
    departed: When | None
    emergency: Resource | None
    stretches: list[Stretch]
    leaves: list[tuple[When, When | None]]
    gaps: list[tuple[When, When]]
    """The times between discharges that were reversed and what followed them."""
    id: UUID | None = None
    commands: dict[str, None] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def type(self) -> AdmissionType:
        """Return how the patient came in; in an emergency where nothing else is said."""
        e = self.encounter
        for coding in e.all("type", "coding"):
            if coding.get("system") == ADMISSION_TYPES and coding.get("code") in TYPES:
                return TYPES[coding["code"]]
        if e.first("class", "code") == "SS":
            return AdmissionType.DAY_CASE
        source = e.first("hospitalization", "admitSource", "coding", "code")
        if source in SOURCE_CODES:
            return SOURCE_CODES[source]
        return PRIORITIES.get(e.first("priority", "coding", "code") or "", AdmissionType.EMERGENCY)

    @property
    def disposition(self) -> Disposition:
        code = self.encounter.first("hospitalization", "dischargeDisposition", "coding", "code")
        return DISPOSITION_CODES.get(str(code or ""), Disposition.OTHER)

    def place_at(self, time: When) -> Stretch | None:
        """Return where the patient is from a moment on; None if nothing is said of it."""
        return next(
            (
                s
                for s in reversed(self.stretches)
                if s.since.at <= time.at and (s.until is None or s.until.at > time.at)
            ),
            None,
        )

    def is_away(self, time: When) -> bool:
        """Return whether the patient is on leave then, or comes back from one, or from a discharge."""
        absences = (*self.leaves, *self.gaps)
        return any(a.at <= time.at and (b is None or time.at <= b.at) for a, b in absences)


def stay_of(encounter: Resource, files: Files, beds: Mapping[str, Bed], patient: Resource) -> Stay:
    """Return the stay that an Encounter is. Raises ValueError where it does not say since when."""
    begin = files.moment(encounter.first("period", "start"))
    if begin is None:
        raise ValueError("period.start is no moment")
    end_text = encounter.first("period", "end")
    end = files.moment(end_text)
    if end_text is not None and end is None:
        raise ValueError("period.end is no moment")
    if end is None and encounter.first("status") == "finished":
        raise ValueError("it is finished, and has no period.end")
    classes = [
        (part.get("class", {}).get("code"), part.get("period", {}))
        for part in encounter.all("classHistory")
    ]
    care: Json = next((period for code, period in classes if code == "EMER"), {})
    own_period: Json = next((period for code, period in classes if code != "EMER"), {})
    arrival, departure = files.moment(care.get("start")), files.moment(care.get("end"))
    admission = files.moment(own_period.get("start")) or begin
    parent = files.find(encounter.first("partOf", "reference"))
    emergency = None
    if arrival is None and parent is not None and parent.first("class", "code") == "EMER":
        emergency = parent
        arrival = files.moment(parent.first("period", "start"))
        departure = files.moment(parent.first("period", "end"))
    return Stay(
        encounter,
        patient,
        admission,
        end,
        arrival,
        departure,
        emergency,
        list(_stretches(encounter, files, beds, admission)),
        list(_leaves(encounter, files)),
        list(_gaps(encounter, files)),
    )


def _stretches(
    encounter: Resource, files: Files, beds: Mapping[str, Bed], admitted: When
) -> Iterator[Stretch]:
    """Yield the times in beds, in order; if there is none, those in other places."""
    stretches = []
    for place in encounter.all("location"):
        node = place.get("location", {})
        location = files.find(node.get("reference"))
        bed = beds.get(location.name) if location else None
        name = node.get("display") or (location and location.first("name")) or node.get("reference")
        period = place.get("period", {})
        since = files.moment(period.get("start")) or admitted
        stretches.append(
            Stretch(since, files.moment(period.get("end")), bed, None if bed else name)
        )
    beds_had = [s for s in stretches if s.bed]
    if beds_had:
        # a ward that is told beside its bed says nothing more; a place after all beds does
        ends = [s.until for s in beds_had if s.until]
        others = [s for s in stretches if not s.bed and s.until is None]
        if others and len(ends) == len(beds_had) and encounter.first("status") != "finished":
            last_end = max(ends, key=lambda end: end.at)
            beds_had.append(replace(others[-1], since=last_end))
        stretches = beds_had
    in_order = sorted(stretches, key=lambda s: s.since.at)
    before: Stretch | None = None
    for stretch in in_order:
        if before and before.bed == stretch.bed and before.place == stretch.place:
            before = Stretch(before.since, stretch.until, stretch.bed, stretch.place)
            continue
        if before:
            yield before
        before = stretch
    if before:
        yield before


def _leaves(encounter: Resource, files: Files) -> Iterator[tuple[When, When | None]]:
    last: When | None = None
    for status in encounter.all("statusHistory"):
        period: dict[str, Any] = status.get("period", {})
        since, last = files.moment(period.get("start")), files.moment(period.get("end"))
        if status.get("status") == "onleave" and since is not None:
            yield since, last
    if encounter.first("status") == "onleave" and last is not None:
        yield last, None


def _gaps(encounter: Resource, files: Files) -> Iterator[tuple[When, When]]:
    """Yield the times in which a stay was finished, and went on after all."""
    statuses = [
        (status.get("status"), files.moment(period.get("start")), files.moment(period.get("end")))
        for status in encounter.all("statusHistory")
        if (period := status.get("period", {})) is not None
    ]
    is_open = encounter.first("status") in OPEN
    for status, since, until in statuses:
        goes_on = is_open or any(
            other in OPEN and begin and until and until.at <= begin.at
            for other, begin, _ in statuses
        )
        if status == "finished" and since and until and since.at < until.at and goes_on:
            yield since, until


def is_stay(encounter: Resource) -> bool:
    system = encounter.first("class", "system")
    return encounter.first("class", "code") in CLASSES and system in (ACT, None)
