"""A series of commands records what they would record one by one, whole and once, in their order."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from application.command import Recorded, Request
from application.hospital import Hospital
from application.ports import Stale
from domain.prescription.events import Medication
from domain.refusals import AlreadyExists, NotFound, OutsideStay, Refusal
from domain.stay.events import VisitKind
from domain.stay.facts import Disposition
from infrastructure.event_store.log_reader import DatabaseUnavailable
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import admitted, ago, at_once, doctor, events, request, room

Command = tuple[str, Request, Mapping[str, Any]]


def visit(stay: UUID, staff_number: str = "D1") -> Command:
    content = {"stay_id": stay, "practitioner": staff_number, "kind": VisitKind.ROUND}
    return "record_visit", request(ago(hours=1)), content


def registration(staff_number: str) -> Command:
    return "register_practitioner", request(ago(days=20)), {"staff_number": staff_number}


def prescription(stay: UUID, prescriber: str | None = None) -> Command:
    medication = Medication(name="Paracetamol")
    content = {"stay_id": stay, "medication": medication, "prescriber": prescriber}
    return "write_prescription", request(ago(hours=2)), content


def dose(prescription_id: UUID) -> Command:
    content = {"prescription_id": prescription_id, "given": True}
    return "record_administration", request(ago(hours=1)), content


def discharge(stay: UUID) -> Command:
    content = {"stay_id": stay, "disposition": Disposition.HOME}
    return "discharge_patient", request(ago(minutes=90)), content


def alone(hospital: Hospital, command: Command) -> Recorded | Refusal:
    name, said, content = command
    try:
        return hospital.command(name)(said, **content)
    except Refusal as refusal:
        return refusal


def comparable(answers: list[Recorded | Refusal]) -> list[object]:
    """Return what can be compared of answers about different patients."""
    return [
        type(answer) if isinstance(answer, Refusal) else [e.TOPIC for e in answer.events]
        for answer in answers
    ]


@pytest.fixture
def house(hospital: Hospital) -> Hospital:
    """A room and a doctor."""
    room(hospital, "1", *"abcd")
    doctor(hospital)
    return hospital


ACTS = ("visit", "unknown", "prescription", "dose", "registration", "discharge", "new doctor")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(acts=st.lists(st.sampled_from(ACTS), max_size=12))
def test_a_series_records_what_its_commands_record_one_by_one(
    house: Hospital, database: Database, acts: list[str]
) -> None:
    def commands() -> list[Command]:
        mrn, number = uuid4().hex, uuid4().hex
        stay = admitted(house, mrn, at=ago(days=1))
        _, said, content = prescription(stay)
        (drug,) = house.prescriptions.write_prescription(said, **content).ids("prescription")
        makes: dict[str, Callable[[], Command]] = {
            "visit": lambda: visit(stay),
            "unknown": lambda: visit(stay, "nobody"),
            "prescription": lambda: prescription(stay, "D1"),
            "dose": lambda: dose(drug),
            "registration": lambda: registration(number),
            "discharge": lambda: discharge(stay),
            "new doctor": lambda: visit(stay, number),
        }
        return [makes[act]() for act in acts]

    series = commands()
    together = house.execute_series(series)
    one_by_one = [alone(house, command) for command in commands()]

    assert comparable(together) == comparable(one_by_one)
    recorded = [answer for answer in together if isinstance(answer, Recorded)]
    assert [r.command_id for r in recorded] == [
        said.command_id
        for (_, said, _), answer in zip(series, together, strict=True)
        if isinstance(answer, Recorded)
    ]
    log = events(database)
    assert [position for position, _, _ in log] == list(range(1, len(log) + 1))
    by_command = {end: [e for _, last, e in log if last == end] for _, end, _ in log}
    assert all(tuple(by_command[r.position]) == r.events for r in recorded)


def test_a_series_that_is_sent_again_is_known_again(house: Hospital, database: Database) -> None:
    stay = admitted(house, "M1", at=ago(days=1))
    series = [visit(stay), registration("D2"), visit(stay, "D2"), visit(stay, "nobody")]
    first = house.execute_series(series)
    size = len(events(database))

    again = house.execute_series(series)

    assert len(events(database)) == size
    assert [isinstance(answer, Recorded) for answer in again] == [True, True, True, False]
    assert [a.position for a in again if isinstance(a, Recorded)] == [
        a.position for a in first if isinstance(a, Recorded)
    ]
    assert all(a.repeated for a in again if isinstance(a, Recorded))


def test_a_series_takes_few_round_trips(house: Hospital, recorder: Recorder) -> None:
    """One for the ids, one for what they name, one for the append: rooms and stays are remembered."""
    stay = admitted(house, "M1", at=ago(days=1))
    series = [visit(stay) for _ in range(20)]
    before = recorder.pool.get_stats()["requests_num"]

    house.execute_series(series)

    assert recorder.pool.get_stats()["requests_num"] - before <= 3


def test_what_another_records_meanwhile_is_seen(
    house: Hospital,
    another: Callable[[], Hospital],
    recorder: Recorder,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The stay ends elsewhere, before it is appended: no version of a stream stands for another."""
    stay, elsewhere = admitted(house, "M1", at=ago(days=1)), another()
    insert, ends = recorder.insert_together, list[str]()

    def late(commands: Any) -> None:
        alone(elsewhere, discharge(stay))
        try:
            insert(commands)
        except Stale:
            ends.append("stale")
            raise

    monkeypatch.setattr(recorder, "insert_together", late)
    early = prescription(stay)
    series = [early, visit(stay), registration("D2"), visit(stay, "D2")]

    answers = house.execute_series(series)

    assert ends == ["stale"]
    assert comparable(answers)[1:] == [OutsideStay, ["practitioner.registered"], OutsideStay]
    assert isinstance(answers[0], Recorded), "it was written before the stay ended"
    log = events(database)
    assert [position for position, _, _ in log] == list(range(1, len(log) + 1))
    assert isinstance(alone(house, visit(stay)), OutsideStay)


