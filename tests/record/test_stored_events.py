"""Stored events fit their published schema, and stay readable for ever."""

import json
from collections import Counter
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest
from jsonschema import Draft202012Validator
from psycopg.types.json import Jsonb

from application.hospital import Hospital
from domain.aggregate import Aggregate, Derived, Event
from domain.event_types import EVENTS
from domain.prescription.events import Medication
from domain.refusals import InvalidInput
from domain.stay.events import AdmissionType
from infrastructure.event_store.mapper import (
    EventMapper,
    ParkingMapper,
    UnknownEvent,
    VersionedStoredEvent,
)
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.support.hospital_dsl import admitted, request, room, rows
from tests.support.shared_history import TOLD_RARELY, Lived, dead_letters

LONG = "x" * 201


# -- strict on write --


@pytest.mark.parametrize(
    ("command", "content", "field"),
    [
        ("register_patient", {"mrn": ""}, "mrn"),
        ("register_patient", {"mrn": "x" * 41}, "mrn"),
        ("register_patient", {"mrn": "M1", "family_name": "x" * 20_001}, "family_name"),
        ("register_patient", {"mrn": "M1", "mrn_authority": "x" * 41}, "mrn_authority"),
        ("register_practitioner", {"staff_number": "D1", "specialty": LONG}, "specialty"),
        ("open_room", {"ward": LONG, "room": "1", "beds": ("a",)}, "ward"),
        ("open_room", {"ward": "A", "room": "", "beds": ("a",)}, "room"),
        ("open_room", {"ward": "A", "room": "1", "beds": ("a", "")}, "beds"),
    ],
)
def test_an_event_that_does_not_fit_is_refused_by_its_field_before_it_is_stored(
    hospital: Hospital, database: Database, command: str, content: dict[str, Any], field: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        hospital.command(command)(request(), **content)

    assert refusal.value.field.startswith(field)
    assert rows(database, "SELECT count(*) FROM record.events") == [(0,)]
    assert rows(database, "SELECT count(*) FROM record.unique_claims") == [(0,)]


def test_what_does_not_fit_in_the_envelope_is_refused_too(
    hospital: Hospital, database: Database
) -> None:
    wrong: list[dict[str, Any]] = [{"performed_by": LONG}, {"reason": "x" * 20_001}]
    for envelope in wrong:
        with pytest.raises(InvalidInput) as refusal:
            hospital.patients.register_patient(request(**envelope), mrn="M1")
        assert next(iter(envelope)) in refusal.value.field
    assert rows(database, "SELECT count(*) FROM record.events") == [(0,)]


def test_a_refused_event_leaves_no_trace_in_what_is_remembered(hospital: Hospital) -> None:
    stay = admitted(hospital, "M1")
    with pytest.raises(InvalidInput):
        hospital.stays.change_specialty(request(), stay_id=stay, specialty=LONG)
    with pytest.raises(InvalidInput):
        hospital.prescriptions.write_prescription(
            request(), stay_id=stay, medication=Medication(name="")
        )

    changed = hospital.stays.change_specialty(request(), stay_id=stay, specialty="surgery")
    assert changed.events[0].originator_version == 2


# -- checks on read --


def store(database: Database, topic: str, own: dict[str, Any], schema_version: int = 1) -> UUID:
    """An event put into the log by force, as only the owner can; returns its stream."""
    stream = uuid4()
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "INSERT INTO record.kinds (topic, schema_version, operation) VALUES (%s, %s, 'force')",
            [topic, schema_version],
        )
        owner.execute(
            "INSERT INTO record.stored_events (position, stream, version, command_id, command_end,"
            " recorded_at, kind, occurred_at, digest, issuer, subject, role, hospital, own)"
            " SELECT last + 1, %s, 1, %s, last + 1, clock_timestamp(),"
            " (SELECT max(no) FROM record.kinds), clock_timestamp(), '', '', '', '', '', %s"
            " FROM (SELECT coalesce(max(position), 0) AS last FROM record.stored_events) AS log",
            [stream, uuid4(), Jsonb(own)],
        )
    return stream


def test_an_unknown_event_type_is_refused_by_name(database: Database, recorder: Recorder) -> None:
    stream = store(database, "stay.teleported", {})
    with pytest.raises(UnknownEvent, match=r"stay\.teleported"):
        recorder.streams({stream: 0})


def test_a_newer_version_of_an_event_is_refused_by_name(
    hospital: Hospital, database: Database, recorder: Recorder
) -> None:
    opened = hospital.rooms.open_room(request(), ward="A", room="1", beds=("a",)).events[0]
    own = {"ward": opened.ward, "number": "2", "beds": ["a"]}  # type: ignore[attr-defined]
    stream = store(database, "room.opened", own, schema_version=2)
    with pytest.raises(UnknownEvent, match=r"room\.opened.*version 2.*version 1"):
        recorder.streams({stream: 0})


def test_a_stored_event_that_does_not_fit_is_refused_without_telling_what_it_says(
    database: Database, recorder: Recorder
) -> None:
    stream = store(database, "patient.registered", {"family_name": "Okafor", "mrn": 7})
    with pytest.raises(UnknownEvent) as refusal:
        recorder.streams({stream: 0})
    assert "patient.registered" in str(refusal.value)
    assert "Okafor" not in str(refusal.value)


