"""Each role in a browser: what it is offered shows something, and what it may not see says so."""

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward
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
    result: dict[str, str] = {}
    for screen in SCREENS:
        go(page, screen)
        page.locator("main [role=status]", has_text="Reading").wait_for(state="detached")
        result[screen] = " ".join(page.locator("main .failure").all_inner_texts())
    assert {screen for screen, text in result.items() if not text} == offered
    assert {text for text in result.values() if text} <= {"Not allowed."}


def test_an_access_is_one_row_with_all_whom_it_showed(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    other = followed.name("Other")
    mrn = followed.patient(familyName=other, sex="FEMALE")
    followed.stay(f"{ada['ward']}/{ada['room']}/B", patientMrn=mrn)
    reader = page_of(Role.NURSE, (ada["ward"],))
    reader.locator("a.bed", has_text=other).wait_for()
    page = page_of(Role.AUDITOR)
    go(page, "access?subject=a%20nurse")
    row = page.get_by_role("row", name="Room occupancy, Stays").filter(has_text=other).first
    row.locator("summary").click()
    row.get_by_text(ada["name"]).wait_for()
    row.get_by_text(other).wait_for()


def test_only_a_page_that_follows_has_the_dot_of_one(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    page.route_web_socket("**/graphql", lambda socket: None)  # one that never answers
    page.reload()
    dot = page.locator(".dot")
    dot.get_by_text("connecting").wait_for()
    colour = "dot => getComputedStyle(dot, '::before').backgroundColor"
    connecting = dot.evaluate(colour)
    other = page_of()
    other.locator(".dot.live").wait_for()
    assert other.locator(".dot").evaluate(colour) != connecting


def test_who_treats_nobody_reads_for_another_purpose_and_may_say_which(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    """All that the page asked was recorded as read for treatment."""
    page = page_of(Role.AUDITOR)
    page.locator(".dot.live").wait_for()
    page.locator(".me summary").click()
    page.get_by_label("Purpose").select_option("PATIENT_REQUEST")
    go(page, f"stay/{ada['stay']}")
    page.get_by_role("heading", name=ada["name"]).wait_for()
    answer = followed.ask(
        '{ accesses(subject: "a auditor") { nodes { operation purpose patient { mrn } } } }'
    )["accesses"]["nodes"]
    read = [(each["operation"], each["purpose"]) for each in answer if each["patient"]]
    assert read[0][1] == "PATIENT_REQUEST"
    assert {purpose for _, purpose in read} == {"LEGAL", "PATIENT_REQUEST"}


def test_who_is_in_the_house_is_not_offered_another_admission(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.REGISTRAR)
    go(page, f"find?q={ada['mrn']}")
    page.get_by_role("link", name=ada["name"]).click()
    page.get_by_role("button", name="Correct patient details").wait_for()
    assert not page.locator("main").get_by_role("button", name="Admit").count()
    followed.record("dischargePatient", stayId=ada["stay"], disposition="HOME")
    page.reload()
    page.locator("main").get_by_role("button", name="Admit").wait_for()


def test_on_a_phone_what_can_be_done_with_a_room_stands_in_its_line(
    page_of: Open, ada: dict[str, str]
) -> None:
    """Each button was on a line of its own, beyond the edge."""
    page = page_of(Role.BED_MANAGER, viewport={"width": 360, "height": 740})
    go(page, "house")
    row = page.get_by_role("row", name=ada["ward"]).bounding_box()
    assert row is not None
    assert row["height"] < 80


def test_a_list_of_patients_that_is_cut_says_so(page_of: Open, followed: Ward) -> None:
    name = followed.name("Many")
    for _ in range(31):
        followed.patient(familyName=name)
    page = page_of(Role.REGISTRAR)
    go(page, f"find?q={name}")
    page.get_by_text("More than 30: these are the first.").wait_for()


def test_a_clerk_sees_at_once_that_a_patient_was_moved(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.REGISTRAR)
    go(page, f"stay/{ada['stay']}")
    page.locator(".dot.live").wait_for()
    place = {"ward": ada["ward"], "room": ada["room"], "bed": "B"}
    followed.record("transferPatient", stayId=ada["stay"], **place)
    page.locator(".facts", has_text=f"{ada['room']}-B").wait_for()
    page.locator(".timeline .entry", has_text="Transferred").wait_for()
