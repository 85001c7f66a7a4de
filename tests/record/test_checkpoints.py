"""Checkpoints are signed beside the writes by one who goes on from the last; or it is said why not."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

import psycopg
import pytest

from application.hospital import Hospital
from infrastructure.evidence.checkpoints import CheckpointRunner, NotSigned, open_signer, sign_now
from infrastructure.evidence.keeper import Keeper, KeyMissing
from infrastructure.evidence.leaves import ACCESSES, EVENTS, TREES
from infrastructure.evidence.merkle import Frontier
from infrastructure.evidence.signed_note import InvalidNote, SignedNote, VerifierKey
from infrastructure.postgres.backup import begin_epoch
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.private_file import UnsafeKey
from infrastructure.projections.runner import connect
from tests.support.hospital_dsl import admitted, rows

SIZES = "SELECT size FROM record.checkpoints WHERE tree = 'events' ORDER BY no"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def opened(database: Database, home: Path) -> None:
    """Open the trees as the follower does."""
    with connect(database.app_url) as connection:
        for tree in TREES:
            open_signer(connection, tree, database.open_log(), Keeper(home))


def signed(database: Database, home: Path, hospital: Hospital, mrn: str) -> SignedNote:
    admitted(hospital, mrn)
    return sign_now(database, home)[0]


def test_a_checkpoint_goes_on_from_the_one_before(
    database: Database, hospital: Hospital, home: Path
) -> None:
    notes = [signed(database, home, hospital, mrn) for mrn in "ab"]
    assert rows(database, SIZES) == [(2,), (4,)]
    key = Keeper(home).key(database.open_log().id)
    assert key.name == f"wardbook/{database.open_log().id}"
    assert all(note.is_signed_by(key.verifier) for note in notes)
    stored = rows(
        database, "SELECT note, frontier FROM record.checkpoints WHERE tree = 'events' ORDER BY no"
    )
    assert stored[-1][0] == str(notes[-1]) == str(Keeper(home).newest_note(EVENTS))
    assert Frontier.from_bytes(4, stored[-1][1]).root() == notes[-1].checkpoint.root
    assert (home / "checkpoint.key").stat().st_mode & 0o777 == 0o600
    opened(database, home)


def test_a_follower_signs_what_comes_and_what_is_there_when_it_ends(
    database: Database, hospital: Hospital, home: Path
) -> None:
    admitted(hospital, "a")
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("LISTEN signed")
        owner.execute(
            "CREATE FUNCTION record.tell() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN NOTIFY signed; RETURN NULL; END $$;"
            "CREATE TRIGGER tell AFTER INSERT ON record.checkpoints EXECUTE FUNCTION record.tell()"
        )
        runner = CheckpointRunner(database, home, 10)
        thread = Thread(target=runner.run)
        thread.start()
        try:
            assert next(iter(owner.notifies(timeout=30, stop_after=1)), None)
            admitted(hospital, "b")
        finally:
            runner.stop()
            thread.join()
            owner.execute("DROP TRIGGER tell ON record.checkpoints; DROP FUNCTION record.tell()")
    sizes = rows(database, SIZES)
    assert (sizes[0], sizes[-1]) == ((2,), (4,))


# -- clear states --


def test_no_checkpoint_is_signed_without_the_key_or_by_another(
    database: Database, hospital: Hospital, home: Path, tmp_path: Path
) -> None:
    signed(database, home, hospital, "a")
    with pytest.raises(KeyMissing, match="is missing"):
        opened(database, tmp_path / "elsewhere")
    assert not (tmp_path / "elsewhere").exists()
    key = home / "checkpoint.key"
    content = key.read_bytes()
    key.chmod(0o640)
    with pytest.raises(UnsafeKey, match="chmod 600"):
        opened(database, home)
    key.chmod(0o600)
    key.write_bytes(content[::-1])
    with pytest.raises(NotSigned, match="not signed by"):
        opened(database, home)
    key.write_bytes(content)
    opened(database, home)


def test_another_key_goes_on_when_somebody_says_so_and_the_former_one_stays_known(
    database: Database, hospital: Hospital, home: Path
) -> None:
    first = signed(database, home, hospital, "a")
    second = sign_now(database, home, new_key=True)[0]
    opened(database, home)
    new, old = Keeper(home).trusted_keys(database.open_log().id)
    assert [first.is_signed_by(key) for key in (new, old)] == [False, True]
    assert [second.is_signed_by(key) for key in (new, old)] == [True, False]


@pytest.mark.parametrize("kept", [0, 1])
def test_nothing_is_signed_over_a_log_that_was_cut_off(
    database: Database, hospital: Hospital, home: Path, kept: int
) -> None:
    for mrn in "ab":
        signed(database, home, hospital, mrn)
    with psycopg.connect(database.owner_url) as owner:
        for table, number in (("checkpoints", "last"), ("stored_events", "position")):
            owner.execute(f"DELETE FROM record.{table} WHERE {number} > {2 * kept}".encode())
    with pytest.raises(NotSigned, match="cut off"):
        opened(database, home)
    admitted(hospital, "c")
    with pytest.raises(NotSigned, match="cut off"):
        opened(database, home)


def test_nothing_is_signed_while_rows_are_gone(
    database: Database, hospital: Hospital, home: Path
) -> None:
    signed(database, home, hospital, "a")
    with connect(database.app_url) as connection:
        signer = open_signer(connection, EVENTS, database.open_log(), Keeper(home))
        with psycopg.connect(database.owner_url) as owner:
            owner.execute("DELETE FROM record.stored_events WHERE position = 2")
        with pytest.raises(NotSigned, match="after 1 are gone"):
            signer.advance(10, Event())


def test_a_restored_log_is_signed_when_its_epoch_was_begun_with_the_key(
    database: Database, hospital: Hospital, home: Path
) -> None:
    for mrn in "ab":
        signed(database, home, hospital, mrn)
    with psycopg.connect(database.owner_url) as owner:  # as it was at an earlier moment
        owner.execute("DELETE FROM record.checkpoints WHERE last > 2")
        owner.execute("DELETE FROM record.stored_events WHERE position > 2")
    begin_epoch(database)
    migrate(database)
    with pytest.raises(NotSigned, match="cut off"):
        opened(database, home)
    note = sign_now(database, home)[0]
    assert note.checkpoint.origin.split("/")[2:] == ["2", "events"]
    assert rows(database, SIZES) == [(2,), (2,)]
    opened(database, home)


def test_of_a_restored_log_that_was_altered_nothing_is_signed(
    database: Database, hospital: Hospital, home: Path
) -> None:
    signed(database, home, hospital, "a")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE record.stored_events SET reason = 'another' WHERE position = 1")
    with pytest.raises(NotSigned, match="not those of their newest checkpoint"):
        sign_now(database, home)


def test_the_application_adds_no_checkpoint_that_does_not_follow(
    database: Database, hospital: Hospital, home: Path
) -> None:
    signed(database, home, hospital, "a")
    add = "SELECT record.add_checkpoint('events', %s, %s, 3, 'note', '', %s)"
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        for epoch, size, leaves in ((1, 2, b"x" * 32), (1, 4, b"x" * 32), (2, 3, b"x" * 32)):
            with pytest.raises(psycopg.errors.RaiseException):
                connection.execute(add, [epoch, size, leaves])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM record.checkpoints")


def test_a_reading_that_is_not_committed_yet_is_waited_for(
    database: Database, hospital: Hospital, home: Path
) -> None:
    """A reading with a lower number may be committed after one with a higher."""
    record = "SELECT audit.record(%s)"
    reading = json.dumps([{
        **dict.fromkeys(("issuer", "subject", "role", "operation", "purpose"), "x"),
        "patients": [], "opened": [],
    }])  # fmt: skip
    with (
        psycopg.connect(database.app_url) as slow,
        psycopg.connect(database.app_url, autocommit=True) as quick,
        connect(database.app_url) as connection,
    ):
        signer = open_signer(connection, ACCESSES, database.open_log(), Keeper(home))
        connection.execute("SET lock_timeout = '50ms'")
        slow.execute(record, [reading])
        quick.execute(record, [reading])
        assert signer.read() == 0
        slow.commit()
        assert signer.read() == 2


# -- notes --


def test_a_note_is_taken_in_its_own_bytes_only(
    database: Database, hospital: Hospital, home: Path
) -> None:
    text = str(signed(database, home, hospital, "a"))
    assert str(SignedNote.parse(text)) == text
    spoiled: list[Callable[[str], str]] = [
        lambda t: t + "\n", lambda t: t[:-1], lambda t: t.replace("\n2\n", "\n02\n"),
        lambda t: t.replace("\n2\n", "\n+2\n"), lambda t: t.partition("\n\n")[0], lambda t: "",
        lambda t: t.replace("\u2014", "-"), lambda t: t.replace("\n\n", "\nmore\n\n"),
    ]  # fmt: skip
    for spoil in spoiled:
        with pytest.raises(InvalidNote):
            SignedNote.parse(spoil(text))
    key = Keeper(home).key(database.open_log().id).verifier
    assert VerifierKey.parse(str(key)) == key
    for wrong in ("", "a+b", str(key)[:-4] + "AAA=", str(key).replace("wardbook", "xardbook")):
        with pytest.raises(InvalidNote):
            VerifierKey.parse(wrong)
    changed = SignedNote.parse(text.replace("\n2\n", "\n3\n"))
    assert not changed.is_signed_by(key)
