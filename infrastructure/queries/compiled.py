"""Questions that are asked all the time: made into SQL once for each kind of viewer, then filled in.

Composing a statement of SQLAlchemy and looking for its compiled form takes longer than the database
takes to answer it. What is asked differs only in its values: the moment, whose rows may be shown, and
what the question itself is given.
"""

from collections.abc import Callable, Sequence
from typing import Any
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
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.engine import CursorResult
from sqlalchemy.ext.asyncio import AsyncConnection

from infrastructure.queries.as_of import AsOf
from infrastructure.queries.row_security import Viewer

_DIALECT = PGDialect_psycopg()  # type: ignore[no-untyped-call]

_AS_OF: Any = bindparam("as_of", None, type_=DateTime(timezone=True))
_KNOWN: Any = bindparam("known", None, type_=BigInteger)
_WARDS: Any = bindparam("reader_wards", None, type_=ARRAY(Text))
_HIDDEN: Any = bindparam("reader_hidden", None, type_=ARRAY(Text))
_OPENED: Any = bindparam("reader_opened", None, type_=ARRAY(Uuid))
_CLOSED: Any = bindparam("reader_closed", None, type_=ARRAY(Uuid))
_ELSEWHERE: Any = bindparam("reader_elsewhere", None, type_=ARRAY(Uuid))
_OWN: Any = bindparam("reader_own", None, type_=ARRAY(Uuid))


class Prepared:
    """A question, by the statement that is built for a moment and a viewer of a kind."""

    def __init__(self, build: Callable[[AsOf], Select[Any]]) -> None:
        self._build = build
        self._made: dict[tuple[bool, bool], tuple[str, dict[str, Any]]] = {}

    async def ask(self, connection: AsyncConnection, at: AsOf, **given: Any) -> CursorResult[Any]:
        """Its rows. ``given``: the values of its own parameters, as psycopg takes them."""
        viewer = at.viewer
        kind = viewer.wards is not None, bool(viewer.hidden)
        if kind not in self._made:
            self._made[kind] = self._make(*kind)
        sql, fixed = self._made[kind]
        values = {**fixed, "as_of": at.as_of, "known": at.known, **given}
        if not viewer.sees_all:
            values["reader_wards"] = sorted(viewer.wards or ())
            values["reader_hidden"] = sorted(viewer.hidden)
            values["reader_opened"] = list(viewer.opened)
            values["reader_closed"] = list(viewer.label_hidden)
            values["reader_elsewhere"] = list(viewer.outside_wards)
            values["reader_own"] = list(viewer.just_written)
        return await connection.exec_driver_sql(sql, values)

    def _make(self, has_wards: bool, has_hidden: bool) -> tuple[str, dict[str, Any]]:
        """The statement, and the values in it that are always the same."""
        viewer = Viewer(
            wards=_WARDS if has_wards else None,
            hidden=_HIDDEN if has_hidden else frozenset(),
            opened=_OPENED,
            label_hidden=_CLOSED,
            outside_wards=_ELSEWHERE,
            just_written=_OWN,
        )
        made = self._build(AsOf(_AS_OF, _KNOWN, viewer)).compile(
            dialect=_DIALECT, compile_kwargs={"render_postcompile": True}
        )
        return str(made), dict(made.params)


def is_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """What a parameter holds."""
    return column == given(name, column.type)


def one_of_given(column: ColumnElement[Any], name: str) -> ColumnElement[bool]:
    """One of those that a parameter holds."""
    return column == any_(given(name, ARRAY(column.type)))


def given(name: str, kind: Any) -> BindParameter[Any]:
    """A parameter of a question's own."""
    return bindparam(name, None, type_=kind)


def by_id(build: Callable[[AsOf], Select[Any]]) -> Callable[..., Any]:
    """Rows for ids in the parameter ``ids``; where there are none, nothing is asked."""
    question = Prepared(build)

    async def ask(connection: AsyncConnection, ids: Sequence[UUID], at: AsOf) -> Any:
        return await question.ask(connection, at, ids=list(ids)) if ids else ()

    return ask
