"""Compiled statements: a SELECT on read-model tables, made into SQL once per kind of viewer and filters.

Composing a statement in SQLAlchemy and looking up its compiled form takes longer than PostgreSQL takes
to execute it. Two executions differ in values alone: the moment, the viewer's permissions, parameters.
"""

from collections.abc import Callable, Collection
from typing import Any, Self
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Result
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries import direct
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.row_security import Viewer

_AS_OF: Any = bindparam("as_of", None, type_=DateTime(timezone=True))
_KNOWN: Any = bindparam("known", None, type_=BigInteger)
_WARDS: Any = bindparam("viewer_wards", None, type_=ARRAY(Text))
_HIDDEN: Any = bindparam("viewer_hidden", None, type_=ARRAY(Text))
_OPENED: Any = bindparam("viewer_opened", None, type_=ARRAY(Uuid))
_LABEL_HIDDEN: Any = bindparam("viewer_label_hidden", None, type_=ARRAY(Uuid))
_TREATED: Any = bindparam("viewer_treated", None, type_=ARRAY(Uuid))
_OUTSIDE_WARDS: Any = bindparam("viewer_outside_wards", None, type_=ARRAY(Uuid))
_JUST_WRITTEN: Any = bindparam("viewer_just_written", None, type_=ARRAY(Uuid))


class CompiledStatement:
    """A SELECT as of any moment, for any viewer.

    ``build`` composes it from the parameters of a moment and a viewer. Each of the ``filters`` is a
    condition that is added when the parameter of its name is not None.
    """

    def __init__(
        self, build: Callable[[AsOf], Select[Any]], **filters: ColumnElement[bool]
    ) -> None:
        self._build, self._filters = build, filters
        self._enclose: Callable[[Select[Any], AsOf], Select[Any]] = lambda query, at: query
        self._compiled: dict[tuple[bool, bool, frozenset[str]], tuple[str, dict[str, Any]]] = {}

    def enclose(self, by: Callable[[Select[Any], AsOf], Select[Any]]) -> Self:
        """Let another statement be composed around the one with its filters; return this one."""
        self._enclose = by
        return self

    async def execute(
        self, connection: AsyncConnection, at: AsOf, **parameters: Any
    ) -> Result[*tuple[Any, ...]]:
        """Execute it with the values of its parameters, as psycopg takes them."""
        viewer = at.viewer
        filters = frozenset(n for n in self._filters if parameters.get(n) is not None)
        kind = viewer.wards is not None, bool(viewer.hidden), filters
        if kind not in self._compiled:
            self._compiled[kind] = self._compile(*kind)
        sql, constants = self._compiled[kind]
        values = {**constants, "as_of": at.as_of, "known": at.known, **parameters}
        if not viewer.sees_all:
            values["viewer_wards"] = sorted(viewer.wards or ())
            values["viewer_hidden"] = sorted(viewer.hidden)
            values["viewer_opened"] = list(viewer.opened)
            values["viewer_label_hidden"] = list(viewer.label_hidden)
            values["viewer_treated"] = list(viewer.treated)
            values["viewer_outside_wards"] = list(viewer.outside_wards)
            values["viewer_just_written"] = list(viewer.just_written)
        return await direct.execute(connection, sql, values)

    def _compile(
        self, has_wards: bool, has_hidden: bool, filters: frozenset[str]
    ) -> tuple[str, dict[str, Any]]:
        """Return the SQL, and the values in it that never differ."""
        viewer = Viewer(
            wards=_WARDS if has_wards else None,
            hidden=_HIDDEN if has_hidden else frozenset(),
            opened=_OPENED,
            label_hidden=_LABEL_HIDDEN,
            treated=_TREATED if has_wards else frozenset(),
            outside_wards=_OUTSIDE_WARDS,
            just_written=_JUST_WRITTEN,
        )
        at = AsOf(_AS_OF, _KNOWN, viewer)
        query = self._build(at).where(*(self._filters[name] for name in sorted(filters)))
        statement = self._enclose(query, at).compile(
            dialect=direct.DIALECT, compile_kwargs={"render_postcompile": True}
        )
        return str(statement), dict(statement.params)


def parameter(name: str, kind: Any) -> BindParameter[Any]:
    """Return a parameter of a statement."""
    return bindparam(name, None, type_=kind)


def equals(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column has the value of a parameter."""
    return column == parameter(name, column.type)


def is_one_of(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """Return the condition that a column has one of the values in the array of a parameter."""
    return column == any_(parameter(name, ARRAY(column.type)))


def literal_values(name: str, values: Collection[str]) -> BindParameter[str]:
    """Return values that the SQL contains, so that the plan can be by a partial index on them."""
    return bindparam(name, tuple(values), expanding=True, literal_execute=True)


def by_id(build: Callable[[AsOf], Select[Any]]) -> Callable[..., Any]:
    """Return a query by the array parameter ``ids`` that is not sent for no ids."""
    statement = CompiledStatement(build)

    async def rows(connection: AsyncConnection, ids: Collection[UUID], at: AsOf) -> Any:
        return await statement.execute(connection, at, ids=list(ids)) if ids else ()

    return rows
