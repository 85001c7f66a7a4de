"""The page in a browser: a shift by keyboard, both clocks, refusals, races, a lost network, axe.

`make web` runs them; where there is no chromium they are skipped, and say so.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ahead
from tests.support.server_process import Served
from tests.web.browsing import SCREENS, Open, bed_of, form, go, violations

pytestmark = pytest.mark.browser


def test_a_nurse_moves_a_patient_by_keyboard_and_takes_it_back(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    with form(page, "Transfer") as dialog:
        dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    moved = page.locator(".ward", has_text=ada["ward"]).locator("[data-bed]").nth(1)
    moved.get_by_text(ada["name"]).wait_for()
    page.locator(".notice").get_by_role("button", name="Take back").click()
    with form(page, "Take back movement") as dialog:
        dialog.get_by_label("Because").select_option("ENTERED_IN_ERROR")
        dialog.get_by_role("button", name="Record", exact=True).click()
        dialog.locator(".field.bad", has_text="A reason is needed").locator("#f-reason").fill(
            "typo"
        )
    back = page.locator(".ward", has_text=ada["ward"]).locator("[data-bed]").nth(0)
    back.get_by_text(ada["name"]).wait_for()


def test_a_clerk_registers_admits_and_is_shown_the_bed(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of(Role.REGISTRAR)
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("/")
    page.locator("#q").fill(f"Hopper {ada['mrn']}")
    page.get_by_text("0 found").wait_for()
    page.get_by_role("button", name="Register patient").click()
    with form(page, "Register patient") as dialog:
        dialog.locator("#f-familyName").fill("Hopper")
        dialog.locator("#f-mrn").fill(f"H-{ada['mrn']}")
        dialog.locator("#f-sex").select_option("FEMALE")
    page.locator(".notice").get_by_role("button", name="Admit").click()
    with form(page, "Admit") as dialog:
        dialog.locator("#f-admissionType").select_option("EMERGENCY")
        dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    page.get_by_role("link", name="Open the stay").click()
    page.get_by_role("heading", name="Hopper").wait_for()


def test_a_bed_manager_closes_a_bed_with_a_reason(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of(Role.BED_MANAGER)
    free = page.locator(".ward", has_text=ada["ward"]).locator("button.bed")
    free.focus()
    page.keyboard.press("Enter")
    page.get_by_role("dialog").get_by_role("button", name="Close bed").click()
    with form(page, "Close bed") as dialog:
        dialog.locator("#f-reason").fill("broken rail")
    closed = page.locator(".ward", has_text=ada["ward"]).locator("button.bed.state-CLOSED")
    closed.get_by_text("broken rail").wait_for()


def test_a_late_entry_begins_at_the_moment_that_is_shown(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("{")
    page.locator("main.past").wait_for()
    page.keyboard.press("a")
    dialog = page.get_by_role("dialog", name="Admit")
    assert dialog.get_by_label("Earlier").is_checked()
    dialog.get_by_text("say why it is recorded late").wait_for()
    dialog.locator("#f-reason").wait_for()


def test_a_visit_a_prescription_and_a_dose_are_recorded_in_the_stay(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    doctor = followed.doctor()
    page = page_of(Role.PHYSICIAN)
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("Enter")
    page.get_by_role("heading", name=ada["name"]).wait_for()
    page.keyboard.press("v")
    with form(page, "Record visit") as dialog:
        dialog.locator("#f-practitioner").fill(doctor)
        dialog.locator("#f-kind").select_option("ROUND")
        dialog.locator("#f-note").fill("Sleeps <b>well</b>.")
    page.locator(".entry", has_text="Sleeps <b>well</b>.").wait_for()
    page.keyboard.press("p")
    with form(page, "Prescribe") as dialog:
        dialog.locator("#f-medication-name").fill("Ramipril")
        dialog.locator("#f-dose").fill("5 mg")
        dialog.locator("#f-prescriber").fill(doctor)
    page.get_by_role("button", name=re.compile("Record dose: Ramipril")).click()
    with form(page, "Record dose"):
        pass
    page.locator(".dose.given").wait_for()
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save to print").click()
    assert "Sleeps &lt;b&gt;well&lt;/b&gt;." in Path(saved.value.path()).read_text()


def test_who_is_second_at_a_bed_sees_who_has_it(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Transfer")
    dialog.locator("#f-bed").select_option(label=f"{ada['ward']} {ada['room']}-B · Free")
    first = followed.patient(familyName="Quick", sex="FEMALE")
    followed.stay(f"{ada['ward']}/{ada['room']}/B", patientMrn=first)
    dialog.get_by_role("button", name="Record", exact=True).click()
    refusal = dialog.locator(".field.bad .refusal")
    refusal.get_by_text(re.compile("Quick has bed")).wait_for()
    assert dialog.locator("#f-bed").get_attribute("aria-invalid") == "true"
    refusal.get_by_role("button", name="Swap beds").wait_for()
    refusal.get_by_role("link", name="See who has it").click()
    page.get_by_role("heading", name="Quick").wait_for()


def test_what_is_recorded_elsewhere_appears_by_itself(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).wait_for()
    page.locator(".dot.live").wait_for()
    name = followed.name("Newcomer")
    followed.stay(
        f"{ada['ward']}/{ada['room']}/B", patientMrn=followed.patient(familyName=name, sex="FEMALE")
    )
    bed_of(page, name).wait_for()


def test_a_form_that_is_sent_twice_at_once_is_recorded_once(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Transfer")
    dialog.locator("#f-withoutBed").fill("corridor")
    dialog.get_by_role("button", name="Record", exact=True).dblclick()
    dialog.wait_for(state="detached")
    page.locator(".notice").get_by_role("button", name="Put right").wait_for()
    page.go_back()  # and on: what was recorded is not sent again
    page.go_forward()
    assert page.get_by_role("dialog").count() == 0
    assert moves_of(followed, ada["stay"]).count("STAY_TRANSFERRED") == 1


def test_a_page_is_not_left_with_a_form_half_filled_in_without_a_question(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    page.get_by_role("dialog", name="Transfer").locator("#f-withoutBed").press_sequentially("corr")
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.accept()


def test_no_way_out_of_a_form_takes_away_what_was_typed_without_a_question(
    page_of: Open, ada: dict[str, str]
) -> None:
    questions: list[str] = []
    answers = [False, False, False, True]
    page = page_of()

    def answer(asked: Any) -> None:
        questions.append(asked.message)
        (asked.accept if answers.pop(0) else asked.dismiss)()

    page.on("dialog", answer)
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    transfer = page.get_by_role("dialog", name="Transfer")
    transfer.locator("#f-withoutBed").press_sequentially("corr")
    page.keyboard.press("Escape")
    transfer.get_by_role("button", name="Close").click()
    transfer.get_by_role("button", name="Cancel").click()
    assert transfer.locator("#f-withoutBed").input_value() == "corr"
    transfer.get_by_role("button", name="Cancel").click()
    transfer.wait_for(state="detached")
    assert questions == ["Leave without recording?"] * 4
    for name in (None, "Close", "Cancel"):
        page.keyboard.press("m")
        transfer.wait_for()
        if name is None:
            page.keyboard.press("Escape")
        else:
            transfer.get_by_role("button", name=name).click()
        transfer.wait_for(state="detached")
    assert len(questions) == 4


@pytest.mark.parametrize(
    "broken",
    [
        {"status": 502, "content_type": "text/html", "body": "<h1>Bad gateway</h1>"},
        {"status": 200, "content_type": "application/json", "body": '{"data": {"transfer'},
        {
            "status": 200,
            "content_type": "application/json",
            "body": '{"errors": [{"message": "", "extensions": {"errorCode": "DATABASE_AWAY"}}]}',
        },
    ],
    ids=["gateway", "half", "database"],
)
def test_a_form_whose_answer_is_lost_on_the_way_says_so_and_is_recorded_once(
    page_of: Open, followed: Ward, ada: dict[str, str], broken: dict[str, Any]
) -> None:
    page = page_of()
    answers = [broken]

    def lose(route: Any) -> None:
        if "transferPatient" in route.request.post_data and answers:
            route.fetch()
            route.fulfill(**answers.pop())
        else:
            route.continue_()

    page.route("**/graphql", lose)
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Transfer")
    dialog.locator("#f-withoutBed").fill("corridor")
    dialog.get_by_role("button", name="Record", exact=True).click()
    dialog.get_by_text("nothing is lost").wait_for()
    with form(page, "Transfer") as dialog:
        assert dialog.locator("#f-withoutBed").input_value() == "corridor"
    assert moves_of(followed, ada["stay"]).count("STAY_TRANSFERRED") == 1


def moves_of(ward: Ward, stay: str) -> list[str]:
    """Return the kinds of a stay's movements."""
    asked = "query ($id: ID!) { stay(id: $id) { movements { kind } } }"
    return [each["kind"] for each in ward.ask(asked, id=stay)["stay"]["movements"]]


