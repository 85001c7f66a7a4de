"""The image, built of the Dockerfile and started without a Docker engine: by buildah.

It takes root, buildah, and a base image: the one that WARDBOOK_IMAGE_BASE names, else one that
debootstrap makes of Debian. Without them it is skipped, and says which are missing.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest

from tests.support.checker import wait_until
from tests.support.jetstream import free_port

pytestmark = pytest.mark.nightly

ROOT = Path(__file__).resolve().parents[1]
GIVEN_BASE = os.environ.get("WARDBOOK_IMAGE_BASE")
NEEDED = ["buildah", *([] if GIVEN_BASE else ["debootstrap"])]
PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates"
OF_THE_MACHINE = ("/etc/ssl/certs", "/etc/pip.conf", "/opt/pypi", "/opt/pypi-more", "/opt/wheels")
"""What pip needs of this machine to reach its index, where it is there."""

missing = [name for name in NEEDED if shutil.which(name) is None]
missing += [] if os.geteuid() == 0 else ["root"]
if missing:
    pytest.skip(
        f"needs {' and '.join(NEEDED)}, as root; missing: {missing}", allow_module_level=True
    )


def buildah(*arguments: str) -> str:
    command = ["buildah", "--storage-driver", "vfs", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stdout[-3000:]} {done.stderr[-3000:]}"
    return done.stdout.strip()


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with Python, as the Dockerfile's BASE."""
    if GIVEN_BASE:
        return GIVEN_BASE
    folder = tmp_path_factory.mktemp("debian")
    made = subprocess.run(
        ["debootstrap", "--variant=minbase", f"--include={PACKAGES}", "bookworm", str(folder)],
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0, made.stdout[-3000:]
    container = buildah("from", "scratch")
    buildah("add", container, str(folder), "/")
    buildah("commit", "--rm", container, "wardbook-base")
    return "localhost/wardbook-base"


@pytest.fixture(scope="module")
def image(base: str) -> Iterator[str]:
    volumes = [f"--volume={path}:{path}:ro" for path in OF_THE_MACHINE if Path(path).exists()]
    build = ["bud", "--isolation=chroot", "--format=docker", f"--build-arg=BASE={base}"]
    buildah(*build, *volumes, "--tag=wardbook-tested", ".")
    yield "localhost/wardbook-tested"
    buildah("rmi", "localhost/wardbook-tested")


def test_the_image_runs_as_nobody_in_particular_and_says_when_it_is_ready(image: str) -> None:
    config = json.loads(buildah("inspect", "--type=image", image))["Docker"]["config"]
    assert (config["User"], config["Cmd"][0]) == ("10001", "serve")
    assert "/readyz" in str(config["Healthcheck"]["Test"])
    container, port = buildah("from", image), free_port()
    run = ["buildah", "--storage-driver", "vfs", "run", "--isolation=chroot", container, "--"]
    process = subprocess.Popen(
        [*run, "wardbook", "demo", "--port", str(port)], start_new_session=True
    )
    try:

        def ready() -> bool:
            assert process.poll() is None, "it ended"
            with suppress(httpx2.HTTPError):
                return httpx2.get(f"http://127.0.0.1:{port}/readyz").status_code == 200
            return False

        print(f"ready after {wait_until(ready, 120, 'the image is ready'):.0f} s", flush=True)
        (wardbook,) = programs("demo", f"--port\0{port}")
        assert Path(f"/proc/{wardbook}").stat().st_uid == 10001
        os.kill(wardbook, signal.SIGTERM)  # as an engine stops it; its PostgreSQL ends with it
        assert process.wait(60) == 0
    finally:
        process.kill()
        process.wait()
        buildah("rm", container)


def programs(*words: str) -> list[int]:
    """Return the processes of Python that were started with some words."""
    result = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (folder / "cmdline").read_text()
            if "python" in command.partition("\0")[0] and all(word in command for word in words):
                result.append(int(folder.name))
    return result
