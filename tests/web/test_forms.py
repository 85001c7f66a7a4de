"""The form of every command, found from the schema: refused beside its field, then recorded."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.http.page import forms, rights
from application.authorization.roles import Role
from tests.api.test_mutations import mutations
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward
from tests.support.api_example import EXAMPLES
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Served

pytestmark = pytest.mark.browser

FORMS: dict[str, Any] = forms()
RIGHTS: dict[str, Any] = rights()["commands"]
FIELDS = {
    name: {field["name"]: field for field in FORMS["inputs"][form["input"]] + FORMS["common"]}
    for name, form in FORMS["commands"].items()
}
PLACE = ("ward", "room", "bed")
ROLES = (Role.NURSE, Role.PHYSICIAN, Role.REGISTRAR, Role.BED_MANAGER, *Role)
"""Who fills in a form: the first that may."""


class Reached(Exception):
    """The example came to the command that is tried; its input is told."""


class Interrupted(GraphQLClient):
    """A client that sends all of an example but the last call of one command."""

    wanted = ""
    calls = 0
    last = 0

    def _mutate(self, command: str, details: str, input: dict[str, Any]) -> dict[str, Any]:
        if command == self.wanted:
            self.calls += 1
            if self.calls == self.last:
                raise Reached(input)
        return super()._mutate(command, details, input)


def input_of(ward: Ward, name: str) -> dict[str, Any]:
    """Prepare a house as the example of a command does; return what it would enter."""
    client = ward.client
    assert isinstance(client, Interrupted)
    _, give = EXAMPLES[name]
    client.wanted, client.calls, client.last = name, 0, 0
    give(ward)
    client.last, client.calls = client.calls, 0
    try:
        give(ward)
    except Reached as reached:
        result: dict[str, Any] = reached.args[0]
        return result
    finally:
        client.wanted = ""
    raise AssertionError(f"the example of {name} does not give it twice")


@pytest.fixture(scope="module")
def house(running: Served) -> Iterator[Ward]:
    with running.http() as http:
        yield Ward(Interrupted(http, TOKEN))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def page_as(chromium: Any, running: Served) -> Iterator[Callable[[Role], Any]]:
    """The page of a role, opened once; in the end no policy was broken."""
    pages: dict[Role, Any] = {}
    faults: list[str] = []

    def opened(role: Role) -> Any:
        if role not in pages:
            page = chromium.new_context(locale="en-GB").new_page()
            page.set_default_timeout(5_000)
            page.on("pageerror", lambda error: faults.append(str(error)))
            page.on("console", lambda said: faults.extend(violations(said.text)))
            token = LOGIN.make(role, f"a {role}")
            page.goto(f"http://127.0.0.1:{running.port}/#token={token}")
            page.get_by_role("navigation").wait_for()
            page.goto(page.url.partition("#")[0] + "#/acts")  # a screen that asks for nothing
            pages[role] = page
        return pages[role]

    yield opened
    for page in pages.values():
        page.context.close()
    assert faults == []


def violations(said: str) -> list[str]:
    return [said] if "Security Policy" in said or "TrustedHTML" in said else []


def is_known(field: dict[str, Any]) -> bool:
    """Return whether a screen knows it that opens the form: ids, and the moment of a fact."""
    return bool(field["type"] == "ID" or field["name"] == "setAt")


def wall(moment: str) -> str:
    """Return what a field of date and time shows of a moment, in UTC as the house is."""
    return datetime.fromisoformat(moment).astimezone(UTC).strftime("%Y-%m-%dT%H:%M")


def enter(dialog: Any, id: str, kind: str, value: Any) -> None:
    """Enter a value as its user does."""
    control = dialog.locator(f"#{id}")
    if kind == "Boolean":
        control.select_option(str(value).lower())
    elif isinstance(value, list):
        control.fill(", ".join(value))
    elif control.evaluate("each => each.tagName") == "SELECT":
        text = str(value)
        control.select_option(text.upper() if id == "f-flagKind" else text)  # kinds as they are set
    else:
        text = wall(value) if kind == "DateTime" else str(value)
        control.fill(text[:5] if kind == "Time" else text)


def enter_inner(dialog: Any, id: str, type: str, values: dict[str, Any]) -> None:
    fields = {field["name"]: field for field in FORMS["inputs"][type]}
    for name, value in values.items():
        kind = fields[name]["type"]
        if isinstance(value, dict):
            enter_inner(dialog, f"{id}-{name}", kind, value)
        else:
            enter(dialog, f"{id}-{name}", kind, value)


def fill(dialog: Any, name: str, values: dict[str, Any]) -> None:
    """Enter all of an input but its ids, which the screen knows that opened the form."""
    for each in dialog.locator("details:not([open])").all():
        each.evaluate("each => each.open = true")
    picked = dialog.locator("#f-bed[data-picker]").count() and "bed" in values
    if picked:
        bed = [values.get(part) for part in PLACE]
        dialog.locator("#f-bed").select_option(
            dialog.page.evaluate("bed => JSON.stringify(bed)", bed)
        )
    for field_name, value in values.items():
        field = FIELDS[name][field_name]
        kind = field["type"]
        if field_name == "occurredAt" or value is None or (picked and field_name in PLACE):
            continue
        if kind in FORMS["inputs"] and field.get("list"):
            for i, row in enumerate(value):
                dialog.locator(f"[data-add={field_name}]").click()
                enter_inner(dialog, f"f-{field_name}{i}", kind, row)
        elif kind in FORMS["inputs"]:
            enter_inner(dialog, f"f-{field_name}", kind, value)
        else:
            enter(dialog, f"f-{field_name}", kind, value)


def is_asked(field: str, known: dict[str, Any]) -> bool:
    """Return whether the form asks for a field; the command's id it makes itself."""
    return field != "commandId" and field not in known


