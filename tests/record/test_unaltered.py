"""Whoever alters the log or the record of reading by SQL is found by what was signed of it."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from domain.stay.events import VisitKind
from infrastructure.bootstrap import hospital as wired
from infrastructure.evidence.checkpoints import (
    TreeSigner,
    sign_now,
)
from infrastructure.evidence.keeper import Keeper
from infrastructure.evidence.leaves import EVENTS, TREES, Tree
from infrastructure.integrity.unaltered import Anchor, Trust, compare_trees, trust_of
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from infrastructure.tokens.revocations import revoke
from tests.conftest import empty
from tests.support.hospital_dsl import admitted, doctor, request, room, rows

Connected = Connection[TupleRow]


class House:
    """A small house of which four checkpoints were signed; each test spoils it, and takes that back."""

    def __init__(self, database: Database, home: Path) -> None:
        self.database, self.home = database, home
        with closing(wired(Settings(home=home), database)) as hospital:
            for number in "1234":
                room(hospital, number, "a", "b")
                stay = admitted(hospital, f"M{number}", f"A/{number}/a")
                hospital.stays.record_visit(
                    request(),
                    stay_id=stay,
                    practitioner=doctor(hospital, f"D{number}"),
                    kind=VisitKind.ROUND,
                    note="secret",
                )
                read(database, f"nurse {number}")
                read(database, "somebody")
                revoke(database.owner_url, "test", subject=f"M{number}", reason="left", by="Eve")
                note_key_act(database, f"M{number}")
                sign_now(database, home)
        self.log = database.open_log()
        self.keeper = Keeper(home)

    @property
    def trust(self) -> Trust:
        return trust_of(self.keeper, self.log.id)


def read(database: Database, subject: str) -> None:
    """Record a reading."""
    reading = {
        "issuer": "test",
        "subject": subject,
        "role": "nurse",
        "operation": "patient",
        "purpose": "treatment",
        "patients": ["00000000-0000-0000-0000-000000000001"],
        "opened": [],
        "entity": "something",
        "wards": ["A"],
        "shown": 1,
    }
    with psycopg.connect(database.app_url) as connection:
        connection.execute("SELECT audit.record(%s)", [json.dumps([reading])])


def note_key_act(database: Database, subject: str) -> None:
    """Record that a key was destroyed."""
    with psycopg.connect(database.app_url) as connection:
        connection.execute(
            "SELECT audit.add_key_acts('DESTROYED', ARRAY[%s], 'a store')", [subject]
        )


@pytest.fixture(scope="module")
def house(migrated: Database, tmp_path_factory: pytest.TempPathFactory) -> House:
    empty(migrated)
    migrated.open_log("real")
    return House(migrated, tmp_path_factory.mktemp("home") / "home")


@pytest.fixture
def owner(house: House) -> Iterator[Connected]:
    """The owner of the database, all of whose doing is taken back."""
    with psycopg.connect(house.database.owner_url) as connection:
        yield connection
        connection.rollback()


def found(owner: Connected, trust: Trust) -> dict[str, list[str]]:
    """Return what is found to be altered, by the noun of the tree."""
    return {
        check.promise.split()[1]: check.examples
        for check in compare_trees(owner, trust)
        if check.broken
    }


def test_what_nobody_altered_is_unaltered(house: House, owner: Connected) -> None:
    checks = list(compare_trees(owner, house.trust))
    assert [(check.promise, check.examples) for check in checks] == [
        ("every event is what was signed of it", []),
        ("every reading is what was signed of it", []),
        ("every revocation is what was signed of it", []),
        ("every key-act is what was signed of it", []),
    ]
    assert [check.looked_at for check in checks] == [
        rows(house.database, f"SELECT count(*) FROM {tree.table}")[0][0] for tree in TREES
    ]


# -- any bit of any column --


def columns(owner: Connected, tree: Tree) -> list[tuple[str, str]]:
    """The columns of a tree's table, with their types."""
    schema, _, name = tree.table.split()[0].partition(".")
    found = owner.execute(
        "SELECT column_name, udt_name FROM information_schema.columns"
        " WHERE (table_schema, table_name) = (%s, %s) ORDER BY ordinal_position",
        [schema, name],
    )
    return [(column, kind) for column, kind in found]


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_a_leaf_has_every_column(owner: Connected, tree: Tree) -> None:
    """A new column goes to the end of the tree's columns."""
    known = {column.partition(".")[2] for column in tree.columns}
    there = {column for column, _ in columns(owner, tree)}
    of_kinds = {column.partition(".")[2] for column in tree.columns if column.startswith("k.")}
    assert known == there - {"kind"} | of_kinds


