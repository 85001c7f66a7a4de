"""Every event there is: its topic, its version, its schema, and that it comes back as it was told.

The samples are drawn from the annotations of each class, so a new event is tested as it is added.
"""

import types
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import MISSING, fields, is_dataclass
from datetime import UTC, date, datetime, time
from enum import Enum
from functools import cache
from typing import Annotated, Any, NewType, Union, get_args, get_origin, get_type_hints
from uuid import UUID, uuid4

import msgspec
import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from domain.aggregate import Aggregate, Event, UnknownEvent
from domain.envelope import Envelope
from domain.event_types import AGGREGATES, EVENTS
from domain.patient import Confidentiality, Patient, Sex
from domain.practitioner import Grade, Practitioner
from domain.refusals import PatientDied
from domain.stay.aggregate import Stay
from tests.support import factories
from tests.support.aggregate_dsl import PATIENT, STAY, A, at, entry, given, known, told
from tests.support.stays import a_stay, admitted, transfer

TOPICS = sorted(EVENTS)


def classes(kind: type[Any]) -> Iterator[type[Any]]:
    for child in kind.__subclasses__():
        yield child
        yield from classes(child)


def of_the_domain(kind: type[Any]) -> set[type[Any]]:
    """The classes of a kind that the domain defines and gives a topic of their own."""
    return {c for c in classes(kind) if c.__module__.startswith("domain.") and "TOPIC" in vars(c)}


def fields_of(kind: Any) -> list[str]:
    """The names of what an event, or a part of one, says."""
    return list(getattr(kind, "__struct_fields__", None) or [f.name for f in fields(kind)])


# -- registered --


def test_every_aggregate_is_listed() -> None:
    assert of_the_domain(Aggregate) == set(AGGREGATES)


def test_every_event_is_registered_under_a_topic_of_its_own() -> None:
    assert of_the_domain(Event) == set(EVENTS.values())


@pytest.mark.parametrize("topic", TOPICS)
def test_a_topic_names_its_aggregate_and_says_what_happened(topic: str) -> None:
    event = EVENTS[topic]
    (owner,) = (a for a in AGGREGATES if getattr(a, event.__name__, None) is event)
    assert event.belongs_to(owner)
    assert "updated" not in topic.lower()


@pytest.mark.parametrize("topic", TOPICS)
def test_every_event_has_a_version(topic: str) -> None:
    version = EVENTS[topic].VERSION
    assert isinstance(version, int)
    assert version >= 1
    for step in range(1, version):
        assert callable(getattr(EVENTS[topic], f"upcast_v{step}_v{step + 1}"))


@pytest.mark.parametrize("topic", TOPICS)
def test_every_event_has_a_schema_that_names_all_its_fields(topic: str) -> None:
    event = EVENTS[topic]
    schema = msgspec.json.schema(event)
    body = schema["$defs"][schema["$ref"].rpartition("/")[2]]
    names = set(fields_of(event))
    assert set(body["properties"]) == names
    later = {f.name for f in fields(event) if f.default is not MISSING}  # type: ignore[arg-type]
    assert set(body["required"]) == names - later, "a field that came later has a default"
    assert "timestamp" not in names  # there is no third clock


@pytest.mark.parametrize("lacking", ["TOPIC", "PUBLIC", "DESCRIPTION", "CORRECTED_BY"])
def test_an_event_that_leaves_out_what_is_said_of_it_cannot_be_defined(lacking: str) -> None:
    content = {
        "TOPIC": "stay.fell",
        "PUBLIC": None,
        "DESCRIPTION": "A patient fell.",
        "CORRECTED_BY": (),
        "CANCELLED_BY": (),
    }
    type("Fell", (Event,), content)
    with pytest.raises(TypeError, match=f"Fell has no {lacking}"):
        type("Fell", (Event,), {name: value for name, value in content.items() if name != lacking})


# -- told and read --


@cache
def drawn(kind: Any) -> st.SearchStrategy[Any]:
    """Values of an annotation, as the domain uses them."""
    if isinstance(kind, NewType):
        return drawn(kind.__supertype__)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        shortest = max((m.min_length or 0 for m in inner[1:]), default=0)
        return st.text(min_size=shortest, max_size=20) if inner[0] is str else drawn(inner[0])
    if origin in (Union, types.UnionType):
        return st.one_of([drawn(one) for one in reversed(inner)])
    if origin is Mapping:
        return st.dictionaries(*map(drawn, inner), max_size=2)
    if origin is tuple and inner[-1] is not ...:
        return st.tuples(*map(drawn, inner))
    if origin is tuple:
        return st.lists(drawn(inner[0]), max_size=2).map(tuple)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        hints = get_type_hints(kind, include_extras=True)
        made: Any = kind
        return st.builds(made, **{name: drawn(hints[name]) for name in fields_of(kind)})
    return {
        type(None): st.none(),
        bool: st.booleans(),
        int: st.integers(1, 10_000),
        str: st.text(max_size=20),
        UUID: st.uuids(),
        date: st.dates(),
        time: st.times(),
        datetime: st.datetimes(timezones=st.just(UTC)),
    }[kind]


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=15)
@for_all(data=st.data())
def test_every_event_comes_back_as_it_was_told(topic: str, data: st.DataObject) -> None:
    event = data.draw(drawn(EVENTS[topic]))
    said = msgspec.json.encode(event)
    again = msgspec.json.decode(said, type=EVENTS[topic])
    assert again == event
    assert type(again) is EVENTS[topic]
    assert msgspec.json.encode(again) == said


