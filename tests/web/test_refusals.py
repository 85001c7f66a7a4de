"""Refusals of the commands that are used most, in a browser: each stands beside its field, says what to
do, and offers the click that does it.

What is refused is brought about while the form is open, as by somebody who was quicker.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago, ahead, late
from tests.web.browsing import Open, go

pytestmark = pytest.mark.browser

Ada = dict[str, str]


@dataclass
class Refused:
    """A form that is filled in, what happens meanwhile, and what is then said and offered."""

    command: str
    values: Callable[[Ada], dict[str, Any]]
    meanwhile: Callable[[Ward, Ada], object]
    field: str | None
    """The field that the refusal stands beside; None: above all of them."""
    says: str
    click: str | None = None
    """The button in the refusal; None: there is nothing that a click could do."""
    then: str | None = None
    """The form that is open then; None: the same."""
    fields: tuple[tuple[str, str], ...] = ()
    """Fields with what is entered in them by hand."""


def free(ada: Ada) -> dict[str, str]:
    return {"ward": ada["ward"], "room": ada["room"], "bed": "B"}


def stay(ada: Ada) -> dict[str, Any]:
    return {"stayId": ada["stay"]}


def occupy(ward: Ward, ada: Ada) -> None:
    who = ward.patient(familyName="Quick", sex="FEMALE")
    ward.stay("/".join(free(ada).values()), patientMrn=who)


def close(ward: Ward, ada: Ada) -> None:
    ward.record("closeBed", **free(ada), reason="broken")


def clean(ward: Ward, ada: Ada) -> None:
    ward.record("startCleaning", **free(ada))


def discharge(ward: Ward, ada: Ada) -> None:
    ward.record("dischargePatient", **stay(ada), disposition="HOME", **late(ago(hours=2)))


def go_on_leave(ward: Ward, ada: Ada) -> None:
    ward.record("startLeave", **stay(ada), keepBed=True)


def nothing(ward: Ward, ada: Ada) -> None:
    pass


def admission(ada: Ada) -> dict[str, Any]:
    return {"patientMrn": ada["new"], "admissionType": "ELECTIVE", **free(ada)}


def transfer(ada: Ada) -> dict[str, Any]:
    return {**stay(ada), **free(ada)}


def visit(ada: Ada) -> dict[str, Any]:
    return {**stay(ada), "practitioner": ada["doctor"], "kind": "ROUND"}


def dose(ada: Ada) -> dict[str, Any]:
    return {"prescriptionId": ada["prescription"], "given": "true", "doseGiven": "5 mg"}


def stop(ward: Ward, ada: Ada) -> None:
    ward.record("stopPrescription", prescriptionId=ada["prescription"], **late(ago(hours=3)))


REFUSED = (
    Refused(
        "registerPatient",
        lambda ada: {"mrn": ada["mrn"], "familyName": "Again"},
        nothing,
        "mrn",
        "exists already",
        "Find patient",
    ),
    Refused(
        "registerPatient",
        lambda ada: {"mrn": "new"},
        nothing,
        "occurredAt",
        "in the future",
        "Now",
        fields=(("occurredAt", ahead(days=2)[:16]),),
    ),
    Refused(
        "admitPatient",
        lambda ada: {**admission(ada), "patientMrn": "nobody"},
        nothing,
        "patientMrn",
        "Not found",
        "Register patient",
        "Register patient",
    ),
    Refused(
        "admitPatient",
        lambda ada: {**admission(ada), "patientMrn": ada["mrn"]},
        nothing,
        "patientMrn",
        "already in the hospital",
        "Open the stay",
        "",
    ),
    Refused(
        "admitPatient", admission, close, "bed", "cannot be used then", "Reopen bed", "Reopen bed"
    ),
    Refused(
        "admitPatient",
        admission,
        clean,
        "bed",
        "cannot be used then",
        "Finish cleaning",
        "Finish cleaning",
    ),
    Refused("transferPatient", transfer, occupy, "bed", "has bed", "Swap beds", "Swap beds"),
    Refused(
        "transferPatient", transfer, close, "bed", "cannot be used then", "Reopen bed", "Reopen bed"
    ),
    Refused(
        "transferPatient",
        transfer,
        discharge,
        "occurredAt",
        "The stay ended",
        "Take back discharge",
        "Take back discharge",
    ),
    Refused(
        "startLeave",
        lambda ada: {**stay(ada), "keepBed": "true"},
        go_on_leave,
        None,
        "state of the stay",
    ),
    Refused("endLeave", stay, nothing, None, "state of the stay"),
    Refused(
        "planDischarge",
        lambda ada: {**stay(ada), "plan": "CLEARED"},
        discharge,
        "occurredAt",
        "The stay ended",
        "At that time",
    ),
    Refused(
        "dischargePatient",
        lambda ada: {**stay(ada), "disposition": "HOME"},
        discharge,
        "occurredAt",
        "The stay ended",
        "Take back discharge",
        "Take back discharge",
    ),
    Refused(
        "recordVisit",
        lambda ada: {**visit(ada), "practitioner": "nobody"},
        nothing,
        "practitioner",
        "Not found",
    ),
    Refused(
        "recordVisit",
        visit,
        nothing,
        "occurredAt",
        "outside the stay",
        fields=(("occurredAt", "2020-01-01T00:00"), ("reason", "late")),
    ),
    Refused(
        "recordVisit",
        visit,
        nothing,
        "reason",
        "A reason is needed",
        fields=(("occurredAt", ago(hours=20)[:16]),),
    ),
    Refused(
        "writePrescription",
        lambda ada: {**stay(ada), "prescriber": ada["doctor"], "dose": "1"},
        nothing,
        "medication",
        "This is needed",
    ),
    Refused("recordAdministration", dose, stop, None, "state of the prescription"),
)


@pytest.fixture
def more(followed: Ward, ada: Ada) -> Ada:
    """Ada with a prescription, a doctor, and somebody else who is to be admitted."""
    return {
        **ada,
        "doctor": followed.doctor(),
        "prescription": followed.prescription(ada["stay"]),
        "new": followed.patient(familyName="Hopper", sex="FEMALE"),
    }


@pytest.mark.parametrize("case", REFUSED, ids=lambda each: f"{each.command}: {each.says}")
def test_a_refusal_stands_beside_its_field_and_offers_the_click_that_helps(
    page_of: Open, followed: Ward, more: Ada, case: Refused
) -> None:
    page = page_of(Role.ADMIN)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    opened(page, case.command, case.values(more))
    dialog = page.get_by_role("dialog")
    for name, value in case.fields:
        if name == "occurredAt":
            dialog.get_by_label("Earlier").check()
        dialog.locator(f"#f-{name}").fill(value)
    case.meanwhile(followed, more)
    dialog.get_by_role("button", name="Record", exact=True).click()
    refusal = dialog.get_by_role("alert")
    refusal.locator("strong", has_text=case.says).wait_for()
    if case.field is None:
        assert refusal.locator("xpath=ancestor::*[contains(@class, 'field')]").count() == 0
    else:
        beside = dialog.locator(".field, fieldset").filter(has=page.get_by_role("alert"))
        place = ".when" if case.field == "occurredAt" else f":has([id^=f-{case.field}])"
        beside.and_(dialog.locator(place)).first.wait_for()
    if case.says != "This is needed":
        assert refusal.locator("p").inner_text()
    if case.click is None:
        assert refusal.get_by_role("button").count() == 0
        return
    refusal.get_by_role("button", name=case.click, exact=True).or_(
        refusal.get_by_role("link", name=case.click, exact=True)
    ).click()
    refusal.wait_for(state="detached")
    if case.then:
        page.get_by_role("dialog", name=case.then).wait_for()
    elif case.then == "" or case.click == "Find patient":
        dialog.wait_for(state="detached")


def opened(page: Any, command: str, values: dict[str, Any]) -> None:
    page.evaluate(
        "([command, values]) => import('/web/shell.js').then(({act}) => act(command, values))",
        [command, values],
    )
    page.get_by_role("dialog").get_by_role("button", name="Record", exact=True).wait_for()


def recorded(page: Any, **fields: str) -> None:
    dialog = page.get_by_role("dialog")
    for name, value in fields.items():
        dialog.locator(f"#f-{name}").fill(value)
    dialog.get_by_role("button", name="Record", exact=True).click()


def test_a_closed_bed_is_reopened_on_the_way_and_nothing_typed_is_lost(
    page_of: Open, followed: Ward, more: Ada
) -> None:
    page = page_of(Role.ADMIN)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    close(followed, more)
    opened(page, "admitPatient", admission(more))
    recorded(page, specialty="renal")
    page.get_by_role("button", name="Reopen bed").click()
    recorded(page)
    again = page.get_by_role("dialog", name="Admit")
    again.wait_for()
    assert again.locator("#f-specialty").input_value() == "renal"
    assert again.locator("#f-patientMrn").input_value() == more["new"]
    recorded(page)
    again.wait_for(state="detached")
    page.locator("a.bed", has_text="Hopper").first.wait_for()


def test_a_form_that_had_to_come_first_and_is_left_leads_back(
    page_of: Open, followed: Ward, more: Ada
) -> None:
    page = page_of(Role.ADMIN)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    opened(page, "admitPatient", {**admission(more), "patientMrn": "nobody-1"})
    recorded(page)
    page.get_by_role("alert").get_by_role("button", name="Register patient").click()
    register = page.get_by_role("dialog", name="Register patient")
    assert register.locator("#f-mrn").input_value() == "nobody-1"
    page.keyboard.press("Escape")
    page.get_by_role("dialog", name="Admit").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_a_patient_who_is_registered_on_the_way_is_the_one_who_is_admitted(
    page_of: Open, followed: Ward, more: Ada
) -> None:
    name, mrn = followed.name("Zola"), followed.name("M1")
    page = page_of(Role.REGISTRAR)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    opened(page, "admitPatient", {**admission(more), "patientMrn": f"{name}, Nova"})
    recorded(page)
    page.get_by_role("alert").get_by_role("button", name="Register patient").click()
    register = page.get_by_role("dialog", name="Register patient")
    assert register.get_by_label("Family name").input_value() == name
    assert register.get_by_label("Given name").input_value() == "Nova"
    recorded(page, mrn=mrn)
    admitted = page.get_by_role("dialog", name="Admit")
    admitted.wait_for()
    assert admitted.get_by_label("Patient (MRN)").input_value() == mrn
    recorded(page)
    admitted.wait_for(state="detached")
    page.locator("a.bed", has_text=f"{name}, Nova").wait_for()


@pytest.mark.parametrize("known", [{}, {"birthDate": "1990-05-06"}, {"sex": "FEMALE"}])
def test_of_a_patient_only_what_is_known_is_shown(
    page_of: Open, followed: Ward, known: dict[str, str]
) -> None:
    mrn = followed.patient(familyName=followed.name("Zola"), **known)
    page = page_of(Role.REGISTRAR)
    go(page, f"find?q={mrn}")
    line = page.locator(".people li p").first
    line.get_by_text(mrn).or_(line).first.wait_for()
    shown = line.inner_text().split(" · ")
    assert len(shown) == 1 + len(known)
    assert not set(shown) & {"", "()", "Unknown"}


def test_what_speaks_against_a_correction_is_put_right_together_with_it(
    page_of: Open, followed: Ward, more: Ada
) -> None:
    followed.record("transferPatient", **transfer(more), **late(ago(hours=30)))
    movements = followed.ask(
        "query ($id: ID!) { stay(id: $id) { movements { id kind occurredAt } } }", id=more["stay"]
    )["stay"]["movements"]
    admitted = next(each for each in movements if each["kind"] == "STAY_ADMITTED")
    page = page_of(Role.ADMIN)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    opened(
        page,
        "correctMovement",
        {"movementId": admitted["id"], "occurredAt": admitted["occurredAt"]},
    )
    recorded(page, occurredAt=ago(hours=20)[:16], reason="misread")
    page.get_by_role("alert").get_by_role("button", name="Put several facts right").click()
    several = page.get_by_role("dialog", name="Put several facts right")
    assert several.locator("#f-corrections0-movementId").input_value() == admitted["id"]
    assert several.locator("#f-corrections0-occurredAt").input_value() == ago(hours=20)[:16]
    several.locator("#f-corrections1-occurredAt").fill(ago(hours=10)[:16])
    assert several.locator("#f-reason").input_value() == "misread"
    recorded(page)
    several.wait_for(state="detached")
    now = followed.ask("query ($id: ID!) { stay(id: $id) { admittedAt } }", id=more["stay"])["stay"]
    assert now["admittedAt"][:13] == ago(hours=20)[:13]


def test_children_in_the_bed_are_taken_along(page_of: Open, followed: Ward, more: Ada) -> None:
    child = followed.patient(familyName="Little", sex="FEMALE", birthDate=ago(days=1)[:10])
    followed.record(
        "admitPatient",
        patientMrn=child,
        admissionType="NEWBORN",
        sharesBedOf=more["stay"],
        **{**free(more), "bed": "A"},
    )
    page = page_of(Role.ADMIN)
    page.locator("a.bed", has_text=more["name"]).wait_for()
    opened(page, "transferPatient", transfer(more))
    recorded(page)
    page.get_by_role("alert").get_by_role("button", name="Take them along").click()
    recorded(page)
    page.get_by_role("dialog").wait_for(state="detached")
    bed = followed.bed("/".join(free(more).values()))
    assert len(bed["occupants"]) == 2
