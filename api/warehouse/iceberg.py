"""Iceberg table of the events of hospitals, in a folder with its SQLite catalog.

It is partitioned by hospital and day. The position up to which a hospital is in it is a property of
the table, set by the commit that appends the events: so no event is in it twice, and none is missing.
"""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import duckdb
import msgspec
import pyarrow as pa
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import (
    CommitFailedException,
    NamespaceAlreadyExistsError,
    TableAlreadyExistsError,
)
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import DateType, LongType, NestedField, StringType, TimestamptzType

from domain.errors import WardbookError

NAMESPACE = "wardbook"
NAME = f"{NAMESPACE}.events"

POSITION = "wardbook.position."
"""The property of the table that has the place of a hospital, whose id follows."""

MOST_ATTEMPTS = 50
"""The commits that are tried, where other hospitals are appended at the same time."""

COLUMNS = {
    "hospital": StringType(),
    "day": DateType(),
    "position": LongType(),
    "id": StringType(),
    "type": StringType(),
    "subject": StringType(),
    "time": TimestamptzType(),
    "data": StringType(),
}
"""The columns of an event; ``day`` is that of ``time`` in UTC, ``data`` is JSON."""

SCHEMA = Schema(
    *(
        NestedField(n, name, kind, required=True)
        for n, (name, kind) in enumerate(COLUMNS.items(), 1)
    )
)
PARTITIONS = PartitionSpec(
    *(PartitionField(n, 1000 + n, IdentityTransform(), SCHEMA.find_column_name(n)) for n in (1, 2))
)

MEMORY = "1GB"
"""Memory that DuckDB may use."""


class FilledByAnother(WardbookError):
    """Another process appends the events of the same hospital."""


class InvalidQuestion(WardbookError):
    """DuckDB cannot execute the SQL; the message is DuckDB's own."""


class Place(msgspec.Struct, frozen=True):
    """The place up to which a log is in the warehouse.

    ``anew``: the end of the log when it was last filled from its beginning.
    """

    log: str
    epoch: int
    position: int
    anew: int = 0


class Warehouse:
    """The table in a folder: made where there is none."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._catalog = SqlCatalog(
            "wardbook",
            uri=f"sqlite:///{self._folder / 'catalog.sqlite'}",
            warehouse=self._folder.as_uri(),
        )
        with suppress(NamespaceAlreadyExistsError):
            self._catalog.create_namespace(NAMESPACE)
        with suppress(TableAlreadyExistsError):
            # what was appended meanwhile is looked at before it is tried again: see `append`
            retries = {"commit.retry.num-retries": "0"}
            self._catalog.create_table(NAME, SCHEMA, partition_spec=PARTITIONS, properties=retries)

    def places(self) -> dict[str, Place]:
        """Return the vector of positions: the place of each hospital."""
        return _places(self._table())

    def append(
        self,
        hospital: str,
        before: Place | None,
        after: Place,
        rows: Sequence[Mapping[str, Any]],
        *,
        anew: bool,
    ) -> None:
        """Append events and move the place, in one commit. ``anew``: in the place of all there are.

        Raises FilledByAnother.
        """
        events = pa.Table.from_pylist(list(rows), schema=SCHEMA.as_arrow())
        for _ in range(MOST_ATTEMPTS):
            table = self._table()
            if _places(table).get(hospital) != before:
                raise FilledByAnother(f"Another process fills the warehouse with {hospital}.")
            try:
                with table.transaction() as commit:
                    if anew and before is not None:
                        commit.delete(EqualTo("hospital", hospital))
                    if rows:
                        commit.append(events)
                    place = msgspec.json.encode(after).decode()
                    commit.set_properties({POSITION + hospital: place})
            except CommitFailedException:  # another hospital's was quicker
                continue
            if anew and before is not None:
                self._remove_former(hospital)
            return
        raise FilledByAnother("The warehouse is written by too many at once: try again.")

    @contextmanager
    def answer(
        self, sql: str
    ) -> Iterator[tuple[list[str], Iterator[tuple[Any, ...]], dict[str, Place]]]:
        """Answer a question to the table ``events``; yield columns, rows, and the vector of positions.

        Raises InvalidQuestion.
        """
        table = self._table()
        files = [task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()]
        with duckdb.connect(config={"memory_limit": MEMORY}) as duck:
            duck.execute("SET TimeZone = 'UTC'")
            duck.execute(f"SET allowed_directories = ['{self._folder}/']")
            duck.register("nothing", SCHEMA.as_arrow().empty_table())
            source = f"read_parquet({files!r}, hive_partitioning = false)" if files else "nothing"
            duck.execute(f"CREATE VIEW events AS SELECT * FROM {source}")
            duck.execute("SET enable_external_access = false")
            duck.execute("SET lock_configuration = true")
            try:
                sql.encode()
                result = duck.execute(sql)
            except UnicodeError:  # from a text with half a character
                raise InvalidQuestion("A question is text in UTF-8.") from None
            except duckdb.Error as error:
                sentence, *_ = str(error).partition("\n\n")  # then the place is drawn
                raise InvalidQuestion(f"{' '.join(sentence.split()).rstrip('.')}.") from None
            names = [column[0] for column in result.description or ()]
            yield names, iter(result.fetchone, None), _places(table)

    def _table(self) -> Table:
        return self._catalog.load_table(NAME)

    def _remove_former(self, hospital: str) -> None:
        """Remove what was there of a hospital before: what was erased since must not stay in files."""
        table = self._table()
        current = table.current_snapshot()
        former = [s.snapshot_id for s in table.snapshots() if current and s != current]
        for snapshot in former:
            with suppress(ValueError, CommitFailedException):
                self._table().maintenance.expire_snapshots().by_id(snapshot).commit()
        current_files = {
            task.file.file_path.removeprefix("file://") for task in table.scan().plan_files()
        }
        partition = f"hospital={quote_plus(hospital)}"
        for folder in self._folder.rglob(partition):
            for file in folder.rglob("*.parquet"):
                if str(file) not in current_files:
                    file.unlink(missing_ok=True)
            for day in folder.iterdir():
                if day.is_dir() and not any(day.iterdir()):
                    shutil.rmtree(day, ignore_errors=True)


def _places(table: Table) -> dict[str, Place]:
    return {
        name.removeprefix(POSITION): msgspec.json.decode(value, type=Place)
        for name, value in sorted(table.properties.items())
        if name.startswith(POSITION)
    }