@pytest.mark.parametrize("topic", TOPICS)
@settings(max_examples=1)
@for_all(data=st.data())
def test_every_event_is_handled_by_its_aggregate(topic: str, data: st.DataObject) -> None:
    (owner,) = (a for a in AGGREGATES if EVENTS[topic].belongs_to(a))
    aggregate = owner.empty(STAY)
    with suppress(AttributeError):  # it may lack what the first event of its stream sets
        aggregate.apply(data.draw(drawn(EVENTS[topic])))


def test_an_event_of_another_aggregate_is_not_handled() -> None:
    with pytest.raises(UnknownEvent, match=r"stay\.admitted"):
        Patient.empty(PATIENT).apply(factories.Admitted.build())


def test_an_event_that_lacks_something_is_not_read() -> None:
    event = factories.Admitted.build()
    body = msgspec.to_builtins(event)
    assert msgspec.convert(body, Stay.Admitted) == event
    with pytest.raises(msgspec.ValidationError, match="patient"):
        msgspec.convert({k: v for k, v in body.items() if k != "patient"}, Stay.Admitted)


def test_a_moment_without_an_offset_is_not_read() -> None:
    body = msgspec.to_builtins(factories.EntryFactory.build())
    naive = {**body, "occurred_at": datetime(2026, 3, 2, 8)}
    with pytest.raises(msgspec.ValidationError, match="timezone"):
        msgspec.convert(naive, Envelope)


# -- the envelope --


def test_the_ids_that_a_command_makes_are_the_same_on_every_retry() -> None:
    command = uuid4()
    first, again = (entry(command_id=command) for _ in range(2))
    assert first.id_of("stay") == again.id_of("stay")
    assert first.id_of("stay") != first.id_of("admission")
    assert first.id_of("stay") != entry().id_of("stay")


def test_the_id_of_what_a_command_makes_never_changes_between_releases() -> None:
    assert entry(command_id=UUID(int=1)).id_of("stay") == UUID(
        "1e5a28c5-cdb9-5093-9be7-70a543fa2ed0"
    )


# -- streams --


def test_an_event_follows_the_one_before_it_in_its_own_stream() -> None:
    stay = given(a_stay(), admitted()).aggregate
    for stream, version in ((STAY, 1), (STAY, 3), (known("somewhere else"), 2)):
        with pytest.raises(ValueError, match="does not follow"):
            admitted()(stream, version).mutate(stay)
    assert stay.version == 1


def test_every_event_of_a_stay_says_whom_it_is_about() -> None:
    outcome = given(a_stay(), admitted()).when(transfer(A, "10:00"))
    (event,) = outcome.events
    assert event.entry.about is not None
    assert event.entry.about.patient == PATIENT


def test_what_was_never_told_does_not_exist() -> None:
    assert not a_stay().exists
    assert given(a_stay(), admitted()).aggregate.exists


# -- the thin ones --


def test_a_patient_who_is_not_identified_is_registered_without_a_name() -> None:
    patient = Patient.empty(PATIENT)
    unknown = (None, None, None, Sex.UNKNOWN, Confidentiality.NORMAL)
    given(patient).when(lambda p: p.register("TMP-1", "main", *unknown, entry())).then(
        Patient.Registered
    )
    assert (patient.mrn, patient.details[0][1].family_name, patient.birth_date) == (
        "TMP-1",
        None,
        None,
    )


def test_a_person_dies_once() -> None:
    patient = given(Patient.empty(PATIENT), told(factories.Registered, "07:00"))
    patient.when(lambda p: p.die(STAY, entry("09:30"))).then(Patient.Died)
    patient.when(lambda p: p.die(STAY, entry("10:00"))).then_refused(
        PatientDied, died_at=at("09:30")
    )


def test_a_practitioner_is_known_by_a_staff_number() -> None:
    doctor = Practitioner.empty(known("Dr Meyer"))
    doctor.register("D1", "Meyer", "Anna", Grade.CONSULTANT, None, "cardiology", entry())
    assert doctor.staff_number == "D1"
