"""Mistakes of the page, in the language of what the server says."""

import json
import re
from typing import Any

import pytest
from graphql import GraphQLEnumType

from api.graphql.schema import schema
from api.graphql.types.reports import ReportUnit
from api.http.page import WEB, forms
from application.reports.registry import REPORTS
from domain.problems import Problem
from tests.api.test_mutations import mutations
from tests.support.api_dsl import Ward
from tests.support.api_example import EXAMPLES

WORDS: dict[str, dict[str, Any]] = {}
for file in sorted((WEB / "words").glob("*.json")):  # those of a screen beside those of all
    of_language = WORDS.setdefault(file.name.partition(".")[0], {"names": {}, "sentences": []})
    words = json.loads(file.read_text())
    of_language["names"] |= words["names"]
    of_language["sentences"] += words.get("sentences", [])
OTHERS = [language for language in WORDS if language != "en"]
UNSHOWN = {
    "TimelineReading", "PatientOrder", "StayOrder", "DoseOrder", "CourseFormat", "EventKind",
    "PractitionerOrder", "TimelineOrder",
    "ErrorCode", "Role", "Problem", "ReportSubject",
    "Thing", "ReportUnit", "AlteredDetail",
}  # fmt: skip
"""Enums of which no value is read on a screen."""


def _is_named(name: str, names: dict[str, str]) -> bool:
    """Return whether a name has a text, or is one of a thing ``By`` another, as `named` reads them."""
    of, by, rest = re.match(r"(.+?)(By[A-Z]\w+)?()$", name).groups()  # type: ignore[union-attr]
    return name in names or (bool(by) and f"...{by}{rest}" in names and of in names)


@pytest.mark.parametrize("language", OTHERS)
def test_mistake_250_a_report_and_its_figures_are_named_in_the_readers_language(
    language: str,
) -> None:
    """Titles of reports, their figures and units were English on a page in German."""
    names = WORDS[language]["names"]
    figures = [figure for report in REPORTS.values() for figure in report.figures]
    shown = {report.name for report in REPORTS.values()} | {figure.name for figure in figures}
    assert [name for name in sorted(shown) if not _is_named(name, names)] == []
    units = {f"unit.{ReportUnit(figure.unit).name}" for figure in figures}
    assert units - names.keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_mistake_250_what_a_form_or_a_list_shows_is_named_in_the_readers_language(
    language: str,
) -> None:
    made: dict[str, Any] = forms()
    types = schema._schema.type_map.values()
    enums = [each for each in types if isinstance(each, GraphQLEnumType) and each.name[0] != "_"]
    shown = {value for enum in enums if enum.name not in UNSHOWN for value in enum.values}
    shown |= {field["name"] for fields in made["inputs"].values() for field in fields}
    assert shown - {"commandId"} - WORDS[language]["names"].keys() == set()


@pytest.mark.parametrize("language", OTHERS)
def test_mistake_240_what_exactly_is_wrong_is_told_in_the_readers_language(language: str) -> None:
    """A refusal told its kind in German, and in English what was wrong: "The state … : it is held"."""
    names = WORDS[language]["names"]
    assert {f"problem.{problem}" for problem in Problem} - names.keys() == set()
    assert {key for key in names if key.startswith("problem.")} == {f"problem.{p}" for p in Problem}
    types = schema._schema.type_map.values()
    tell = {each.name for each in types if "problem" in getattr(each, "fields", {})}
    assert {name for name in tell if "problem" not in forms()["outcomes"].get(name, "")} == set()


@pytest.fixture(scope="module")
def sentences(shared: Ward) -> set[str]:
    """Return what timelines say after an example of each command."""
    for name in mutations():
        EXAMPLES[name][1](shared)
    query = """query ($after: String) { patients(first: 20, after: $after) {
      nodes { timeline(first: 100) { nodes { summary } } } pageInfo { hasNextPage endCursor } } }"""
    result, page = set(), {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        answer = shared.client.raw(query, {"after": page["endCursor"]})["data"]["patients"]
        result |= {
            entry["summary"] for each in answer["nodes"] for entry in each["timeline"]["nodes"]
        }
        page = answer["pageInfo"]
    return result


@pytest.mark.parametrize("language", OTHERS)
def test_mistake_250_each_sentence_of_a_timeline_is_told_in_the_readers_language(
    sentences: set[str], language: str
) -> None:
    begins = [re.compile(begin, re.DOTALL) for begin, _ in WORDS[language]["sentences"]]
    assert len(sentences) > 50
    assert [each for each in sorted(sentences) if not any(b.search(each) for b in begins)] == []
