"""Leaves of the trees: each row of the log, and of the records beside it, as bytes that never differ.

A leaf is a JSON object of a row's columns in a fixed order, without those that are null, each as
PostgreSQL writes it as text (times in UTC): docs/evidence.md. A column that is added to a table goes
to the end of the order, so that the leaves of older rows stay what they are.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json import JSONEncoder

from psycopg import Connection
from psycopg.rows import TupleRow

from infrastructure.evidence.merkle import leaf_hash

AS_TEXT = "SET TIME ZONE 'UTC'; SET DateStyle = ISO; SET bytea_output = hex"
"""Settings of a connection that reads leaves: how PostgreSQL writes values as text."""

_encode = JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Row = tuple[int, bytes]
"""A row by its number, with the hash of its leaf."""


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree: its name, its rows by number, and their columns in the order of a leaf.

    ``source`` is a FROM clause.
    """

    name: str
    noun: str
    number: str
    source: str
    columns: tuple[str, ...]

    def origin(self, log_id: object, epoch: int) -> str:
        """Return the origin of the tree's checkpoints in an epoch of a log."""
        return f"wardbook/{log_id}/{epoch}/{self.name}"

    @property
    def table(self) -> str:
        return self.source.partition(" LEFT JOIN")[0]

    def select(self, condition: str) -> str:
        """Return a statement for rows by number and columns, in order."""
        columns = ", ".join(f"({column})::text" for column in self.columns)
        return f"SELECT {self.number}, {columns} FROM {self.source} WHERE {condition} ORDER BY 1"


EVENTS = Tree(
    "events",
    "event",
    "e.position",
    "record.stored_events e LEFT JOIN record.kinds k ON k.no = e.kind",
    (
        *("e.position", "e.stream", "e.version", "k.topic", "k.schema_version", "k.operation"),
        *("e.command_id", "e.command_end", "e.recorded_at", "e.occurred_at", "e.patient", "e.stay"),
        *("e.key", "e.digest", "e.precision", "e.issuer", "e.subject", "e.role", "e.on_behalf_of"),
        *("e.performed_by", "e.witnessed_by", "e.reason", "e.source", "e.source_id"),
        *("e.source_recorded_at", "e.hospital", "e.own"),
    ),
)

ACCESSES = Tree(
    "accesses",
    "reading",
    "a.no",
    "audit.accesses a",
    (
        *("a.no", "a.at", "a.issuer", "a.subject", "a.role", "a.operation", "a.purpose"),
        *("a.patients", "a.opened", "a.outcome", "a.entity", "a.resources", "a.shown", "a.as_of"),
        *("a.known_at", "a.wards", "a.on_behalf_of", "a.token_id", "a.address", "a.server"),
    ),
)

REVOCATIONS = Tree(
    "revocations",
    "revocation",
    "r.no",
    "audit.revocations r",
    (
        *("r.no", "r.at", "r.issuer", "r.subject", "r.token_id", "r.until", "r.reason"),
        "r.revoked_by",
    ),
)

KEY_ACTS = Tree(
    "keys",
    "key-act",
    "k.no",
    "audit.key_acts k",
    ("k.no", "k.at", "k.act", "k.subject", "k.store", "k.login"),
)

TREES = (EVENTS, ACCESSES, REVOCATIONS, KEY_ACTS)


def fields_of(tree: Tree, values: Iterable[str | None]) -> dict[str, str]:
    """Return a row's columns that are not null, by name."""
    pairs = zip(tree.columns, values, strict=True)
    return {name.partition(".")[2]: value for name, value in pairs if value is not None}


def leaf_of(fields: dict[str, str]) -> bytes:
    """Return the leaf of a row's columns."""
    return _encode(fields).encode()


def hash_rows(tree: Tree, rows: Iterable[TupleRow]) -> Iterator[Row]:
    """Yield the rows of `Tree.select` with the hashes of their leaves."""
    names = [column.partition(".")[2] for column in tree.columns]
    for number, *values in rows:
        fields = {n: value for n, value in zip(names, values, strict=True) if value is not None}
        yield number, leaf_hash(leaf_of(fields))


def rows_after(
    connection: Connection[TupleRow], tree: Tree, number: int, end: int, limit: int
) -> list[Row]:
    """Return the rows after a number up to another, so many at most."""
    statement = f"{tree.select(f'{tree.number} > %s AND {tree.number} <= %s')} LIMIT %s"
    return list(hash_rows(tree, connection.execute(statement.encode(), [number, end, limit])))
