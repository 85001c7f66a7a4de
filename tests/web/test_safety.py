"""Tests in a browser of what keeps a patient safe: allergies, warnings, duplicates, corrections."""

import re

import pytest

from application.authorization.roles import Role
from tests.support.api_dsl import Ward, ago
from tests.web.browsing import Open, form, go

pytestmark = pytest.mark.browser


def test_a_medicine_against_an_allergy_is_prescribed_for_a_reason_alone(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    doctor = followed.doctor()
    page = page_of(Role.PHYSICIAN)
    go(page, f"stay/{ada['stay']}")
    page.locator(".banner", has_text="None recorded").get_by_role(
        "button", name="Record allergy"
    ).click()
    with form(page, "Record allergy") as dialog:
        dialog.locator("#f-substance-name").fill("Ramipril")
        dialog.locator("#f-kind").select_option("ALLERGY")
        dialog.locator("#f-severity").select_option("SEVERE")
        dialog.locator("#f-verification").select_option("CONFIRMED")
    page.locator(".banner.warn", has_text="Ramipril").wait_for()
    page.keyboard.press("p")
    with form(page, "Prescribe") as dialog:
        dialog.locator(".about", has_text="Allergies: Ramipril").wait_for()
        dialog.locator("#f-medication-name").fill("Ramipril")
        dialog.locator("#f-dose").fill("5 mg")
        dialog.locator("#f-prescriber").fill(doctor)
        dialog.get_by_role("button", name="Record", exact=True).click()
        dialog.get_by_text("Warning: Allergy.").wait_for()
        dialog.get_by_role("button", name="Do it all the same").click()
        dialog.get_by_text("Warning confirmed: Allergy").wait_for()
        dialog.locator("#f-reason").fill("tolerated since 2020")
    page.locator(".chart", has_text="Ramipril").wait_for()


def test_a_flag_is_raised_put_right_and_lowered(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    go(page, f"stay/{ada['stay']}")
    flags = page.locator(".banner", has_text="Flags")
    flags.get_by_role("button", name="Raise flag").click()
    with form(page, "Raise flag") as dialog:
        dialog.locator("#f-flagKind").select_option("FALL_RISK")
        dialog.locator("#f-note").fill("fell twice")
    flags.get_by_text("fell twice").wait_for()
    flags.get_by_role("button", name=re.compile("Correct flag")).click()
    with form(page, "Correct flag") as dialog:
        assert dialog.locator("#f-note").input_value() == "fell twice"
        dialog.locator("#f-note").fill("fell once")
        dialog.locator("#f-reason").fill("misheard")
    flags.get_by_text("fell once").wait_for()
    go(page, "board")
    page.locator(".bed", has_text=ada["name"]).get_by_text("Fall risk").wait_for()
    go(page, f"stay/{ada['stay']}")
    flags.get_by_role("button", name=re.compile("Lower flag")).click()
    with form(page, "Lower flag"):
        pass
    flags.get_by_text("fell once").wait_for(state="detached")


def test_who_is_registered_already_is_seen_before_a_second_record(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.REGISTRAR)
    go(page, "find")
    page.get_by_role("button", name="Register patient").click()
    with form(page, "Register patient") as dialog:
        dialog.locator("#f-mrn").fill(f"2-{ada['mrn']}")
        dialog.locator("#f-familyName").fill(ada["name"])
        dialog.locator("#f-givenName").fill("Ada")
        dialog.locator("#f-birthDate").fill("1984-05-02")
        dialog.locator(".likely").get_by_text(ada["mrn"]).wait_for()
        dialog.get_by_role("button", name="Record", exact=True).click()
        refusal = dialog.locator(".refusal", has_text="probably registered already")
        refusal.get_by_role("link", name=re.compile(ada["mrn"])).wait_for()
        refusal.get_by_role("button", name="This is another person").click()


def test_put_right_begins_with_what_the_fact_says_and_sends_what_was_changed(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.ADMIN, locale="de-DE")
    go(page, f"stay/{ada['stay']}")
    admitted = page.locator(".entry", has_text="Aufgenommen").first
    admitted.hover()
    admitted.get_by_role("button", name=re.compile("berichtigen")).first.click()
    dialog = page.get_by_role("dialog")
    dialog.locator("#f-admissionType").wait_for()
    assert dialog.locator("#f-admissionType").input_value() == "ELECTIVE"
    dialog.get_by_role("button", name="Dokumentieren", exact=True).click()
    dialog.get_by_text("Noch ist nichts geändert.").wait_for()
    dialog.locator("#f-admissionType").select_option("TRANSFER_IN")
    dialog.locator("#f-reason").fill("Irrtum")
    dialog.get_by_role("button", name="Dokumentieren", exact=True).click()
    dialog.wait_for(state="detached")
    page.locator(".facts", has_text="Übernahme").wait_for()


def test_a_dose_that_is_overdue_is_seen_on_the_ward_and_given(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    followed.prescription(
        ada["stay"],
        medication={"name": "Metformin"},
        dose="850 mg",
        schedule={"everyHours": 24},
        start=ago(minutes=5),
    )
    page = page_of(Role.NURSE)
    go(page, f"doses?ward={ada['ward']}")
    due = page.locator(".due-DUE, .due-OVERDUE").filter(has_text="Metformin 850 mg")
    due.get_by_text(ada["name"]).wait_for()
    due.get_by_role("button", name="Record dose: Metformin").first.click()
    with form(page, "Record dose") as dialog:
        assert dialog.locator("#f-doseGiven").input_value() == "850 mg"
    due.wait_for(state="detached")
