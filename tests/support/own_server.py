"""A PostgreSQL of the house's own, of any version: over TLS, with logins by password."""

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
local   all all               trust
hostssl all all 127.0.0.1/32  scram-sha-256
"""
"""pg_hba.conf: over the network by TLS alone, and by a password."""


def installed() -> dict[str, Path]:
    """Return the folders of programs by version: Debian's, and the wheel's."""
    debian = {folder.parent.name: folder for folder in Path("/usr/lib/postgresql").glob("*/bin")}
    wheel = program_folder()
    return {**debian, wheel.parent.name.removeprefix("pginstall"): wheel}


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
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "--auth=trust", "--locale=C")
        self.speaks_tls = b"openssl" in self._run("pg_config", "--configure")
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

    def stop(self) -> None:
        """End it as a crash does: no session is told, and nothing is written down."""
        self._run("pg_ctl", "stop", "-m", "immediate", "-D", str(self._data))

    @property
    def administrator_url(self) -> str:
        """Return the URL of the superuser, on the machine itself."""
        return f"postgresql://postgres@/wardbook?host={self.folder}&port={self.port}"

    def run_script(self, script: str) -> None:
        """Run SQL by psql, as the administrator does."""
        address = ("-h", str(self.folder), "-p", str(self.port), "-U", "postgres", "-d", "postgres")
        self._run("psql", "-q", "-v", "ON_ERROR_STOP=1", *address, input=script.encode())

    def url(self, login: str, database: str, secret: str = SECRET, mode: str | None = None) -> str:
        mode = mode or ("verify-full" if self.speaks_tls else "prefer")
        root = f"&sslrootcert={self.authority.file}" if mode.startswith("verify") else ""
        address = f"127.0.0.1:{self.port}/{database}?sslmode={mode}{root}"
        return f"postgresql://{login}:{secret.replace(' ', '%20')}@{address}"

    def _run(self, program: str, *arguments: str, input: bytes = b"") -> bytes:
        user, group = (self._user.pw_uid, self._user.pw_gid) if self._user else (None, None)
        done = subprocess.run(
            [self.programs / program, *arguments],
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
        server.stop()
        shutil.rmtree(folder)
