"""Each role in a browser: what it is offered shows something, and what it may not see says so."""

import pytest

from application.authorization.roles import Role
from tests.web.browsing import SCREENS, Open, go

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("role", Role)
def test_each_role_is_shown_what_it_is_offered_and_told_what_it_may_not_see(
    page_of: Open, ada: dict[str, str], role: Role
) -> None:
    page = page_of(role)
    navigation = page.get_by_role("navigation")
    navigation.wait_for()
    links = navigation.get_by_role("link").all()
    offered = {
        (link.get_attribute("href") or "").partition("#/")[2].partition("?")[0] for link in links
    }
    told: dict[str, str] = {}
    for screen in SCREENS:
        go(page, screen)
        page.locator("main [role=status]", has_text="Reading").wait_for(state="detached")
        told[screen] = " ".join(page.locator("main .failure").all_inner_texts())
    assert {screen for screen, text in told.items() if not text} == offered
    assert {text for text in told.values() if text} <= {"Not allowed."}
