"""Write JSON documents, one a line, as a Parquet file whose texts stay texts.

The columns follow from all lines: DuckDB would take ids for UUIDs and dates for moments by the first
ones, which other programs then read as bytes and in other zones.
"""

from pathlib import Path
from typing import Any

import msgspec

from infrastructure.analysis.loading import duckdb_connection, sql_literal

Shape = str | list["Shape | None"] | dict[str, "Shape"]
"""The type of a value: of a number or text by its SQL name, of a list by that of its items."""

LARGEST_DOCUMENT = 64 * 2**20
"""Bytes of one line at most."""


def write_parquet(source: Path, target: Path) -> None:
    """Write the documents of a file as Parquet, for its owner alone. Raises DuckDBMissing."""
    columns: dict[str, Shape] = {}
    with source.open("rb") as lines:
        for line in lines:
            for name, value in msgspec.json.decode(line).items():
                columns[name] = _common_shape(columns.get(name), _shape(value))
    types = ", ".join(
        f"{sql_literal(name)}: {sql_literal(_sql(shape))}" for name, shape in columns.items()
    )
    target.touch(mode=0o600)
    with duckdb_connection("UTC") as (duck, _):
        duck.execute(
            f"COPY (SELECT * FROM read_json({sql_literal(source)}, format = 'newline_delimited',"
            f" maximum_object_size = {LARGEST_DOCUMENT}, columns = {{{types}}}))"
            f" TO {sql_literal(target)} (FORMAT parquet, COMPRESSION zstd)"
        )
    target.chmod(0o600)


def _shape(value: Any) -> Shape:
    match value:
        case bool():
            return "BOOLEAN"
        case int():
            return "BIGINT"
        case float():
            return "DOUBLE"
        case list():
            items: Shape | None = None
            for item in value:
                items = _common_shape(items, _shape(item))
            return [items]
        case dict():
            return {name: _shape(part) for name, part in value.items()}
    return "VARCHAR"


def _common_shape(one: Shape | None, other: Shape | None) -> Any:
    """Return the type of values of two types; text where they have nothing in common."""
    match one, other:
        case (None, shape) | (shape, None):
            return shape
        case dict(), dict():
            return one | {
                name: _common_shape(one.get(name), shape) for name, shape in other.items()
            }
        case [first], [second]:
            return [_common_shape(first, second)]
    if {str(one), str(other)} == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return one if one == other else "VARCHAR"


def _sql(shape: Shape | None) -> str:
    match shape:
        case [items]:
            return f"{_sql(items)}[]"
        case dict():
            fields = (f'"{name}" {_sql(part)}' for name, part in shape.items())
            return f"STRUCT({', '.join(fields)})"
    return str(shape or "VARCHAR")
