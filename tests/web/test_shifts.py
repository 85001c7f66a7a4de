"""Shifts by keyboard alone: all that these tests do they do by keys, as who has no mouse."""

from typing import Any

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward
from tests.web.browsing import Open, bed_of

pytestmark = pytest.mark.browser

MOST_TABS = 150
IS_HERE = "here => here === document.activeElement"


def tab_to(page: Any, wanted: Any) -> None:
    """Press Tab until the focus is on what is wanted."""
    wanted.first.wait_for()
    for _ in range(MOST_TABS):
        if wanted.first.evaluate(IS_HERE):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab comes to {wanted}")


def press(page: Any, wanted: Any, key: str = "Enter") -> None:
    tab_to(page, wanted)
    page.keyboard.press(key)


def write(page: Any, field: str, text: str) -> None:
    """Enter a text into a field, or choose what begins with it, in the form that is open."""
    choices = "select:has(option + option, optgroup)"  # which are read when the form is open
    tab_to(page, page.locator(f"dialog[open] :is(input, textarea, {choices})#f-{field}"))
    page.keyboard.type(text)


def record(page: Any, title: str) -> None:
    """Record what the open form of a title says."""
    dialog = page.get_by_role("dialog", name=title)
    press(page, dialog.get_by_role("button", name="Record", exact=True))
    dialog.wait_for(state="detached")


def go_to_bed(page: Any, bed: Any) -> None:
    """Come to the board by Tab, and to a bed by arrows."""
    bed.wait_for()
    if not page.evaluate("!!document.activeElement.dataset.bed"):
        tab_to(page, page.locator("[data-bed][tabindex='0']"))
    for key in ("ArrowUp", "ArrowDown"):
        for _ in range(MOST_TABS):
            if bed.evaluate(IS_HERE):
                return
            page.keyboard.press(key)
    raise AssertionError("no arrow comes to the bed")


def go(page: Any, letter: str, heading: str) -> None:
    page.keyboard.press("g")
    page.keyboard.press(letter)
    page.get_by_role("heading", name=heading, exact=True).wait_for()


def test_a_nurses_shift(page_of: Open, followed: Ward, ada: dict[str, str]) -> None:
    doctor = followed.doctor()
    followed.prescription(ada["stay"], medication={"name": "Heparin"}, dose="5000 IU")
    page = page_of(Role.NURSE)
    her = bed_of(page, ada["name"])
    her.wait_for()
    page.keyboard.press("[")
    page.locator("main.past").wait_for()
    page.keyboard.press("n")
    page.locator("main:not(.past)").wait_for()
    go_to_bed(page, her)
    page.keyboard.press("m")
    write(page, "bed", f"{ada['ward']} {ada['room']}-B")
    record(page, "Transfer")
    moved = page.locator(".ward", has_text=ada["ward"]).locator("[data-bed]").nth(1)
    moved.get_by_text(ada["name"]).wait_for()
    go_to_bed(page, moved)
    page.keyboard.press("v")
    write(page, "practitioner", doctor)
    write(page, "kind", "Round")
    write(page, "note", "slept well")
    record(page, "Record visit")
    go_to_bed(page, moved)
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ada["name"]).wait_for()
    page.get_by_text("slept well").wait_for()
    press(page, page.get_by_role("button", name="Record dose: Heparin 5000 IU"))
    record(page, "Record dose")
    page.locator(".dose.given").wait_for()
    page.keyboard.press("l")
    write(page, "keepBed", "Yes")
    record(page, "Start leave")
    page.locator(".status.ON_LEAVE").wait_for()
    page.keyboard.press("l")
    record(page, "End leave")
    page.locator(".status.ADMITTED").wait_for()
    press(page, page.locator(".notice").get_by_role("button", name="Take back"))
    write(page, "because", "Entered in error")
    write(page, "reason", "she is still away")
    record(page, "Take back movement")
    page.locator(".status.ON_LEAVE").wait_for()


