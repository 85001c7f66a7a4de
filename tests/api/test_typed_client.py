"""The typed client in the folder clients: its operations are of the schema, and can be afforded."""

import json
from pathlib import Path

import pytest
from graphql import DocumentNode, FragmentDefinitionNode, OperationDefinitionNode, parse, validate

from api.graphql.extensions.limits import Costs
from api.graphql.schema import schema

ROOT = Path(__file__).parents[2]
DOCUMENT = parse((ROOT / "clients" / "operations.graphql").read_text())
FRAGMENTS = [d for d in DOCUMENT.definitions if isinstance(d, FragmentDefinitionNode)]
OPERATIONS = {
    d.name.value: d
    for d in DOCUMENT.definitions
    if isinstance(d, OperationDefinitionNode) and d.name
}


def test_the_operations_of_the_typed_client_are_of_the_schema() -> None:
    assert validate(schema._schema, DOCUMENT) == []


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_operation_of_the_typed_client_is_too_costly(name: str) -> None:
    alone = DocumentNode(definitions=(OPERATIONS[name], *FRAGMENTS))
    assert validate(schema._schema, alone, [Costs]) == []


def test_the_typed_client_needs_the_packages_that_it_is_tried_with() -> None:
    wanted = json.loads((ROOT / "clients" / "package.json").read_text())
    tried = json.loads((ROOT / "tests" / "clients" / "package.json").read_text())["dependencies"]
    assert {**wanted["dependencies"], **wanted["devDependencies"]}.items() <= tried.items()