ALTERED: dict[str, str] = {
    "uuid": "overlay({c}::text placing translate(substr({c}::text, {n}, 1), '0123456789abcdef',"
    " '1032547698badcfe') from {n})::uuid",
    "text": "overlay({c} placing chr(ascii(substr({c}, {n}, 1)) # 1) from {n})",
    "int4": "{c} # (1 << {n} % 20)",
    "int8": "{c} # (1 << {n} % 20)",
    "timestamptz": "{c} + interval '1 microsecond' * (1 << {n} % 20)",
    "bytea": "set_bit({c}, {n} % 256, 1 - get_bit({c}, {n} % 256))",
    "jsonb": "regexp_replace({c}::text, '[a-z]', 'q')::jsonb",
    "_uuid": "{c} || ARRAY[gen_random_uuid()]",
    "_text": "{c} || ARRAY['']",
}
"""Another value of the same type, which differs by as little as there is."""

ADDED = {
    "uuid": "gen_random_uuid()",
    "text": "''",
    "int4": "0",
    "timestamptz": "clock_timestamp()",
    "_uuid": "'{}'",
    "_text": "'{}'",
}
"""A value in place of none."""


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_any_bit_of_any_column_is_found(house: House, owner: Connected, tree: Tree) -> None:
    lot = Random(19)
    table = tree.table.split()[0]
    number = tree.number.partition(".")[2]
    owner.execute("SET session_replication_role = replica")
    for constraint, of in owner.execute(
        "SELECT conname, conrelid::regclass::text FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype IN ('c', 'u', 'p')",
        [table],
    ).fetchall():
        owner.execute(f"ALTER TABLE {of} DROP CONSTRAINT {constraint} CASCADE".encode())
    unseen = []
    for column, kind in columns(owner, tree):
        if column == number and tree is not EVENTS:
            owner.execute(f"ALTER TABLE {table} ALTER no DROP IDENTITY IF EXISTS".encode())
        for is_null, values in ((False, ALTERED), (True, ADDED)):
            of = [
                each
                for (each,) in owner.execute(
                    f"SELECT {number} FROM {table} WHERE ({column} IS NULL) = %s"
                    + ("" if is_null or kind != "text" else f" AND {column} <> ''"),
                    [is_null],
                ).fetchall()
            ]
            if not of:
                continue
            row = lot.choice(of)
            new = values[kind].format(c=column, n=lot.choice((1, 2, 3)))
            with owner.transaction(force_rollback=True):
                statement = f"UPDATE {table} SET {column} = {new} WHERE {number} = {row}"
                changed = owner.execute(statement.encode())
                assert changed.rowcount == 1
                if tree.noun not in found(owner, house.trust):
                    unseen.append((column, is_null))
    assert unseen == []


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_what_is_written_beside_what_is_signed_is_found(
    house: House, owner: Connected, tree: Tree
) -> None:
    owner.execute(f"ALTER TABLE {tree.table.split()[0]} ADD COLUMN remark text".encode())
    assert "column remark" in str(found(owner, house.trust)[tree.noun])


# -- rows --

EVENT = "position = 9"
DOUBLE = (
    "INSERT INTO record.stored_events SELECT (r).* FROM (SELECT jsonb_populate_record(e,"
    " jsonb_build_object('position', 1000000, 'version', 1000, 'command_end', 1000000)) AS r"
    " FROM record.stored_events e WHERE position = 9) AS other"
)
SWAP = (
    "UPDATE record.stored_events SET position = 1000000, command_end = 1000000 WHERE position = 9",
    "UPDATE record.stored_events SET position = 9 WHERE position = 10",
    "UPDATE record.stored_events SET position = 10 WHERE position = 1000000",
)


@pytest.mark.parametrize(
    ("told", "statements"),
    [
        ("event 9 was altered", ["UPDATE record.stored_events SET reason = '?' WHERE " + EVENT]),
        ("1 events", ["DELETE FROM record.stored_events WHERE " + EVENT]),
        ("event 10 was altered", SWAP),
        ("event 9 was altered", ["UPDATE record.kinds SET topic = 'x' WHERE no = (SELECT kind FROM"
         " record.stored_events WHERE position = 9)"]),
        ("1 readings", ["DELETE FROM audit.accesses WHERE no = (SELECT min(no) FROM audit.accesses)"]),
        ("8 readings", ["DELETE FROM audit.accesses"]),
        ("was altered or added", ["UPDATE audit.accesses SET no = -no"]),
        ("was altered or added", ["INSERT INTO audit.accesses OVERRIDING SYSTEM VALUE SELECT -5, at,"
         " issuer, subject, role, operation, purpose, patients, opened FROM audit.accesses LIMIT 1"]),
    ],
)  # fmt: skip
def test_an_altered_row_is_named_as_far_as_can_be_told(
    house: House, owner: Connected, told: str, statements: list[str]
) -> None:
    owner.execute("ALTER TABLE audit.accesses ALTER no SET GENERATED BY DEFAULT")
    owner.execute("SET LOCAL session_replication_role = replica")
    for statement in statements:
        owner.execute(statement.encode())
    (examples,) = found(owner, house.trust).values()
    assert any(told in example for example in examples), examples


def test_rows_after_the_last_checkpoint_are_not_altered(house: House, owner: Connected) -> None:
    owner.execute(DOUBLE)
    assert found(owner, house.trust) == {}


# -- checkpoints --


