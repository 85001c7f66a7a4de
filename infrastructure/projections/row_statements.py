"""Statements that write the rows of a bitemporal table, composed once for each table."""

from functools import lru_cache

from psycopg import sql

_CLOSE = """
WITH closed AS (
  UPDATE {table} t SET known = int8range(lower(t.known), c.known)
  FROM unnest(%(keys)s::uuid[], %(sinces)s::timestamptz[], %(knowns)s::int8[]) AS c (key, since, known)
  WHERE t.{key} = c.key AND (lower(t.during) = c.since) IS TRUE
    AND upper_inf(t.known) AND lower(t.known) < c.known
  RETURNING 1)
SELECT CASE WHEN count(*) = %(count)s::int THEN 0 ELSE format(
  '%%s: %%s rows should no longer be known, %%s were found; the read model must be rebuilt',
  {name}, %(count)s::int, count(*))::int END FROM closed
"""
"""Closes rows. The cast of the sentence to a number fails with it, if not each of them was found: in a
pipeline, nobody waits for the number before the transaction is committed."""


@lru_cache(maxsize=1_000)
def copy_into(schema: str, table: str, columns: tuple[str, ...]) -> bytes:
    """Return the COPY statement for `copy_writer.lines` with values of these columns."""
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, NULL 'null', ESCAPE '\\')")
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return statement.format(sql.Identifier(schema, table), names).as_bytes()


@lru_cache(maxsize=1_000)
def insert_into(schema: str, table: str, columns: tuple[str, ...]) -> bytes:
    """Return the INSERT statement for `copy_writer.objects` with values of these columns."""
    statement = sql.SQL(
        "INSERT INTO {table} ({columns})"
        " SELECT {columns} FROM json_populate_recordset(NULL::{table}, %s)"
    )
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return statement.format(table=sql.Identifier(schema, table), columns=names).as_bytes()


@lru_cache(maxsize=1_000)
def close_rows(schema: str, table: str, key: str) -> bytes:
    """Return the statement that ends until when rows are known, given as arrays."""
    return (
        sql.SQL(_CLOSE)
        .format(
            table=sql.Identifier(schema, table),
            key=sql.Identifier(key),
            name=sql.Literal(f"{schema}.{table}"),
        )
        .as_bytes()
    )


@lru_cache(maxsize=1_000)
def revise_rows(
    schema: str,
    table: str,
    columns: tuple[str, ...],
    match: tuple[str, ...],
    copies: tuple[tuple[str, ...], ...],
    is_closing: bool,
) -> bytes:
    """Return the statement that adds copies of the known rows that match, and closes these.

    ``copies``: the expressions of the columns of each. Its values: until when the rows are known, if it
    closes them, those of ``match``, and those of the expressions.
    """
    name, condition = f"{quoted(schema)}.{quoted(table)}", _matching(match)
    old = f"SELECT * FROM {name} WHERE upper_inf(known) AND {condition}"
    if is_closing:
        old = (
            f"UPDATE {name} SET known = int8range(lower(known), %s)"
            f" WHERE upper_inf(known) AND {condition} RETURNING *"
        )
    if not copies:
        return old.encode()
    selects = " UNION ALL ".join(f"SELECT {', '.join(copy)} FROM old" for copy in copies)
    names = ", ".join(map(quoted, columns))
    return f"WITH old AS ({old}) INSERT INTO {name} ({names}) {selects}".encode()


@lru_cache(maxsize=1_000)
def delete_unknown(schema: str, table: str, match: tuple[str, ...]) -> bytes:
    """Return the statement that deletes the rows that match and that nobody has ever known."""
    name = f"{quoted(schema)}.{quoted(table)}"
    return f"DELETE FROM {name} WHERE isempty(known) AND {_matching(match)}".encode()


@lru_cache(maxsize=1_000)
def quoted(name: str) -> str:
    """Return a name as an identifier of SQL."""
    return sql.Identifier(name).as_string()


def _matching(columns: tuple[str, ...]) -> str:
    return " AND ".join(f"{quoted(column)} = %s" for column in columns)
