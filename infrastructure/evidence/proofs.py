"""Proofs that an event is in a log as it was signed: made from a database, checked without one."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.errors import IntegrityError, WardbookError
from infrastructure.evidence.checkpoints import newest_checkpoint
from infrastructure.evidence.leaves import AS_TEXT, EVENTS, Tree, fields_of, leaf_of
from infrastructure.evidence.merkle import (
    consistency_path,
    inclusion_path,
    is_included,
    leaf_hash,
    root_of,
    split_hashes,
)
from infrastructure.evidence.signed_note import InvalidNote, SignedNote, VerifierKey
from infrastructure.postgres.database import Database


class NotProven(IntegrityError):
    """An event, or a later checkpoint, that a proof does not show; the message says why."""


class NotCovered(WardbookError):
    """An event of which no checkpoint is signed yet, or that is not there."""


def signed_leaves(connection: Connection[TupleRow], tree: Tree) -> tuple[SignedNote, list[bytes]]:
    """Return the newest checkpoint of a tree, and the hashes that it is of.

    Raises NotCovered, InvalidNote, and NotProven if it is of others.
    """
    newest = newest_checkpoint(connection, tree)
    if newest is None:
        raise NotCovered(
            f"No checkpoint of the {tree.noun}s is signed yet: 'wardbook serve' and"
            " 'wardbook worker' sign one each few seconds."
        )
    rows = connection.execute(
        "SELECT leaves FROM record.checkpoints WHERE tree = %s ORDER BY no", [tree.name]
    )
    leaves = split_hashes(b"".join(content for (content,) in rows))
    note = SignedNote.parse(newest.note)
    if (len(leaves), root_of(leaves)) != (note.checkpoint.size, note.checkpoint.root):
        raise NotProven(f"The checkpoints of the {tree.noun}s were altered. Run: wardbook verify")
    return note, leaves


def event_proof(
    database: Database, place: int | tuple[UUID, int], keys: Sequence[VerifierKey]
) -> tuple[dict[str, Any], UUID | None]:
    """Return the proof that an event is in the log as it was signed, and the patient it is about.

    ``place``: its position, or its stream and version. Raises NotCovered, NotProven, InvalidNote.
    """
    condition = "e.position = %s" if isinstance(place, int) else "(e.stream, e.version) = (%s, %s)"
    values = [place] if isinstance(place, int) else list(place)
    with _reading(database) as connection:
        note, leaves = signed_leaves(connection, EVENTS)
        row = connection.execute(EVENTS.select(condition).encode(), values).fetchone()
    if row is None:
        raise NotCovered("There is no such event.")
    position, *columns = row
    if position > len(leaves):
        raise NotCovered(
            f"The newest checkpoint is of {len(leaves)} events, not of {position} yet."
        )
    event = fields_of(EVENTS, columns)
    if leaf_hash(leaf_of(event)) != leaves[position - 1]:
        raise NotProven(f"The event at {position} is not what was signed. Run: wardbook verify")
    signers = [str(key) for key in keys if note.is_signed_by(key)]
    proof = {
        "event": event,
        "index": position - 1,
        "proof": [node.hex() for node in inclusion_path(leaves, position - 1)],
        "checkpoint": str(note),
        "key": signers[0] if signers else None,
    }
    return proof, UUID(event["patient"]) if "patient" in event else None


def newest_note(database: Database, tree: Tree) -> SignedNote:
    """Return the newest checkpoint of a tree. Raises NotCovered, InvalidNote, NotProven."""
    with _reading(database) as connection:
        return signed_leaves(connection, tree)[0]


def consistency_proof(database: Database, tree: Tree, size: int) -> dict[str, Any]:
    """Return the newest checkpoint, with the proof that it begins with an earlier one of this size.

    Raises NotCovered, NotProven, InvalidNote.
    """
    with _reading(database) as connection:
        note, leaves = signed_leaves(connection, tree)
    if size > len(leaves):
        raise NotCovered(f"The newest checkpoint is of {len(leaves)} {tree.noun}s, not of {size}.")
    path = consistency_path(leaves, size)
    return {"size": size, "proof": [node.hex() for node in path], "checkpoint": str(note)}


@contextmanager
def _reading(database: Database) -> Iterator[Connection[TupleRow]]:
    with psycopg.connect(database.app_url, connect_timeout=5) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute(AS_TEXT)
        yield connection


def check_proof(proof: object, keys: Sequence[VerifierKey]) -> SignedNote:
    """Return the checkpoint that a proof shows an event to be in. Raises NotProven, InvalidNote."""
    match proof:
        case {
            "event": {**fields},
            "index": int(index),
            "proof": [*path],
            "checkpoint": str(text),
        } if _are_texts(fields):
            pass
        case _:
            raise InvalidNote("This is no proof: event, index, proof, checkpoint.")
    event = {str(name): str(value) for name, value in fields.items()}
    note = SignedNote.parse(text)
    checkpoint = note.checkpoint
    if not any(note.is_signed_by(key) for key in keys):
        raise NotProven("The checkpoint is not signed by the key of the log.")
    nodes = hashes_of(path)
    if not is_included(
        leaf_hash(leaf_of(event)), index, checkpoint.size, nodes, checkpoint.root
    ) or event.get("position") != str(index + 1):
        raise NotProven("The event is not in the log that was signed: one of the two was altered.")
    return note


def hashes_of(path: Sequence[object]) -> list[bytes]:
    """Return the hashes of a proof, which are written in hexadecimal. Raises InvalidNote."""
    try:
        return [bytes.fromhex(str(node)) for node in path]
    except ValueError:
        raise InvalidNote("The proof has something other than hashes.") from None


def _are_texts(event: Mapping[Any, Any]) -> bool:
    return all(isinstance(text, str) for pair in event.items() for text in pair)
