"""Every text of every event is sealed in the log, or is named here with the reason why it is not."""

from collections.abc import Iterator, Mapping
from dataclasses import is_dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
import pytest

from domain.aggregate import Event
from domain.envelope import About, Envelope
from domain.event_types import EVENTS
from domain.patient_events import Sex
from infrastructure.event_store.mapper import COMMON_FIELDS, EventMapper
from infrastructure.sealing.house_key import HouseKey
from infrastructure.sealing.key_ring import KeyRing

PLACES = "places of the house: claims, boards, census and reports count by them"
STAFF = "staff, who answer for what they do; not the patient"
CODES = "a vocabulary that the house or a standard has set: rules and reports go by it"
OTHERS = "a number of another system: by it a repeat is known"
FIGURES = "of a report, which counts and names nobody; small numbers are suppressed"
PROGRAM = "of the program itself"

CLEAR = {
    **dict.fromkeys(
        (
            "ward",
            "number",
            "latest_ward",
            "latest_number",
            "room",
            "bed",
            "beds",
            "ended.bed",
            "begun.bed",
        ),
        PLACES,
    ),
    "time_zone": "the clock of the house",
    "proof": "a keyed hash, which tells nothing",
    "valid_from": "a day of the house's calendar, or of a practitioner's grade",
    **dict.fromkeys(("staff_number", "latest_staff_number", "attending", "grade_from"), STAFF),
    **dict.fromkeys(("practitioner.family_name", "practitioner.given_name"), STAFF),
    **dict.fromkeys(("specialty", "flag_kind", "substance.system"), CODES),
    **dict.fromkeys(("mrn_authority", "former_mrn_authority"), CODES),
    **dict.fromkeys(
        ("medication.name", "medication.code", "medication.system"),
        "reports of drugs count by it, before and after an erasure",
    ),
    **dict.fromkeys(("system", "source_visit", "source_id", "source"), OTHERS),
    "pending.why": "the code of a refusal",
    **dict.fromkeys(("settled.begun", "settled.ended"), "ids of movements of another system"),
    **dict.fromkeys(
        (
            "terms.definition",
            "parameters.any",
            "terms.first",
            "terms.last",
            "figures.name",
            "figures.of",
        ),
        FIGURES,
    ),
    **dict.fromkeys(("figures.unit", "figures.value", "said.digest", "said.checkpoint"), FIGURES),
    **dict.fromkeys(("changes.name", "changes.of", "changes.unit"), FIGURES),
    **dict.fromkeys(("changes.old", "changes.new", "causes.kind", "causes.id"), FIGURES),
    "projection.name": "the name of a read model",
    **dict.fromkeys(("operation", "hospital"), PROGRAM),
    **dict.fromkeys(
        ("issuer", "subject", "role", "on_behalf_of", "performed_by", "witnessed_by"), STAFF
    ),
}
"""The reasons why a text is kept in clear, by the last names of its place in a stored event."""

TEXT, DAY, SEX = "Canary", date(1931, 7, 9), Sex.FEMALE
PLAIN = {TEXT, DAY.isoformat(), SEX.value}
"""What stands for whatever can identify a person."""


