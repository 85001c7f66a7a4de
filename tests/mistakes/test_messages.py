"""Mistakes of other systems about messages: see `test_covered` for the list."""

import json
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt
from tests.support.hospital_dsl import room, rows

MOVEMENTS = (
    "SELECT count(*) FROM record.events WHERE topic LIKE 'source-visit%%reported%%'"
    " AND body->'version'->'movement'->>'kind' <> 'DETAILS'"
)


def test_mistake_146_a_message_refused_for_its_mapping_is_no_message_lost(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital)
    admission = adt("A01", "1", facility="SOUTH").replace(b"HOSP", b"CLINIC")
    moved = adt("A02", "2", facility="SOUTH", place="A^1^b")
    unmapped = Door(hospital, [], tmp_path)
    for message in (
        admission,
        moved,
        moved,
        adt("A20", "3", "NPU|A^1^a|K", facility="SOUTH"),
        b"nonsense",
    ):
        unmapped.answers(message)

    half_mended = Door(hospital, SENDERS, tmp_path)
    answers = [(verdict.kind, verdict.code) for _, verdict in half_mended.replay()]
    assert answers == [("R", 204), ("A", 0), ("A", 0), ("R", 100)], "sent twice, kept once"
    assert rows(database, MOVEMENTS)[0][0] == 1
    assert len(list(half_mended.refused)) == 3, "what is not carried out stays"

    mended = Door(hospital, [replace(SENDERS[1], authorities={"CLINIC": "main"})], tmp_path)
    assert [verdict.kind for _, verdict in mended.replay()] == ["A", "A", "R"]
    assert rows(database, MOVEMENTS)[0][0] == 2
    left = [kept["code"] for kept in mended.refused]
    assert left == [207, 100], "the one to be entered by hand, and the one that is no message"
    assert [verdict.kind for _, verdict in mended.replay()] == ["A", "R"]
    assert rows(database, MOVEMENTS)[0][0] == 2


def test_mistake_183_a_refused_message_is_no_file_that_tells_of_a_person(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital)
    message = adt("A01", "1")
    Door(hospital, [], tmp_path).answers(message)
    (file,) = (tmp_path / "hl7-refused").iterdir()
    content = file.read_text()
    assert "Adam" not in content
    assert b64encode(message).decode()[:40] not in content

    plain = {**json.loads(content), "message": b64encode(adt("A01", "2")).decode()}
    file.with_name("0-from-before.json").write_text(json.dumps(plain))
    moved = {**json.loads(content), "code": 0}
    file.with_name("1-moved.json").write_text(json.dumps(moved))
    answers = [verdict.kind for _, verdict in Door(hospital, SENDERS[:1], tmp_path).replay()]
    assert answers == ["A", "E", "A"], "one from before is read; one moved to another file is not"


def test_mistake_263_a_second_movement_of_a_message_is_lost_with_its_acknowledgement(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital, at=datetime(2026, 1, 1, tzinfo=UTC))
    door = Door(hospital, SENDERS, tmp_path)

    def sent(*message: str | bytes) -> str:
        (answer,) = door.answers(adt(*message) if len(message) > 1 else message[0])  # type: ignore[arg-type]
        return "|".join(answer.decode().split("\r")[1].split("|")[1:4:2])

    zbe = "ZBE|{}|2026030210{}000+0100||{}||{}"
    assert sent("A01", "1", zbe.format("M1", 0, "INSERT", "A01")) == "AA"
    moved = adt("A02", "2", zbe.format("M2", 1, "INSERT", "A02"), place="A^1^b")
    assert sent(moved) == "AA"
    leaves = [zbe.format("M3", 2, "INSERT", "A21"), zbe.format("M4", 3, "INSERT", "A22")]
    assert sent(adt("Z99", "3", *leaves, place="A^1^b")) == "AA"
    ended = [zbe.format("M4", 3, "CANCEL", "A22"), zbe.format("M3", 2, "CANCEL", "A21")]
    assert sent("Z99", "4", *ended) == "AA"
    cancelled = (
        "SELECT count(*) FROM record.events WHERE topic LIKE 'source-visit%%reported%%'"
        " AND (body->'version'->>'cancelled')::boolean"
    )
    assert rows(database, cancelled)[0][0] == 2
    refusal = "AR|one ZBE; several in Z99 alone, after one PV1"
    for trigger, more in (("A21", leaves), ("Z99", [*leaves, "PV1||I|A^1^a"])):
        assert sent(trigger, f"{trigger}-5", *more) == refusal
        assert b"\rERR||ZBE^2|100" in door.answers(adt(trigger, f"{trigger}-5", *more))[0]
    assert len(list(door.refused)) == 2
