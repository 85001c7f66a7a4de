"""Authorization of operations: commands and subscriptions as a whole, questions field by field.

All that an operation names is held against the rights of the caller's role
(`application.authorization.roles`): queries by their names, fields by the kind of data that they
declare (`api.graphql.declarations`). What declares nothing is allowed to nobody. A question is refused
before anything runs if the role may ask nothing of it; else `api.graphql.execution.partial_executor`
leaves out what is refused.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)
from strawberry.extensions import SchemaExtension

from api.auth.authentication import NotLoggedIn
from api.graphql.context import Context
from api.graphql.declarations import ROOTS, Declarations, declarations_of
from api.graphql.extensions.limits import found_once
from api.graphql.refused_fields import RefusedFields
from domain.refusals import NotAllowed
from infrastructure.queries.tables_read import Query

INTROSPECTION = ("__schema", "__type")
"""The fields of introspection; `__typename`, by which clients cache, is none."""


WORDS = {
    "data:identity": "names, numbers and birth dates of patients",
    "data:stay": "stays",
    "data:clinical": "findings, prescriptions, doses and who recorded them",
    "data:audit": "who read whose data",
    "data:issues": "issued reports",
    "data:figures": "figures",
    "data:closures": "why beds are closed",
}
"""Kinds of data, as a ward calls them."""

DECLARED = Declarations({}, frozenset(), {})
"""The declarations of the schema; `use_declarations` sets them as it is made."""


def use_declarations(schema: GraphQLSchema) -> None:
    """Read what the types of the schema declare. Raises TypeError if one declares nothing."""
    global DECLARED
    DECLARED = declarations_of(schema)


def needed_for(type_name: str, field: str) -> str | None:
    """Return the right that a field needs; None where the application decides (mutations)."""
    if field in INTROSPECTION:
        return "introspection"
    if field.startswith("__") or type_name.startswith("__") or type_name == "Mutation":
        return None
    if type_name in ROOTS:
        return snake(field)
    return DECLARED.kinds.get(f"{type_name}.{field}", "data without a rule")


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """Analysis of a document: its root fields, and the rights that it needs, each with one field."""

    operation: str
    needs: Mapping[str, str]
    types: frozenset[str]
    """The types of which fields are selected."""
    queries: tuple[Query, ...]
    """The queries that the selected fields are read by."""
    nodes: tuple[tuple[str, str, FieldNode], ...]
    """The selected fields: the right that each needs, its name, and its node."""
    reads_replica: bool
    """True if a replica may answer: each root field asks as of a moment, with `atLeast`."""

    @property
    def is_cacheable(self) -> bool:
        """Return whether the response may be cached: all its queries and types must be declared so."""
        queries = {f"Query.{name}" for name in self.operation.split()}
        return DECLARED.cacheable.issuperset(queries | (self.types - {"Query"}))

    def has_allowed_root(self, context: Context) -> bool:
        """Return whether it is a question of which the role may ask at least one root field."""
        names = self.operation.split()
        return self.types.isdisjoint({"Mutation", "Subscription"}) and any(
            (need := needed_for("Query", name)) is not None and context.may(need) for name in names
        )


@found_once
def analyse_document(schema: GraphQLSchema, document: DocumentNode) -> DocumentInfo:
    """Analyse a document, once. The operation is named by its root fields, never by the client."""
    needs: dict[str, str] = {}
    nodes: list[tuple[str, str, FieldNode]] = []
    roots: dict[str, None] = {}
    parents: set[str] = set()
    fields: set[str] = set()
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None:
                name = node.name.value
                parents.add(parent.name)
                fields.add(f"{parent.name}.{name}")
                requirement = needed_for(parent.name, name)
                if requirement is not None:
                    needs.setdefault(requirement, f"{parent.name}.{name}")
                    nodes.append((requirement, f"{parent.name}.{name}", node))
                if parent.name in (*ROOTS, "Mutation"):
                    roots[name] = None

    visit(document, TypeInfoVisitor(types, Collect()))
    query_fields = schema.query_type.fields if schema.query_type else {}
    return DocumentInfo(
        " ".join(roots),
        MappingProxyType(needs),
        frozenset(parents),
        DECLARED.queries_of(fields),
        tuple(nodes),
        parents.isdisjoint({"Mutation", "Subscription"})
        and all(name in query_fields and "atLeast" in query_fields[name].args for name in roots),
    )


class Authorization(SchemaExtension):
    """Schema extension: allows an operation, or refuses the whole of it, after its validation."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        context, document = execution.context, execution.graphql_document
        if document is not None and not execution.pre_execution_errors:
            assert isinstance(context, Context)
            try:
                context.check_login()
            except NotLoggedIn as ended:
                execution.pre_execution_errors = [GraphQLError(str(ended), original_error=ended)]
            question = analyse_document(execution.schema._schema, document)
            context.types, context.is_cacheable = question.types, question.is_cacheable
            context.queries, context.reads_replica = question.queries, question.reads_replica
            refusals = {
                need: field for need, field in question.needs.items() if not context.may(need)
            }
            in_part = "introspection" not in refusals and question.has_allowed_root(context)
            if refusals and in_part:
                context.refused_fields = _outermost(
                    [field for field in question.nodes if field[0] in refusals]
                )
            elif refusals:
                need, field = next(iter(refusals.items()))
                execution.pre_execution_errors = [refusal_of(context, need, field)]
        yield


def _outermost(refused: list[tuple[str, str, FieldNode]]) -> RefusedFields:
    """Return refused fields by the identity of their nodes, without those inside of another one."""
    outermost: dict[int, tuple[str, str, FieldNode]] = {}
    end = -1
    for need, field, node in refused:  # in the order of the text
        location = node.loc
        if location is None or location.start >= end:
            outermost[id(node)] = need, field, node
            end = location.end if location else end
    return outermost


def refusal_of(context: Context, need: str, field: str, **place: Any) -> GraphQLError:
    """Return the refusal of a field, by the right that the caller's role lacks."""
    subject = WORDS.get(need) or need.replace("_", " ")
    refusal = NotAllowed(f"The role {context.caller.role.value} may not see this: {subject}")
    return GraphQLError(
        refusal.message, original_error=refusal, extensions={"field": field}, **place
    )


def snake(name: str) -> str:
    """Return a GraphQL name in Python style."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
