"""The recorder's connections, while the database is away."""

from contextlib import closing

from eventsourcing.utils import Environment

from infrastructure.event_store.recorder import Factory, Recorder
from infrastructure.postgres.database import Database
from tests.support.checker import wait_until


def test_it_is_tried_to_connect_until_the_database_is_there(
    server: Database, migrated: Database, worker_id: str
) -> None:
    name = f"later_{worker_id}"
    away = server.sibling(name)
    with closing(Factory(Environment(env={"DATABASE": away.app_url}))) as factory:
        recorder = factory.application_recorder()
        assert isinstance(recorder, Recorder)
        pool = recorder.pool
        wait_until(
            lambda: pool.get_stats().get("connections_errors", 0) > 5, 10, "it is tried again"
        )
        with server.scratch(name), pool.connection(timeout=5) as connection:
            assert connection.info.dbname == name
            pool.close()
