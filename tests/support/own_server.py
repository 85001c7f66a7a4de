"""A PostgreSQL of the house's own, of any version: over TLS, with logins by password."""

import copy
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infrastructure.postgres.embedded_cluster import program_folder
from tests.support.certificates import Authority
from tests.support.jetstream import free_port

SECRET = "a password of the house"

ACCESS = """
local   all,replication all   trust
hostssl all all 127.0.0.1/32  scram-sha-256
"""
"""pg_hba.conf: over the network by TLS alone, and by a password."""


FROM_NPM = Path(__file__).parents[2] / ".venv" / "postgres"
"""Where `make postgres` installs the versions that npm has."""


def installed() -> dict[str, Path]:
    """Return the folders of programs by version: npm's, Debian's, the wheel's; the last one counts."""
    npm = FROM_NPM.glob("node_modules/postgres*/native/bin")
    result = {folder.parents[1].name.removeprefix("postgres"): folder for folder in npm}
    result |= {folder.parent.name: folder for folder in Path("/usr/lib/postgresql").glob("*/bin")}
    result[program_folder().parent.name.removeprefix("pginstall")] = program_folder()
    return dict(sorted(result.items()))


class OwnServer:
    """A server with its data folder; it can be killed, and started again."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs, self.port = folder, programs, free_port()
        self.authority = Authority(folder / "authority", "authority of the house")
        self._user = pwd.getpwnam("postgres") if os.geteuid() == 0 else None
        self._data = folder / "data"
        certificate = self.authority.certificate("postgres")
        certificate[1].chmod(0o600)
        for path in (folder, *folder.rglob("*")):
            if self._user:
                os.chown(path, self._user.pw_uid, self._user.pw_gid)
        locale = ("--locale=C", "--encoding=UTF8")
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", *locale)
        library = self._run("postgres", "-D", str(self._data), "-C", "ssl_library")
        self.speaks_tls = bool(library.strip())
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": folder,
            "fsync": "off",
        }
        if self.speaks_tls:
            files = {"ssl_cert_file": certificate[0], "ssl_key_file": certificate[1]}
            settings |= {"ssl": "on", **files}
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        access = ACCESS if self.speaks_tls else ACCESS.replace("hostssl", "host")
        (self._data / "pg_hba.conf").write_text(access)

    def start(self) -> None:
        self._run("pg_ctl", "start", "-w", "-D", str(self._data), "-l", str(self.folder / "log"))

    @property
    def runs(self) -> bool:
        return (self._data / "postmaster.pid").exists()

    def stop(self) -> None:
        """End it as a crash does: no session is told, and nothing is written down."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data))

    @contextmanager
    def followed(self) -> Iterator["OwnServer"]:
        """Let a standby follow on a port of its own, which has what is acknowledged from then on."""
        standby = copy.copy(self)
        standby.port, standby._data = free_port(), self.folder / "standby"
        address = ("-h", str(self.folder), "-p", str(self.port), "-U", "postgres")
        self._run("pg_basebackup", "-D", str(standby._data), "-R", "-c", "fast", *address)
        with (standby._data / "postgresql.conf").open("a") as file:
            file.write(f"port = {standby.port}\n")
        standby.start()
        try:
            self.run_script("ALTER SYSTEM SET synchronous_standby_names = '*'")
            self.run_script("SELECT pg_reload_conf()")
            yield standby
        finally:
            standby.stop()

    def promote(self) -> None:
        """Make the primary of a standby."""
        self._run("pg_ctl", "promote", "-w", "-D", str(self._data))

    @property
    def administrator_url(self) -> str:
        """Return the URL of the superuser, on the machine itself."""
        return self.socket_url("postgres", "postgres")

    def socket_url(self, login: str, database: str) -> str:
        """Return the URL of a login on the machine itself, which needs no password."""
        return f"postgresql://{login}@/{database}?host={self.folder}&port={self.port}"

    @property
    def version(self) -> int:
        return int((self._data / "PG_VERSION").read_text())

    def run_script(self, script: str) -> None:
        """Run SQL by psql, as the administrator does. npm has none; a newer one will do."""
        address = ("-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", "postgres")
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", *address, input=script.encode())

    def url(self, login: str, database: str, secret: str = SECRET, mode: str | None = None) -> str:
        mode = mode or ("verify-full" if self.speaks_tls else "prefer")
        root = f"&sslrootcert={self.authority.file}" if mode.startswith("verify") else ""
        address = f"127.0.0.1:{self.port}/{database}?sslmode={mode}{root}"
        return f"postgresql://{login}:{secret.replace(' ', '%20')}@{address}"

    def _run(self, program: str, *arguments: str, input: bytes = b"") -> bytes:
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        path = self.programs / program
        done = subprocess.run(
            [path if path.exists() else program_folder() / program, *arguments],
            check=True,
            input=input,
            stdout=None if program == "pg_ctl" else subprocess.PIPE,
            user=user,
            group=group,
            extra_groups=[] if self._user else None,
            cwd="/",
        )
        return done.stdout or b""


@contextmanager
def own_server(programs: Path) -> Iterator[OwnServer]:
    """Start a server for a test."""
    folder = Path(tempfile.mkdtemp(prefix="wardbook-own-"))
    folder.chmod(0o755)
    server = OwnServer(folder, programs)
    server.start()
    try:
        yield server
    finally:
        if server.runs:
            server.stop()
        shutil.rmtree(folder)
