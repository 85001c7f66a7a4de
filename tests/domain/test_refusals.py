"""The texts of refusals: fields by their names in Python style, which each interface translates."""

import ast
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest

from domain.refusals import InvalidInput, StayNotOpen

ROOT = Path(__file__).parents[2]
CAMEL = re.compile(r"\b[a-z]+(?:[A-Z][a-z]+)+\b")
PUBLISHED = ROOT / "application" / "reports"
"""Names of figures are no fields: they are stored and shown as they are."""

SOURCES = [
    path
    for layer in ("domain", "application")
    for path in sorted((ROOT / layer).rglob("*.py"))
    if PUBLISHED not in path.parents
]


def test_a_text_names_fields_as_the_interface_does() -> None:
    refusal = StayNotOpen(UUID(int=7), datetime(2026, 3, 2, 8, tzinfo=UTC))
    assert "give an earlier occurred_at, or" in refusal.message
    assert "give an earlier --occurred-at, or" in refusal.text(
        lambda name: f"--{name.replace('_', '-')}"
    )
    assert str(refusal) == refusal.message


def test_an_input_at_fault_is_named_as_the_interface_does() -> None:
    refusal = InvalidInput("birth_date", "it lies in the future")
    assert refusal.path == ("birth_date",)
    assert refusal.text(str.upper) == "BIRTH_DATE: it lies in the future."


@pytest.mark.parametrize("path", SOURCES, ids=str)
def test_domain_and_application_name_fields_in_python_style(path: Path) -> None:
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]
    assert [name for text in texts for name in CAMEL.findall(text)] == []
