"""The bar after an act, in a browser: it has the command that puts the act right, or takes it back."""

from collections.abc import Callable
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago
from tests.web.browsing import Open, form, go

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
