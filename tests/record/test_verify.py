"""`wardbook verify` finds each promise that is broken on purpose, and nothing where none is."""

from contextlib import AbstractContextManager
from random import Random

import psycopg
import pytest

from infrastructure.integrity.check import verify
from infrastructure.integrity.invariants import OF_CLAIMS, OF_LOG
from infrastructure.postgres.database import Database
from infrastructure.projections.projection import ReadModel
from infrastructure.projections.rebuild import compare_sample, rebuild
from infrastructure.read_models import READ_MODELS
from tests.support.shared_history import WITHOUT_EXAMPLE, Lived, catch_up, dump

pytestmark = pytest.mark.nightly

CHECKS_OF_LOG = len(OF_LOG) + len(OF_CLAIMS) + 7  # events, claims, keys and the trees
"""How many checks look at the log alone; one more looks at the issued reports."""

SPOILED = {
    "positions have no gap": "DELETE FROM record.events WHERE position = 100",
    "recorded_at increases": (
        "UPDATE record.events SET recorded_at = recorded_at - interval '1 day' WHERE position = 100"
    ),
    "each stream has the versions": (
        "UPDATE record.events SET version = version + 1 WHERE position ="
        " (SELECT max(position) FROM record.events)"
    ),
    "the events of a command are adjacent": (
        "UPDATE record.commands SET digest = 'another' WHERE first_position ="
        " (SELECT max(first_position) FROM record.commands)"
    ),
    "the claims are the fold": "DELETE FROM record.bed_claims WHERE ctid ="
    " (SELECT ctid FROM record.bed_claims LIMIT 1)",
    "the claims are the fold of the events": (
        "DELETE FROM record.unique_claims WHERE ctid = (SELECT ctid FROM record.unique_claims"
        " WHERE kind LIKE 'waiting %' LIMIT 1)"
    ),
    "each claim has the number": (
        "UPDATE record.subjects SET subject = 'bed elsewhere' WHERE no ="
        " (SELECT bed_no FROM record.bed_claims LIMIT 1)"
    ),
    "no two stays have a bed": (
        "ALTER TABLE record.bed_claims DROP CONSTRAINT one_stay_per_bed;"
        "INSERT INTO record.bed_claims SELECT bed_no, room, bed, gen_random_uuid(), during, kept,"
        " NULL FROM record.bed_claims WHERE shares_bed_of IS NULL LIMIT 1"
    ),
    "who shares a bed": (
        "UPDATE record.stored_events SET own = jsonb_set(own, '{admission_type}', '\"ELECTIVE\"')"
        " WHERE own->>'admission_type' = 'NEWBORN'"
    ),
    "no stay has two beds": (
        "INSERT INTO record.subjects (subject) VALUES ('bed elsewhere');"
        "INSERT INTO record.bed_claims SELECT (SELECT max(no) FROM record.subjects),"
        " gen_random_uuid(), 'z', stay, during, kept, NULL FROM record.bed_claims LIMIT 1"
    ),
    "issued reports": (
        "UPDATE record.stored_events SET own = jsonb_set(own, '{said,figures,0,value}', '1234')"
        " WHERE position = (SELECT min(position) FROM record.events WHERE topic = 'report.issued')"
    ),
    "issued reports come out": (
        "UPDATE record.stored_events SET own = jsonb_set(own, '{causes,0,facts}', '[1]')"
        " WHERE position = (SELECT min(position) FROM record.events WHERE topic ="
        " 'report.restated' AND body->'causes'->0 IS NOT NULL)"
    ),
    "read model stays": (
        "UPDATE stays_v1.stays SET specialty = 'another' WHERE ctid ="
        " (SELECT ctid FROM stays_v1.stays LIMIT 1)"
    ),
    "read model source_movements": (
        "UPDATE source_movements_v1.source_movements SET why = 'another' WHERE ctid = (SELECT ctid"
        " FROM source_movements_v1.source_movements WHERE status = 'PENDING' LIMIT 1)"
    ),
    "read model timeline": "DELETE FROM timeline_v3.entries WHERE ctid ="
    " (SELECT ctid FROM timeline_v3.entries LIMIT 1)",
}


def test_a_busy_history_keeps_every_promise(lived: Lived, server: Database) -> None:
    with _copy(lived, server) as copy:
        result = list(verify(copy))
    assert [c.promise for c in result if c.broken] == []
    assert {c.promise for c in result if not c.looked_at} == WITHOUT_EXAMPLE
    assert len(result) == CHECKS_OF_LOG + 1 + len(READ_MODELS)


@pytest.mark.parametrize("promise", SPOILED)
def test_a_broken_promise_is_found(lived: Lived, server: Database, promise: str) -> None:
    with _copy(lived, server) as copy:
        with psycopg.connect(copy.owner_url) as owner:
            owner.execute(SPOILED[promise].encode())
        broken = next((c for c in verify(copy) if c.promise.startswith(promise) and c.broken), None)
    assert broken
    assert broken.examples


