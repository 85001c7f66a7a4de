"""Claims of the numbers of patients, by their HMAC: a backup of the claims tells nobody's number.

Those of a log from before numbers were sealed are plain, and are found beside the others. Without the
keys of the log nobody's number is found, nor said to be free (KeysMissing).
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from domain.unique_keys import Unique
from infrastructure.sealing.key_ring import KeyRing

_NUMBERS = ("mrn", "mrn as stored")
_FORMER = "former "


def stored_claim(name: Unique, keys: KeyRing) -> Unique:
    """Return a claim as it is stored: that of a patient's number by its HMAC."""
    if name.kind in _NUMBERS:
        return Unique(name.kind, keys.hash_text(f"{name.kind}\n{name.key}"))
    return Unique(stored_kind(name.kind, keys), name.key)


def stored_kind(kind: str, keys: KeyRing) -> str:
    """Return a kind of claims as it is stored: one that has a former number in it by its HMAC."""
    if not kind.startswith(f"{_FORMER}["):
        return kind
    return _FORMER + keys.hash_text(kind)


def forms(name: Unique, keys: KeyRing) -> list[Unique]:
    """Return the forms in which a claim may be stored, the one of today first."""
    return list(dict.fromkeys((stored_claim(name, keys), name)))


def kinds(kinds: Iterable[str], keys: KeyRing) -> list[str]:
    """Return the forms in which kinds of claims may be stored."""
    return list(dict.fromkeys(form for kind in kinds for form in (stored_kind(kind, keys), kind)))


def owners_by_name(
    names: Sequence[Unique], found: dict[tuple[str, str], UUID], keys: KeyRing
) -> dict[Unique, UUID | None]:
    """Return the owner of each claim, in whichever form it was found."""
    return {
        name: next((found[form] for form in forms(name, keys) if form in found), None)
        for name in names
    }
