"""Tracing of operations: spans are named by root fields, never by what a client wrote."""

import hashlib
from collections.abc import Iterator
from typing import Any

from graphql import (
    ArgumentNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    Visitor,
    visit,
)
from strawberry.extensions import SchemaExtension

from api.graphql.extensions.authorization import analyse_document
from api.graphql.extensions.limits import found_once
from infrastructure import tracing

ROOTS = 5
"""The most root fields in the name of a span."""


class Tracing(SchemaExtension):
    """Schema extension: a span for each execution; of a subscription, for its beginning."""

    def on_execute(self) -> Iterator[None]:
        execution = self.execution_context
        document = execution.graphql_document
        if document is None or not tracing.is_on():
            yield
            return
        roots = analyse_document(execution.schema._schema, document).operation.split()
        kind = execution.operation_type.value
        name = " ".join((kind, *roots[:ROOTS]))
        attributes = {"graphql.operation.type": kind, "graphql.document.shape": shape(document)}
        with tracing.span(name, attributes):
            yield


@found_once
def shape(document: DocumentNode) -> str:
    """Return a digest of the selected fields: tells documents apart, and nothing in them.

    Made of names of the schema alone, so it holds no value, alias or name that a client chose.
    """
    walk = _Walk()
    visit(document, walk)
    return hashlib.sha256(" ".join(walk.words).encode()).hexdigest()[:16]


class _Walk(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        self.words += [node.name.value, "{"]

    def leave_field(self, *_: Any) -> None:
        self.words.append("}")

    def enter_argument(self, node: ArgumentNode, *_: Any) -> None:
        self.words.append(node.name.value)

    def enter_fragment_spread(self, *_: Any) -> None:
        self.words.append("...")

    def enter_fragment_definition(self, node: FragmentDefinitionNode, *_: Any) -> None:
        self.words += ["fragment", node.type_condition.name.value]
