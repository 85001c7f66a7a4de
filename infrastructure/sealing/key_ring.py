"""The key ring of a process: seals and opens texts with keys of a store, some of them in memory.

The one place where sealed texts are opened, whoever reads the log: commands, projections, the feed,
exports, checks. A text whose key is destroyed reads as REDACTED, and is never an error; one that its key
does not open was altered (TextAltered). While the keys cannot be had nothing is opened or sealed
(KeysMissing), and it goes on once they are back; if another process holds them it may be tried again
(KeyStoreBusy).
"""

import hmac
import os
from base64 import b64encode
from binascii import a2b_base64
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.envelope import REDACTED
from domain.errors import ConfigurationError
from infrastructure.sealing.house_key import HouseKey, HouseKeyUnavailable
from infrastructure.sealing.key_store import PEPPER, KeyStore, SqliteKeyStore
from infrastructure.sealing.keys_missing import KeysMissing, KeyStoreBusy, TextAltered
from infrastructure.sealing.postgres_key_store import PostgresKeyStore, name_of
from infrastructure.settings import Settings, from_environment

SEAL = "\x1e1"
"""The beginning of a sealed text: it has a control character, which no text that was ever typed has."""

NONCE_BYTES = 12

PADDED_TO = 16
"""Texts are filled up to a multiple of so many bytes: a length tells FEMALE from MALE."""

KEYS_IN_MEMORY = 4_000  # each takes 2.6 kB, and 12 µs of processor to be read again (SQLite)

SECONDS_UNSEEN = 1.0
"""The time for which a key that another process destroys may still be in memory here."""

ABANDONED = "abandoned"
"""The subject of a key that tells of a store that it took the place of one that is lost for good."""

SLOW_SECONDS = 0.5
"""Keys that could not be had after a longer time than this are not asked for again at once."""

Record = Callable[[Sequence[str], str], object]
"""Records that keys of a store are destroyed, by their subjects and the id of the store."""


