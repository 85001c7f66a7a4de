"""Login by an OpenID provider (npm's oidc-provider, in a process of its own), in a browser."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import copy
from typing import Any

import pytest

from api.auth.oidc import OidcAuthenticator
from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.clients.installing import node_modules
from tests.conftest import empty
from tests.support.server_process import Served, served

pytestmark = pytest.mark.browser

HERE = Path(__file__).resolve().parent
PLACE = HERE.parent.parent / ".venv" / "web"
AUDIENCE = "urn:wardbook:test"
SECONDS = 60
"""The life of the provider's tokens; the page renews them when less than 90 seconds are left."""

LOGOFF_MINUTES = 20


@dataclass(frozen=True)
class Provided:
    """A provider, and a server whose page logs in there."""

    issuer: str
    server: Served

    @property
    def page(self) -> str:
        return f"http://127.0.0.1:{self.server.port}/"


@pytest.fixture(scope="module")
def provided(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Provided]:
    if node_modules(HERE, PLACE) is None:
        pytest.skip("node, or what npm has, is not there")
    empty(migrated)
    migrated.open_log("real")
    copy(HERE / "provider.mjs", PLACE)
    command = ["node", "provider.mjs", str(SECONDS), AUDIENCE]
    with subprocess.Popen(
        command, cwd=PLACE, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        issuer = f"http://127.0.0.1:{process.stdout.readline().strip()}"
        settings = Settings(
            home=tmp_path_factory.mktemp("home"),
            oidc_issuer=issuer,
            oidc_audience=AUDIENCE,
            oidc_client_id="wardbook-page",
            logoff_minutes=LOGOFF_MINUTES,
            oidc_parameters=f"scope=openid&resource={AUDIENCE}",
        )
        try:
            with served(app(settings, migrated, OidcAuthenticator(settings))) as server:
                made = Provided(issuer, server)
                process.stdin.write(made.page + "\n")
                process.stdin.flush()
                assert process.stdout.readline() == "ready\n"
                yield made
        finally:
            process.terminate()


@pytest.fixture
def opened(chromium: Any, provided: Provided) -> Iterator[Any]:
    """The page, before anybody is logged in; in the end nobody else was asked, and no policy broken."""
    faults: list[str] = []
    context = chromium.new_context(locale="en-GB")
    context.set_default_timeout(8_000)

    def watch(page: Any) -> None:
        page.on("request", lambda request: check(page, request.url))
        page.on("console", lambda said: faults.extend(violations(said.text)))

    def check(page: Any, url: str) -> None:
        if page.url.startswith(provided.page) and not url.startswith(
            (provided.page, provided.issuer, "about:")
        ):
            faults.append(url)

    context.on("page", watch)
    page = context.new_page()
    page.goto(provided.page + "#/house")
    yield page
    context.close()
    assert faults == []


def violations(said: str) -> list[str]:
    return [said] if "Security Policy" in said else []


def log_in(page: Any, name: str) -> None:
    """Fill the provider's own forms."""
    page.locator("[name=login]").fill(name)
    page.locator("[name=password]").fill("any")
    page.get_by_role("button").click()
    page.get_by_role("button", name="Continue").click()


def test_a_nurse_logs_in_by_the_provider_and_is_where_she_was(
    opened: Any, provided: Provided
) -> None:
    asked: list[str] = []
    opened.on("request", lambda request: asked.append(request.url))
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "nurse.ada")
    opened.get_by_text("nurse.ada · Nurse").wait_for()
    assert opened.url == provided.page + "#/house"
    authorization = next(url for url in asked if "code_challenge=" in url)
    assert "code_challenge_method=S256" in authorization
    assert "&state=" in authorization
    assert "&nonce=" in authorization
    assert not [url for url in asked if url.startswith(provided.page) and "code=" in url]
    kept = opened.evaluate("[Object.keys(localStorage), Object.keys(sessionStorage)]")
    assert kept == [["wardbook-language"], ["wardbook-token"]]


