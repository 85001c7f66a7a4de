"""Key stores: the same promises, whatever keeps the keys."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from domain.envelope import REDACTED
from infrastructure.postgres.database import Database
from infrastructure.sealing.house_key import HouseKey
from infrastructure.sealing.key_ring import KeyRing
from infrastructure.sealing.key_store import KeyStoreUnreadable
from infrastructure.sealing.keys_missing import KeysMissing
from infrastructure.sealing.postgres_key_store import PostgresKeyStore

Begin = Callable[[], KeyRing]


@pytest.fixture(scope="module")
def second(server: Database, worker_id: str) -> Iterator[str]:
    """The URL of another database than any log's."""
    with server.scratch(f"keys_{worker_id}") as database:
        yield database.owner_url


@pytest.fixture(params=["sqlite", "postgres"])
def begin(request: pytest.FixtureRequest, tmp_path: Path, second: str) -> Begin:
    """Begin another process's key ring over one store."""
    with psycopg.connect(second) as owner:
        owner.execute("DROP SCHEMA IF EXISTS wardbook_keys CASCADE")
    place = tmp_path / "keys.sqlite" if request.param == "sqlite" else second

    def begin() -> KeyRing:
        ring = KeyRing(place, HouseKey(tmp_path / "house.key"))
        ring.bind(lambda store: store)
        assert ring.problem() is None
        return ring

    return begin


def test_a_key_is_the_same_for_all_and_once_destroyed_for_none(begin: Begin) -> None:
    ring, other = begin(), begin()
    store, store_of_other = ring.made_store(), other.made_store()
    assert store.id == store_of_other.id
    sealed = ring.seal("somebody", "here", "Quetzal")
    assert other.open("somebody", "here", sealed) == "Quetzal"
    assert store.add("somebody", b"another") == store_of_other.wrapped_key("somebody")
    before = store_of_other.generation()
    assert ring.destroy(["somebody", "nobody"]) == 1
    assert store_of_other.generation() != before, "others forget their keys by it"
    assert ring.seal("somebody", "here", "Quetzal") == REDACTED
    assert begin().seal("nobody", "here", "Quetzal") == REDACTED
    assert begin().open("somebody", "here", sealed) is None
    assert ring.destroy(["somebody"]) == 0
    assert store.counts()[:2] == (1, 2)


def test_another_key_of_the_house_wraps_all_keys(begin: Begin) -> None:
    ring, serving = begin(), begin()
    sealed = ring.seal("somebody", "here", "Quetzal")
    assert serving.open("somebody", "here", sealed) == "Quetzal"
    count, _ = ring.rotate()
    assert count == 2
    for each in (ring, serving, begin()):
        assert each.open("somebody", "here", sealed) == "Quetzal"


def test_keys_that_are_away_for_a_while_are_said_to_be_away_and_not_destroyed(
    begin: Begin, second: str, tmp_path: Path
) -> None:
    ring = begin()
    sealed = ring.seal("somebody", "here", "Quetzal")
    gone = ring.seal("gone", "here", "Xochitl")
    ring.destroy(["gone"])
    for break_store, mend in breaks(second, tmp_path / "keys.sqlite"):
        break_store()
        ring._looked_at = 0.0  # a second later
        for _ in range(2):
            with pytest.raises(KeysMissing):
                ring.open("somebody", "here", sealed)
        with pytest.raises(KeysMissing):
            ring.open("gone", "here", gone)
        with pytest.raises(KeysMissing):
            ring.seal("somebody", "here", "more")
        assert ring.problem()
        with pytest.raises(KeysMissing):
            begin_without_a_check(ring).open("somebody", "here", sealed)
        mend()
        assert ring.problem() is None
        assert ring.open("somebody", "here", sealed) == "Quetzal"
        assert ring.open("gone", "here", gone) is None


def breaks(second: str, file: Path) -> Iterator[tuple[Callable[[], object], Callable[[], object]]]:
    """Yield ways to lose a store of either kind, and to bring it back."""
    if file.exists():
        elsewhere = file.with_name("elsewhere")
        yield lambda: file.rename(elsewhere), lambda: elsewhere.rename(file)
        return

    def owner(statement: str) -> None:
        with psycopg.connect(second) as connection:
            connection.execute(statement.encode())

    away, back = "wardbook_keys RENAME TO wardbook_away", "wardbook_away RENAME TO wardbook_keys"
    yield lambda: owner(f"ALTER SCHEMA {away}"), lambda: owner(f"ALTER SCHEMA {back}")


def forget_key(second: str, file: Path, subject: str) -> None:
    """Delete a key from a store of either kind, as one that is older than it would lack it."""
    if file.exists():
        with closing(sqlite3.connect(file, isolation_level=None)) as store:
            store.execute("DELETE FROM keys WHERE subject = ?", [subject])
    else:
        with psycopg.connect(second) as owner:
            owner.execute("DELETE FROM wardbook_keys.keys WHERE subject = %s", [subject])


def begin_without_a_check(ring: KeyRing) -> KeyRing:
    """Begin another process over the same store, whether that is there or not."""
    other = KeyRing(ring._place, ring._house_key)
    other._bound = ring._bound
    return other


def test_a_store_that_lacks_a_key_is_not_taken_for_one_that_destroyed_it(
    begin: Begin, second: str, tmp_path: Path
) -> None:
    ring = begin()
    sealed = ring.seal("somebody", "here", "Quetzal")
    forget_key(second, tmp_path / "keys.sqlite", "somebody")
    later = begin()
    with pytest.raises(KeysMissing, match="older than the log"):
        later.open("somebody", "here", sealed)
    assert "older than the log" in str(later.problem())


def test_keys_that_are_lost_are_a_clear_state_and_no_other_store_is_made(
    second: str, tmp_path: Path
) -> None:
    ring = KeyRing(second, HouseKey(tmp_path / "house.key"))
    ring.bind(lambda store: "the one before")
    assert "lost" in str(ring.problem())
    nowhere = KeyRing(f"{second}_none", HouseKey(tmp_path / "house.key"))
    nowhere.bind(lambda store: "one")
    assert "cannot be used as a key store" in str(nowhere.problem())
    assert "//" not in str(nowhere.problem()), "no URL, which may have a password"


def test_the_database_of_a_log_keeps_no_keys(database: Database) -> None:
    with pytest.raises(KeyStoreUnreadable, match="holds a log"):
        PostgresKeyStore.make(database.owner_url)


def test_keys_that_a_restored_store_lacks_can_be_given_up(
    begin: Begin, second: str, tmp_path: Path
) -> None:
    ring = begin()
    kept, lacking = (ring.seal(name, "here", "Quetzal") for name in ("kept", "lacking"))
    forget_key(second, tmp_path / "keys.sqlite", "lacking")
    later = begin()
    with pytest.raises(KeysMissing):
        later.open("lacking", "here", lacking)
    begin().begin_anew()
    assert later.problem() is None
    assert later.open("lacking", "here", lacking) is None
    assert later.open("kept", "here", kept) == "Quetzal"


def test_it_is_told_when_a_key_was_destroyed_last(begin: Begin) -> None:
    ring = begin()
    ring.seal("somebody", "here", "Quetzal")
    store = ring.made_store()
    assert store.counts().last_destroyed_at is None
    ring.destroy(["somebody"])
    last = store.counts().last_destroyed_at
    assert last is not None
    assert abs((datetime.now(UTC) - last).total_seconds()) < 60
