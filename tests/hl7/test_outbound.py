"""Messages to another system: a second Wardbook, or a receiver that refuses; over real sockets."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest

from api.hl7.ack import Verdict, acknowledgements
from api.hl7.door import Door
from api.hl7.er7 import parse
from api.hl7.follower import HL7Follower
from api.hl7.mllp import END, START
from api.hl7.outgoing_movements import movements_of, patient_class
from api.hl7.receiving import ReceivingSystem, receiving_system
from api.hl7.sending import SendingSystem
from api.simulator.simulation import simulate
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.errors import ConfigurationError
from domain.patient import Patient
from domain.patient_events import PatientDetail, Sex
from domain.room.aggregate import Room
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from domain.stay.facts import (
    Admission,
    AdmissionType,
    CancellationReason,
    Disposition,
    SpecialtyChange,
    TypeChange,
)
from domain.stay.history import History
from infrastructure.bootstrap import hospital as wired
from infrastructure.hl7_deliveries import deliveries, parked_messages
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import empty
from tests.hl7.test_inbound import listening
from tests.support.hospital_dsl import (
    admitted,
    ago,
    doctor,
    place,
    readmitted,
    request,
    room,
    rows,
)

ERROR = CancellationReason.ENTERED_IN_ERROR
REVERSED = CancellationReason.DECISION_REVERSED
SENDER = SendingSystem(
    application="WARDBOOK",
    facility=None,
    name="other",
    zone=ZoneInfo("Europe/Berlin"),
    authorities={"main": "main"},
    admission_types={type.name: type for type in AdmissionType},
    dispositions={disposition.name: disposition for disposition in Disposition},
    sexes={sex.name: sex for sex in Sex},
)


def receiver(port: int) -> ReceivingSystem:
    return ReceivingSystem("second", "127.0.0.1", port, "SECOND", from_start=True)


@pytest.fixture
def second(migrated: Database, tmp_path: Path) -> Iterator[Hospital]:
    """Another hospital, with the same rooms once a test has opened them."""
    empty(migrated)
    migrated.open_log("real")
    with closing(wired(Settings(home=tmp_path / "second"), migrated)) as made:
        yield made


@contextmanager
def follower(database: Database, hospital: Hospital, port: int) -> Iterator[HL7Follower]:
    with deliveries(database, "second") as own:
        own.begin(from_start=True)
        yield HL7Follower(hospital, receiver(port), own, database.open_log().id)


def told(database: Database, hospital: Hospital, port: int) -> int:
    """Send all that the log holds; how many messages that were."""
    count = 0
    with follower(database, hospital, port) as following:
        while number := following.catch_up():
            count += number
    return count


def uses(hospital: Hospital, database: Database) -> list[tuple[object, ...]]:
    """The uses of beds: who, where, from when until when, kept or not."""
    result: list[tuple[object, ...]] = []
    for (id,) in rows(
        database, "SELECT DISTINCT stream FROM record.events WHERE topic LIKE 'stay.%%'"
    ):
        stay = Stay.empty(id)
        for event in hospital.record.streams({id: 0})[id]:
            event.mutate(stay)
        assert stay.patient
        patient, ward = Patient.empty(stay.patient), None
        for event in hospital.record.streams({patient.id: 0})[patient.id]:
            event.mutate(patient)
        for stretch in stay.history.stretches:
            ward = Room.empty(stretch.bed.room)
            for event in hospital.record.streams({ward.id: 0})[ward.id]:
                event.mutate(ward)
            where = ward.ward, ward.number, stretch.bed.bed
            if not stretch.shares_bed_of:
                result.append(
                    (patient.mrn, *where, stretch.period.start, stretch.period.end, stretch.kept)
                )
    return sorted(result, key=str)


def persons(hospital: Hospital, database: Database) -> dict[str, tuple[object, ...]]:
    """The records of persons by number: whose record it is now, and what is held of them."""
    folded = {}
    for (id,) in rows(
        database, "SELECT stream FROM record.events WHERE topic = 'patient.registered'"
    ):
        folded[id] = current(hospital.record, Patient.empty(id))
    return {
        record.mrn: (
            folded[record.merged_into].mrn if record.merged_into else None,
            record.details[-1][1],
        )
        for record in folded.values()
    }


def pending(hospital: Hospital, database: Database) -> dict[str, str]:
    """Return what another system reported and does not hold: the kind, and why."""
    result: dict[str, str] = {}
    for (id,) in rows(
        database, "SELECT DISTINCT stream FROM record.events WHERE topic LIKE 'source-visit.%%'"
    ):
        visit = SourceVisit.empty(id)
        for event in hospital.record.streams({id: 0})[id]:
            event.mutate(visit)
        for each in visit.pending:
            result[f"{each.version.kind} {each.version.occurred_at}"] = each.why
    return result


def follow_into(database: Database, hospital: Hospital, second: Hospital, home: Path) -> int:
    count = 0

    async def act(port: int) -> None:
        nonlocal count
        count = await asyncio.to_thread(told, database, hospital, port)

    listening(Door(second, [SENDER], home), act)
    return count


def a_day(hospital: Hospital) -> None:
    """A day of a ward, with corrections of each kind."""
    stays, moves = hospital.stays, hospital.corrections

    def at(hours: float) -> datetime:
        return ago(days=2) + timedelta(hours=hours)

    ann = admitted(hospital, "1", "A/1/a", at(0), attending=doctor(hospital))
    bob = admitted(hospital, "2", None, at(1), without_bed="waiting area")
    stays.allocate_room(request(at(2)), stay_id=bob, **place("A/1/b"))
    stays.swap_beds(request(at(3)), stay_id=ann, with_stay_id=bob)
    move = stays.transfer_patient(request(at(4)), stay_id=ann, **place("A/2/a"))
    stays.start_leave(request(at(5)), stay_id=ann, keep_bed=False)
    stays.end_leave(request(at(6)), stay_id=ann, **place("A/2/b"))
    stays.start_leave(request(at(5)), stay_id=bob, keep_bed=True)
    stays.end_leave(request(at(7)), stay_id=bob)
    stays.change_attending(request(at(8)), stay_id=bob, attending="D1")
    stays.change_specialty(request(at(8)), stay_id=bob, specialty="Heart")
    transfer = next(e.movement for e in move.events if isinstance(e, Stay.Transferred))
    moves.correct_movement(request(at(4.5)), movement_id=transfer)
    cid = admitted(hospital, "3", "A/2/a", at(9))
    moves.cancel_admission(request(at(10)), stay_id=cid, because=ERROR)
    dan = admitted(hospital, "4", "A/2/a", at(9))
    stays.discharge_patient(request(at(11)), stay_id=dan, disposition=Disposition.HOME)
    moves.cancel_discharge(request(at(13)), stay_id=dan, because=REVERSED, **place("A/2/a"))
    stays.discharge_patient(request(at(12)), stay_id=ann, disposition=Disposition.HOME)
    moves.cancel_discharge(request(at(12)), stay_id=ann, because=ERROR)
    moves.cancel_movement(request(at(14)), movement_id=transfer, because=ERROR)
    stays.discharge_patient(request(at(15)), stay_id=bob, disposition=Disposition.HOME)


def persons_put_right(hospital: Hospital) -> None:
    """Persons who turn out to be others, or to be called otherwise."""
    identity = hospital.identity
    eve = admitted(hospital, "6", "A/3/a", ago(hours=9))
    admitted(hospital, "7", None, ago(hours=8), without_bed="waiting area")
    hospital.stays.discharge_patient(
        request(ago(hours=7)), stay_id=eve, disposition=Disposition.HOME
    )
    readmitted(hospital, "6", "A/3/b", ago(hours=6))
    fay = admitted(hospital, "8", "A/3/a", ago(hours=6))
    for number in ("9", "10"):
        hospital.patients.register_patient(request(), mrn=number, family_name="Nobody")
    said = request
    identity.merge_patients(said(reason="one person"), patient_mrn="2", into_mrn="6")
    wrong = identity.merge_patients(said(reason="one person"), patient_mrn="3", into_mrn="7")
    (merge,) = (event.merge for event in wrong.events if isinstance(event, Patient.Merged))
    identity.unmerge_patients(said(reason="two persons"), merge_id=merge)
    identity.correct_patient_details(said(reason="a typo"), patient_mrn="7", mrn="70")
    identity.correct_patient_details(said(reason="a typo"), patient_mrn="70", mrn="700")
    identity.correct_patient_details(
        said(reason="found out"), patient_mrn="6", family_name="Évers|^", sex=Sex.FEMALE
    )
    identity.correct_patient_details(
        said(reason="nobody knows"), patient_mrn="6", unknown=[PatientDetail.FAMILY_NAME]
    )
    hospital.misplaced_facts.move_stay(
        said(reason="the wrong record"), stay_id=fay, patient_mrn="10"
    )


def test_merges_other_numbers_and_details_of_persons_are_told_once(
    hospital: Hospital, second: Hospital, database: Database, migrated: Database, tmp_path: Path
) -> None:
    for house in (hospital, second):
        room(house, "1")
        room(house, "2")
        room(house, "3")
    doctor(second)
    a_day(hospital)
    persons_put_right(hospital)
    follow_into(database, hospital, second, tmp_path)
    assert pending(second, migrated) == {}
    assert uses(second, migrated) == uses(hospital, database)
    here = persons(hospital, database)
    assert len(here) == 9
    known = {number: held for number, held in here.items() if number != "9"}
    assert persons(second, migrated) == known  # of whom there was nothing to tell, nothing is known
    assert not parked_messages(database)
    assert follow_into(database, hospital, second, tmp_path) == 0


def test_the_bed_boards_of_sender_and_receiver_are_equal(
    hospital: Hospital, second: Hospital, database: Database, migrated: Database, tmp_path: Path
) -> None:
    for house in (hospital, second):
        room(house, "1")
        room(house, "2")
    doctor(second)
    a_day(hospital)
    count = follow_into(database, hospital, second, tmp_path)
    assert pending(second, migrated) == {}
    assert uses(second, migrated) == uses(hospital, database)
    assert not parked_messages(database)
    # sent once: not after a restart, not once the read models are made anew
    assert (count > 20, follow_into(database, hospital, second, tmp_path)) == (True, 0)


@pytest.mark.nightly
def test_after_simulated_days_the_bed_boards_are_equal(
    settings: Settings, simulated: Database, second: Hospital, migrated: Database, tmp_path: Path
) -> None:
    until = datetime.fromisoformat("2026-03-20T00:00:00Z")
    with closing(wired(settings, simulated)) as sender:
        simulate(sender, beds=60, days=6, until=until, seed=7)
        opened = rows(
            simulated,
            "SELECT own->>'ward', own->>'number', own->'beds' FROM record.events"
            " WHERE topic = 'room.opened'",
        )
        early = datetime.fromisoformat("2026-01-01T00:00:00Z")
        for ward, number, beds in opened:
            second.rooms.open_room(request(early), ward=ward, room=number, beds=beds)
        for (number,) in rows(
            simulated,
            "SELECT own->>'staff_number' FROM record.events WHERE topic = 'practitioner.registered'",
        ):
            second.practitioners.register_practitioner(request(early), staff_number=number)
        assert follow_into(simulated, sender, second, tmp_path) > 100
        assert uses(second, migrated) == uses(sender, simulated)


@contextmanager
def answering(
    answer: Callable[[str], str | None], received_data: list[bytes] | None = None
) -> Iterator[tuple[int, list[str]]]:
    """A receiver that answers each control id so; None: it closes the connection instead."""
    server = socket.create_server(("127.0.0.1", 0))
    seen: list[str] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection, connection.makefile("rwb") as stream:
                received = b""
                while part := stream.read1(65_536):
                    received += part
                    if not received.endswith(END):
                        continue
                    message = parse(received.strip(START + END))
                    if received_data is not None:
                        received_data.append(received)
                    seen.append(message.value("MSH", 10) or "")
                    code = answer(seen[-1])
                    if code is None:
                        break
                    (told,) = acknowledgements(message, Verdict(code))
                    stream.write(START + told + END)
                    stream.flush()
                    received = b""

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield server.getsockname()[1], seen
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join(5)


def test_what_may_succeed_is_sent_again_and_what_never_will_is_parked(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    ann = admitted(hospital, "1", "A/1/a", ago(hours=3))
    hospital.stays.transfer_patient(request(ago(hours=2)), stay_id=ann, **place("A/1/b"))
    hospital.stays.transfer_patient(request(ago(hours=1)), stay_id=ann, **place("A/1/a"))
    answers = iter(["E", None, "A", "R", "A"])
    with answering(lambda control_id: next(answers, "A")) as (port, seen):
        assert told(database, hospital, port) == 3
        assert told(database, hospital, port) == 0
        assert seen[0] == seen[1] == seen[2]
        assert len(set(seen)) == 3
        (parked,) = parked_messages(database)
        assert (parked["trigger"], parked["stayId"], parked["controlId"]) == ("A02", ann, seen[3])


def test_one_process_at_a_time_tells_a_receiver(hospital: Hospital, database: Database) -> None:
    with (
        follower(database, hospital, 9),
        pytest.raises(ConfigurationError, match="another process"),
        follower(database, hospital, 9),
    ):
        pass


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('host = "127.0.0.1"', "name is absent"),
        ('name = "x"\nhost = "h"\nport = 0\napplication = "y"', "port is a number"),
        ('name = "x"\nhost = "h"\nport = 1\napplication = "y"\nhots = 1', "unknown: hots"),
        ('name = "x"\nhost = 5\nport = 1\napplication = "y"', "host is a text"),
        ('name = "x"\nhost = "h"\nport = 1\napplication = "y"\n[sexes]\nMAN = "M"', "MAN is none"),
    ],
)
def test_a_mistake_in_the_file_of_a_receiver_is_told(
    tmp_path: Path, text: str, problem: str
) -> None:
    file = tmp_path / "second.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=problem):
        receiving_system(file)


def test_movements_tell_the_class_of_their_time() -> None:
    stay = uuid4()
    first = datetime(2026, 3, 1, 8, tzinfo=UTC)

    def at(hours: int) -> dict[str, Any]:
        return {"id": uuid4(), "at": first + timedelta(hours=hours), "order": hours}

    admission = Admission(**at(0), admission_type=AdmissionType.ELECTIVE)
    specialties = [SpecialtyChange(**at(hours), specialty="Heart") for hours in (1, 3, 5)]
    types = [
        TypeChange(**at(2), admission_type=AdmissionType.DAY_CASE),
        TypeChange(**at(4), admission_type=AdmissionType.EMERGENCY),
    ]
    history = History(stay).with_added(admission, *specialties, *types)
    movements = movements_of(history)
    assert [m.trigger for m in movements] == ["A01", "A08", "A07", "A08", "A06", "A08"]
    assert [patient_class(m, history) for m in movements] == ["I", "I", "O", "O", "I", "I"]
