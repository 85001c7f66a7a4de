"""The bar after an act, in a browser: it has the command that puts the act right, or takes it back."""

from collections.abc import Callable
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago
from tests.support.erasure_examples import request
from tests.web.browsing import Open, form, go, violations

pytestmark = pytest.mark.browser

Fill = Callable[[Any], None]


def fill(**values: str) -> Fill:
    """Fill in fields of a form, by the names of the inputs."""

    def enter(dialog: Any) -> None:
        for name, value in values.items():
            field = dialog.locator(f"#f-{name}")
            if field.evaluate("each => each.localName") == "select":
                field.select_option(value)
            else:
                field.fill(value)

    return enter


def press(page: Any, button: Any) -> None:
    """Press a button by the keyboard."""
    button.focus()
    page.keyboard.press("Enter")


@pytest.mark.parametrize("by_keys", [False, True], ids=["by mouse", "by keys"])
@pytest.mark.parametrize(
    ("command", "way", "correction", "also"),
    [
        ("Set rule of room", "Take back", "Take back rule of room", "Put right"),
        ("Set rule of room", "Put right", "Correct rule of room", "Take back"),
        ("Rename ward", "Put right", "Rename ward", None),
        ("Decide on cleaning", "Put right", "Decide on cleaning", None),
        ("Place a legal hold", "Take back", "Lift the legal hold", None),
        ("Request erasure", "Take back", "Withdraw the request to erase", "Put right"),
        ("Change room", "Take back", "Take back change of room", None),
        ("Retire beds", "Take back", "Take back retirement", None),
        ("Merge records", "Put right", "Separate records", None),
    ],
)
def test_the_bar_after_an_act_puts_it_right(
    page_of: Open,
    followed: Ward,
    command: str,
    way: str,
    correction: str,
    also: str | None,
    by_keys: bool,
) -> None:
    place, mrn = (
        followed.room("a", "b", ward=followed.name("W")),
        followed.patient(familyName=followed.name("Held")),
    )
    other_mrn = followed.patient(familyName=followed.name("Other"))
    ward, room = place.split("/")
    inputs = {
        "Set rule of room": fill(ward=ward, room=room, policy="ONE_SEX_ONLY"),
        "Rename ward": fill(ward=ward, newWard=f"{ward} new"),
        "Decide on cleaning": fill(applies="true", ward=ward),
        "Place a legal hold": fill(patientMrn=mrn, reason="a lawsuit"),
        "Request erasure": fill(patientMrn=mrn, legalBasis="CONSENT_WITHDRAWN", reason="asked"),
        "Change room": fill(ward=ward, room=room, newRoom=f"{room}9"),
        "Merge records": fill(patientMrn=mrn, intoMrn=other_mrn, reason="the same"),
        "Retire beds": fill(ward=ward, room=room, bed="b"),
    }
    page = page_of(Role.ADMIN)
    go(page, "acts")
    opener = page.locator(".commands").get_by_role("button", name=command, exact=True)
    press(page, opener) if by_keys else opener.click()
    with form(page, command) as dialog:
        inputs[command](dialog)
    notice = page.locator(".notice")
    button = notice.get_by_role("button", name=way)
    button.wait_for()
    assert {ward, mrn} & set(notice.inner_text().split())
    if also:
        notice.get_by_role("button", name=also).wait_for()
    press(page, button) if by_keys else button.click()
    with form(page, correction) as dialog:
        reason = dialog.locator("#f-reason:visible")
        if reason.count():
            reason.fill("it was wrong")
        if correction == "Correct rule of room":
            dialog.locator("#f-occurredAt").fill(ago(hours=1)[:16])
    notice.get_by_text(correction).wait_for()


