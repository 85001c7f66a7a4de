"""The board in a browser: what a change draws anew; patients dragged to beds, by mouse and keyboard."""

import re
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.api_dsl import Ward, ago
from tests.web.browsing import Open, bed_of, form, go

pytestmark = pytest.mark.browser

WATCH = """() => {
  globalThis.drawn = new Set();
  new MutationObserver(told => {
    for (const {target} of told) {
      const ward = (target.nodeType === 1 ? target : target.parentElement)?.closest('section.ward');
      if (ward) drawn.add(ward.getAttribute('aria-label'));
    }
  }).observe(document.querySelector('.wards'),
    {subtree: true, childList: true, characterData: true, attributes: true});
}"""


def _bed(page: Any, ada: dict[str, str], code: str) -> Any:
    """The bed of a code in Ada's room."""
    return page.locator(".ward", has_text=ada["ward"]).locator("[data-bed]").nth("AB".index(code))


def test_a_change_draws_only_its_ward_anew(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    other = followed.name("W")
    followed.room("A", ward=other)
    page = page_of()
    page.locator(".ward", has_text=other).wait_for()
    page.get_by_text("live", exact=True).wait_for()
    page.evaluate(WATCH)
    followed.record(
        "transferPatient", stayId=ada["stay"], ward=ada["ward"], room=ada["room"], bed="B"
    )
    _bed(page, ada, "B").get_by_text(ada["name"]).wait_for()
    page.wait_for_timeout(1000)  # who lies in no bed is asked for again
    assert page.evaluate("[...drawn]") == [ada["ward"]]


def test_one_bed_is_reached_by_tab_and_the_others_by_arrows(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    reached = (
        "[...document.querySelectorAll('[data-bed][tabindex=\"0\"]')].map(bed => bed.dataset.bed)"
    )
    here = page.evaluate("document.activeElement.dataset.bed")
    assert page.evaluate(reached) == [here]
    page.keyboard.press("ArrowDown")
    there = page.evaluate("document.activeElement.dataset.bed")
    assert there != here
    assert page.evaluate(reached) == [there]


def test_a_patient_dragged_to_a_free_bed_is_transferred(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    _drag(page, bed_of(page, ada["name"]), _bed(page, ada, "B"))
    with form(page, "Transfer") as dialog:
        chosen = dialog.locator("#f-bed option:checked")
        chosen.filter(has_text=f"{ada['ward']} {ada['room']}-B").wait_for(state="attached")
    _bed(page, ada, "B").get_by_text(ada["name"]).wait_for()
    _bed(page, ada, "A").get_by_text("Free").or_(
        _bed(page, ada, "A").get_by_text("To be cleaned")
    ).wait_for()


def test_a_patient_dragged_onto_another_is_swapped(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    name = _second(followed, ada)
    page = page_of()
    _drag(page, bed_of(page, ada["name"]), bed_of(page, name))
    with form(page, "Swap beds") as dialog:
        dialog.get_by_text(name).first.wait_for()
    _bed(page, ada, "A").get_by_text(name).wait_for()
    _bed(page, ada, "B").get_by_text(ada["name"]).wait_for()


def test_patients_are_swapped_by_keyboard(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    name = _second(followed, ada)
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("s")
    with form(page, "Swap beds") as dialog:
        dialog.locator("#f-withStayId option", has_text=name).wait_for(state="attached")
        dialog.locator("#f-withStayId").focus()
        page.keyboard.type(f"{ada['ward']} {ada['room']}-B")
    _bed(page, ada, "A").get_by_text(name).wait_for()


def test_nobody_is_dragged_in_the_past(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    go(page, f"board?at={ago(hours=1).replace('+00:00', 'Z')}&apart=1")
    page.locator("main.past").wait_for()
    bed_of(page, ada["name"]).wait_for()
    _drag(page, bed_of(page, ada["name"]), _bed(page, ada, "B"))
    assert page.get_by_role("dialog").count() == 0


def _second(followed: Ward, ada: dict[str, str]) -> str:
    """Somebody in the other bed of Ada's room."""
    name = followed.name("Hopper")
    mrn = followed.patient(familyName=name, givenName="Grace", birthDate="1970-12-09", sex="FEMALE")
    followed.stay(f"{ada['ward']}/{ada['room']}/B", patientMrn=mrn)
    return name


def _drag(page: Any, one: Any, other: Any) -> None:
    """Drag by the mouse itself: pressed, moved in steps, let go."""
    one.scroll_into_view_if_needed()
    begin, end = one.bounding_box(), other.bounding_box()
    page.mouse.move(begin["x"] + begin["width"] / 3, begin["y"] + begin["height"] / 2)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 3, end["y"] + end["height"] / 2, steps=8)
    page.mouse.up()


def test_the_time_bar_shows_now_when_something_of_the_past_was_learned(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    go(page, f"board?ward={ada['ward']}")
    bed_of(page, ada["name"]).wait_for()  # admitted two days ago, which was recorded just now
    page.locator(".slide svg svg").first.wait_for(state="attached")
    assert page.locator(".past").count() == 0


def test_links_of_wards_that_are_not_drawn_anew_lead_to_the_moment_that_is_shown(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    go(page, f"board?ward={ada['ward']}&at={ago(hours=20)[:16]}:00Z&apart=1")
    bed = bed_of(page, ada["name"])
    bed.wait_for()
    bed.evaluate("bed => { bed.isTheSame = true; }")
    for key in "[[]][":
        before = page.url
        page.keyboard.press(key)
        page.wait_for_url(lambda url, before=before: url != before)
        moment = re.search(r"[?&](at=[^&]+)", page.url)
        assert moment
        page.locator(f'a.bed[href*="{moment[1]}"]', has_text=ada["name"]).wait_for()
        assert bed.evaluate("bed => bed.isTheSame")
    page.locator(".me summary").click()
    page.get_by_label("Initials instead of names").check()
    page.locator("a.bed", has_text=ada["name"]).wait_for(state="detached")
    page.locator("a.bed .name", has_text="L. A.").wait_for()
    assert page.locator("a.bed", has_text=ada["mrn"]).count() == 0


DRAG = """() => {
  const slider = document.querySelector('#asOf');
  for (let hours = 1; hours <= 20; hours++) {
    slider.value = +slider.max - hours * 60;
    slider.dispatchEvent(new Event('input', {bubbles: true}));
  }
  return slider.value * 60000;
}"""


def test_a_drag_of_the_time_bar_asks_for_a_few_moments_and_ends_at_the_last(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    go(page, f"board?ward={ada['ward']}")
    bed_of(page, ada["name"]).wait_for()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.post_data or ""))
    last = datetime.fromtimestamp(page.evaluate(DRAG) / 1000, UTC)
    page.locator("main.past").wait_for()
    page.wait_for_url(f"**at={last:%Y-%m-%dT%H%%3A%M}*")
    bed_of(page, ada["name"]).wait_for(state="detached")  # nothing was known of her
    assert 1 <= sum('"WholeBoard"' in text for text in asked) <= 3
    page.go_back()  # the past is one step, not twenty
    bed_of(page, ada["name"]).wait_for()
    assert page.locator("main.past").count() == 0


APART = """() => {
  const box = item => {
    const range = document.createRange();
    range.selectNodeContents(item);
    const text = item.matches('input, select, button') ? item : range;
    return text.getBoundingClientRect();
  };
  const bar = ['label', 'input', 'output', 'select', 'button', '.zone'].map(each => `.timebar ${each}`);
  const room = document.querySelector('.room:has(abbr)');
  const items = [...document.querySelectorAll(bar), ...room.querySelectorAll('h3 abbr, .code')]
    .map(item => [item, box(item)]).filter(([, at]) => at.width && at.height);
  return items.flatMap(([one, a]) => items
    .filter(([other, b]) => one !== other && !one.contains(other) && !other.contains(one)
      && Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
      && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 3)
    .map(([other]) => `${one.outerHTML.slice(0, 60)} on ${other.outerHTML.slice(0, 60)}`));
}"""
"""Script for the parts of the time bar and of rooms with a policy that lie on something else."""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
def test_nothing_of_the_time_bar_and_of_rooms_lies_on_something_else(
    page_of: Open, followed: Ward, locale: str
) -> None:
    room = followed.room("A", "B")
    ward, number = room.split("/")
    followed.record("setRoomPolicy", ward=ward, room=number, policy="ONE_SEX_ONLY")
    page = page_of(locale=locale)
    page.locator("h3 abbr").first.wait_for()
    for locked in (True, False):
        page.set_viewport_size({"width": 1280, "height": 800})
        page.locator(".lock input").set_checked(locked)
        for width in (360, 641, 768, 820, 1024, 1280):
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(APART) == [], width
