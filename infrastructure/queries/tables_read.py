"""The bitemporal tables that a query reads: declared at its function, checked against its SQL by a test.

Two things follow from it. A response may be cached only if all its queries read tables with valid-time
boundaries: who declares a field cacheable calls `require_valid_time_boundaries`, so that one which may
not be fails at import. And a followed board is touched by the event types that the read models of its
tables handle (`infrastructure.subscriptions.topics`).
"""

from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Table

from infrastructure.projections.bitemporal_table import TABLES

Query = Callable[..., Any]
Q = TypeVar("Q", bound=Query)

ROW_SECURITY = ("patients", "stays", "rooms", "stretches")
"""Tables that the conditions for the visibilities ``stay`` and ``patient`` read."""

_declared: dict[Query, frozenset[Table]] = {}


def reads(*sources: Table | Query) -> Callable[[Q], Q]:
    """Declare the tables that a query function reads; of another query, all tables of that one."""

    def declare(query: Q) -> Q:
        read: set[Table] = set()
        for source in sources:
            read |= {source} if isinstance(source, Table) else _declared[source]
        _declared[query] = frozenset(read)
        return query

    return declare


def declared_queries() -> frozenset[Query]:
    """Return all queries that declare the tables that they read."""
    return frozenset(_declared)


def tables_read(query: Query) -> frozenset[Table]:
    """Return the tables that a query reads, with those of its row security.

    Raises TypeError for a query that does not declare them.
    """
    if query not in _declared:
        raise TypeError(f"{query.__qualname__} does not declare the tables that it reads: @reads")
    read = _declared[query]
    if any(table.info["visibility"] in ("stay", "patient") for table in read):
        read |= {TABLES[name] for name in ROW_SECURITY}
    return read


def require_valid_time_boundaries(query: Query) -> None:
    """Raise TypeError if a response with the results of a query may not be cached.

    Of a table without valid-time boundaries nobody can tell when its rows will change by time.
    """
    for table in tables_read(query):
        if not table.info["has_valid_time_boundaries"]:
            raise TypeError(
                f"{query.__qualname__} reads {table.fullname}, which has no valid-time boundaries"
            )
