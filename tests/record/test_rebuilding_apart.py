"""Read models rebuilt by several processes, any of which may be killed."""

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import psycopg
import pytest

from infrastructure.postgres.migrate import schema_differences
from infrastructure.projections import rebuild_workers
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.status import position_of
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.visits import Visits
from tests.support.shared_history import Lived, catch_up, dump, end, forget

pytestmark = pytest.mark.nightly

REBUILDING = """
import sys
from infrastructure.postgres.database import Database
from infrastructure.projections.status import position_of
from infrastructure.read_models import READ_MODELS
from infrastructure.projections.rebuild import rebuild
rebuild(Database(sys.argv[1]), READ_MODELS, lambda *now: print(*now, flush=True), processes=2)
"""


@pytest.fixture(params=["forked", "spawned"])
def start(request: pytest.FixtureRequest) -> Iterator[str]:
    """Have workers forked from this process, or spawned, since it has another thread."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait)
    if request.param == "spawned":
        thread.start()
    yield request.param
    over.set()
    if request.param == "spawned":
        thread.join()


@pytest.mark.usefixtures("start")
def test_several_processes_fill_what_one_would(lived: Lived) -> None:
    catch_up(lived.database)
    result: list[tuple[int, int]] = []

    rebuilt = rebuild(lived.database, READ_MODELS, lambda *now: result.append(now), processes=3)

    assert {r.different for r in rebuilt.values()} == {0}
    assert result == sorted(result)
    assert result[-1] == (end(lived.database), end(lived.database))
    assert dump(lived.database) == lived.first
    assert schema_differences(lived.database) == []


@pytest.mark.usefixtures("start")
def test_what_a_process_that_dies_leaves_undone_is_done_by_the_one_that_started_it(
    lived: Lived,
) -> None:
    catch_up(lived.database)
    killed = 0
    with psycopg.connect(lived.database.owner_url, autocommit=True) as owner:

        def kill(done: int, total: int) -> None:
            nonlocal killed
            if done == 0:  # hold the other one up before it fills anything
                owner.execute("SELECT pg_try_advisory_lock(%s, %s)", rebuild_workers.WORKER_LOCK)
            waiting = owner.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                " AND classid = %s AND objid = %s AND NOT granted"
                " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
                rebuild_workers.WORKER_LOCK,
            ).fetchall()
            killed += len(waiting)

        rebuilt = rebuild(lived.database, READ_MODELS, kill, processes=2)

    assert killed > 0
    assert {r.different for r in rebuilt.values()} == {0}
    assert dump(lived.database) == lived.first


def test_a_rebuild_that_is_killed_leaves_nothing_that_the_next_one_minds(lived: Lived) -> None:
    catch_up(lived.database)
    for lines in (1, 2):
        with subprocess.Popen(
            [sys.executable, "-c", REBUILDING, lived.database.owner_url], stdout=subprocess.PIPE
        ) as process:
            assert process.stdout is not None
            for _ in range(lines):
                assert process.stdout.readline()
            process.send_signal(signal.SIGKILL)
    assert dump(lived.database) == lived.first

    rebuilt = rebuild(lived.database, READ_MODELS, lambda *_: None, processes=2)

    assert {r.different for r in rebuilt.values()} == {0}
    assert dump(lived.database) == lived.first


@pytest.mark.usefixtures("start")
def test_a_process_whose_starter_is_gone_fills_nothing(lived: Lived) -> None:
    forget(lived.database)
    with (
        psycopg.connect(lived.database.owner_url, autocommit=True) as owner,
        rebuild_workers.worker_processes(1) as (worker,),
    ):
        owner.execute("SELECT pg_advisory_lock(%s, %s)", rebuild_workers.WORKER_LOCK)
        live = ProjectionTarget(Visits, str(Visits.metadata.schema))
        rebuild_workers.assign(worker, lived.database.owner_url, [live], end(lived.database))
        worker.pipe.close()
        owner.execute("SELECT pg_advisory_unlock(%s, %s)", rebuild_workers.WORKER_LOCK)

        worker.process.join(timeout=30)
        assert worker.process.exitcode == 0
        assert position_of(owner, live.schema) == 0