def test_a_log_that_cannot_be_folded_is_told_and_does_not_end_the_check(
    lived: Lived, server: Database
) -> None:
    with _copy(lived, server) as copy:
        with psycopg.connect(copy.owner_url) as owner:
            owner.execute(
                "DELETE FROM record.events WHERE position = (SELECT min(position) FROM"
                " record.events WHERE topic = 'stay.transferred')"
            )
        result = list(verify(copy))
    broken = {c.promise: c.examples for c in result if c.broken}
    assert len(result) == CHECKS_OF_LOG + 1 + len(READ_MODELS)
    assert any("does not follow" in e for e in broken["the claims are the fold of the events"])
    assert "read model stays is the fold of the log" in broken


UNREADABLE = {
    "of a kind that nobody knows": "kind = 9999",
    "with a moment that is none": "occurred_at = 'infinity'",
    "without its content": "own = '{}'::jsonb",
}


@pytest.mark.parametrize("spoiled", UNREADABLE.values(), ids=list(UNREADABLE))
def test_an_event_that_cannot_be_read_is_told_and_blinds_no_other_check(
    lived: Lived, server: Database, spoiled: str
) -> None:
    with _copy(lived, server) as copy:
        with psycopg.connect(copy.owner_url) as owner:
            owner.execute(
                "INSERT INTO record.kinds (no, topic, schema_version, operation)"
                " OVERRIDING SYSTEM VALUE VALUES (9999, 'stay.abducted', 1, 'abduct')"
            )
            owner.execute(
                f"UPDATE record.stored_events SET {spoiled} WHERE position ="
                f" (SELECT min(position) FROM record.events WHERE topic = 'room.opened')".encode()
            )
            owner.execute(SPOILED["who shares a bed"].encode())
        result = list(verify(copy, read_models=False))
    broken = {c.promise: c.examples for c in result if c.broken}
    assert len(result) == CHECKS_OF_LOG
    assert any("position" in example for example in broken["every event can be read"])
    assert any(promise.startswith("who shares a bed") for promise in broken)


FEW = {"cleaning_rules": 1, "practitioners": 3}
"""Of what there is less in the busy history than is drawn."""


def test_a_sample_of_a_sound_record_is_sound_and_says_how_much_it_looked_at(
    lived: Lived, server: Database
) -> None:
    with _copy(lived, server) as copy:
        before = dump(copy)
        result = [list(verify(copy, sample=5, seed=seed)) for seed in (1, 2, 1)]
        assert dump(copy) == before
    assert [c.promise for checks in result for c in checks if c.broken] == []
    assert [c.promise for c in result[0][-len(READ_MODELS) :]] == [
        f"read model {m.name} is the fold of the log, for {FEW.get(m.name, 5)} drawn by lot"
        for m in READ_MODELS
    ]
    looked = [[c.looked_at for c in checks] for checks in result]
    assert looked[0] == looked[2] != looked[1]


@pytest.mark.parametrize("model", READ_MODELS, ids=lambda m: m.name)
def test_a_sample_finds_what_is_wrong_in_it(
    lived: Lived, server: Database, model: type[ReadModel]
) -> None:
    with _copy(lived, server) as copy:
        (table, *_) = model.tables()
        with psycopg.connect(copy.owner_url) as owner:
            owner.execute(
                f"DELETE FROM {table.fullname} WHERE ctid ="
                f" (SELECT ctid FROM {table.fullname} LIMIT 1)".encode()
            )
        _, result = compare_sample(copy, model, 1_000_000, Random(1))
    assert result.different == 1


def test_verifying_changes_nothing(lived: Lived, server: Database) -> None:
    with _copy(lived, server) as copy:
        before = dump(copy)
        list(verify(copy))
        assert dump(copy) == before


@pytest.mark.parametrize("model", READ_MODELS, ids=lambda m: m.name)
def test_a_rebuilt_read_model_takes_the_place_of_a_spoiled_one(
    lived: Lived, server: Database, model: type[ReadModel]
) -> None:
    with _copy(lived, server) as copy:
        before = dump(copy)
        table = model.tables()[0]
        with psycopg.connect(copy.owner_url) as owner:
            owner.execute(f"DELETE FROM {table.fullname}".encode())
        result = rebuild(copy, [model], lambda done, total: None)[model.name]
        assert result.different > 0
        assert dump(copy) == before
        assert rebuild(copy, [model], lambda done, total: None)[model.name].different == 0


def _copy(lived: Lived, server: Database) -> AbstractContextManager[Database]:
    """The busy history in a database of its own, to be spoiled."""
    catch_up(lived.database)
    with psycopg.connect(lived.database.owner_url) as owner:
        (name,) = owner.execute("SELECT current_database()").fetchone() or ("",)
    return server.scratch(f"copy_of_{name}", name)