def test_an_event_that_no_read_model_can_read_is_parked_by_those_it_concerns_if_it_is_to_be(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    follower = ProjectionRunner(database.app_url, mapper=ParkingMapper())
    follower.catch_up()
    stream = store(database, "stay.teleported", {})
    assert follower.catch_up() == 2
    result = rows(
        database,
        "SELECT streams, error FROM projections.dead_letters WHERE read_model = 'stays_v1'",
    )
    assert result == [([stream], "UnknownEvent at stay.teleported")]
    assert dead_letters(database, "rooms_v1", "") == []


def test_an_event_of_an_unknown_kind_may_concern_every_read_model(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    store(database, "teapot.filled", {})
    follower = ProjectionRunner(database.app_url, mapper=ParkingMapper())
    assert follower.catch_up() == 1, "occupancy has halted"
    assert rows(
        database, "SELECT position FROM projections.status WHERE read_model = 'stays_v1'"
    ) == [(2,)]
    for model in READ_MODELS:
        parked = rows(
            database,
            "SELECT error FROM projections.dead_letters WHERE read_model = %s",
            [model.metadata.schema],
        )
        assert parked == [("UnknownEvent at teapot.filled",)]


# -- upcasting --


class Kettle(Aggregate):
    """Something whose events have changed twice since they were first written."""

    TOPIC = "kettle"

    class Filled(Derived, Event):
        TOPIC = "kettle.filled"
        PUBLIC = None
        DESCRIPTION = "Somebody filled the kettle."
        VERSION = 3
        millilitres: int
        by: str

        @staticmethod
        def upcast_v1_v2(body: dict[str, Any]) -> None:
            body["millilitres"] = body.pop("litres") * 1000

        @staticmethod
        def upcast_v2_v3(body: dict[str, Any]) -> None:
            body["by"] = body["entry"]["recorded_by"]["subject"]


def test_an_event_of_an_older_version_is_brought_up_to_date(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = hospital.patients.register_patient(request(), mrn="M1").entry
    monkeypatch.setitem(EVENTS, "kettle.filled", Kettle.Filled)
    mapper = EventMapper()
    new = cast(Any, Kettle.Filled)(
        originator_id=uuid4(), originator_version=1, entry=entry, millilitres=2000, by="ada"
    )
    stored = mapper.to_stored_event(new)
    body = json.loads(stored.state)

    def kept(version: int, **changes: Any) -> VersionedStoredEvent:
        old = {k: v for k, v in {**body, **changes}.items() if v is not None}
        state = json.dumps(old).encode()
        return VersionedStoredEvent(new.originator_id, 1, "kettle.filled", state, version)

    assert stored.schema_version == 3
    assert mapper.to_domain_event(stored) == new
    assert mapper.to_domain_event(kept(2, by=None)) == new
    assert mapper.to_domain_event(kept(1, by=None, millilitres=None, litres=2)) == new
    with pytest.raises(UnknownEvent, match="version 4"):
        mapper.to_domain_event(kept(4))
    with pytest.raises(UnknownEvent, match=r"kettle\.filled"):
        mapper.to_domain_event(kept(3, by=None))


# -- the published schemas --


def schemas() -> dict[str, Any]:
    from api.cli.schema import event_schemas

    answer: dict[str, Any] = json.loads(event_schemas())["events"]
    return answer


def test_the_published_schemas_are_those_of_the_program() -> None:
    from api.cli.schema import EVENTS_FILE, event_schemas

    assert EVENTS_FILE.read_text() == event_schemas(), "run: wardbook schema --events --write"


def test_every_event_type_has_a_schema_with_its_version() -> None:
    result = schemas()
    assert set(result) == set(EVENTS)
    for topic, event in EVENTS.items():
        assert result[topic]["version"] == event.VERSION
        Draft202012Validator.check_schema(result[topic]["schema"])


def test_names_notes_and_reasons_are_marked_as_sealed() -> None:
    sealed = {
        f"{topic}.{name}"
        for topic, result in schemas().items()
        for definition in result["schema"]["$defs"].values()
        for name, said in definition.get("properties", {}).items()
        if "x-sealed" in json.dumps(said)
    }
    assert {
        "patient.registered.family_name",
        "patient.registered.given_name",
        "stay.visit-recorded.note",
        "stay.admitted.reason",
        "prescription.administration-recorded.reason_not_given",
        "room.bed-closed.why",
    } <= sealed


def test_every_stored_event_fits_its_published_schema(lived: Lived) -> None:
    validators = {
        topic: Draft202012Validator(
            said["schema"], format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        for topic, said in schemas().items()
    }
    seen: Counter[str] = Counter()
    for topic, version, body in rows(
        lived.database, "SELECT topic, schema_version, body FROM record.events"
    ):
        assert version <= EVENTS[topic].VERSION
        validators[topic].validate(body)
        seen[topic] += 1
    assert set(seen) >= set(EVENTS) - TOLD_RARELY


def test_a_stored_event_with_a_field_too_many_or_too_few_does_not_fit(
    hospital: Hospital, database: Database
) -> None:
    admitted(hospital, "M1", admission_type=AdmissionType.EMERGENCY)
    result = schemas()
    for topic, body in rows(database, "SELECT topic, body FROM record.events"):
        validator = Draft202012Validator(result[topic]["schema"])
        assert validator.is_valid(body)
        assert not validator.is_valid({k: v for k, v in body.items() if k != "entry"})
        more = {**body["entry"], "surprise": 1}
        assert not validator.is_valid({**body, "entry": more})