def rewritten(owner: Connected, house: House, tree: Tree, key: Any = None) -> None:
    """Hash everything anew, as a thief would who has read this program; sign it, if there is a key."""
    newest: list[Any] = owner.execute(
        "SELECT size, epoch FROM record.checkpoints WHERE tree = %s ORDER BY no", [tree.name]
    ).fetchall()
    notes = owner.execute(
        "SELECT note FROM record.checkpoints WHERE tree = %s ORDER BY no", [tree.name]
    ).fetchall()
    owner.execute("DELETE FROM record.checkpoints WHERE tree = %s", [tree.name])
    signer = TreeSigner(
        owner, tree, house.log, house.keeper, key or house.keeper.key(house.log.id), None
    )
    for (size, epoch), (note,) in zip(newest, notes, strict=True):
        while signer.frontier.size < size and signer.read(size - signer.frontier.size):
            pass
        result = signer.note() if key else note
        owner.execute(
            "INSERT INTO record.checkpoints (tree, size, epoch, last, note, frontier, leaves)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [tree.name, size, epoch, signer.last, str(result), signer.frontier.to_bytes(),
             b"".join(signer.leaves)],
        )  # fmt: skip
        signer.leaves.clear()


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_hashes_that_were_made_anew_are_no_help_without_the_key(
    house: House, owner: Connected, tree: Tree
) -> None:
    owner.execute(f"UPDATE {tree.table.split()[0]} SET subject = 'nobody'".encode())
    rewritten(owner, house, tree)
    (examples,) = found(owner, house.trust).values()
    assert "was altered" in examples[0]


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
def test_who_has_the_key_too_is_found_by_what_was_kept_elsewhere(
    house: House, owner: Connected, tree: Tree
) -> None:
    key = house.keeper.key(house.log.id)
    owner.execute(f"UPDATE {tree.table.split()[0]} SET subject = 'nobody'".encode())
    rewritten(owner, house, tree, key)
    assert found(owner, Trust(keys=[key.verifier])) == {}
    kept = house.keeper.newest_note(tree)
    assert kept
    (examples,) = found(owner, Trust([key.verifier], [Anchor("a letter", kept)])).values()
    assert "in a letter" in examples[0]
    assert "rewritten" in examples[0]


@pytest.mark.parametrize("tree", TREES, ids=lambda tree: tree.name)
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_log_that_was_cut_off_with_its_checkpoints_is_found_by_what_was_kept(
    house: House, owner: Connected, tree: Tree, kept: int
) -> None:
    cut = ["DELETE FROM record.checkpoints WHERE tree = '{tree}' AND last > {last}",
           "DELETE FROM {table} WHERE {number} > {last}"]  # fmt: skip
    checkpoints = owner.execute(
        "SELECT last FROM record.checkpoints WHERE tree = %s ORDER BY no", [tree.name]
    ).fetchall()
    last = checkpoints[kept - 1][0] if kept else 0
    number = tree.number.partition(".")[2]
    for statement in cut:
        named = statement.format(
            tree=tree.name, last=last, number=number, table=tree.table.split()[0]
        )
        owner.execute(named.encode())
    assert found(owner, Trust(house.trust.keys)) == {}, "the database alone does not know"
    (examples,) = found(owner, house.trust).values()
    assert "are gone" in examples[0]


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("UPDATE record.checkpoints SET note = replace(note, '\n1', '\n2') WHERE {}", "was altered"),
        ("UPDATE record.checkpoints SET note = replace(note, 'wardbook', 'xardbook') WHERE {}", "was"),
        ("UPDATE record.checkpoints SET frontier = set_bit(frontier, 7, 1 - get_bit(frontier, 7))"
         " WHERE {}", "was altered"),
        ("UPDATE record.checkpoints SET leaves = set_bit(leaves, 7, 1 - get_bit(leaves, 7))"
         " WHERE {}", "some before it were altered"),
        ("DELETE FROM record.checkpoints WHERE {}", "is gone"),
        ("UPDATE record.checkpoints SET epoch = epoch + 1 WHERE {}", "was altered"),
        ("UPDATE record.checkpoints SET last = last - 1 WHERE {}", "altered"),
    ],
)  # fmt: skip
def test_a_checkpoint_that_was_altered_is_found(
    house: House, owner: Connected, statement: str, told: str
) -> None:
    second = (
        "(tree, size) IN (SELECT tree, size FROM record.checkpoints WHERE tree = 'events'"
        " ORDER BY size OFFSET 1 LIMIT 1)"
    )
    owner.execute(statement.format(second).encode())
    (examples,) = found(owner, house.trust).values()
    assert any(told in example for example in examples), examples


def test_a_checkpoint_by_another_key_is_found(
    house: House, owner: Connected, tmp_path: Path
) -> None:
    other = Keeper(tmp_path).create_key(house.log.id)
    rewritten(owner, house, EVENTS, other)
    (examples,) = found(owner, Trust(house.trust.keys)).values()
    assert "signed by no key that is known here" in examples[0]
    missing = trust_of(Keeper(tmp_path / "empty"), house.log.id)
    assert "is missing" in found(owner, missing)["event"][0]
