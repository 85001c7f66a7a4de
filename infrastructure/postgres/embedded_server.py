"""The embedded PostgreSQL: a real server in `home`, for a hospital that has no database yet.

Who keeps it alive: every process that called `ensure_server` holds a shared file lock on
`home/postgres.users` until it ends. The kernel releases it, also after `kill -9`. A process that
leaves asks for the same lock exclusively: if it gets it, nobody else uses the server, and it is
stopped. So `serve`, a worker and the command line come and go in any order, the last one puts
out the light, and a server left behind by a killed process is found again by the next.
Other clients (psql, pg_dump) hold no lock: to keep the server up for them, keep a `serve` running.

Linux and macOS (on Windows: inside WSL); `home` on a local disk.
"""

import atexit
import fcntl
import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.postgres.embedded_cluster import DATABASE, Cluster, EmbeddedServerError

__all__ = ["EmbeddedServerError", "ensure_server", "stop_server"]

log = logging.getLogger(__name__)

# Of this process: the open file whose lock says that it uses the server, per data folder.
_holds: dict[Path, int] = {}
# File locks are between processes; this is for the threads of this one.
_threads = threading.Lock()


def ensure_server(home: Path) -> str:
    """Start the PostgreSQL server of `home`, or find it running, and return its address.

    The data are in `home/postgres`, the server's messages in `home/postgres.log`; database
    `wardbook` is created if absent. From now on this process counts as a user of the server, until
    it ends or calls `stop_server`. Cheap to call again (a few milliseconds); starts the server anew
    if it was stopped meanwhile. The very first start takes about a second.

    Returns a libpq URL for the superuser over the Unix socket. For SQLAlchemy, replace the
    scheme `postgresql` by `postgresql+psycopg`.

    Raises EmbeddedServerError: the data belong to another user or another version of PostgreSQL,
    or the server doesn't start. OSError: `home` can't be written to.
    """
    cluster = Cluster(home)
    with _exclusively(cluster):
        _hold(cluster)
        if not cluster.data.exists():
            cluster.make()
        cluster.make_socket_folder()
        if not cluster.running():
            cluster.start()
        cluster.create_database(DATABASE)
    return cluster.url(DATABASE)


def stop_server(home: Path) -> bool:
    """Leave the server of `home`, and stop it unless another process uses it.

    Returns whether it is stopped now. Sessions of this process and of foreign clients (psql) are
    ended. Does nothing, and starts nothing, where there is no server.

    Raises EmbeddedServerError: it doesn't stop within a minute.
    """
    cluster = Cluster(home)
    if not cluster.data.exists():
        return True
    with _exclusively(cluster):
        if not _leave(cluster):
            return False
        cluster.stop()
        return True


@contextmanager
def _exclusively(cluster: Cluster) -> Iterator[None]:
    """Hold the lock under which one process at a time starts, stops, joins or leaves."""
    with _threads:
        cluster.check_usable()
        lock = cluster.open_own("postgres.lock")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            # Closing isn't enough: a child forked just now by another thread has it open too.
            fcntl.flock(lock, fcntl.LOCK_UN)
            os.close(lock)


def _hold(cluster: Cluster) -> None:
    """Count this process among the users. Before the start, so that none is left behind."""
    if cluster.data in _holds:
        return
    # Python opens files close-on-exec: the server doesn't inherit its users' lock.
    users = cluster.open_own("postgres.users")
    fcntl.flock(users, fcntl.LOCK_SH)
    _holds[cluster.data] = users
    atexit.register(_leave_at_exit, cluster)


def _leave(cluster: Cluster) -> bool:
    """Count this process no longer. Whether nobody is left; to be called `_exclusively`."""
    users = _holds.pop(cluster.data, None)
    if users is None:
        users = cluster.open_own("postgres.users")
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        fcntl.flock(users, fcntl.LOCK_UN)
        os.close(users)
    return True


def _leave_at_exit(cluster: Cluster) -> None:
    if cluster.data not in _holds:
        return
    for number in (signal.SIGINT, signal.SIGTERM):  # nothing is left to interrupt
        signal.signal(number, signal.SIG_IGN)
    try:
        stop_server(cluster.home)
    except (EmbeddedServerError, OSError) as error:
        log.warning("The embedded server was not stopped: %s", error)


def _forget_after_fork() -> None:
    """Release the holds in a forked child: they are its parent's."""
    global _threads
    _threads = threading.Lock()
    for users in _holds.values():
        os.close(users)
    _holds.clear()


os.register_at_fork(after_in_child=_forget_after_fork)
