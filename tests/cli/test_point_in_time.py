"""Drill: a house is backed up under load, lost, and brought back as it was at a moment."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psycopg
import pytest

from api.graphql.scalars import decode_position, encode_position
from domain.refusals import InvalidInput
from infrastructure.integrity.check import verify
from infrastructure.postgres.backup import begin_epoch
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_cluster import DATABASE, Cluster
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.runner import ProjectionRunner
from tests.support.checker import Acknowledgements, acknowledged_after, end, following, wait_until
from tests.support.hospital_dsl import rows
from tests.support.program import running, write

pytestmark = pytest.mark.nightly

SCRIPTS = Path(__file__).parents[2] / "deploy" / "pitr"
LOG = "SELECT position, command_id, body::text FROM record.events ORDER BY position"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that PostgreSQL's user may pass through, gone after the test."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-pitr-"))
    folder.chmod(0o755)
    yield folder
    for home in ("lost", "found"):
        Cluster(folder / home).stop()
        stop_server(folder / home)
    shutil.rmtree(folder)


def test_a_house_backed_up_under_load_comes_back_as_it_was_at_a_moment(folder: Path) -> None:
    lost, finding = Cluster(folder / "lost"), Cluster(folder / "found")
    database = Database(ensure_server(lost.home))
    base, archive, scripts = folder / "base", folder / "archive", folder / "scripts"
    shutil.copytree(SCRIPTS, scripts)
    for path in (base, archive):
        path.mkdir(mode=0o700)
        os.chown(path, lost.owner.st_uid, lost.owner.st_gid)
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("ALTER SYSTEM SET archive_mode = on")
        keep = f'{scripts}/archive.sh "%p" "%f" {archive}'
        owner.execute(f"ALTER SYSTEM SET archive_command = '{keep}'".encode())
    lost.stop()
    lost.start()
    migrate(database)
    before = database.open_log()

    acknowledgements = Acknowledgements()
    with (
        following(database.app_url),
        running(write, database.app_url, "P", 1) as writer,
    ):
        acknowledgements.positions.update(islice(writer.messages(), 40))
        at = ("-h", str(lost.socket_folder), "-p", "5432", "-U", "postgres")
        lost.run("pg_basebackup", "-D", str(base), "-c", "fast", *at)
        acknowledgements.positions.update(islice(writer.messages(), 40))
        ((moment,),) = rows(database, "SELECT clock_timestamp()")
        later = acknowledged_after(writer.messages(), end(database))
    with psycopg.connect(database.owner_url) as owner:
        whole = owner.execute(LOG.encode()).fetchall()
        (segment,) = owner.execute("SELECT pg_walfile_name(pg_switch_wal())").fetchone() or ("",)
    wait_until(lambda: (archive / segment).exists(), 30, "the last segment is archived")
    lost.run("pg_ctl", "stop", "-D", str(lost.data), "-m", "immediate")

    finding.check_usable()
    os.chown(finding.home, lost.owner.st_uid, lost.owner.st_gid)
    to = (str(base), str(archive), str(finding.data), moment.isoformat())
    owner_of_data = {"user": lost.owner.st_uid, "group": lost.owner.st_gid} if lost.as_root else {}
    subprocess.run([scripts / "restore.sh", *to], check=True, **owner_of_data)  # type: ignore[call-overload]
    finding.make_socket_folder()
    finding.start()
    restored = Database(finding.url(DATABASE))
    recovering = "SELECT pg_is_in_recovery()"
    wait_until(lambda: rows(restored, recovering) == [(False,)], 30, "it is no longer recovering")
    begin_epoch(restored)
    migrate(restored)

    events = rows(restored, LOG)
    assert events == whole[: len(events)]
    commands = {command for _, command, _ in events}
    assert commands >= acknowledgements.positions.keys()
    assert not commands >= later.keys(), "what came after the moment is not there"
    ProjectionRunner(restored.app_url).catch_up()
    assert [check.promise for check in verify(restored) if check.broken] == []
    after = restored.open_log()
    assert (after.id, after.epoch) == (before.id, before.epoch + 1)
    with pytest.raises(InvalidInput):
        decode_position(encode_position(before.id, before.epoch, 1), after.id, after.epoch, "after")
