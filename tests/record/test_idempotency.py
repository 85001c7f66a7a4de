"""A command that is repeated has one effect and gets the first answer."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.command import Recorded, Request
from application.hospital import Hospital
from domain.envelope import Actor, Source
from domain.refusals import BedOccupied, CommandIdReused, InvalidInput, NotFound, Refusal
from domain.time import Precision
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.postgres.database import Database
from infrastructure.reports.report_data import open_report_service
from infrastructure.settings import Settings
from tests.support.hospital_dsl import (
    ADA,
    ELECTIVE,
    admitted,
    at_once,
    place,
    request,
    room,
    rows,
)
from tests.support.proxy import Wire

Another = Callable[[], Hospital]


def answer(recorded: Recorded) -> tuple[Any, ...]:
    """Everything that an answer says."""
    return (
        recorded.command_id,
        recorded.position,
        recorded.recorded_at,
        recorded.events,
        recorded.ids("patient"),
        recorded.ids("stay"),
    )


def count(database: Database, table: str = "events") -> int:
    return int(rows(database, f"SELECT count(*) FROM record.{table}")[0][0])


def test_a_repeated_command_has_one_effect_and_gets_the_first_answer(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    hospital.patients.register_patient(request(), mrn="M1")
    command_request = request()
    content = {"patient_mrn": "M1", "admission_type": ELECTIVE, **place("A/1/a")}
    first = hospital.stays.admit_patient(command_request, **content)
    held = count(database), count(database, "bed_claims"), count(database, "person_claims")

    again = hospital.stays.admit_patient(command_request, **content)

    assert answer(again) == answer(first)
    assert (first.repeated, again.repeated) == (False, True)
    assert held == (
        count(database),
        count(database, "bed_claims"),
        count(database, "person_claims"),
    )


def test_a_repeat_gets_the_first_answer_after_a_restart(
    hospital: Hospital, another: Another
) -> None:
    command_request = request()
    first = hospital.patients.register_patient(command_request, mrn="M1", family_name="Okafor")
    hospital.patients.register_patient(request(), mrn="M2")

    assert answer(
        another().patients.register_patient(command_request, mrn="M1", family_name="Okafor")
    ) == answer(first)


def test_a_repeat_gets_the_first_answer_though_it_would_be_refused_by_now(
    hospital: Hospital,
) -> None:
    room(hospital)
    hospital.patients.register_patient(request(), mrn="M1")
    command_request = request()
    content = {"patient_mrn": "M1", "admission_type": ELECTIVE, **place("A/1/a")}
    first = hospital.stays.admit_patient(command_request, **content)
    stay = first.ids("stay")[0]
    hospital.stays.transfer_patient(request(), stay_id=stay, **place("A/1/b"))
    admitted(hospital, "M2", "A/1/a")

    assert answer(hospital.stays.admit_patient(command_request, **content)) == answer(first)


THEN = datetime(2026, 3, 1, 8, tzinfo=UTC)
SAID: dict[str, Any] = {
    "by": ADA,
    "occurred_at": THEN,
    "precision": Precision.MINUTE,
    "performed_by": "Dr. Okafor",
    "reason": "noted afterwards",
    "source": Source(system="lab", id="1"),
}

OTHER_REQUESTS: dict[str, dict[str, Any]] = {
    "subject": {"by": Actor(issuer="test", subject="bea", role="admin")},
    "issuer": {"by": Actor(issuer="elsewhere", subject="ada", role="admin")},
    "role": {"by": Actor(issuer="test", subject="ada", role="physician")},
    "on behalf of": {"by": Actor(issuer="test", subject="ada", role="admin", on_behalf_of="bea")},
    "time": {"occurred_at": THEN + timedelta(microseconds=1)},
    "no time": {"occurred_at": None},
    "precision": {"precision": Precision.HOUR},
    "no precision": {"precision": None},
    "performer": {"performed_by": "Dr. Lindqvist"},
    "reason": {"reason": "noted afterwards."},
    "source": {"source": Source(system="lab", id="2")},
    "source's time": {"source": Source(system="lab", id="1", recorded_at=THEN)},
}


@pytest.mark.parametrize("other", OTHER_REQUESTS.values(), ids=OTHER_REQUESTS.keys())
def test_the_same_id_from_another_actor_or_with_another_envelope_is_refused(
    hospital: Hospital, database: Database, other: dict[str, Any]
) -> None:
    said = Request(command_id=uuid4(), **SAID)
    hospital.patients.register_patient(said, mrn="M1")

    with pytest.raises(CommandIdReused):
        hospital.patients.register_patient(replace(said, **other), mrn="M1")
    assert count(database) == 1


@pytest.mark.parametrize(
    "other",
    [{"mrn": "M2"}, {"mrn": "M1", "family_name": "Okafor"}, {"mrn": "M1", "family_name": ""}],
)
def test_the_same_id_with_other_content_is_refused(
    hospital: Hospital, database: Database, other: dict[str, Any]
) -> None:
    command_request = request()
    hospital.patients.register_patient(command_request, mrn="M1")

    with pytest.raises(CommandIdReused):
        hospital.patients.register_patient(command_request, **other)
    assert count(database) == 1


def test_the_same_id_for_another_operation_is_refused(hospital: Hospital) -> None:
    room(hospital)
    command_request = request(reason="paint")
    hospital.rooms.start_cleaning(command_request, **place("A/1/a"))

    with pytest.raises(CommandIdReused):
        hospital.rooms.close_bed(command_request, **place("A/1/a"))


def test_what_is_absent_is_the_same_as_none(hospital: Hospital) -> None:
    command_request = request()
    first = hospital.patients.register_patient(command_request, mrn="M1")
    bare: dict[str, Any] = {
        "occurred_at": None,
        "performed_by": None,
        "reason": None,
        "source": None,
    }

    again = hospital.patients.register_patient(
        replace(command_request, **bare), mrn="M1", family_name=None, sex=None
    )

    assert answer(again) == answer(first)


def test_the_same_moment_in_another_time_zone_is_the_same_content(hospital: Hospital) -> None:
    there = timezone(timedelta(hours=5, minutes=30))
    command_request = request(THEN)
    first = hospital.patients.register_patient(command_request, mrn="M1")

    again = hospital.patients.register_patient(
        replace(command_request, occurred_at=THEN.astimezone(there)), mrn="M1"
    )

    assert answer(again) == answer(first)


def test_a_refused_id_may_be_used_again_with_other_content(hospital: Hospital) -> None:
    command_request = request()
    with pytest.raises(NotFound):
        hospital.stays.admit_patient(command_request, patient_mrn="M1", admission_type=ELECTIVE)

    assert not hospital.patients.register_patient(command_request, mrn="M1").repeated


def test_a_refused_command_is_decided_anew_when_it_comes_again(hospital: Hospital) -> None:
    room(hospital)
    lying = admitted(hospital, "M1", "A/1/a")
    hospital.patients.register_patient(request(), mrn="M2")
    command_request = request()
    content = {"patient_mrn": "M2", "admission_type": ELECTIVE, **place("A/1/a")}
    with pytest.raises(BedOccupied):
        hospital.stays.admit_patient(command_request, **content)
    hospital.stays.transfer_patient(request(), stay_id=lying, **place("A/1/b"))

    assert hospital.stays.admit_patient(command_request, **content).ids("stay")


def test_the_ids_of_what_a_command_makes_come_from_its_id(hospital: Hospital) -> None:
    command_request = request()
    with pytest.raises(Refusal):
        hospital.patients.register_patient(command_request, mrn="")
    made = hospital.patients.register_patient(command_request, mrn="M1")

    assert made.ids("patient") == [made.entry.id_of("patient")]


@pytest.mark.parametrize("text", ["half a pair \ud83d", "a NUL \x00 inside"])
def test_text_that_cannot_be_kept_is_refused_by_the_name_of_its_field(
    hospital: Hospital, database: Database, text: str
) -> None:
    with pytest.raises(InvalidInput) as refusal:
        hospital.patients.register_patient(request(), mrn="M1", family_name=text)
    assert refusal.value.field == "family_name"
    with pytest.raises(InvalidInput) as refusal:
        hospital.patients.register_patient(request(reason=text), mrn="M1")
    assert refusal.value.field == "reason"
    assert count(database) == 0


# -- the answer is lost on its way --


@pytest.fixture
def wire(database: Database) -> Iterator[Wire]:
    """The way to the database, to be cut."""
    made = Wire(database.app_url)
    yield made
    made.close()


@pytest.fixture
def far(wire: Wire, settings: Settings) -> Iterator[Hospital]:
    """A hospital that reaches its database through the wire only."""
    env = {"PERSISTENCE_MODULE": "infrastructure.event_store.recorder", "DATABASE": wire.url}
    open_reports = partial(open_report_service, wire.url, settings.hospital)
    made = Hospital(env, settings.rules, open_reports)
    yield made
    made.close()


def test_a_repeat_after_a_lost_answer_gets_the_answer_that_was_lost(
    far: Hospital, database: Database, wire: Wire
) -> None:
    command_request = request()
    wire.cuts = 100
    with pytest.raises(DatabaseUnavailable):
        far.patients.register_patient(command_request, mrn="M1")
    (kept,) = rows(database, "SELECT command_id, last_position, recorded_at FROM record.commands")
    assert wire.cuts < 100

    wire.cuts = 0
    again = far.patients.register_patient(command_request, mrn="M1")

    assert (again.command_id, again.position, again.recorded_at) == kept
    assert again.repeated
    assert count(database) == 1
    with pytest.raises(CommandIdReused):
        far.patients.register_patient(command_request, mrn="M2")


def test_an_answer_that_is_lost_once_is_found_again_or_asked_for_again(
    far: Hospital, database: Database, wire: Wire
) -> None:
    command_request = request()
    wire.cuts = 1
    try:
        first = far.patients.register_patient(command_request, mrn="M1")
    except DatabaseUnavailable:
        first = far.patients.register_patient(command_request, mrn="M1")

    assert wire.cuts == 0
    assert answer(far.patients.register_patient(command_request, mrn="M1")) == answer(first)
    assert count(database) == 1


def test_what_is_remembered_of_a_stay_is_right_after_a_lost_answer(
    far: Hospital, wire: Wire
) -> None:
    room(far)
    stay = admitted(far, "M1", "A/1/a")
    command_request = request()
    wire.cuts = 100
    with pytest.raises(DatabaseUnavailable):
        far.stays.transfer_patient(command_request, stay_id=stay, **place("A/1/b"))
    wire.cuts = 0

    assert admitted(far, "M2", "A/1/a")
    assert far.stays.transfer_patient(command_request, stay_id=stay, **place("A/1/b")).repeated
    with pytest.raises(BedOccupied):
        far.stays.transfer_patient(request(), stay_id=stay, **place("A/1/a"))


def test_a_command_sent_by_ten_threads_at_once_has_one_effect_and_one_answer(
    hospital: Hospital, database: Database, another: Another
) -> None:
    houses = [hospital, another(), another()]
    command_request = request()

    def send(house: Hospital) -> Recorded:
        return house.patients.register_patient(command_request, mrn="M1")

    answers = at_once(*[lambda house=houses[n % 3]: send(house) for n in range(10)])

    assert count(database) == 1
    first: list[UUID] = []
    for result in answers:
        assert isinstance(result, Recorded), result
        assert answer(result) == answer(answers[0])  # type: ignore[arg-type]
        if not result.repeated:
            first.append(result.command_id)
    assert first == [command_request.command_id]
