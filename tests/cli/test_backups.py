"""Backup and restore: everything comes back, whole or not at all, and nobody is misled by it."""

import stat
from hashlib import sha256
from itertools import islice
from pathlib import Path

import psycopg
import pytest

from api.graphql.scalars import decode_position, encode_position
from application.hospital import Hospital
from domain.refusals import InvalidInput
from domain.stay.facts import Disposition
from infrastructure.integrity.check import verify
from infrastructure.postgres.backup import SEAL, back_up
from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.cli.conftest import Run
from tests.support.checker import Acknowledgements, acknowledged_after, end, following
from tests.support.hospital_dsl import admitted, request, room, rows
from tests.support.program import running, write

LOG = "SELECT * FROM record.events ORDER BY position"
READINGS = "SELECT * FROM audit.accesses"


@pytest.fixture
def saved(run: Run, staffed: Hospital, here: Database, tmp_path: Path) -> Path:
    """A backup of a house with two patients."""
    room(staffed, "1", "a", "b")
    stay = admitted(staffed, "M1", "A/1/a")
    admitted(staffed, "M2", "A/1/b")
    staffed.stays.discharge_patient(request(), stay_id=stay, disposition=Disposition.HOME)
    run("occupancy", "--purpose", "administration")
    file = tmp_path / "house.backup"
    ended = run("backup", str(file))
    assert (ended.code, ended.err) == (0, "")
    return file


def test_a_backup_comes_back_whole_in_a_new_epoch(
    run: Run, saved: Path, here: Database, bare: Database
) -> None:
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    ended = run("restore", str(saved))
    assert (ended.code, ended.err) == (0, "")
    assert rows(bare, LOG) == rows(here, LOG)
    assert rows(bare, READINGS) == rows(here, READINGS) != []
    before, after = here.open_log(), bare.open_log()
    assert (after.id, after.kind, after.epoch) == (before.id, before.kind, before.epoch + 1)
    ProjectionRunner(bare.app_url).catch_up()
    assert [check.promise for check in verify(bare) if check.broken] == []
    kept = encode_position(before.id, before.epoch, 1)
    with pytest.raises(InvalidInput):
        decode_position(kept, after.id, after.epoch, "after")


def test_half_a_backup_is_refused_and_leaves_nothing(run: Run, saved: Path, bare: Database) -> None:
    content = saved.read_bytes()
    changed = content[:-200] + b"x" + content[-199:]
    for damaged in (b"", content[:40], content[: len(content) // 2], content[:-1], changed):
        saved.write_bytes(damaged)
        ended = run("restore", str(saved))
        assert (ended.code, ended.err) == (
            1,
            f"{saved} is no whole backup: it was cut off or changed.\n",
        )
    saved.write_bytes(b"no dump" + SEAL % sha256(b"no dump").hexdigest().encode())
    ended = run("restore", str(saved))
    assert ended.code == 1
    assert ended.err.startswith("pg_restore failed")
    assert rows(bare, "SELECT to_regnamespace('record')::text") == [(None,)]
    saved.write_bytes(content)
    assert run("restore", str(saved)).code == 0, "the whole one is taken after all"


def test_what_the_database_refuses_is_said_and_nothing_of_it_stays(
    run: Run, saved: Path, bare: Database
) -> None:
    with psycopg.connect(bare.owner_url) as owner:
        owner.execute("CREATE SCHEMA audit")
    ended = run("restore", str(saved))
    assert ended.code == 1
    assert 'psql failed: ERROR:  schema "audit" already exists' in ended.err
    assert rows(bare, "SELECT to_regnamespace('record')::text") == [(None,)]


def test_neither_a_file_nor_a_log_is_written_over(
    run: Run, saved: Path, here: Database, tmp_path: Path
) -> None:
    content, events = saved.read_bytes(), rows(here, LOG)
    again = run("backup", str(saved))
    assert (again.code, again.err) == (
        1,
        f"{saved} is there already; give the backup another name.\n",
    )
    assert saved.read_bytes() == content
    over = run("restore", str(saved))
    assert over.code == 1
    assert over.err.startswith("The database holds a log already.")
    assert rows(here, LOG) == events
    nowhere = run("backup", str(tmp_path / "nowhere" / "house.backup"))
    assert nowhere.code == 1
    assert "cannot be written" in nowhere.err
    assert run("restore", str(tmp_path / "absent")).code == 1
    assert {file.name for file in tmp_path.iterdir()} == {"house.backup"}


def test_of_nothing_there_is_no_backup(run: Run, bare: Database, tmp_path: Path) -> None:
    ended = run("backup", str(tmp_path / "house.backup"))
    assert ended.code == 1
    assert ended.err.startswith("The database has no tables yet")


@pytest.mark.nightly
def test_a_restore_by_other_means_begins_an_epoch_too(
    run: Run, saved: Path, bare: Database
) -> None:
    run("restore", str(saved))
    before = bare.open_log()
    ProjectionRunner(bare.app_url).catch_up()
    ended = run("new-epoch")
    assert (ended.code, ended.err) == (0, "")
    assert (bare.open_log().id, bare.open_log().epoch) == (before.id, before.epoch + 1)
    ProjectionRunner(bare.app_url).catch_up()
    assert [check.promise for check in verify(bare) if check.broken] == []
    assert len(rows(bare, "SELECT FROM stays_v1.stays")) > 0


@pytest.mark.nightly
def test_a_backup_under_load_comes_back_as_one_moment_and_is_rebuilt(
    run: Run, database: Database, bare: Database, tmp_path: Path
) -> None:
    file, before, after = tmp_path / "house.backup", Acknowledgements(), Acknowledgements()
    with following(database.app_url), running(write, database.app_url, "P", 1) as writer:
        before.positions.update(islice(writer.messages(), 40))
        back_up(database, file)
        after.positions.update(acknowledged_after(writer.messages(), end(database)))
    ended = run("restore", str(file))
    assert (ended.code, ended.err) == (0, "")
    events, whole = rows(bare, LOG), rows(database, LOG)
    assert events == whole[: len(events)]
    assert len(events) < len(whole)
    commands = {id for (id,) in rows(bare, "SELECT command_id FROM record.events")}
    assert commands >= before.positions.keys()
    assert not commands >= after.positions.keys(), "what came after it is not there"
    ProjectionRunner(bare.app_url).catch_up()
    assert [check.promise for check in verify(bare) if check.broken] == []
    results = rebuild(bare, READ_MODELS, lambda done, of: None)
    assert {name: each.different for name, each in results.items() if each.different} == {}
    log, restored = database.open_log(), bare.open_log()
    kept = encode_position(log.id, log.epoch, len(whole))
    with pytest.raises(InvalidInput):
        decode_position(kept, restored.id, restored.epoch, "after")
