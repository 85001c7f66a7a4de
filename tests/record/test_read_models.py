"""The read models are pure functions of the log: filled in whatever way, they say the same."""

from typing import Any

import psycopg
import pytest
from sqlalchemy import Column, MetaData, Uuid

import infrastructure.projections.batch
from application.hospital import COMMANDS
from domain.event_types import EVENTS
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay
from infrastructure.postgres.migrate import (
    create_missing_read_models,
    migrate,
    schema_differences,
)
from infrastructure.postgres.migrated import NotMigrated, check_migrated
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.bitemporal_table import Visibility, bitemporal_table
from infrastructure.projections.projection import AggregateProjection, ReadModel
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import ONLY_IN_TIMELINE, READ_MODELS
from infrastructure.read_models.timeline.entry import entry_id
from infrastructure.read_models.timeline.projection import Timeline
from tests.support.hospital_dsl import events, rows
from tests.support.shared_history import (
    Lived,
    catch_up,
    dump,
    end,
    forget,
    positions,
    remake,
    status_of,
    tables,
)

pytestmark = pytest.mark.nightly


def test_the_history_has_everything_in_it(lived: Lived) -> None:
    assert set(lived.accepted) == set(COMMANDS)
    assert sum(lived.refused.values()) > 100
    assert all(len(rows) > 0 for rows in lived.first.values())
    late = "SELECT count(*) FROM timeline_v3.entries WHERE late AND kind = 'STAY_TRANSFERRED'"
    assert rows(lived.database, late)[0][0] > 0
    shared = "SELECT count(*) FROM occupancy_v1.stretches WHERE shares_bed_of IS NOT NULL"
    assert rows(lived.database, shared)[0][0] > 0
    superseded = "SELECT count(*) FROM occupancy_v1.stretches WHERE NOT upper_inf(known)"
    assert rows(lived.database, superseded)[0][0] > 20


# -- what a table declares --


def test_a_table_without_a_visibility_cannot_be_defined() -> None:
    with pytest.raises(TypeError, match="visibility"):
        bitemporal_table("falls", MetaData(), "fall", Column("stay", Uuid))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("column", "visibility"),
    [("stay", "everyone"), ("for_patient", "everyone"), ("stay", "patient"), ("room", "ward")],
)
def test_a_visibility_fits_the_columns_of_its_table(column: str, visibility: Visibility) -> None:
    with pytest.raises(ValueError, match=visibility):
        bitemporal_table("falls", MetaData(), "fall", Column(column, Uuid), visibility=visibility)


# -- what a read model declares --


def test_every_event_type_is_handled_by_a_read_model_or_said_not_to_be() -> None:
    handled = {e for model in READ_MODELS if model is not Timeline for e in model.handles}
    assert set(EVENTS.values()) - handled == ONLY_IN_TIMELINE


@pytest.mark.parametrize("model", READ_MODELS)
def test_a_read_model_is_concerned_by_what_it_handles_and_by_what_nobody_knows(
    model: type[ReadModel],
) -> None:
    concerned = {event for topic, event in EVENTS.items() if model.concerns(topic)}
    unfolded = set(model.unfolded) if issubclass(model, AggregateProjection) else set()
    assert concerned == model.handles | unfolded
    assert model.concerns("fall.recorded")
    assert model.concerns("stay.fell") is (Stay in model.kinds)


# -- filled in every way --


def test_dropped_and_filled_in_one_go_they_say_the_same(lived: Lived) -> None:
    forget(lived.database)
    assert positions(lived.database) == {0}

    assert catch_up(lived.database) == end(lived.database)

    assert dump(lived.database) == lived.first


def test_the_tables_that_are_made_anew_are_those_of_the_migrations(lived: Lived) -> None:
    remake(lived.database)
    assert schema_differences(lived.database) == []