@pytest.mark.parametrize("name", mutations())
def test_a_form_is_refused_beside_its_field_and_then_recorded(
    page_as: Callable[[Role], Any], house: Ward, name: str
) -> None:
    values = input_of(house, name)
    role = next(role for role in ROLES if role in RIGHTS[name])
    page = page_as(role)
    known = {key: value for key, value in values.items() if is_known(FIELDS[name][key])}
    others = {key: value for key, value in values.items() if key not in known}
    page.evaluate(
        "([name, known]) => import('/web/shell.js').then(({act}) => act(name, known))",
        [name, known],
    )
    dialog = page.get_by_role("dialog")
    record = dialog.get_by_role("button", name="Record", exact=True)
    record.wait_for()
    try:
        if any(
            field.get("required") for key, field in FIELDS[name].items() if is_asked(key, known)
        ):
            record.click()
            dialog.locator(":is(.field, fieldset) > .refusal").get_by_text(
                "This is needed"
            ).wait_for()
        fill(dialog, name, others)
        earlier = dialog.get_by_label("Earlier")
        if earlier.count():
            earlier.check()
        has_time = "occurredAt" not in FORMS["commands"][name]["without"]
        assert dialog.locator("#f-occurredAt").count() == has_time
        if has_time:
            tomorrow = datetime.now(UTC) + timedelta(days=1)
            dialog.locator("#f-occurredAt").fill(tomorrow.strftime("%Y-%m-%dT%H:%M"))
            record.click()
            beside = dialog.locator(".when, .field").filter(has=page.locator("#f-occurredAt"))
            beside.locator(".refusal").wait_for()
            assert dialog.locator("#f-occurredAt").get_attribute("aria-invalid") == "true"
        if not has_time:
            pass
        elif "occurredAt" in values:
            dialog.locator("#f-occurredAt").fill(wall(values["occurredAt"]))
        elif earlier.count():
            beside.locator(".refusal").get_by_role("button", name="Now", exact=True).click()
            assert dialog.get_by_label("Now", exact=True).is_checked()
        else:
            dialog.locator("#f-occurredAt").fill("")
        with page.expect_response(
            lambda told: f"{{ {name}(" in (told.request.post_data or "")
        ) as told:
            record.click()
        outcome = told.value.json()["data"][name]
        assert outcome["__typename"] == EXAMPLES[name][0], outcome
        dialog.wait_for(state="detached")
    finally:
        if dialog.count():
            page.keyboard.press("Escape")
            dialog.wait_for(state="detached")
