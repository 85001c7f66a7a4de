"""Pictures of the page for docs/page, of a simulated house of now, by `make web SCREENSHOTS=docs/page`.

Without a folder they are taken all the same, so that a screen which shows nothing of a house is seen.
"""

import os
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.http.app import app
from api.simulator import simulate
from application.authorization.roles import Role
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN, empty
from tests.support.server_process import Served, served
from tests.support.shared_history import catch_up
from tests.web.browsing import go

pytestmark = pytest.mark.browser

BEDS, DAYS = 40, 5


@pytest.fixture(scope="module")
def busy(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of a simulated house that has lived until now."""
    empty(migrated)
    migrated.open_log("simulated")
    settings = Settings(home=tmp_path_factory.mktemp("home"), health_seconds=0)
    with closing(hospital(settings, migrated)) as house:
        simulate(house, beds=BEDS, days=DAYS, seed=1, until=datetime.now(UTC))
    catch_up(migrated)
    with served(app(settings, migrated, LOGIN)) as server:
        yield server


def test_each_screen_of_a_busy_house_has_its_picture(
    chromium: Any, busy: Served, tmp_path: Path
) -> None:
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path)
    page = chromium.new_page(locale="en-GB", viewport={"width": 1280, "height": 800})
    page.goto(f"http://127.0.0.1:{busy.port}/#token={LOGIN.make(Role.ADMIN, 'Ada')}")

    def taken(name: str, shown: str) -> None:
        page.locator(shown).first.wait_for()
        page.screenshot(path=folder / f"{name}.jpg", type="jpeg", quality=72)

    page.locator(".dot.live").wait_for()
    taken("board", "a.bed")
    stay = page.locator("a.bed").nth(5).get_attribute("href").partition("#/")[2]
    go(page, stay)
    taken("stay", ".entry")
    go(page, "flow")
    taken("flow", ".plot .step")
    go(page, "reports?name=occupancy-over-time")
    taken("reports", ".plot .step")
    go(page, "reports?name=inpatient-census")
    taken("census", ".card:has(h2:text('Inpatient census')) .small-plots .step")
    go(page, "reports?name=length-of-stay-distribution")
    taken("length-of-stay", ".card:has(h2:text('Length of stay, distribution')) .plot rect")
    before = (datetime.now(UTC) - timedelta(days=2)).isoformat(timespec="minutes")
    go(page, f"board?at={before[:16]}:00Z&known={before[:16]}:00Z")
    page.locator("main.past").wait_for()
    taken("past", "a.bed")
    page.close()