@pytest.mark.parametrize("size", [1, 7, 100])
def test_filled_in_batches_of_any_size_they_say_the_same(
    lived: Lived, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", size)
    forget(lived.database)
    batches: list[int] = []

    ProjectionRunner(lived.database.app_url, lambda done, total: batches.append(done)).catch_up()

    assert len(batches) > end(lived.database) / size / 4
    assert dump(lived.database) == lived.first
    ends = {row[0] for row in rows(lived.database, "SELECT last_position FROM record.commands")}
    assert set(batches) <= ends


def test_with_little_memory_they_say_the_same(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded = [model for model in READ_MODELS if issubclass(model, AggregateProjection)]
    for model in folded:
        monkeypatch.setattr(model, "remembers", 1)
    monkeypatch.setattr(infrastructure.projections.batch, "BATCH", 50)
    forget(lived.database)
    kept = []
    with psycopg.connect(lived.database.app_url, autocommit=True) as connection:
        filler = BatchProjector(connection)
        filler.prepare()
        while filler.step():
            kept += [
                len(m._recent)
                for m in filler._models.values()
                if isinstance(m, AggregateProjection)
            ]

    assert dump(lived.database) == lived.first
    assert len(folded) > 3
    assert max(kept) == 1


@pytest.mark.parametrize("model", READ_MODELS, ids=[model.name for model in READ_MODELS])
def test_one_that_is_dropped_fills_itself_and_leaves_the_others_alone(
    lived: Lived, model: Any
) -> None:
    schema = str(model.metadata.schema)
    catch_up(lived.database)
    other = next(f"{s}.{t}" for s, t in tables() if s != schema)
    before = rows(lived.database, f"SELECT xmin, ctid FROM {other}")
    with psycopg.connect(lived.database.owner_url) as owner:
        owner.execute(f"DROP SCHEMA {schema} CASCADE".encode())
    migrate(lived.database)

    catch_up(lived.database)

    assert dump(lived.database) == lived.first
    assert rows(lived.database, f"SELECT xmin, ctid FROM {other}") == before


def test_without_their_status_all_are_made_anew_and_fill_themselves(lived: Lived) -> None:
    """As in a database of before, when each read model kept its position in a table of its own."""
    catch_up(lived.database)
    with psycopg.connect(lived.database.owner_url) as owner:
        owner.execute("DROP SCHEMA projections CASCADE")
        owner.execute("COMMENT ON SCHEMA stays_v1 IS NULL")
    migrate(lived.database)
    assert positions(lived.database) == {0}
    assert rows(lived.database, "SELECT count(*) FROM stays_v1.stays") == [(0,)]

    catch_up(lived.database)
    assert dump(lived.database) == lived.first


def test_one_of_another_program_has_to_be_migrated_and_is_made_anew(lived: Lived) -> None:
    catch_up(lived.database)
    with psycopg.connect(lived.database.owner_url) as owner:
        owner.execute("DROP INDEX visits_v1.visits_visit")
        owner.execute("COMMENT ON SCHEMA visits_v1 IS 'Read model visits. Tables: sha256 0'")
    with pytest.raises(NotMigrated, match="visits"):
        check_migrated(lived.database)
    create_missing_read_models(lived.database)
    assert rows(lived.database, "SELECT count(*) > 0 FROM visits_v1.visits") == [(True,)]
    migrate(lived.database)
    check_migrated(lived.database)
    assert schema_differences(lived.database) == []
    assert status_of(lived.database, "visits_v1") == []

    catch_up(lived.database)
    assert dump(lived.database) == lived.first


# -- what rows may look like --


@pytest.mark.parametrize(("schema", "table"), list(tables()))
def test_what_is_known_begins_and_ends_only_where_a_command_ends(
    full: Lived, schema: str, table: str
) -> None:
    between = rows(
        full.database,
        f"SELECT DISTINCT edge FROM {schema}.{table},"
        " unnest(ARRAY[lower(known), upper(known)]) AS edge"
        " WHERE edge IS NOT NULL AND edge NOT IN (SELECT last_position FROM record.commands)",
    )
    assert between == []
    # an entry of the timeline stays in its fact's place, whatever becomes known of it
    result = "recorded_position" if schema.startswith("timeline") else "lower(known)"
    other = rows(
        full.database,
        f"SELECT t.position FROM {schema}.{table} t LEFT JOIN record.events e USING (position)"
        f" WHERE e.command_end IS DISTINCT FROM {result}",
    )
    assert other == []


@pytest.mark.parametrize(("schema", "table"), list(tables()))
def test_rows_of_one_thing_never_overlap(full: Lived, schema: str, table: str) -> None:
    (key,) = [
        t.info["key"]
        for m in READ_MODELS
        for t in m.tables()
        if (str(m.metadata.schema), t.name) == (schema, table)
    ]
    twice = rows(
        full.database,
        f"SELECT a::text, b::text FROM {schema}.{table} a JOIN {schema}.{table} b"
        f" ON a.{key} = b.{key} AND a.ctid < b.ctid"
        " AND a.during && b.during AND a.known && b.known",
    )
    assert twice == []
    empty = f"SELECT FROM {schema}.{table} WHERE isempty(during) OR isempty(known)"
    assert rows(full.database, empty) == []


def test_every_fact_about_a_patient_is_one_entry_of_the_timeline(full: Lived) -> None:
    moved = {  # to the right patient, with all its entries
        event.originator_id: event.patient
        for _, _, event in events(full.database)
        if isinstance(event, Stay.PatientCorrected)
    }
    result = [
        (
            entry_id(event),
            moved.get(event.entry.about.stay, event.entry.about.patient)
            if event.entry.about.stay
            else event.entry.about.patient,
            event.entry.about.stay,
        )
        for _, _, event in events(full.database)
        if event.entry.about and type(event) in Timeline.handles - {SourceVisit.Settled}
    ]
    entries = rows(
        full.database,
        "SELECT entry, patient, stay FROM timeline_v3.entries WHERE upper_inf(known)"
        " AND status <> 'PENDING'",
    )
    assert sorted(entries, key=str) == sorted(result, key=str)


def test_what_is_corrected_or_cancelled_says_by_which_entry_and_that_one_says_so_too(
    full: Lived,
) -> None:
    broken = rows(
        full.database,
        "SELECT old.entry FROM timeline_v3.entries old LEFT JOIN timeline_v3.entries new"
        " ON new.entry IN (old.corrected_by, old.cancelled_by) AND upper_inf(new.known)"
        " WHERE upper_inf(old.known) AND old.status NOT IN ('TRUE', 'PENDING')"
        " AND (new.corrects IS DISTINCT FROM old.entry OR old.corrected_by IS NULL)"
        " AND (new.cancels IS NULL OR old.cancelled_by IS NULL)",
    )
    assert broken == []
    fates = "SELECT DISTINCT status FROM timeline_v3.entries WHERE upper_inf(known) ORDER BY status"
    assert rows(full.database, fates) == [
        ("CANCELLED",),
        ("CORRECTED",),
        ("PENDING",),
        ("TRUE",),
    ]
