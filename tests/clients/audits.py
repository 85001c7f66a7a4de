"""GraphQL over HTTP, audited by npm's graphql-http where node is there: ``make audits``."""

import subprocess
import sys
import tempfile
from pathlib import Path
from shutil import copy

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.postgres.embedded_server import ensure_server, stop_server
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.benchmarks.npm import install
from tests.conftest import LOGIN, TOKEN
from tests.support.server_process import served


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="wb-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the embedded server may run as another user
        peer = folder / "graphql-http"
        if not install(peer, "graphql-http@1.23.1", "graphql@16"):
            return 0
        copy(Path(__file__).with_suffix(".mjs"), peer)
        database = Database(ensure_server(folder / "server"))
        try:
            migrate(database)
            with served(app(Settings(home=folder / "home"), database, LOGIN)) as server:
                url = f"http://127.0.0.1:{server.port}/graphql"
                answer = subprocess.run(["node", "audits.mjs", url, TOKEN], cwd=peer, check=False)
        finally:
            stop_server(folder / "server")
    return answer.returncode


if __name__ == "__main__":
    sys.exit(main())