def test_who_was_registered_in_a_series_is_taken_elsewhere(
    house: Hospital,
    another: Callable[[], Hospital],
    recorder: Recorder,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stay, elsewhere = admitted(house, "M1", at=ago(days=1)), another()
    insert = recorder.insert_together

    def late(commands: Any) -> None:
        alone(elsewhere, registration("D2"))
        insert(commands)

    monkeypatch.setattr(recorder, "insert_together", late)

    registered, visited = house.execute_series([registration("D2"), visit(stay, "D2")])

    assert isinstance(registered, AlreadyExists)
    assert isinstance(visited, Recorded)
    assert isinstance(alone(house, visit(stay, "D3")), NotFound)


def test_a_series_whose_answer_is_lost_is_recorded_once(
    house: Hospital, recorder: Recorder, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    stay = admitted(house, "M1", at=ago(days=1))
    insert = recorder.insert_together

    def lost(commands: Any) -> None:
        insert(commands)
        raise DatabaseUnavailable

    monkeypatch.setattr(recorder, "insert_together", lost)
    size = len(events(database))

    answers = house.execute_series([visit(stay), visit(stay)])

    assert len(events(database)) == size + 2
    assert [isinstance(a, Recorded) and a.repeated for a in answers] == [True, True]


def test_series_of_several_processes_at_once_lose_nothing(
    house: Hospital, another: Callable[[], Hospital], database: Database
) -> None:
    """All write the same prescription and stay, and one goes on alone."""
    stay = admitted(house, "M1", at=ago(days=1))
    _, said, content = prescription(stay)
    (drug,) = house.prescriptions.write_prescription(said, **content).ids("prescription")
    sides = [another(), another()]

    def series(side: Hospital) -> list[Recorded | Refusal]:
        return side.execute_series([visit(stay) if n % 3 else dose(drug) for n in range(12)])

    def singles() -> list[Recorded | Refusal]:
        return [alone(house, dose(drug)) for _ in range(6)]

    answers = at_once(*(partial(series, side) for side in sides), singles)

    recorded = [
        answer
        for some in answers
        if isinstance(some, list)
        for answer in some
        if isinstance(answer, Recorded)
    ]
    assert len({answer.command_id for answer in recorded}) == 12 + 12 + 6
    log = events(database)
    assert [position for position, _, _ in log] == list(range(1, len(log) + 1))
    for stream in (stay, drug):
        versions = [e.originator_version for _, _, e in log if e.originator_id == stream]
        assert versions == list(range(1, len(versions) + 1))
    by_command = {end: tuple(e for _, last, e in log if last == end) for _, end, _ in log}
    assert all(by_command[answer.position] == answer.events for answer in recorded)
