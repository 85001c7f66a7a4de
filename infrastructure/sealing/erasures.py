"""Destruction of the keys of erased persons, by events of which a command has left its proof.

Who can write into the database, and has no keys, can make nobody destroy one.
"""

import hmac
import logging
from collections.abc import Iterable

from domain.patient import Patient
from infrastructure.sealing.key_ring import KeyRing, Record

log = logging.getLogger("wardbook")


def is_proven(erasure: Patient.Erased, keys: KeyRing) -> bool:
    """Tell whether a command recorded an erasure. Raises KeysMissing."""
    proof = erasure.proof or ""
    return hmac.compare_digest(proof.encode(), keys.hash_text(erasure.proven).encode())


def has_keys(erasure: Patient.Erased, keys: KeyRing) -> bool:
    """Tell whether any key of whom an event erased is there. Raises KeyStoreUnreadable, UnsafeKey."""
    store = keys.store()
    return store is not None and any(store.wrapped_key(str(id)) for id in erasure.keyed)


def destroy_keys(keys: KeyRing, erasures: Iterable[Patient.Erased], record: Record) -> None:
    """Destroy the keys of erasures that are proven, where that is not done. Raises KeysMissing.

    ``record``: is called before that, with those that are not destroyed yet and the store's id.
    """
    subjects: list[str] = []
    for erasure in erasures:
        if is_proven(erasure, keys):
            subjects += map(str, erasure.keyed)
        elif has_keys(erasure, keys):
            log.error(
                "An erasure of %s was recorded by no command of this program: its keys are kept."
                " Look who wrote it (wardbook verify).",
                erasure.originator_id,
            )
    keys.destroy(subjects, record)
