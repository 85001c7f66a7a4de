"""Mistakes about who sends messages of HL7 v2, and whom they are told to."""

import json
import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.hl7 import door as door_module
from api.hl7 import kept_files
from api.hl7 import refused as refused_module
from api.hl7.door import CARRIED_OUT, IMPOSTOR, NOT_OPENED, Door
from api.hl7.refused import UNREADABLE
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.patient import Patient
from domain.patient_events import Confidentiality
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt, codes
from tests.hl7.test_mutated import OWN
from tests.hl7.test_orders import ras, rde
from tests.hl7.test_outbound import a_day, follow_into, persons, persons_put_right, second
from tests.support.hospital_dsl import doctor, request, room, rows

__all__ = ["second"]


def test_mistake_461_what_was_kept_of_one_client_is_carried_out_in_the_name_of_another(
    hospital: Hospital, tmp_path: Path
) -> None:
    """Of a system that is set up later: whoever wrote its name first is believed in a replay."""
    north, south = (replace(sender, certificate=sender.name) for sender in SENDERS)
    room(hospital)
    message = adt("A01", "1", facility="SOUTH")
    before = Door(hospital, [north], tmp_path)
    for client in ("north", "south"):
        (answer,) = before.answers(message, frozenset({client}))
        assert codes([answer.decode()]) == ["AR"]
    after = Door(hospital, [north, south], tmp_path)
    refusal, carried_out = [verdict for _, verdict in after.replay()]
    assert refusal == IMPOSTOR
    assert carried_out in CARRIED_OUT
    assert [kept["client"] for kept in after.refused] == [["north"]]


def test_mistake_462_whose_data_were_sent_to_another_system_is_not_recorded(
    hospital: Hospital, second: Hospital, database: Database, migrated: Database, tmp_path: Path
) -> None:
    """That there is such a receiver was; each person of whom it is told is, as in the feed."""
    for house in (hospital, second):
        for number in "123":
            room(house, number)
    doctor(second)
    a_day(hospital)
    persons_put_right(hospital)
    follow_into(database, hospital, second, tmp_path)
    recorded = rows(
        database,
        "SELECT DISTINCT p, a.entity FROM audit.accesses a, unnest(a.patients) AS p"
        " WHERE a.operation = 'wardbook hl7 send' AND a.subject = 'hl7'",
    )
    assert {entity for _, entity in recorded} == {"movements to second"}
    numbers = {current(hospital.record, Patient.empty(id)).mrn for id, _ in recorded}
    assert numbers == set(persons(second, migrated))


NORTH, SOUTH = frozenset({"north"}), frozenset({"south", "south.example"})


def answer_codes(door: Door, message: bytes, client: frozenset[str] = frozenset()) -> str:
    (answer,) = door.answers(message, client)
    (code,) = codes([answer.decode()])
    return code