def value(hint: Any) -> Any:
    """Return a value of a type, in which every text is the canary."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return value(args[0])
    if origin in (Union, UnionType):
        return value(str if str in args else next(arg for arg in args if arg is not type(None)))
    if origin is Mapping:
        return {"any": TEXT}
    if origin is tuple:
        return [value(arg) for arg in args if arg is not Ellipsis]
    if hasattr(hint, "__supertype__"):
        return value(hint.__supertype__)
    if hint in (str, Any):
        return TEXT
    if issubclass(hint, Enum):
        return SEX.value if hint is Sex else next(iter(hint)).value
    if issubclass(hint, msgspec.Struct) or is_dataclass(hint):
        hints = get_type_hints(hint, include_extras=True)
        return {name: value(of) for name, of in hints.items() if "ClassVar" not in str(of)}
    samples = {UUID: uuid4(), datetime: datetime.now(UTC), date: DAY, bool: True, int: 1}
    return {**samples, float: 1, time: "08:00:00"}[hint]


def sample(kind: type[Event]) -> Event:
    """Return an event of a kind with everything that one can say, about a person."""
    hints = get_type_hints(kind, include_extras=True)
    own = {
        name: value(hint)
        for name, hint in hints.items()
        if name not in COMMON_FIELDS and "ClassVar" not in str(hint)
    }
    entry: Envelope = msgspec.convert(value(Envelope), Envelope, strict=False)
    patient = uuid4()
    about = About(patient=patient, key_id=str(patient), stay=uuid4())
    entry = msgspec.structs.replace(entry, about=about, digest="00")
    common = {"originator_id": uuid4(), "originator_version": 1, "entry": entry}
    return msgspec.convert(msgspec.to_builtins(common) | own, kind, strict=False)


def clear_places(stored: Any, place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the places of what is in clear in a stored event."""
    if isinstance(stored, dict):
        for name, part in stored.items():
            yield from clear_places(part, (*place, name))
    elif isinstance(stored, list):
        for part in stored:
            yield from clear_places(part, place)
    elif stored in PLAIN:
        yield place


def reason(place: tuple[str, ...]) -> str | None:
    """Return the key of the reason by which a text may be in clear."""
    names = ".".join(place[-2:]), place[-1]
    return next((name for name in names if name in CLEAR), None)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """An event of each kind as the log keeps it."""
    folder = tmp_path_factory.mktemp("keys")
    ring = KeyRing(folder / "keys.sqlite", HouseKey(folder / "house.key"))
    ring.bind(lambda store: store)
    mapper = EventMapper(ring)
    return {
        topic: msgspec.json.decode(mapper.to_stored_event(sample(kind)).row)
        for topic, kind in EVENTS.items()
    }


def places(topic: str, row: dict[str, Any]) -> Iterator[tuple[str, ...]]:
    """Yield the places of what an event keeps in clear, by its aggregate or its last word."""
    aggregate, _, fact = topic.rpartition(".")
    for place in clear_places(row):
        if place[0] != "own":
            yield place
        elif len(place) > 2:
            yield place[1:]
        else:
            of_aggregate, of_fact = (aggregate, place[1]), (fact, place[1])
            yield of_fact if ".".join(of_fact) in CLEAR else of_aggregate


def test_each_text_that_is_in_clear_is_named_with_its_reason(stored: dict[str, Any]) -> None:
    unnamed = {
        f"{topic}: {'.'.join(place)}"
        for topic, row in stored.items()
        for place in places(topic, row)
        if reason(place) is None
    }
    assert unnamed == set(), "seal it (domain/envelope.py), or say in CLEAR why it is not"


def test_each_reason_is_of_a_text_that_is_in_clear(stored: dict[str, Any]) -> None:
    used = {reason(place) for topic, row in stored.items() for place in places(topic, row)}
    assert set(CLEAR) - used == set()


def test_what_identifies_a_person_is_never_in_clear(stored: dict[str, Any]) -> None:
    about_persons = {
        topic: {".".join(place) for place in clear_places(row)}
        for topic, row in stored.items()
        if topic.startswith(("patient.", "arrival.", "stay.", "prescription.", "source-visit."))
    }
    for names in ("name", "birth", "mrn", "sex", "note", "dose", "route", "frequency", "reaction"):
        leaks = {
            f"{topic}: {place}"
            for topic, places in about_persons.items()
            for place in places
            if names in place and not place.endswith(("_authority", "medication.name"))
        }
        assert leaks == set(), names


def test_a_reason_about_nobody_is_sealed_too(tmp_path: Path) -> None:
    ring = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    ring.bind(lambda store: store)
    event = sample(EVENTS["room.bed-closed"])
    nobody = msgspec.structs.replace(event.entry, about=None)
    object.__setattr__(event, "entry", nobody)
    row = msgspec.json.decode(EventMapper(ring).to_stored_event(event).row)
    assert {".".join(place) for place in clear_places(row)}.isdisjoint({"reason", "own.why"})
