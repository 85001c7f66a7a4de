"""The history as tables and as events, against plain folds of the log."""

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import duckdb
import msgspec
import pytest

from domain.envelope import REDACTED
from domain.patient import Patient
from domain.stay.facts import Observation, VoidedAdmission
from domain.time import Period
from infrastructure.analysis import (
    TABLES,
    DuckDBMissing,
    InvalidQuery,
    export_history,
    history,
    query_history,
)
from tests.support.hospital_dsl import events, rows, stays_folded
from tests.support.shared_history import Lived, end

pytestmark = pytest.mark.slow


def rows_of(database: Any, question: str, known: int) -> list[tuple[Any, ...]]:
    with query_history(database, question, known, "UTC", lambda done, total: None) as (_, answer):
        return list(answer)


def parquet(question: str) -> list[tuple[Any, ...]]:
    """Read the files as another program does."""
    return duckdb.execute(question).fetchall()


@pytest.fixture(params=[0.1, 0.4, 0.7, 1.0], ids=lambda share: f"{share:.0%}")
def known(request: pytest.FixtureRequest, lived: Lived) -> int:
    """The end of a command, so far into the log."""
    ((position,),) = rows(
        lived.database,
        "SELECT max(command_end) FROM record.events WHERE command_end <= %s",
        [round(end(lived.database) * request.param)],
    )
    assert isinstance(position, int)
    return position


def test_stretches_and_movements_are_those_of_the_stays_as_known_then(
    lived: Lived, known: int
) -> None:
    log = [(position, whole, e) for position, whole, e in events(lived.database) if whole <= known]
    stays = stays_folded(log)
    stretches = rows_of(
        lived.database,
        "SELECT stay, bed, kept, shares_bed_of, since, until FROM stretches",
        known,
    )
    lain = [
        (stay.id, s.bed.bed, s.kept, s.shares_bed_of, s.period.start, s.period.end)
        for stay in stays.values()
        for s in stay.stretches
        if not s.period.is_empty
    ]
    assert sorted(stretches, key=str) == sorted(lain, key=str)
    movements = rows_of(lived.database, "SELECT stay, movement, occurred_at FROM movements", known)
    moved = [
        (stay.id, fact.id, fact.at)
        for stay in stays.values()
        for fact in stay.history.facts
        if not isinstance(fact, Observation | VoidedAdmission)
    ]
    assert sorted(movements, key=str) == sorted(moved, key=str)


def test_a_person_is_whom_the_record_is_merged_into_as_known_then(lived: Lived, known: int) -> None:
    links: dict[UUID, UUID] = {}
    for _, whole, event in events(lived.database):
        if whole <= known and isinstance(event, Patient.Merged):
            links[event.originator_id] = event.into
        elif whole <= known and isinstance(event, Patient.Unmerged):
            del links[event.originator_id]
    for patient, person in rows_of(
        lived.database, "SELECT DISTINCT patient, person FROM facts", known
    ):
        while patient in links:
            patient = links[patient]
        assert person == patient


def test_each_row_says_when_the_record_learned_of_it(lived: Lived, known: int) -> None:
    recorded = dict(rows(lived.database, "SELECT position, recorded_at FROM record.events"))
    for table in TABLES:
        clocks = rows_of(lived.database, f"SELECT position, recorded_at FROM {table.name}", known)
        for position, at in clocks:
            assert position <= known
            if table.name in ("movements", "facts"):  # told in a command, which ends with others
                assert at <= recorded[position]
            else:
                assert at == recorded[position]


def test_nothing_in_the_tables_names_a_patient_or_is_a_text_about_one(
    lived: Lived, tmp_path: Path
) -> None:
    words = set(_sealed(lived))
    assert len(words) > 20
    export_history(lived.database, tmp_path, end(lived.database), {}, lambda done, total: None)
    for table in TABLES:
        result = parquet(f"SELECT * FROM '{tmp_path / table.name}.parquet'")
        assert result
        values = {value for row in result for value in row if isinstance(value, str)}
        assert values & words <= {REDACTED}


def _sealed(lived: Lived) -> Iterator[str]:
    """Names, MRNs, notes and reasons of the whole log."""
    for _, _, event in events(lived.database):
        said = msgspec.to_builtins(event)
        names = ("mrn", "family_name", "given_name", "note", "reason_not_given")
        yield from (said[name] for name in names if said.get(name))
        if event.entry.about and event.entry.reason:
            yield event.entry.reason


def test_an_export_says_of_what_it_is_and_is_not_written_over(lived: Lived, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    files = export_history(
        lived.database,
        tmp_path / "new",
        end(lived.database),
        {"position": "7", "kind": "it's simulated"},
        lambda done, total: seen.append((done, total)),
    )
    assert sorted(file.name for file in (tmp_path / "new").iterdir()) == sorted(
        f"{table.name}.parquet" for table in TABLES
    )
    said = parquet(f"SELECT key, value FROM parquet_kv_metadata('{files[0]}')")
    assert dict(said) == {b"position": b"7", b"kind": b"it's simulated"}
    assert seen[-1][0] == seen[-1][1] > 0
    with pytest.raises(FileExistsError, match="another folder"):
        export_history(lived.database, tmp_path / "new", 1, {}, lambda done, total: None)


def test_a_question_is_one_select_over_the_tables_and_nothing_else(lived: Lived) -> None:
    for question in (
        "SELEC 1",
        "SELECT * FROM patients",
        "SELECT 1; SELECT 2",
        "SELECT * FROM read_text('/etc/hostname')",
        "COPY movements TO '/tmp/movements.csv'",
        "SELECT kind::int FROM facts",
    ):
        with pytest.raises(InvalidQuery):
            rows_of(lived.database, question, 1_000)


def test_days_are_those_of_the_hospitals_zone(lived: Lived) -> None:
    question = "SELECT TIMESTAMPTZ '2026-03-01 20:00:00Z'::date::varchar"
    with query_history(lived.database, question, 1, "Asia/Kolkata", lambda *_: None) as (_, answer):
        assert list(answer) == [("2026-03-02",)]


def test_without_duckdb_it_says_what_to_install(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(DuckDBMissing, match=r"wardbook\[analysis\]"):
        rows_of(lived.database, "SELECT 1", 1)


def test_the_events_come_in_the_order_of_the_log_up_to_a_moment(lived: Lived) -> None:
    log = events(lived.database)
    seen: list[tuple[int, int]] = []
    read = list(history(lived.database, on_progress=lambda done, total: seen.append((done, total))))
    assert [(place.position, place.known, event) for event, place in read] == log
    assert seen[-1] == (len(log), len(log))
    middle = read[len(read) // 2][1].recorded_at
    assert [p.position for _, p in history(lived.database, known_at=middle)] == [
        p.position for _, p in read if p.recorded_at <= middle
    ]
    before = Period(datetime.min.replace(tzinfo=UTC), read[0][1].recorded_at)
    assert before.end is not None
    assert list(history(lived.database, known_at=before.end - timedelta(seconds=1))) == []