@pytest.mark.parametrize(
    ("command", "says", "way"),
    [
        ("Set time zone", "Set time zone", "Put right"),
        ("Break the glass", "it ends by itself", None),
        ("Erase the person", "Nothing brings it back", None),
    ],
)
def test_the_bar_says_what_an_act_was_and_where_nothing_puts_it_right(
    page_of: Open, followed: Ward, command: str, says: str, way: str | None
) -> None:
    name = followed.name("Erased")
    mrn = followed.patient(familyName=name)
    request(followed, mrn)
    inputs = {
        "Set time zone": fill(timeZone="UTC", validFrom=ago(days=1)[:10]),
        "Break the glass": fill(patientMrn=mrn, reason="collapsed"),
        "Erase the person": fill(patientMrn=mrn),
    }
    page = page_of(Role.ADMIN)
    go(page, "acts")
    page.locator(".commands").get_by_role("button", name=command, exact=True).click()
    with form(page, command) as dialog:
        inputs[command](dialog)
    notice = page.locator(".notice")
    notice.get_by_text(says).wait_for()
    if way:
        notice.get_by_role("button", name=way).wait_for()
    assert violations(page) == []
    if command == "Break the glass":
        notice.get_by_role("link", name="Open the patient").click()
        page.get_by_role("heading", name=name).wait_for()


def test_a_clerk_puts_movements_right_though_findings_are_closed(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.REGISTRAR)
    go(page, f"stay/{ada['stay']}")
    page.get_by_text("Clinical data is not shown to your role.").wait_for()
    page.locator(".acts").get_by_role("button", name="Transfer").click()
    with form(page, "Transfer") as dialog:
        dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    notice = page.locator(".notice")
    notice.get_by_role("button", name="Take back").wait_for()
    entry = page.locator(".timeline .entry", has_text="Transferred").first
    entry.get_by_role("button", name="Put right").click()
    with form(page, "Put movement right") as dialog:
        dialog.locator("#f-occurredAt").fill(ago(minutes=10)[:16])
        dialog.locator("#f-reason").fill("read from the wrong clock")
    notice.get_by_text("Put movement right").wait_for()
    notice.get_by_role("button", name="Take back").click()
    with form(page, "Take back movement") as dialog:
        dialog.locator("#f-because").select_option("ENTERED_IN_ERROR")
        dialog.locator("#f-reason").fill("another patient")
    notice.get_by_text("Taken back in error? Record it anew.").wait_for()


def test_who_may_not_put_an_act_right_is_told_who_may(page_of: Open, followed: Ward) -> None:
    page = page_of(Role.NURSE)
    go(page, "acts")
    page.locator(".commands").get_by_role("button", name="Register patient", exact=True).click()
    with form(page, "Register patient") as dialog:
        fill(mrn=followed.name("N"), familyName=followed.name("New"))(dialog)
    page.locator(".notice").get_by_text("It is put right by: Registrar").wait_for()


def test_the_bar_of_a_long_stay_has_its_correction_too(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    """The timeline was asked for its first two hundred entries alone."""
    doctor = followed.doctor()
    at = f"{ago(days=1)[:10]}T12:00:00Z"
    visits = [
        {"stayId": ada["stay"], "practitioner": doctor, "kind": "ROUND", "occurredAt": at}
        for _ in range(100)
    ]
    for _ in range(2):
        followed.record("correctFacts", newVisits=visits, reason="the paper was found")
    page = page_of()
    go(page, f"stay/{ada['stay']}")
    page.locator(".acts").get_by_role("button", name="Discharge", exact=False).last.click()
    with form(page, "Discharge") as dialog:
        dialog.locator("#f-disposition").select_option("HOME")
    page.locator(".notice").get_by_role("button", name="Take back").wait_for()


def test_what_was_put_right_is_put_right_again_by_the_bar(page_of: Open, followed: Ward) -> None:
    mrn, right = followed.patient(familyName=followed.name("Wrong")), followed.name("M")
    page = page_of(Role.REGISTRAR)
    go(page, "acts")
    command = "Correct patient details"
    page.locator(".commands").get_by_role("button", name=command, exact=True).click()
    with form(page, command) as dialog:
        fill(patientMrn=mrn, mrn=right, reason="read wrongly")(dialog)
    page.locator(".notice").get_by_role("button", name="Put right").click()
    with form(page, command) as dialog:
        assert dialog.locator("#f-mrn").input_value() == right
        fill(mrn=mrn, reason="it was right")(dialog)
    page.locator(".notice").get_by_text(command).wait_for()
