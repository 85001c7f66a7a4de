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

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster

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
def replicated() -> Iterator[tuple[Database, Standby]]:
    """An embedded server of its own, and a standby that follows it."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-replica-"))
    primary, other = Cluster(folder / "one"), Cluster(folder / "two")
    try:
        database = Database(ensure_server(primary.home))
        other.check_usable()
        other.data.mkdir(mode=0o700)
        owner = primary.owner
        os.chown(other.data, owner.st_uid, owner.st_gid)
        other.open_the_way()
        at = ("-h", str(primary.socket_folder), "-p", "5432", "-U", "postgres")
        primary.run("pg_basebackup", "-D", str(other.data), "-R", "-c", "fast", *at)
        other.make_socket_folder()
        other.start()
        yield database, Standby(other)
    finally:
        if other.data.exists():
            other.stop()
        stop_server(primary.home)
        shutil.rmtree(folder)