def test_an_ended_login_asks_in_a_window_over_what_was_typed(opened: Any) -> None:
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "nurse.ada")
    opened.get_by_text("nurse.ada · Nurse").wait_for()
    opened.keyboard.press("a")
    opened.get_by_role("dialog", name="Admit").locator("#f-withoutBed").fill("corridor")
    opened.evaluate("sessionStorage.setItem('wardbook-token', 'ended')")
    opened.locator("#f-admissionType").select_option("EMERGENCY")
    opened.locator("#f-patientMrn").fill("of nobody")
    opened.get_by_role("button", name="Record", exact=True).click()
    with opened.expect_popup() as window:
        opened.get_by_role("button", name="Log in").click()
    window.value.get_by_role("button", name="Continue").click()  # she is known there still
    opened.get_by_role("button", name="Log in").wait_for(state="detached")
    assert window.value.is_closed()
    opened.get_by_role("button", name="Record", exact=True).click()
    refusal = opened.locator(".field.bad .refusal")
    refusal.get_by_role("button", name="Register patient").or_(refusal).first.wait_for()
    assert opened.locator("#f-withoutBed").input_value() == "corridor"


def test_who_logs_out_is_asked_again(opened: Any, provided: Provided) -> None:
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "clerk.bob")
    opened.get_by_text("has to name one role").wait_for()  # a clerk is none of ours
    opened.evaluate("sessionStorage.clear()")
    opened.goto(provided.page)
    opened.context.clear_cookies()
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "physician.eve")
    opened.get_by_text("physician.eve · Physician").click()
    opened.get_by_role("button", name="Log out").click()
    opened.get_by_role("button", name="Yes, sign me out").click()
    opened.wait_for_url(provided.page)
    opened.get_by_role("button", name="Log in").click()
    opened.locator("[name=login]").wait_for()


def test_an_answer_that_nobody_asked_for_is_not_taken(opened: Any, provided: Provided) -> None:
    opened.goto(provided.page + "?#code=stolen&state=of-somebody-else")
    opened.wait_for_url(provided.page)
    assert opened.evaluate("Object.keys(sessionStorage)") == []


def test_a_refusal_of_the_provider_is_said(opened: Any, provided: Provided) -> None:
    opened.get_by_role("button", name="Log in").click()
    opened.get_by_text("Cancel").click()
    opened.get_by_role("alert").get_by_text("End-User aborted interaction").wait_for()


def test_a_login_is_renewed_while_the_page_is_used(opened: Any, provided: Provided) -> None:
    opened.clock.install()
    opened.goto(provided.page)
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "nurse.renewed")
    opened.get_by_text("nurse.renewed · Nurse").wait_for()
    first = opened.evaluate("sessionStorage.getItem('wardbook-token')")
    with opened.expect_response(lambda told: told.url.endswith("/token")):
        opened.clock.fast_forward(31_000)
    opened.locator(".dot.live").wait_for()
    assert opened.evaluate("sessionStorage.getItem('wardbook-token')") != first
    assert opened.get_by_role("button", name="Log in").count() == 0


def test_a_page_that_nobody_uses_logs_off_and_the_provider_asks_again(
    opened: Any, provided: Provided
) -> None:
    opened.clock.install()
    opened.goto(provided.page)
    opened.get_by_role("button", name="Log in").click()
    log_in(opened, "nurse.ada")
    opened.get_by_text("nurse.ada · Nurse").wait_for()
    opened.keyboard.press("a")
    opened.get_by_role("dialog", name="Admit").locator("#f-withoutBed").fill("corridor")
    opened.clock.fast_forward(LOGOFF_MINUTES * 60_000 + 31_000)
    opened.get_by_text("Log in with your account").wait_for()
    assert opened.get_by_role("dialog").count() == 0
    assert opened.evaluate("sessionStorage.getItem('wardbook-token')") is None
    opened.get_by_role("button", name="Log in").click()
    opened.locator("[name=login]").wait_for()
