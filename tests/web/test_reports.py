"""Reports in a browser: an analyst's shift by keyboard, and plots that have their tables."""

import re
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago, late
from tests.web.browsing import Open, form, go

pytestmark = pytest.mark.browser


def _discharged(followed: Ward, ada: dict[str, str]) -> None:
    """Ada went home yesterday, after a day."""
    followed.record("dischargePatient", stayId=ada["stay"], disposition="HOME", **late(ago(days=1)))


def test_an_analysts_shift_by_keyboard(page_of: Open, followed: Ward, ada: dict[str, str]) -> None:
    """From the first screen to a report of a ward, issued, then restated after a correction."""
    others = [followed.stay(f"{followed.room('A', ward=ada['ward'])}/A") for _ in range(12)]
    page = page_of(Role.ANALYST)
    page.get_by_role("navigation").wait_for()
    page.keyboard.press("g")
    page.keyboard.press("r")
    page.get_by_role("heading", name="Reports", exact=True).wait_for()
    _choose(page, "Report", "Admissions, discharges")
    _choose(page, "Ward", ada["ward"])
    _value(page, "Admissions").wait_for()
    page.get_by_role("button", name="Issue report").focus()
    page.keyboard.press("Enter")
    with form(page, "Issue report"):
        pass
    page.get_by_role("heading", name="Issued").wait_for()
    for stay in others[:6]:  # of fewer persons an analyst is not told
        followed.record(
            "cancelAdmission", stayId=stay, because="ENTERED_IN_ERROR", reason="wrong person"
        )
    page.get_by_role("button", name="Restate report").first.focus()
    page.keyboard.press("Enter")
    with form(page, "Restate report") as dialog:
        dialog.locator("#f-reason").focus()
        page.keyboard.type("an admission was wrong")
    page.get_by_text("restated").wait_for()
    page.locator(".issue s").first.wait_for()


def test_a_report_before_it_can_be_known_says_why_and_is_mended_at_its_field(
    page_of: Open,
) -> None:
    page = page_of(Role.ANALYST)
    go(page, "reports?from=2024-01-10&to=2024-01-02")
    page.get_by_role("alert").get_by_text("it ends before it begins").wait_for()
    page.get_by_label("Last day").fill("2024-01-20")
    page.get_by_role("alert").wait_for(state="detached")
    page.locator(".card h2").first.wait_for()


def test_length_of_stay_is_a_distribution_with_its_table(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    _discharged(followed, ada)
    page = page_of(Role.BED_MANAGER)
    go(page, f"reports?name=length-of-stay-distribution&ward={ada['ward']}")
    column = page.locator("figure .plot rect")
    column.first.wait_for()
    assert column.count() == 1
    assert (column.locator("title").text_content() or "").startswith("1: 1 ")
    table = page.locator("table.figures", has_text="Days")
    row = table.get_by_role("row").filter(has=page.get_by_role("rowheader", name="1", exact=True))
    assert "1" in row.get_by_role("cell").all_inner_texts()


def test_the_census_of_each_ward_is_drawn_and_told_by_midnight(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    ward = followed.name("W")
    room = followed.room("A", ward=ward)
    followed.stay(f"{room}/A")
    page = page_of(Role.ANALYST)
    go(page, "reports?name=inpatient-census")
    figure = page.locator("figure", has_text="Census by ward")
    figure.get_by_role("img", name=ward).wait_for()
    figure.locator("summary").focus()
    page.keyboard.press("Enter")
    row = figure.get_by_role("row", name=ward)
    assert row.locator("td").last.inner_text() == "1"


def _choose(page: Any, label: str, value: str) -> None:
    """Choose an option by typing its beginning, as one does by keyboard."""
    choice = page.locator("label", has_text=re.compile(f"^{label}")).locator("select")
    choice.focus()
    page.keyboard.type(value, delay=10)
    page.wait_for_timeout(300)


def _value(page: Any, figure: str) -> Any:
    return page.locator(".tiles dt, .figures th", has_text=figure).first


def test_on_a_phone_no_label_of_a_plot_runs_into_the_next(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.ANALYST, viewport={"width": 360, "height": 740}, locale="de-DE")
    go(page, f"reports?ward={ada['ward']}&from={ago(days=9)[:10]}&to={ago(days=2)[:10]}")
    page.locator(".plot:not(.bars) text").first.wait_for()
    overlaps = page.evaluate(
        """() => [...document.querySelectorAll('.plot:not(.bars)')].flatMap(plot => {
          const boxes = [...plot.querySelectorAll('text')].map(text => text.getBoundingClientRect());
          return boxes.flatMap((a, i) => boxes.slice(i + 1).filter(b =>
            a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom));
        }).length"""
    )
    assert overlaps == 0


def test_reports_that_were_issued_before_are_reached_too(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    day = ago(days=3)[:10]
    for number in range(17):
        followed.record(
            "issueReport",
            name="bed-occupancy-rate",
            period={"from": day, "to": day},
            ward=ada["ward"],
            reason=f"copy {number}",
        )
    page = page_of(Role.ADMIN)
    go(page, f"reports?name=bed-occupancy-rate&ward={ada['ward']}")
    page.locator(".issue", has_text="copy 16").wait_for()
    assert page.locator(".issue", has_text="copy 0").count() == 0
    page.locator("main").get_by_role("button", name="More", exact=True).click()
    page.locator(".issue", has_text="copy 0").wait_for()
