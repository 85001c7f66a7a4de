"""Keys at once after one another, in a browser: what was closed does not close what comes next."""

from functools import partial
from typing import Any

import pytest

from tests.web.browsing import Open, bed_of, go

pytestmark = pytest.mark.browser

ROUNDS = 25
TITLES = {"m": "Transfer", "v": "Record visit", "l": "Start leave"}

CLOSED_AND_PRESSED = """key => {
  const pressed = new KeyboardEvent('keydown', {key, bubbles: true, cancelable: true});
  document.querySelector('dialog[open]').close(); // as by Escape: its event comes a task later
  document.activeElement.dispatchEvent(pressed);
  const titles = () => [...document.querySelectorAll('dialog[open] h2')].map(h2 => h2.textContent);
  return new Promise(told => setTimeout(() => requestAnimationFrame(() => told(titles())), 20));
}"""


def test_a_key_at_once_after_a_form_was_closed_opens_the_next_form(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    go(page, f"stay/{ada['stay']}")
    page.get_by_role("heading", name=ada["name"]).wait_for()
    page.keyboard.press("m")
    page.get_by_role("dialog", name="Transfer").wait_for()
    for _ in range(ROUNDS):
        for letter, title in (*TITLES.items(), *reversed(TITLES.items())):
            assert page.evaluate(CLOSED_AND_PRESSED, letter) == [title]


def test_escape_and_the_key_of_a_form_at_once_open_it(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    for _ in range(ROUNDS):
        for letter, title in TITLES.items():
            page.keyboard.press("Escape")
            page.keyboard.press(letter)
            page.get_by_role("dialog", name=title).wait_for()
            _has_focus(page)
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    page.get_by_role("dialog", name="Admit").wait_for()


def test_a_menu_that_is_opened_again_at_once_stays_open(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    free = page.locator(".ward", has_text=ada["ward"]).locator("button.bed")
    free.focus()
    page.keyboard.press("Enter")
    for _ in range(ROUNDS):
        page.get_by_role("dialog").wait_for()
        page.keyboard.press("Escape")
        page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Reserve bed").click()
    page.get_by_role("dialog", name="Reserve bed").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    assert free.evaluate("bed => bed === document.activeElement")


def test_what_is_refused_or_recorded_after_a_form_was_closed_leaves_the_next_one_alone(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Transfer")
    dialog.locator("#f-withoutBed").fill("corridor")
    with page.expect_response(lambda told: "transferPatient(" in (told.request.post_data or "")):
        dialog.get_by_role("button", name="Record", exact=True).press("Enter")
        page.keyboard.press("Escape")
        page.keyboard.press("a")
    page.locator(".notice", has_text="Transfer").wait_for()
    page.get_by_role("dialog", name="Admit").wait_for()


def _has_focus(page: Any) -> None:
    """The first field of the open form has the focus."""
    assert page.evaluate("document.activeElement.closest('dialog[open]') !== null")


def test_the_menu_at_the_name_closes_by_escape_and_when_one_goes_on(
    page_of: Open, ada: dict[str, str]
) -> None:
    """It lay over what was shown next, on a phone over half of it."""
    page = page_of()
    menu = page.locator(".me[open]")
    house = page.get_by_role("navigation").get_by_role("link", name="House")
    elsewhere = page.get_by_role("heading", name="House")
    ways = partial(page.keyboard.press, "Escape"), house.click, elsewhere.click
    for close in ways:
        page.locator(".me summary").click()
        menu.wait_for()
        close()
        menu.wait_for(state="detached")
