"""Mistakes of other systems about messages: see `test_covered` for the list."""

from dataclasses import replace
from pathlib import Path

from api.hl7.door import Door
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt
from tests.support.hospital_dsl import room, rows

MOVEMENTS = "SELECT count(*) FROM record.events WHERE topic LIKE 'source-visit%%reported%%'"


def test_mistake_146_a_message_refused_for_its_mapping_is_no_message_lost(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    room(hospital)
    admission = adt("A01", "1", facility="SOUTH").replace(b"HOSP", b"CLINIC")
    moved = adt("A02", "2", facility="SOUTH", place="A^1^b")
    unmapped = Door(hospital, [], tmp_path)
    for message in (admission, moved, moved, adt("A08", "3", facility="SOUTH"), b"nonsense"):
        unmapped.answers(message)

    half_mended = Door(hospital, SENDERS, tmp_path)
    answers = [(verdict.kind, verdict.code) for _, verdict in half_mended.replay()]
    assert answers == [("R", 204), ("A", 0), ("A", 0), ("A", 0), ("R", 100)]
    assert rows(database, MOVEMENTS)[0][0] == 1, "kept twice, recorded once"
    assert len(list(half_mended.refused)) == 3, "what is not carried out stays"

    mended = Door(hospital, [replace(SENDERS[1], authorities={"CLINIC": "main"})], tmp_path)
    assert [verdict.kind for _, verdict in mended.replay()] == ["A", "A", "R"]
    assert rows(database, MOVEMENTS)[0][0] == 2
    left = [kept["code"] for kept in mended.refused]
    assert left == [207, 100], "the one to be entered by hand, and the one that is no message"
    assert [verdict.kind for _, verdict in mended.replay()] == ["A", "R"]
    assert rows(database, MOVEMENTS)[0][0] == 2
