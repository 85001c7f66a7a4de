"""Claims of commands that are appended together: the same as of each alone."""

from uuid import uuid4

from application.hospital import Hospital
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from tests.support.event_builders import crafted
from tests.support.hospital_dsl import rows


def test_mistake_965_a_command_that_only_gives_up_a_claim_keeps_it_when_others_are_appended_with_it(
    hospital: Hospital, database: Database
) -> None:
    recorder = hospital.pipeline.recorder
    assert isinstance(recorder, Recorder)
    visit = uuid4()
    claim = {"kind": f"wait {uuid4()}", "key": str(visit)}
    # twice: only commands whose events are not the first of their kind are appended together
    recorder.append_batch([crafted((uuid4(), 1))])
    recorder.append_batch([crafted((visit, 1), unique=[{**claim, "owner": visit}])])

    recorder.append_batch([crafted((uuid4(), 1)), crafted((visit, 2), released=[claim])])

    assert rows(database, "SELECT * FROM record.unique_claims") == []