def test_mistake_466_a_client_takes_the_room_in_which_messages_of_others_are_kept(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client fills its own room, whichever sender it names; and no sender fills that of another."""
    monkeypatch.setattr(refused_module, "MAX_REFUSED", 3)
    door = Door(hospital, SENDERS, tmp_path)
    names = ["NORTH", "SOUTH", "NOBODY", "NORTH", "SOUTH", "NOBODY"]
    hostile = [adt("A40", str(n), facility=name) for n, name in enumerate(names)]
    result = [answer_codes(door, message, NORTH) for message in hostile]
    assert result == ["AR"] * 3 + ["AE"] * 3
    for client in (SOUTH, frozenset[str]()):
        assert answer_codes(door, adt("A40", "9", facility="SOUTH"), client) == "AR"
    for n in range(5):  # of whom no certificate tells apart: by the sender that is set up
        answer_codes(door, b"nonsense %d" % n)
        answer_codes(door, adt("A40", f"x{n}", facility="WHOEVER"))
        answer_codes(door, adt("A40", f"y{n}", facility="SOUTH"))
    assert answer_codes(door, adt("A40", "10")) == "AR"
    assert answer_codes(door, hostile[0], NORTH) == "AR", "it is kept already"
    assert len(list(door.refused)) == 3 + 1 + 3 + 3 + 1


def test_mistake_466_a_message_that_waits_no_longer_takes_room_from_who_sent_it(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(refused_module, "MAX_REFUSED", 1)
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    doctor(hospital)
    door = Door(hospital, SENDERS, tmp_path)
    assert answer_codes(door, adt("A01", "1"), SOUTH) == "AA"
    for message, client in ((ras("4", 11), NORTH), (rde("2", "NW", 12, "400"), SOUTH)):
        assert answer_codes(door, message, client) == "AA"  # a dose before its order
    (kept,) = door.refused
    assert kept["text"] == "PrescriptionStateBroken"
    assert answer_codes(door, adt("A40", "3"), NORTH) == "AE"
    assert answer_codes(door, adt("A40", "3"), SOUTH) == "AR"


def test_mistake_466_messages_of_one_client_that_wait_let_those_of_others_have_their_turn(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door_module, "MAX_RETRIED", 2)
    door = Door(hospital, SENDERS, tmp_path)
    for n in range(6):
        order = rde(str(n), "NW", 12, "400").replace(b"|8|", b"|8-%d|" % n)
        assert answer_codes(door, order.replace(b"VNORTH", b"VNONE"), NORTH) == "AA"
    order = rde("7", "NW", 12, "400").replace(b"NORTH", b"SOUTH")
    assert answer_codes(door, order, SOUTH) == "AA"
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    doctor(hospital)
    elsewhere = Door(
        hospital, SENDERS, tmp_path / "elsewhere"
    )  # it does not know of what waits here
    assert answer_codes(elsewhere, adt("A01", "8", facility="SOUTH"), SOUTH) == "AA"
    assert len(door.refused.waiting()) == 7
    door.retry_waiting()
    assert {kept["client"][0] for kept in door.refused.waiting()} == {"north"}


BROKEN_FILES: dict[str, bytes] = {
    "half": b'{"refusedAt": "2026-03-',
    "empty": b"",
    "a list": b"[1, 2]",
    "a number": b"7",
    "no text": b"\xff\xfe\x00{",
    "nested": b"[" * 200_000,
    "without a message": b'{"refusedAt": "2026-03-01", "text": "", "code": 1, "where": ""}',
    "other types": b'{"refusedAt": 1, "text": [], "code": 1, "where": "", "message": 5}',
    "other client": b'{"refusedAt": "", "text": "", "code": 1, "where": "", "message": "", "client": 5}',
}


@pytest.mark.parametrize("waits", [False, True])
def test_mistake_467_a_file_that_is_broken_holds_up_all_that_was_refused(
    hospital: Hospital, tmp_path: Path, *, waits: bool
) -> None:
    room(hospital)
    before = Door(hospital, [], tmp_path)
    assert answer_codes(before, adt("A01", "1")) == "AR"
    (whole,) = before.refused
    folder = tmp_path / "hl7-refused"
    ending = "-for-00000000000000000000000000000000" if waits else ""
    for number, content in enumerate(BROKEN_FILES.values()):
        (folder / f"0{number}{ending}.json").write_bytes(content)
    (folder / f"1{ending}.json").mkdir()
    altered = {
        "message": "\x1e1AAAA",
        "refusedAt": "2026-03-01",
        "text": "",
        "code": 1,
        "where": "",
    }
    (folder / f"2{ending}.json").write_text(json.dumps(altered))
    (folder / f"3{ending}.json").write_text(json.dumps({**altered, "message": "no base64"}))
    after = Door(hospital, SENDERS, tmp_path)
    listed = {kept["file"]: kept["text"] for kept in after.refused}
    broken = {file for file, text in listed.items() if text == UNREADABLE}
    assert len(broken) == len(BROKEN_FILES) + 1
    after.retry_waiting()
    verdicts = {kept["file"]: verdict for kept, verdict in after.replay()}
    assert verdicts.pop(whole["file"]) in CARRIED_OUT
    assert {verdict.text for verdict in verdicts.values()} == {UNREADABLE, NOT_OPENED.text}
    assert {verdict.kind for verdict in verdicts.values()} == {"E"}
    assert {kept["file"] for kept in after.refused} == verdicts.keys(), "nothing of them is lost"


def test_mistake_601_a_message_takes_longer_to_keep_the_more_are_kept(
    hospital: Hospital, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder was walked through for each, twice: 10,000 refused ones made all senders slow."""
    listings: list[Path] = []

    def list_folder(folder: Path) -> list[str]:
        listings.append(folder)
        return [entry.name for entry in os.scandir(folder)]

    monkeypatch.setattr(kept_files, "NS_OF_CHANGE", 10**18)  # on a machine however slow
    monkeypatch.setattr(os, "listdir", list_folder)
    door = Door(hospital, SENDERS, tmp_path)
    for n in range(9):
        assert answer_codes(door, adt("A40", str(n)), NORTH) == "AR"
        assert answer_codes(door, adt("A40", "0"), NORTH) == "AR"
        assert (
            answer_codes(door, rde(f"w{n}", "NW", 12, "400").replace(b"|8|", b"|8-%d|" % n)) == "AA"
        )
    assert len(listings) == 1
    assert len(list(door.refused)) == 18
    assert len(door.refused.waiting()) == 9


def told_of(door: Door, message: bytes) -> list[list[str]]:
    """Return the answer to a message of a client named north, but for its time and its own id."""
    (result,) = door.answers(message, NORTH)
    head, *segments = [segment.split("|") for segment in result.decode().split("\r")]
    return [head[:6] + head[7:9] + head[10:], *segments]


AUTHORITY = "an authority that it does not have"
BY_NUMBER = [b"^A%02d|" % number for number in (1, 5, 8, 14, 28, 31, 40, 45, 47, 60)]
"""Triggers of messages that are carried out by the number of the patient, and not by the visit."""

WRONG = {
    "a facility that is not set up": lambda told: told.replace(b"|NORTH|", b"|EAST|"),
    "another client than its certificate says": lambda told: told.replace(b"|NORTH|", b"|SOUTH|"),
    AUTHORITY: lambda told: told.replace(b"^^^HOSP", b"^^^ELSE"),
    "an exercise": lambda told: told.replace(b"|P|2.5", b"|T|2.5"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_mistake_602_an_answer_to_a_wrong_sender_tells_whether_a_patient_is_there(
    hospital: Hospital, database: Database, tmp_path: Path, wrong: str
) -> None:
    north, south = (replace(sender, certificate=sender.name) for sender in SENDERS)
    north = replace(north, authorities={"HOSP": "main"})
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    doctor(hospital)
    door = Door(hospital, [north, south], tmp_path / "known")
    for trigger in ("A28", "A01"):
        assert answer_codes(door, adt(trigger, trigger), NORTH) == "AA"
    hospital.identity.correct_patient_details(
        request(reason="asked"), patient_mrn="4711", confidentiality=Confidentiality.RESTRICTED
    )
    before = rows(database, "SELECT count(*) FROM record.commands")
    messages = [m for m in OWN if wrong != AUTHORITY or any(t in m for t in BY_NUMBER)]
    assert len(messages) > 10
    for number, message in enumerate(messages):
        sent = WRONG[wrong](message.replace(b"|C|P|", b"|%d|P|" % number))
        nobody = sent.replace(b"4711", b"9911").replace(b"4799", b"9999")
        assert told_of(door, sent) == told_of(door, nobody), message
    assert rows(database, "SELECT count(*) FROM record.commands") == before
