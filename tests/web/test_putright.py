"""The screen on which things are put right, in a browser: each kind of what waits, with its act."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from api.http.app import app
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, ago, late
from tests.support.failing import with_a_failing
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Served, served
from tests.support.shared_history import running as following
from tests.support.source_movement_examples import admission, report
from tests.web.browsing import Open, go

pytestmark = pytest.mark.browser

BAD = uuid4()
"""The command that a read model cannot take in."""


@pytest.fixture
def running(settings: Settings, database: Database) -> Iterator[Served]:
    """A server of which one read model fails for one command."""
    with (
        served(app(settings, database, LOGIN, with_worker=False)) as server,
        following(ProjectionRunner(database.app_url, targets=with_a_failing("visits", BAD))),
    ):
        yield server


@pytest.fixture
def waiting(running: Served) -> Iterator[dict[str, str]]:
    """Of each kind something that waits to be put right: the text that its row has."""
    with running.http() as http:
        ward = Ward(GraphQLClient(http, TOKEN))  # type: ignore[arg-type]
        room = ward.room("a", "b", "c")
        late_one, dead, reported = (ward.name(n) for n in ("Late", "Dead", "Reported"))
        mrns = [ward.patient(familyName=n, sex="FEMALE") for n in (late_one, dead, reported)]
        stay = ward.stay(f"{room}/a", patientMrn=mrns[0])
        ward.stay(f"{room}/b", patientMrn=mrns[1])
        ward.record("changeSpecialty", stayId=stay, specialty="renal", **late(ago(minutes=90)))
        ward.record("requestConsult", stayId=stay, specialty="skin", question="what is it?")
        ward.record("recordDeath", patientMrn=mrns[1])
        report(ward, "V", "1", 1, movement=admission(mrns[2], ago(hours=9), f"{room}/a"))
        ward.execute(
            "recordVisit", commandId=str(BAD), stayId=stay, kind="ROUND", practitioner=ward.doctor()
        )
        yield {"late": late_one, "dead": dead, "reported": reported}


ACTS = (
    ("Late entries", "late", "Put right: ", "Put movement right"),
    ("Deaths without a discharge", "dead", "Discharge", "Discharge"),
    ("Contradictions", "reported", "Admit", "Admit"),
    ("Open consults", "late", "Answer: ", "Record visit"),
)
"""Of each list the row, the button in it, and the form that one click opens."""


def test_each_kind_of_what_waits_is_listed_and_one_click_from_its_act(
    page_of: Open, waiting: dict[str, str]
) -> None:
    page = page_of(Role.ADMIN)
    go(page, "mend")
    for title, who, button, command in ACTS:
        row = _list(page, title).locator("li", has_text=waiting[who]).first
        row.get_by_role("button", name=re.compile(f"^{button}")).first.click()
        form = page.get_by_role("dialog", name=command)
        form.wait_for()
        assert form.locator(".refusal").count() == 0
        page.keyboard.press("Escape")
        form.wait_for(state="detached")
    contradiction = _list(page, "Contradictions").locator("li")
    assert "Somebody has bed" in contradiction.inner_text()
    assert "BedOccupied" not in contradiction.inner_text()
    parked = _list(page, "Parked").locator("li").first
    parked.get_by_text("wardbook projections retry visits").wait_for()
    parked.get_by_role("button", name="Copy").wait_for()


def test_that_nothing_contradicts_is_said_to_who_may_know_it(
    page_of: Open, running: Served
) -> None:
    page = page_of(Role.ADMIN)
    go(page, "mend")
    page.get_by_text("Nothing that was reported contradicts the record.").wait_for()
    nurse = page_of(Role.PHARMACIST)
    go(nurse, "mend")
    nurse.get_by_role("heading", name="Late entries").wait_for()
    assert nurse.get_by_text("contradicts the record").count() == 0


def _list(page: Any, title: str) -> Any:
    return page.locator(".card", has=page.get_by_role("heading", name=re.compile(f"^{title}")))
