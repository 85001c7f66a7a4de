"""The page's files, as they are served, and what they ask: no browser is needed."""

import ast
import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLError, parse, validate

from api.graphql.extensions.authorization import analyse_document
from api.graphql.schema import schema
from api.graphql.types.reports import ReportUnit
from api.http.page import WEB, body_of, forms, forms_json, page_configuration, page_headers, rights
from application.authorization.roles import Role, may
from application.reports.registry import newest_definitions
from domain.stay.facts import KINDS
from infrastructure.settings import Settings
from tests.support.api_dsl import Ward

OURS = [file for file in WEB.rglob("*") if file.is_file() and file.parent.name != "vendor"]
SCRIPTS = [file for file in OURS if file.suffix == ".js"]
WORDS = {
    language: json.loads((WEB / "words" / f"{language}.json").read_text())
    for language in ("en", "de")
}


# -- as they are served --


@pytest.mark.parametrize(
    "path", ["/", "/web/app.js", "/web/style.css", "/web/forms.json", "/web/rights.json"]
)
def test_a_file_is_served_with_a_policy_that_runs_nothing_else(shared: Ward, path: str) -> None:
    response = shared.client.http.get(path)
    assert response.status_code == 200
    policy = response.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self';")
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_scripts_ask_the_logins_provider_where_there_is_one_and_nobody_else(shared: Ward) -> None:
    assert shared.client.http.get("/web/config.json").json() == {"login": None, "logoffMinutes": 0}
    house = Settings(
        oidc_issuer="https://login.example:8443/realms/house",
        oidc_audience="wardbook",
        oidc_client_id="page",
        logoff_minutes=10,
    )
    assert page_configuration(house) == {
        "login": {"issuer": house.oidc_issuer, "clientId": "page", "parameters": "scope=openid"},
        "logoffMinutes": 10,
    }
    for settings, asked in [(house, "'self' https://login.example:8443"), (Settings(), "'self'")]:
        policy = page_headers(settings)["Content-Security-Policy"]
        assert f"; connect-src {asked}; " in policy


def test_a_file_that_is_kept_is_not_sent_again(shared: Ward) -> None:
    http = shared.client.http
    etag = http.get("/web/app.js").headers["ETag"]
    assert http.get("/web/app.js", headers={"If-None-Match": etag}).status_code == 304


@pytest.mark.parametrize("path", ["/web/../http/page.py", "/web/%2e%2e/container.py", "/web/no"])
def test_nothing_beside_them_is_served(shared: Ward, path: str) -> None:
    assert shared.client.http.get(path).status_code == 404


@pytest.mark.parametrize("folder", [WEB / "vendor", Path(__file__).parent / "vendor"])
def test_vendored_files_are_those_that_were_looked_at(folder: Path) -> None:
    declared = tomllib.loads((folder / "VENDORED.toml").read_text())["file"]
    for file in declared:
        made = hashlib.sha256((folder / file["name"]).read_bytes()).hexdigest()
        assert made == file["sha256"], file["name"]
    named = {name for file in declared for name in (file["name"], file["license_file"])}
    assert {file.name for file in folder.iterdir()} == named | {"VENDORED.toml"}


def test_no_file_leads_anywhere_else() -> None:
    for file in OURS:
        text = file.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, file
        assert "https://" not in text, file


def test_all_screens_together_are_small() -> None:
    """All scripts, styles and documents with the words of one language; beside it what the schema says
    of commands. What each screen loads is measured in a browser, in each language."""
    files = [file for file in WEB.rglob("*") if file.is_file() and "LICENSE" not in file.name]
    loaded = [file for file in files if not re.match(r"de\.|VENDORED", file.name)]
    assert sum(len(body_of(file)) for file in loaded) < 250_000
    assert len(forms_json()) < 90_000


def test_what_is_sent_of_a_script_is_all_but_its_comments_and_indentation() -> None:
    for script in SCRIPTS:
        lines = [line.lstrip() for line in script.read_text().splitlines() if not _is_comment(line)]
        assert body_of(script).decode().splitlines() == lines, script


def _is_comment(line: str) -> bool:
    """Return whether a line is a comment or goes on with one, as these scripts write them."""
    return bool(re.match(r" *(//|/\*\*? .*\*/$|/\*\*? [^*]*$| \*( |/$))", line))


# -- texts --


def test_both_languages_have_the_same_texts() -> None:
    assert WORDS["en"]["texts"].keys() == WORDS["de"]["texts"].keys()
    assert WORDS["en"]["names"].keys() <= WORDS["de"]["names"].keys()
    for language, words in WORDS.items():
        assert all(words["texts"].values()), language
        assert all(words["names"].values()), language


def test_what_reads_as_it_is_written_is_not_named_again_in_english() -> None:
    for name, text in WORDS["en"]["names"].items():
        words = re.sub(r"([a-z])([A-Z])", r"\1 \2", name).replace("_", " ").lower()
        assert text != words[:1].upper() + words[1:], name


def test_places_in_texts_are_the_same() -> None:
    for key, text in WORDS["en"]["texts"].items():
        places = [sorted(re.findall(r"\{\w+\}", t)) for t in (text, WORDS["de"]["texts"][key])]
        assert places[0] == places[1], key


def test_each_text_that_a_script_says_is_there() -> None:
    for script in SCRIPTS:
        for key in re.findall(r"(?<![#.])\bsay\('([\w.]+)'(?! \+)", script.read_text()):
            assert key.endswith(".") or key in WORDS["en"]["texts"], (script.name, key)


BY = re.compile(
    "By(Hour|Kind|Ward|Weekday|WeekdayAndHour|Specialty|Type|Sex|AgeGroup|AgeGroupAndSex)$"
)