class KeyRing:
    """Keys of a store, unwrapped by the key of the house. Safe in threads."""

    def __init__(
        self, place: Path | str, house_key: HouseKey, in_memory: int = KEYS_IN_MEMORY
    ) -> None:
        """``place`` of the store: the file of one in SQLite, or the URL of one in PostgreSQL."""
        self._place, self._house_key, self._in_memory = place, house_key, in_memory
        self._store: KeyStore | None = None
        self._house: AESGCM | None = None
        self._keys: OrderedDict[str, AESGCM | None] = OrderedDict()
        self._generation, self._looked_at = 0, 0.0
        self._pepper: bytes | None = None
        self._lock = Lock()
        self._wrapped_pepper: bytes | None = None
        self._bound: str | None = None
        self._problem = ""
        self._rests_until = 0.0
        self._lacks: str | None = None

    @classmethod
    def of(cls, settings: Settings) -> "KeyRing":
        """Return the key ring of the settings; nothing is opened yet."""
        file = settings.keys or settings.home / "keys.sqlite"
        place = settings.keys_url or file
        house_key = HouseKey(
            settings.house_key or file.with_name("house.key"), settings.house_key_command
        )
        return cls(place, house_key)

    # -- the store --

    def store(self) -> KeyStore | None:
        """Return the key store; None if there is none. Raises KeyStoreUnreadable, UnsafeKey."""
        if self._store is None:
            self._store = self._open_store()
        return self._store

    def made_store(self) -> KeyStore:
        """Return the key store; make it if there is none."""
        if self._store is None:
            if self._open_store() is None:
                self._house_key.make()
            self._store = (
                PostgresKeyStore.make(self._place)
                if isinstance(self._place, str)
                else SqliteKeyStore.make(self._place)
            )
        return self._store

    def _open_store(self) -> KeyStore | None:
        """Return the store as it is now; None if there is none. Raises KeyStoreUnreadable, UnsafeKey."""
        if isinstance(self._place, str):
            return PostgresKeyStore.open(self._place)
        return SqliteKeyStore.open(self._place)

    @property
    def _name(self) -> str:
        return name_of(self._place) if isinstance(self._place, str) else str(self._place)

    def bind(self, bind: Callable[[str | None], str | None]) -> None:
        """Find the key store of a log again, or make one for a log that has none yet.

        ``bind`` gives the log the store of an id, if it has none, and returns the id of its own. One
        that is lost is not replaced: see `problem`.
        """
        self._rests_until, self._looked_at, self._lacks = 0.0, 0.0, None
        self._bound = bind(None)
        if self._bound is None:
            with suppress(KeysMissing), self._had():
                self._bound = bind(self._begin().id)

    def begin_anew(self) -> None:
        """Give up what the store lacks, or a lost store for a new one: what that sealed is redacted."""
        self._begin().add(ABANDONED, self._wrap(ABANDONED, AESGCM.generate_key(256)))

    def _begin(self) -> KeyStore:
        """Make the store with the key of numbers, if it is not there; return it."""
        store = self.made_store()
        if store.wrapped_key(PEPPER) is None:
            store.add(PEPPER, self._wrap(PEPPER, AESGCM.generate_key(256)))
        return store

    def check(self, bound: str) -> None:
        """Check the keys of a log by the id of its store. Raises KeysMissing, KeyStoreBusy."""
        self._bound, self._looked_at = bound, 0.0
        self._check()

    def problem(self) -> str | None:
        """Return the problem with the keys; None if they can be used."""
        try:
            self._check()
        except (KeysMissing, KeyStoreBusy) as error:
            return str(error)
        return None

    def _check(self) -> None:
        with self._had():
            store = self._own_store()
            store.generation()  # it answers
            self._unwrapped_pepper()
            if self._lacks is not None and not store.wrapped_key(ABANDONED):
                raise KeysMissing(self._lacks)

    def _own_store(self) -> KeyStore:
        """Return the store of the log. Raises KeysMissing, KeyStoreUnreadable, UnsafeKey."""
        store = self.store()
        if store is None:
            advice = f"That of this log ({self._bound}) is lost: restore it."
            if self._bound is None:
                advice = "The next start of a server makes one."
            raise KeysMissing(f"There is no key store at {self._name}. {advice}")
        if self._bound not in (None, store.id):
            raise KeysMissing(
                f"{self._name} is another key store than this log's ({self._bound}), which is lost."
                " Restore it."
            )
        return store

    @contextmanager
    def _had(self) -> Iterator[None]:
        """Use the keys. Raises KeysMissing, at once if they could not be had a moment ago."""
        start = monotonic()
        if start < self._rests_until:
            raise KeysMissing(self._problem)
        try:
            yield
        except ConfigurationError as error:
            self._problem, seconds = str(error), monotonic() - start
            self._looked_at = 0.0
            if seconds > SLOW_SECONDS:  # others need not wait as long one after the other
                self._rests_until = monotonic() + 4 * seconds
            raise KeysMissing(self._problem) from error

    # -- texts --

    def seal(self, subject: str, place: str, text: str) -> str:
        """Seal a text of a subject, bound to its place in the log; make the subject's key.

        What is told of a subject whose key is destroyed is REDACTED from the beginning. Raises
        KeysMissing, KeyStoreBusy.
        """
        key = self._key_at_hand(subject, make=True)
        if key is None:
            return REDACTED
        text += "\0" * (-len(text.encode()) % PADDED_TO)
        nonce = os.urandom(NONCE_BYTES)
        ciphertext = nonce + key.encrypt(nonce, text.encode(), place.encode())
        return SEAL + b64encode(ciphertext).decode()

    def open(self, subject: str, place: str, sealed: str) -> str | None:
        """Open a sealed text; None if its key is gone. Raises KeysMissing, TextAltered."""
        key = self._key_at_hand(subject, make=False)
        if key is None:
            return None
        try:
            raw = a2b_base64(sealed[len(SEAL) :], strict_mode=True)
            text = key.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], place.encode())
        except (InvalidTag, ValueError):
            with self._had():
                if self._own_store().wrapped_key(ABANDONED) is None:
                    raise TextAltered from None
            return None  # sealed by a key that was given up
        return text.rstrip(b"\0").decode()

    def destroy(self, subjects: Iterable[str], record: Record | None = None) -> int:
        """Destroy the keys of subjects for ever; return how many there were. Raises KeysMissing.

        ``record``: is called before that, with those that are not destroyed yet and the store's id.
        """
        with self._had():
            store = self._own_store()
            kept_subjects = [s for s in subjects if store.wrapped_key(s) != b""]
            if record and kept_subjects:
                record(kept_subjects, store.id)
            count = store.destroy(kept_subjects) if kept_subjects else 0
        self.forget_all()
        return count

    def forget_all(self) -> None:
        """Forget the keys in memory; those that are not destroyed are read again."""
        with self._lock:
            self._keys.clear()

    # -- numbers --

    def _unwrapped_pepper(self) -> bytes:
        if self._pepper is None:
            wrapped_key = self._own_store().wrapped_key(PEPPER)
            if not wrapped_key:
                raise self._incomplete("numbers")
            self._pepper = self._unwrap(PEPPER, wrapped_key)
        return self._pepper

    def hash_text(self, text: str) -> str:
        """Return the HMAC of a text by the pepper. Raises KeysMissing."""
        with self._had():
            pepper = self._unwrapped_pepper()
        return hmac.digest(pepper, text.encode(), "sha256").hex()

    # -- keys --

    def rewrap(self, new: HouseKey) -> int:
        """Wrap all keys by another key of the house; return how many. No event is touched."""
        store = self.store()
        if store is None:
            raise KeysMissing(f"There is no key store at {self._name}.")
        wrapper = AESGCM(new.key())

        def rewrap_key(subject: str, wrapped: bytes) -> bytes:
            return _wrap_key(wrapper, subject, self._unwrap(subject, wrapped))

        count = store.rewrap(rewrap_key)
        self._house_key, self._house = new, wrapper
        return count

    def rotate(self) -> tuple[int, Path]:
        """Wrap all keys by a new key in the file of the house's key; return how many.

        And where the former key is now. Raises HouseKeyUnavailable if the key comes from a command.
        """
        if self._house_key.command is not None:
            raise HouseKeyUnavailable(
                "The key of the house comes from a command; give --to-command."
            )
        file, new = self._house_key.file, self._house_key.successor
        former = file.with_name(f"{file.name}.{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        new.make()
        count = self.rewrap(new)
        os.link(file, former)
        new.file.replace(file)  # at once: at no moment is there no key
        self._house_key = HouseKey(file)
        return count, former

    def _key_at_hand(self, subject: str, *, make: bool) -> AESGCM | None:
        """Return a subject's key: from memory at once, if the store was looked at a moment ago."""
        if monotonic() - self._looked_at < SECONDS_UNSEEN:
            with self._lock:
                if (key := self._keys.get(subject)) is not None:
                    self._keys.move_to_end(subject)
                    return key
        with self._had():
            return self._key(subject, make=make)

    def _key(self, subject: str, *, make: bool) -> AESGCM | None:
        """Return a subject's key, from memory or the store; None if it is destroyed, or not there.

        Raises KeysMissing, KeyStoreUnreadable, HouseKeyUnavailable, UnsafeKey.
        """
        store = self._own_store()
        self._forget_changed(store)
        with self._lock:
            if subject in self._keys and (self._keys[subject] or not make):
                self._keys.move_to_end(subject)
                return self._keys[subject]
        wrapped_key = store.wrapped_key(subject)
        if wrapped_key is None and make:
            wrapped_key = self._add(store, subject)
        if wrapped_key is None and store.wrapped_key(ABANDONED) is None:
            self._lacks = str(self._incomplete(subject))
            raise KeysMissing(self._lacks)
        key = AESGCM(self._unwrap_of(store, subject, wrapped_key)) if wrapped_key else None
        with self._lock:
            self._keys[subject] = key
            while len(self._keys) > self._in_memory:
                self._keys.popitem(last=False)
        return key

    def _incomplete(self, subject: str) -> KeysMissing:
        return KeysMissing(
            f"{self._name} has no key of {subject}, nor was it destroyed: the store was emptied, or is"
            " older than the log. Restore its newest backup."
        )

    def _add(self, store: KeyStore, subject: str) -> bytes:
        """Make a key of a subject; return it, wrapped by the key of the house by which all are."""
        while True:
            pepper = store.wrapped_key(PEPPER)
            if pepper is not None and pepper != self._wrapped_pepper:
                self._unwrap_of(store, PEPPER, pepper)
                self._wrapped_pepper = pepper
            new_key = self._wrap(subject, AESGCM.generate_key(256))
            if (wrapped_key := store.add(subject, new_key, pepper)) is not None:
                return wrapped_key

    def _forget_changed(self, store: KeyStore) -> None:
        """Forget all keys in memory if another process has changed the store since the last look."""
        now = monotonic()
        if now - self._looked_at < SECONDS_UNSEEN:
            return
        generation = store.generation()
        self._looked_at = now
        if generation != self._generation:
            self._generation, self._lacks = generation, None
            with self._lock:
                self._keys.clear()

    def _wrapper(self) -> AESGCM:
        if self._house is None:
            self._house = AESGCM(self._house_key.key())
        return self._house

    def _wrap(self, subject: str, key: bytes) -> bytes:
        return _wrap_key(self._wrapper(), subject, key)

    def _unwrap(self, subject: str, wrapped: bytes) -> bytes:
        nonce, rest = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        try:
            return self._wrapper().decrypt(nonce, rest, subject.encode())
        except InvalidTag:
            return self._unwrap_anew(subject, nonce, rest)

    def _unwrap_of(self, store: KeyStore, subject: str, wrapped: bytes) -> bytes:
        """Unwrap a subject's key, as the store has it by now if it was wrapped anew meanwhile."""
        try:
            return self._unwrap(subject, wrapped)
        except HouseKeyUnavailable:
            wrapped_now = store.wrapped_key(subject)
            if not wrapped_now or wrapped_now == wrapped:
                raise
            return self._unwrap(subject, wrapped_now)

    def _unwrap_anew(self, subject: str, nonce: bytes, rest: bytes) -> bytes:
        """Unwrap a key by the house's key of now: another process may just be changing it."""
        for house_key in (self._house_key, self._house_key.successor, self._house_key):
            with suppress(InvalidTag, ConfigurationError, OSError):
                wrapper = AESGCM(house_key.key())
                key = wrapper.decrypt(nonce, rest, subject.encode())
                self._house = wrapper
                return key
        raise HouseKeyUnavailable(
            "The key of the house is another one than that by which the keys are wrapped."
        )


def _wrap_key(wrapper: AESGCM, subject: str, key: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return nonce + wrapper.encrypt(nonce, key, subject.encode())


@cache
def key_ring() -> KeyRing:
    """Return the key ring of this process, by its settings."""
    return KeyRing.of(from_environment())