def test_who_logs_out_is_logged_out_in_each_tab_and_nobody_else_is(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    page.get_by_role("dialog", name="Transfer").locator("#f-withoutBed").fill("corridor")
    mine, another = page.context.new_page(), page.context.new_page()
    here = page.url.partition("#")[0]
    mine.goto(f"{here}#token={LOGIN.make(Role.NURSE, f'a {Role.NURSE}')}")
    another.goto(f"{here}#token={LOGIN.make(Role.NURSE, 'another nurse')}")
    bed_of(another, ada["name"]).wait_for()
    bed_of(mine, ada["name"]).wait_for()
    mine.locator("details.me summary").click()
    mine.get_by_role("button", name="Log out").click()
    for left in (mine, page):
        left.locator("main .login").wait_for()
        assert bed_of(left, ada["name"]).count() == 0
        assert left.get_by_role("dialog").count() == 0
    assert bed_of(another, ada["name"]).count() == 1


def test_a_lost_network_is_seen_loses_nothing_and_doubles_nothing(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    page.locator(".dot.live").wait_for()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    dialog = page.get_by_role("dialog", name="Transfer")
    dialog.locator("#f-withoutBed").fill("corridor")
    page.context.set_offline(True)
    dialog.get_by_role("button", name="Record", exact=True).click()
    dialog.get_by_text("nothing is lost").wait_for()
    page.locator(".dot.lost").wait_for()
    page.context.set_offline(False)
    with form(page, "Transfer") as dialog:
        assert dialog.locator("#f-withoutBed").input_value() == "corridor"
    page.locator(".strip", has_text="Without a bed").get_by_text(ada["name"]).wait_for()
    assert moves_of(followed, ada["stay"]).count("STAY_TRANSFERRED") == 1


HIDDEN = """hidden => {
  Object.defineProperty(document, 'hidden', {get: () => hidden, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
"""As the browser does when another tab is looked at, or this one again."""


def test_a_tab_has_one_connection_none_while_hidden_and_comes_back_without_a_gap(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of()
    opened: list[Any] = []
    page.on("websocket", lambda socket: opened.append(socket))
    page.reload()
    bed_of(page, ada["name"]).wait_for()
    page.locator(".dot.live").wait_for()
    with opened[0].expect_event("close"):
        page.evaluate(HIDDEN, True)
    page.locator(".dot.off").wait_for(state="attached")
    name = followed.name("Newcomer")
    mrn = followed.patient(familyName=name, sex="FEMALE")
    followed.stay(f"{ada['ward']}/{ada['room']}/B", patientMrn=mrn)
    followed.record("requestBed", stayId=ada["stay"], ward=ada["ward"], urgency="STAT")
    page.evaluate(HIDDEN, False)
    bed_of(page, name).wait_for()
    page.locator(".strip", has_text="Expected").get_by_text(ada["name"]).wait_for()
    assert [socket.is_closed() for socket in opened] == [True, False]


def test_a_screen_that_cannot_be_loaded_says_so_and_is_there_when_the_network_is(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.ADMIN)
    page.locator(".dot.live").wait_for()
    page.context.set_offline(True)
    page.get_by_role("link", name="House").click()
    page.get_by_role("alert").get_by_text("No connection").wait_for()
    page.context.set_offline(False)
    page.get_by_role("heading", name="Rooms").wait_for()


def test_the_past_is_framed_and_not_live(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("[")
    page.locator("main.past").wait_for()
    page.get_by_text("The past, as it looked then").wait_for()
    bed_of(page, ada["name"]).wait_for(state="detached")
    assert "at=" in page.url
    page.keyboard.press("n")
    bed_of(page, ada["name"]).wait_for()
    assert page.locator("main.past").count() == 0


def test_what_is_printed_says_of_when_it_is_and_by_whom(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("[")
    page.locator("main.past").wait_for()
    page.emulate_media(media="print")
    page.get_by_text("The past, as it looked then").wait_for()
    page.get_by_text(re.compile(r"Printed .+, \d\d:\d\d UTC · a nurse")).wait_for()
    assert not page.get_by_role("navigation").is_visible()
    page.emulate_media(media="screen")
    assert not page.get_by_text("Printed").is_visible()


def test_a_role_is_offered_only_what_it_may(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of(Role.ANALYST)
    page.get_by_text("Name not shown").first.wait_for()
    assert page.get_by_text(ada["name"]).count() == 0
    screens = page.get_by_role("navigation").get_by_role("link").all_inner_texts()
    assert "Reports" in screens
    assert not {"Find patient", "Access", "Put right"} & set(screens)
    page.goto(page.url.partition("#")[0] + f"#/stay/{ada['stay']}")
    page.get_by_text("Clinical data is not shown to your role.").wait_for()


def test_the_explorer_runs_a_document_completes_fields_and_shows_the_schema(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.ADMIN)
    bed_of(page, ada["name"]).wait_for()
    page.keyboard.press("[")
    page.locator("main.past").wait_for()
    page.get_by_role("link", name="Explorer").click()
    document = page.locator("#document")
    assert "\n  roomOccupancy(" in document.input_value()
    page.locator("#document").press("Control+Enter")
    page.get_by_text("Answered after").wait_for()
    assert '"roomOccupancy": []' in page.locator("pre").inner_text()  # nothing was known then
    page.locator("h1").click()
    page.keyboard.press("n")
    page.wait_for_url("**/#/explorer")
    page.get_by_role("button", name="Run").click()
    page.locator("pre", has_text=f'"ward": "{ada["ward"]}"').wait_for()
    document.fill("{ hospital { time")
    page.get_by_role("button", name="timeZone", exact=True).wait_for()
    document.press("Control+ ")
    assert document.input_value() == "{ hospital { timeZone"
    document.fill("{ hospital { timeZone nothing } }")
    page.get_by_role("button", name="Run").click()
    page.get_by_text("Answered with errors").wait_for()
    page.get_by_label("What the screens asked").select_option(label="WholeBoard")
    assert document.input_value().startswith("query WholeBoard(")
    page.locator("#wanted").fill("closeBed")
    page.get_by_role("button", name="CloseBedInput!").click()
    page.get_by_role("heading", name="CloseBedInput").wait_for()
    page.get_by_role("button", name=re.compile("^DateTime")).first.click()


def test_a_screen_that_a_role_may_not_see_says_so(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of()
    bed_of(page, ada["name"]).wait_for()
    assert page.get_by_role("link", name="Explorer").count() == 0
    for screen in ("explorer", "access"):
        page.goto(page.url.partition("#")[0] + f"#/{screen}")
        page.get_by_role("alert").get_by_text("not").wait_for()


def test_who_has_wards_sees_them_and_what_is_recorded_there(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.NURSE, (ada["ward"], followed.name("W")))
    bed_of(page, ada["name"]).wait_for()
    page.locator(".dot.live").wait_for()
    name = followed.name("Newcomer")
    mrn = followed.patient(familyName=name, sex="FEMALE")
    followed.stay(f"{ada['ward']}/{ada['room']}/B", patientMrn=mrn)
    bed_of(page, name).wait_for()
    go(page, "flow")
    page.locator(".card", has_text="Admitted today").wait_for()
    followed.record("requestBed", stayId=ada["stay"], ward=ada["ward"], urgency="STAT")
    page.locator(".card", has_text="Waiting for a bed").get_by_text(ada["name"]).wait_for()


def test_a_bed_that_is_closed_elsewhere_is_on_the_list_of_the_house(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    page = page_of(Role.BED_MANAGER)
    go(page, "house")
    page.locator(".dot.live").wait_for()
    why = followed.name("broken")
    followed.record("closeBed", ward=ada["ward"], room=ada["room"], bed="B", reason=why)
    page.locator(".card", has_text="Closed").get_by_text(why).wait_for()


def log_in_over_a_form(page_of: Open, ada: dict[str, str], subject: str) -> Any:
    """Type into a form as a nurse, whose login ends, and log in over it."""
    page = page_of()
    bed_of(page, ada["name"]).focus()
    page.keyboard.press("m")
    page.get_by_role("dialog", name="Transfer").locator("#f-withoutBed").fill("corridor")
    ended = LOGIN.make(Role.NURSE, "a nurse", hours=-1)
    # At once: the board behind the form may ask something, and find the login ended before.
    page.evaluate(
        """token => { sessionStorage.setItem("wardbook-token", token);
          document.querySelector("dialog[open] button[type=submit]").click(); }""",
        ended,
    )
    page.locator("#token").fill(LOGIN.make(Role.NURSE, subject))
    page.get_by_role("button", name="Log in").click()
    return page


def test_an_expired_login_asks_again_over_what_was_typed(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = log_in_over_a_form(page_of, ada, "a nurse")
    with form(page, "Transfer") as dialog:
        assert dialog.locator("#f-withoutBed").input_value() == "corridor"


def test_who_logs_in_over_anothers_screen_does_not_go_on_with_what_they_typed(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = log_in_over_a_form(page_of, ada, "another")
    page.get_by_text("another · Nurse").wait_for()
    page.get_by_role("dialog").wait_for(state="detached")


def test_without_a_login_it_asks_for_one(chromium: Any, running: Served) -> None:
    page = chromium.new_page()
    page.goto(f"http://127.0.0.1:{running.port}/")
    page.locator("#token").wait_for()
    page.close()


# -- for everybody --


VIEWS: dict[str, dict[str, Any]] = {
    "light": {},
    "dark": {"color_scheme": "dark"},
    "forced colours": {"forced_colors": "active"},
    "200 %": {"viewport": {"width": 640, "height": 450}, "device_scale_factor": 2},
}


@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing_on_any_screen(
    page_of: Open, followed: Ward, ada: dict[str, str], view: str
) -> None:
    followed.record("requestBed", stayId=ada["stay"], ward=ada["ward"], urgency="STAT")
    followed.record("raiseFlag", stayId=ada["stay"], flagKind="FALL_RISK", note="fell twice")
    followed.prescription(ada["stay"], schedule={"everyHours": 6})
    page = page_of(Role.ADMIN, **VIEWS[view])
    result: dict[str, list[str]] = {}
    own = (f"doses?ward={ada['ward']}", f"stay/{ada['stay']}", f"find?q={ada['name']}")
    for screen in (*SCREENS, *own, "board?at=2020-01-01T00:00:00Z&apart=1"):
        go(page, screen)
        result[screen] = violations(page)
    go(page, f"stay/{ada['stay']}")
    page.get_by_role("heading", name=ada["name"]).wait_for()
    for letter in "mvp":
        page.keyboard.press(letter)
        page.get_by_role("dialog").wait_for()
        result[letter] = violations(page)
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    assert {screen: those for screen, those in result.items() if those} == {}


LOADED = """() => customElements.whenDefined('wb-form').then(() =>
  [...performance.getEntriesByType('resource'), ...performance.getEntriesByType('navigation')]
    .filter(({name}) => !/graphql$|forms.json/.test(name))
    .map(({name, decodedBodySize}) => [name.replace(/.*[/]/, ''), decodedBodySize]))"""
"""Each file that a tab loaded of the page, and its bytes unpacked; without what the schema says."""


@pytest.mark.parametrize("locale", ["en-GB", "de-DE"])
@pytest.mark.parametrize("screen", [*SCREENS, "stay", "patient"])
def test_a_screen_loads_no_more_than_it_needs(
    page_of: Open, ada: dict[str, str], screen: str, locale: str
) -> None:
    page = page_of(Role.ADMIN, locale=locale)
    page.get_by_role("navigation").wait_for()
    page.goto(page.url.partition("#")[0] + f"#/{screen}" + f"/{ada['stay']}" * (screen == "stay"))
    page.reload()
    page.locator("main > * > *").nth(0).wait_for(state="attached")
    loaded = page.evaluate(LOADED)
    assert {"app.js", "lit.js", "style.css", "command.js"} <= {name for name, _ in loaded}
    words = {name for name, _ in loaded if name.endswith(".json")}
    language = locale[:2]
    assert {each for each in words if each.startswith(("en", "de"))} == {f"{language}.json"} | (
        {f"{language}.reports.json"} if screen == "reports" else set()
    )
    assert sum(size for _, size in loaded) < 240_000, sorted(loaded, key=lambda each: -each[1])


@pytest.mark.parametrize("screen", SCREENS)
def test_nothing_is_wider_than_a_phone(page_of: Open, ada: dict[str, str], screen: str) -> None:
    page = page_of(Role.ADMIN, viewport={"width": 360, "height": 740}, locale="de-DE")
    go(page, screen)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_each_command_opens_its_form(page_of: Open, ada: dict[str, str]) -> None:
    page = page_of(Role.ADMIN)
    page.goto(page.url.partition("#")[0] + "#/acts")
    buttons = page.locator(".commands button")
    buttons.first.wait_for()
    for i in range(buttons.count()):
        buttons.nth(i).click()
        dialog = page.get_by_role("dialog")
        dialog.get_by_role("button", name="Record", exact=True).wait_for()
        page.keyboard.press("Escape")
        dialog.wait_for(state="detached")


def test_what_is_done_to_a_room_is_taken_back_from_the_bar(
    page_of: Open, ada: dict[str, str]
) -> None:
    page = page_of(Role.BED_MANAGER)
    page.locator(".ward", has_text=ada["ward"]).wait_for()
    go(page, "house")
    place = f"{ada['ward']} {ada['room']}"
    page.get_by_role("button", name=f"Add bed: {place}").click()
    with form(page, "Add bed") as dialog:
        dialog.locator("#f-bed").fill("Z")
    page.locator(".notice").get_by_role("button", name="Take back").click()
    with form(page, "Take back bed") as dialog:
        dialog.locator("#f-reason").fill("the other room")
    page.get_by_role("row", name=place).get_by_text("A B", exact=True).wait_for()


def test_a_reserved_bed_says_for_whom_to_who_may_see_the_patient(
    page_of: Open, followed: Ward, ada: dict[str, str]
) -> None:
    name = followed.name("Awaited")
    mrn = followed.patient(familyName=name, sex="FEMALE")
    bed = {"ward": ada["ward"], "room": ada["room"], "bed": "B"}
    followed.record("reserveBed", **bed, patientMrn=mrn, until=ahead(days=1))
    page = page_of()
    page.locator(".ward", has_text=ada["ward"]).locator("button.bed.state-RESERVED").click()
    page.get_by_role("dialog").get_by_text(name).wait_for()
    page.keyboard.press("Escape")
    go(page, "house")
    page.locator(".lines li", has_text=name).wait_for()