def test_reports_are_told_in_german_with_their_formulas_and_what_each_figure_says() -> None:
    words = json.loads((WEB / "words" / "de.reports.json").read_text())
    english = json.loads((WEB / "words" / "en.reports.json").read_text())
    assert english["names"].keys() <= words["names"].keys()
    texts = words["texts"]
    for report in newest_definitions():
        assert texts[f"formula.{report.name}"]
        for figure in report.figures:
            name = re.sub(
                r"By(Hour|Kind|Ward|Weekday|WeekdayAndHour|Specialty|Type|Sex|AgeGroup|AgeGroupAndSex)$",
                "",
                figure.name,
            )
            keys = {f"meaning.{report.name}.{name}", f"meaning.{name}"}
            assert keys & texts.keys(), (report.name, figure.name)
            assert {figure.name, name} & words["names"].keys(), figure.name
            assert f"unit.{ReportUnit(figure.unit).name}" in words["names"], figure.unit


def test_notes_of_reports_are_told_in_german() -> None:
    words = json.loads((WEB / "words" / "de.reports.json").read_text())
    notes = list(_notes())
    assert len(notes) > 5
    for note in notes:
        assert any(re.search(pattern, note) for pattern, _ in words["sentences"]), note


def _notes() -> Iterator[str]:
    """Each sentence that a report says of what is not known, with 3 for its numbers."""
    for script in (WEB.parent.parent / "application" / "reports").glob("*.py"):
        for node in ast.walk(ast.parse(script.read_text())):
            match node:
                case ast.Yield(value=ast.JoinedStr(values=parts)):
                    yield "".join(
                        str(p.value) if isinstance(p, ast.Constant) else "3" for p in parts
                    )
                case (
                    ast.Yield(value=ast.Constant(value=str(text)))
                    | ast.Return(value=ast.Tuple(elts=[ast.Constant(value=str(text))]))
                ):
                    yield text


def test_kinds_of_facts_that_refusals_name_are_named_in_german() -> None:
    for kind in KINDS.values():
        assert kind.upper() in WORDS["de"]["names"], kind


# -- what is asked --


def operations() -> Iterator[tuple[str, str]]:
    """Each operation with its fragments, as `gql.js` puts them together."""
    text = (WEB / "operations.graphql").read_text()
    parts = [
        part
        for part in re.split(r"\n(?=(?:query|subscription|fragment) )", text)
        if not part.startswith("#")
    ]
    fragments = {part.split()[1]: part for part in parts if part.startswith("fragment")}
    for part in parts:
        if not part.startswith("fragment"):
            name = re.split(r"[\s(]+", part)[1]
            yield name, "\n".join([part, *used_by(part, fragments)])


def used_by(part: str, fragments: dict[str, str]) -> list[str]:
    """The fragments that a part uses, and those that they use."""
    used: dict[str, str] = {}
    for name in re.findall(r"\.\.\.(\w+)", part):
        used |= {name: fragments[name]}
        used |= {inner.split()[1]: inner for inner in used_by(fragments[name], fragments)}
    return list(used.values())


def sent_by(role: Role, document: str) -> str:
    """The document without the lines that need a right which the role has not."""
    lines = []
    for line in document.splitlines():
        right = re.search(r"# (data:\w+)$", line)
        if not right or may(role, right[1]):
            lines.append(line.partition(" # ")[0])
    return "\n".join(lines)


@pytest.mark.parametrize("role", Role)
def test_each_role_asks_only_for_what_it_may_see(role: Role) -> None:
    for name, document in operations():
        parsed = parse(sent_by(role, document))
        assert validate(schema._schema, parsed) == [], (name, role)
        needs = analyse_document(schema._schema, parsed).needs
        roots = [need for need in needs if ":" not in need]
        if all(may(role, root) for root in roots):  # others are not offered the screen
            assert [need for need in needs if not may(role, need)] == [], (name, role)


def test_each_operation_that_a_script_asks_is_there() -> None:
    names = {name for name, _ in operations()}
    asked = {
        name
        for script in SCRIPTS
        for name in re.findall(r"\b(?:ask|askAll|follow)\(\s*'(\w+)'", script.read_text())
    }
    assert asked == names


# -- forms --


def commands() -> Iterator[tuple[str, str]]:
    """Each command with its document, as `gql.js` makes it."""
    made: dict[str, Any] = forms()
    for name, form in made["commands"].items():
        outcomes = (f"... on {each} {{ {made['outcomes'][each]} }}" for each in form["outcomes"])
        parts = {"TITLE": "A", "INPUT": form["input"], "NAME": name, "OUTCOMES": " ".join(outcomes)}
        yield name, re.sub("[A-Z]{4,}", lambda match: parts[match[0]], made["document"])  # noqa: B023


def _faults(document: str) -> list[GraphQLError]:
    return validate(schema._schema, parse(document))


def test_each_command_has_a_form_whose_document_is_valid() -> None:
    mutation = schema._schema.mutation_type
    assert mutation is not None
    made: dict[str, Any] = forms()
    assert made["commands"].keys() == mutation.fields.keys()
    for name, document in commands():
        assert _faults(document) == [], name
        assert made["commands"][name]["input"] in made["inputs"]


def test_each_field_of_a_form_can_be_entered() -> None:
    made = forms()
    known = {"ID", "String", "Int", "Boolean", "DateTime", "Date", "Time"}
    fields = [field for each in made["inputs"].values() for field in each] + made["common"]
    for field in fields:
        assert field["type"] in known | made["enums"].keys() | made["inputs"].keys(), field


def test_forms_say_which_roles_may_give_a_command() -> None:
    made = rights()["commands"]
    assert made.keys() == forms()["commands"].keys()
    assert "nurse" in made["transferPatient"]
    assert "analyst" not in made["transferPatient"]
    assert all(made.values())
