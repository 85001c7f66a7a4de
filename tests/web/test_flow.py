"""The bed manager's day in a browser: who is expected, who waits for a bed, and what is free by then."""

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago, late
from tests.web.browsing import Open, form, go

pytestmark = pytest.mark.browser


def test_a_planned_admission_is_registered_admitted_and_expected_no_longer(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.REGISTRAR)
    go(page, "flow")
    page.get_by_role("button", name="Plan admission").click()
    name = followed.name("Berger")
    with form(page, "Plan admission") as dialog:
        dialog.locator("#f-expectedAt").fill("2031-05-01T10:00")
        dialog.locator("#f-familyName").fill(name)
        dialog.locator("#f-ward").fill(ada["ward"])
        dialog.locator("#f-isolation").select_option("true")
    expected = page.locator(".lines li", has_text=name)
    expected.get_by_text("Has to lie alone").wait_for()
    expected.get_by_role("button", name="Correct expected arrival").click()
    with form(page, "Correct expected arrival") as dialog:
        assert dialog.locator("#f-familyName").input_value() == name
        dialog.locator("#f-urgency").select_option("URGENT")
        dialog.locator("#f-reason").fill("worse")
    expected.get_by_text("Urgent").wait_for()
    expected.get_by_role("button", name="Register patient").click()
    with form(page, "Register patient") as dialog:
        assert dialog.locator("#f-familyName").input_value() == name
        dialog.locator("#f-mrn").fill(f"B-{ada['mrn']}")
        dialog.locator("#f-sex").select_option("FEMALE")
    page.locator(".notice").get_by_role("button", name="Admit").click()
    with form(page, "Admit") as dialog:
        dialog.locator("#f-admissionType").select_option("ELECTIVE")
        dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    page.locator(".card", has_text="Admitted today").get_by_text(name).wait_for()
    expected.get_by_role("button", name="Correct expected arrival").wait_for(state="detached")


def test_a_bed_that_is_asked_for_is_waited_for_and_given(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    go(page, f"stay/{ada['stay']}")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_role("button", name="Request bed").click()
    with form(page, "Request bed") as dialog:
        dialog.locator("#f-ward").fill(ada["ward"])
        dialog.locator("#f-urgency").select_option("STAT")
    go(page, "flow")
    waiting = page.locator(".card", has_text="Waiting for a bed")
    mine = waiting.locator("li", has_text=ada["name"])
    mine.get_by_text("At once").wait_for()
    house = page.get_by_role("row", name=ada["ward"])
    assert house.get_by_role("cell").last.inner_text() == "1"
    page.get_by_text("As a table").click()
    page.get_by_role("columnheader", name="Coming").wait_for()
    mine.get_by_role("button", name="Transfer").click()
    with form(page, "Transfer") as dialog:
        dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    mine.wait_for(state="detached")


def test_what_was_recorded_late_is_put_right_from_its_list(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    specialty, right = followed.name("late"), followed.name("right")
    followed.record(
        "changeSpecialty", stayId=ada["stay"], specialty=specialty, **late(ago(minutes=90))
    )
    page = page_of()
    go(page, "mend")
    listed = page.locator(".card", has_text="Late entries").locator("li", has_text=specialty)
    listed.get_by_text(ada["name"]).wait_for()
    listed.get_by_role("button", name="Put movement right").click()
    with form(page, "Put movement right") as dialog:
        assert dialog.locator("#f-specialty").input_value() == specialty
        dialog.locator("#f-specialty").fill(right)
        dialog.locator("#f-reason").fill("misheard")
    page.locator(".card", has_text="Late entries").get_by_text(right).wait_for()
    listed.wait_for(state="detached")