def test_a_clerks_shift(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of(Role.REGISTRAR)
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("/")
    search = page.locator("#q")
    search.wait_for()
    tab_to(page, search)
    name = "Hopper" + "".join("abcdefghij"[int(c)] for c in ada["mrn"] if c.isdigit())
    page.keyboard.type(name)
    page.get_by_text("0 found").wait_for()
    press(page, page.get_by_role("button", name="Register patient"))
    write(page, "mrn", f"H-{ada['mrn']}")
    write(page, "sex", "Female")
    record(page, "Register patient")
    press(page, page.locator(".notice").get_by_role("button", name="Admit"))
    write(page, "admissionType", "Emergency")
    write(page, "bed", f"{ada['ward']} {ada['room']}-B")
    record(page, "Admit")
    press(page, page.get_by_role("link", name="Open the stay"))
    page.get_by_role("heading", name=name).wait_for()


def test_a_bed_managers_shift(page_of: Open, followed: Ward, ada: dict[str, str]) -> None:
    page = page_of(Role.BED_MANAGER)
    go_to_bed(page, page.locator(".ward", has_text=ada["ward"]).locator("button.bed"))
    page.keyboard.press("Enter")
    press(page, page.get_by_role("dialog").get_by_role("button", name="Close bed"))
    write(page, "reason", "broken rail")
    record(page, "Close bed")
    page.locator("button.bed.state-CLOSED", has_text="broken rail").wait_for()
    press(page, page.locator(".notice").get_by_role("button", name="Take back"))
    write(page, "reason", "the other bed")
    record(page, "Take back bed state")
    closed = page.locator("button.bed.state-CLOSED", has_text="broken rail")
    closed.wait_for(state="detached")
    followed.record("closeBed", ward=ada["ward"], room=ada["room"], bed="B", reason="rail")
    go(page, "h", "House")
    press(page, page.get_by_role("button", name=f"Reopen bed: {ada['ward']}"))
    record(page, "Reopen bed")
    page.locator(".notice").get_by_role("button", name="Put right").wait_for()
    go(page, "w", "Arrivals and departures")
    press(page, page.get_by_role("button", name="Plan admission"))
    name = followed.name("Berger")
    write(page, "expectedAt", "01052031")
    page.keyboard.press("ArrowRight")
    page.keyboard.type("1000A")  # by clocks of 24 hours, or of 12
    write(page, "familyName", name)
    write(page, "ward", ada["ward"])
    record(page, "Plan admission")
    page.locator(".notice").get_by_role("button", name="Take back").wait_for()
    row = page.locator(".lines li", has_text=name)
    press(page, row.get_by_role("button", name="Call off"))
    write(page, "because", "Entered in error")
    record(page, "Call off expected arrival")
    row.wait_for(state="detached")


def test_an_analysts_shift(page_of: Open, followed: Ward, ada: dict[str, str]) -> None:
    for _ in range(12):
        followed.stay(f"{followed.room('A', ward=ada['ward'])}/A")
    page = page_of(Role.ANALYST)
    page.get_by_role("navigation").wait_for()
    go(page, "r", "Reports")
    tab_to(page, page.locator(".toolbar label", has_text="Report").locator("select"))
    page.keyboard.type("Admissions, discharges")
    page.get_by_role("heading", name="Admissions, discharges", exact=False).wait_for()
    tab_to(page, page.locator(".toolbar label", has_text="Ward").locator("select"))
    page.keyboard.type(ada["ward"])
    page.locator(".tiles dt, .figures th", has_text="Admissions").first.wait_for()
    press(page, page.get_by_role("button", name="Issue report"))
    record(page, "Issue report")
    page.get_by_role("heading", name="Issued").wait_for()
    press(page, page.get_by_role("button", name="Restate report"))
    write(page, "reason", "as known by now")
    record(page, "Restate report")
    page.get_by_text("Nothing changed.").first.wait_for()
