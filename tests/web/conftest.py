"""Servers that the tests of the page share, and a browser."""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.api.conftest import followed, running, shared
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward
from tests.support.server_process import Served
from tests.web.browsing import Open

__all__ = ["followed", "running", "shared"]

NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """The chromium of this machine, which reaches nothing but this machine."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=executable,
            args=["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"],
        )
        yield browser
        browser.close()


@pytest.fixture
def page_of(chromium: Any, running: Served) -> Iterator[Open]:
    """Open the page with a login of a role; at the end nothing of it was broken or asked elsewhere."""
    faults: list[str] = []
    contexts: list[Any] = []

    def opened(role: Role = Role.NURSE, wards: tuple[str, ...] = (), **options: Any) -> Any:
        context = chromium.new_context(bypass_csp=False, **{"locale": "en-GB", **options})
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _check_here(request.url, running, faults))
        page.on("console", lambda message: _check_policy(message.text, faults))
        token = LOGIN.make(role, f"a {role}", wards)
        page.goto(f"http://127.0.0.1:{running.port}/#token={token}")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []


def _check_here(url: str, running: Served, faults: list[str]) -> None:
    if not url.startswith(f"http://127.0.0.1:{running.port}/") and not url.startswith("blob:"):
        faults.append(f"asked elsewhere: {url}")


def _check_policy(text: str, faults: list[str]) -> None:
    if "Content Security Policy" in text or "TrustedHTML" in text:
        faults.append(text)


@pytest.fixture
def ada(followed: Ward) -> dict[str, str]:
    """A patient in a bed of a ward of her own, with another bed that is free."""
    ward = followed.name("W")
    room = followed.room("A", "B", ward=ward)
    name = followed.name("Lovelace")
    mrn = followed.patient(familyName=name, givenName="Ada", birthDate="1984-05-02", sex="FEMALE")
    stay = followed.stay(f"{room}/A", patientMrn=mrn)
    return {"ward": ward, "room": room.split("/")[1], "name": name, "stay": stay, "mrn": mrn}
