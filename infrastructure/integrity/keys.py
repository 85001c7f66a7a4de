"""Integrity check: that the key store holds what the log and the record of acts on keys say."""

from collections.abc import Collection, Sequence
from typing import cast
from uuid import UUID

import psycopg
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.patient import Patient
from infrastructure.event_store.log_reader import ADD_KEY_ACTS
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.integrity.result import CheckResult
from infrastructure.postgres.database import Database
from infrastructure.sealing.erasures import has_keys, is_proven
from infrastructure.sealing.key_ring import key_ring

_OF_LOG = (
    "SELECT DISTINCT of.id::text FROM record.stored_events,"
    " LATERAL unnest(ARRAY[stream, patient, stay]) AS of (id) WHERE of.id::text = ANY(%s)"
)

_ERASURES = f"SELECT {EVENT_COLUMNS} FROM record.events WHERE topic = %s ORDER BY position"

_GIVE_UP_NUMBERS = (
    "DELETE FROM record.unique_claims WHERE owner::text = ANY(%s)"
    " AND (kind IN ('mrn', 'mrn as stored') OR kind LIKE 'former %%')"
)

_ACTS = "SELECT subject FROM audit.key_acts WHERE act = 'DESTROYED' AND store = %s"


_BEGUN = (
    "SELECT store FROM audit.key_acts WHERE act = 'BEGUN' AND no > coalesce((SELECT max(no)"
    " FROM audit.key_acts WHERE act = 'GIVEN_UP'), 0) ORDER BY no DESC LIMIT 1"
)
"""The key store to which the log was bound last, unless keys were given up since."""


def keys_and_acts(connection: Connection[TupleRow]) -> CheckResult:
    """Compare the keys that are destroyed with those that somebody recorded to destroy."""
    result = CheckResult("each key that is destroyed was recorded, and each recorded is destroyed")
    bound = _bound(connection)
    begun_with = connection.execute(_BEGUN).fetchone()
    if begun_with is not None and begun_with[0] != bound:
        result.breaks(
            f"the log was bound to the key store {begun_with[0]}, and is so no more, which nobody"
            " recorded: start a server where that store is"
        )
    if bound is None:
        return result
    erasures = _erasures(connection)
    to_destroy, destroyed_subjects = _subjects(connection, bound, erasures)
    result.looked_at = len(to_destroy | destroyed_subjects)
    for subject in sorted(destroyed_subjects - to_destroy):
        result.breaks(f"the key of {subject} was destroyed, and nobody recorded it")
    for subject in sorted(to_destroy - destroyed_subjects):
        result.breaks(
            f"the key of {subject} is there again: start a server, which destroys it, and look who"
            " restored the key store"
        )
    for erasure in _unproven(erasures):
        result.breaks(
            f"the erasure of {erasure.originator_id} was recorded by no command: its keys are kept;"
            " look who wrote it. If the house erased that person with a program from before proofs:"
            " wardbook keys erase-unproven"
        )
    return result


def _erasures(connection: Connection[TupleRow]) -> list[Patient.Erased]:
    mapper = EventMapper()
    rows = connection.execute(_ERASURES, [Patient.Erased.TOPIC])
    return [cast(Patient.Erased, mapper.event(row)) for row in rows]


def _unproven(erasures: Sequence[Patient.Erased]) -> list[Patient.Erased]:
    """Return the erasures without a proof whose keys are not destroyed. Raises KeysMissing."""
    ring = key_ring()
    return [
        erasure for erasure in erasures if not is_proven(erasure, ring) and has_keys(erasure, ring)
    ]


def unproven_erasures(database: Database) -> list[Patient.Erased]:
    """Return the erasures without a proof whose keys are not destroyed. Raises KeysMissing."""
    with psycopg.connect(database.app_url) as connection:
        return _unproven(_erasures(connection))


def destroy_unproven(database: Database, patients: Collection[UUID]) -> set[UUID]:
    """Destroy the keys of erasures without a proof, and record that; return the patients of these.

    Somebody has to know that the house erased them: the log does not prove it. Raises KeysMissing.
    """
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        erasures = [e for e in _unproven(_erasures(connection)) if e.originator_id in patients]

        def record(subjects: Sequence[str], store: str) -> None:
            connection.execute(ADD_KEY_ACTS, ["DESTROYED", list(subjects), store])

        key_ring().destroy([str(id) for erasure in erasures for id in erasure.keyed], record)
    return {erasure.originator_id for erasure in erasures}


def record_destroyed_since(database: Database) -> int:
    """Record keys that were destroyed after the moment that a log was restored to; return how many.

    The erasures are in the log no more, the keys of those persons are gone all the same: their numbers
    name nobody, and may be given again. Raises KeysMissing.
    """
    with psycopg.connect(database.app_url) as connection:
        bound = _bound(connection)
        if bound is None:
            return 0
        to_destroy, destroyed_subjects = _subjects(connection, bound, _erasures(connection))
        with psycopg.connect(database.owner_url) as owner:
            # First, and of all of them: once their keys are recorded as gone they are told no more.
            owner.execute(_GIVE_UP_NUMBERS, [sorted(destroyed_subjects)])
        subjects = sorted(destroyed_subjects - to_destroy)
        connection.execute(ADD_KEY_ACTS, ["DESTROYED", subjects, bound])
    return len(subjects)


def _bound(connection: Connection[TupleRow]) -> str | None:
    """Return the id of the log's key store."""
    row = connection.execute("SELECT store FROM record.key_store").fetchone()
    return None if row is None else str(row[0])


def _subjects(
    connection: Connection[TupleRow], bound: str, erasures: Sequence[Patient.Erased]
) -> tuple[set[str], set[str]]:
    """Return the subjects whose keys are to be destroyed, and those of the log whose keys are.

    Raises KeysMissing.
    """
    ring = key_ring()
    ring.check(bound)
    store = ring.store()
    assert store is not None
    all_destroyed = store.destroyed_subjects()
    to_destroy = {subject for (subject,) in connection.execute(_ACTS, [bound])}
    for erasure in erasures:
        subjects = set(map(str, erasure.keyed))
        to_destroy |= subjects if is_proven(erasure, ring) else subjects.intersection(all_destroyed)
    of_log = {subject for (subject,) in connection.execute(_OF_LOG, [all_destroyed])}
    return to_destroy, of_log | to_destroy.intersection(all_destroyed)
