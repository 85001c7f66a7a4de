"""Mistakes about erasures by older programs, and the row of a log: see `test_covered`."""

from datetime import date
from pathlib import Path

import pytest

from application.hospital import Hospital
from domain.patient_events import Sex
from infrastructure.evidence.checkpoints import problem_of, sign_now
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.mistakes.test_erased_groups import BY_GROUP, erase, stayed, told
from tests.mistakes.test_tampering import altered, do
from tests.support.checker import end
from tests.support.hospital_dsl import ago, request, room


@pytest.mark.slow
def test_mistake_403_who_an_older_program_erased_is_of_no_group_and_nothing_fails(
    hospital: Hospital, follower: ProjectionRunner, database: Database
) -> None:
    """Their key is destroyed, so no upgrade brings age group and sex back: they count as UNKNOWN."""
    room(hospital, "1", "a", "b")
    hospital.patients.register_patient(
        request(ago(days=30)), mrn="M1", birth_date=date(1940, 5, 5), sex=Sex.MALE
    )
    stayed(hospital, "M1", 20, 16, "A/1/a")
    follower.catch_up()
    before = told(database, [end(database)])
    erase(hospital, "M1")
    do(database, "UPDATE record.stored_events SET own = own - 'grouped' WHERE own ? 'grouped'")
    rebuild(database, READ_MODELS, lambda *_: None, 1)
    by_group = [
        text for (name, *_), text in told(database, [end(database)]).items() if name == BY_GROUP
    ]
    assert "MALE" in str(before)
    assert "MALE" not in str(by_group)
    assert "UNKNOWN" in str(by_group)
    assert [check.promise for check in verify(database) if check.broken] == []


def test_mistake_404_the_epoch_of_a_log_is_raised_by_hand_and_verify_says_nothing(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    """Positions of before are refused then, as after a restore that nobody has made."""
    room(hospital)
    sign_now(database, tmp_path)
    assert altered(database, tmp_path) == []
    for change in ("epoch + 1", "epoch - 2", "0"):
        do(database, f"UPDATE record.log SET epoch = {change}")
        assert altered(database, tmp_path), change
        assert problem_of(database, tmp_path), change
    do(database, "UPDATE record.log SET epoch = 1")
    assert altered(database, tmp_path) == []
    do(database, "UPDATE record.log SET log_id = gen_random_uuid()")
    assert altered(database, tmp_path)


def test_what_is_not_signed_of_the_row_of_a_log_is_in_no_figure_and_no_right(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    """The kind of a log, and when it was opened: docs/evidence.md says that nothing vouches for them."""
    room(hospital)
    sign_now(database, tmp_path)
    do(database, "UPDATE record.log SET opened_at = opened_at - interval '1 year'")
    assert altered(database, tmp_path) == []
    text = (Path(__file__).parents[2] / "docs" / "evidence.md").read_text()
    assert "`opened_at`" in text
