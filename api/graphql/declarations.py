"""Declarations at types and fields: the kind of data that they show, and whether answers may be cached.

Each type says its kind of data where it is defined, with `shows`; so does each of its fields that shows
another kind, with ``metadata=``. The kind of a type is the strictest of its fields: a field that is
added without a word is as closed as they are. A type that says nothing stops the program as the schema
is made. The rights to a kind are those of `application.authorization.roles.DATA`.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeVar

from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from strawberry.types.base import StrawberryObjectDefinition
from strawberry.types.field import StrawberryField

from infrastructure.queries.log import versions
from infrastructure.queries.tables_read import Query, require_valid_time_boundaries

C = TypeVar("C", bound=type)

DEFINITION = "strawberry-definition"
"""The extension under which GraphQL types and fields name what Strawberry made them from."""

ROOTS = ("Query", "Mutation", "Subscription")


class DataKind(StrEnum):
    """Kinds of data, as roles are granted them."""

    HOUSE = "data:house"
    """The house, its staff and the record itself; the answer to a command's own giver."""
    STAY = "data:stay"
    """The course of stays, of patients who are not named."""
    FIGURES = "data:figures"
    """Figures, and their definitions."""
    ISSUES = "data:issues"
    """Issued reports, and the causes of their changes."""
    IDENTITY = "data:identity"
    """Identities of patients."""
    CLINICAL = "data:clinical"
    """Findings, prescriptions and doses, with who recorded them."""
    AUDIT = "data:audit"
    """The access log."""


@dataclass(frozen=True, slots=True)
class _Declaration:
    kind: DataKind
    listed: DataKind
    id: DataKind
    subtypes: bool
    queries: tuple[Query, ...]
    is_cacheable: bool


def shows(
    kind: DataKind,
    *,
    id: DataKind | None = None,
    listed: DataKind | None = None,
    subtypes: bool = False,
    cached_from: Iterable[Query] | None = None,
    read_by: Iterable[Query] = (),
) -> Callable[[C], C]:
    """Declare the kind of data of a type.

    ``id`` and ``listed``: the kinds of its id, and of pages of it (their cursors may contain names),
    where they differ. ``subtypes``: the declaration holds for its subclasses too. ``cached_from``: the
    queries that its fields are read by, if answers of it may be cached; else they are ``read_by``. A
    followed board that selects the type is pushed by what touches them. Raises TypeError for a query
    that reads a table without valid-time boundaries: the cache would outlive a change (docs/adr/0017).
    """
    is_cacheable = cached_from is not None
    queries = tuple(read_by if cached_from is None else cached_from)
    for query in queries if is_cacheable else ():
        require_valid_time_boundaries(query)

    def declare(cls: C) -> C:
        declaration = _Declaration(
            kind, listed or kind, id or kind, subtypes, queries, is_cacheable
        )
        cls.__declaration__ = declaration  # type: ignore[attr-defined]
        return cls

    return declare


_KIND, _CACHEABLE, _READ_BY = "data kind", "cacheable", "read by"

STAY: Mapping[Any, Any] = {_KIND: DataKind.STAY}
"""``metadata=`` of a field that shows the course of a stay, in a type of a stricter kind."""
CLINICAL: Mapping[Any, Any] = {_KIND: DataKind.CLINICAL}
"""``metadata=`` of a field that shows findings, in a type of another kind."""
ISSUES: Mapping[Any, Any] = {_KIND: DataKind.ISSUES}
"""``metadata=`` of a field that shows issued reports, in a type of a stricter kind."""
CACHEABLE: Mapping[Any, Any] = {_CACHEABLE: True}
"""``metadata=`` of a query whose answers may be cached if all types that it selects may be."""
VERSION: Mapping[Any, Any] = {_READ_BY: (versions,)}
"""``metadata=`` of a field that shows the version of a record: every event of it is another one."""


def read_by(query: Query) -> Mapping[Any, Any]:
    """Return ``metadata=`` of a field of a cacheable type that is read by a query of its own.

    Whoever reads many things may ask whether it is selected (``query in context.queries``). Raises
    TypeError for a query that reads a table without valid-time boundaries.
    """
    require_valid_time_boundaries(query)
    return {_READ_BY: (query,)}


@dataclass(frozen=True, slots=True)
class Declarations:
    """The declarations of a schema.

    ``kinds`` by ``Type.field``; ``cacheable`` has types by name and queries by ``Query.field``;
    ``queries`` by which fields are read, by ``Type`` or by ``Type.field``.
    """

    kinds: Mapping[str, DataKind]
    cacheable: frozenset[str]
    queries: Mapping[str, tuple[Query, ...]]

    def queries_of(self, selected: Iterable[str]) -> tuple[Query, ...]:
        """Return the queries that selected fields (``Type.field``) are read by, each once."""
        names = {name for field in selected for name in (field.partition(".")[0], field)}
        queries = {q for name in names for q in self.queries.get(name, ())}
        return tuple(sorted(queries, key=lambda query: (query.__module__, query.__qualname__)))


def declarations_of(schema: GraphQLSchema) -> Declarations:
    """Collect the declarations of all types of a schema. Raises TypeError if a type has none."""
    kinds: dict[str, DataKind] = {}
    cacheable: set[str] = set()
    queries: dict[str, tuple[Query, ...]] = {}
    for name, graphql_type in schema.type_map.items():
        if name.startswith("__") or not isinstance(
            graphql_type, GraphQLObjectType | GraphQLInterfaceType
        ):
            continue
        if name in ROOTS:
            cacheable |= {
                f"{name}.{field_name}"
                for field_name, field in graphql_type.fields.items()
                if _metadata(field).get(_CACHEABLE)
            }
            continue
        declaration, of_page = _declaration(graphql_type.extensions[DEFINITION])
        if declaration is None:
            raise TypeError(f"{name} does not declare its kind of data (api.graphql.declarations)")
        if declaration.is_cacheable:
            cacheable.add(name)
        queries[name] = declaration.queries
        for field_name, field in graphql_type.fields.items():
            default = declaration.id if field_name == "id" else declaration.kind
            if of_page:
                default = declaration.listed
            kinds[f"{name}.{field_name}"] = _metadata(field).get(_KIND, default)
            queries[f"{name}.{field_name}"] = _metadata(field).get(_READ_BY, ())
    return Declarations(kinds, frozenset(cacheable), queries)


def _metadata(field: Any) -> Mapping[Any, Any]:
    made_from = field.extensions.get(DEFINITION)
    return made_from.metadata if isinstance(made_from, StrawberryField) else {}


def _declaration(definition: StrawberryObjectDefinition) -> tuple[_Declaration | None, bool]:
    """Return the declaration of a type, or of what it is a page or an edge of, and which it was."""
    items = list(definition.type_var_map.values())
    return _own_declaration(items[0] if items else definition.origin), bool(items)


def _own_declaration(cls: Any) -> _Declaration | None:
    declaration: _Declaration | None = vars(cls).get("__declaration__")
    if declaration is None:
        base_declaration: _Declaration | None = getattr(cls, "__declaration__", None)
        declaration = base_declaration if base_declaration and base_declaration.subtypes else None
    return declaration
