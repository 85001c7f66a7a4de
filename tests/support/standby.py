"""A hot standby of an embedded server: a real copy that follows it by streaming replication."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_cluster import DATABASE, Cluster
from infrastructure.postgres.embedded_server import ensure_server, stop_server


class Standby:
    """A standby: it can be stopped, and held where it is."""

    def __init__(self, cluster: Cluster, primary: Path) -> None:
        """``primary``: the home of the server that it follows."""
        self.cluster, self.primary = cluster, primary

    @property
    def database(self) -> Database:
        return Database(self.cluster.url(DATABASE))

    def hold(self, *, held: bool) -> None:
        """Let it receive and not replay, or replay again."""
        with psycopg.connect(self.database.owner_url, autocommit=True) as owner:
            owner.execute(f"SELECT pg_wal_replay_{'pause' if held else 'resume'}()".encode())

    def stop(self) -> None:
        self.cluster.stop()


@contextmanager
def replicated(standbys: int = 1) -> Iterator[tuple[Database, list[Standby]]]:
    """An embedded server of its own, and standbys that follow it."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-replica-"))
    primary = Cluster(folder / "primary")
    others = [Cluster(folder / f"standby{n}") for n in range(standbys)]
    try:
        database = Database(ensure_server(primary.home))
        for other in others:
            _follow(primary, other)
        yield database, [Standby(other, primary.home) for other in others]
    finally:
        for other in others:
            if other.data.exists():
                other.stop()
        stop_server(primary.home)
        shutil.rmtree(folder)


def _follow(primary: Cluster, standby: Cluster) -> None:
    standby.check_usable()
    standby.data.mkdir(mode=0o700)
    owner = primary.owner
    os.chown(standby.data, owner.st_uid, owner.st_gid)
    standby.open_the_way()
    at = ("-h", str(primary.socket_folder), "-p", "5432", "-U", "postgres")
    primary.run("pg_basebackup", "-D", str(standby.data), "-R", "-c", "fast", *at)
    standby.make_socket_folder()
    standby.start()
