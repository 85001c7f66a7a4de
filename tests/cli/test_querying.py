"""``wardbook query``: the history as tables, as known at any moment."""

import stat
import sys
from io import StringIO
from pathlib import Path

import pytest

from application.hospital import Hospital
from infrastructure.analysis import TABLES
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, ago, place, request, room

WHERE = "SELECT bed, until IS NULL AS there FROM stretches ORDER BY since"


@pytest.fixture
def believed(staffed: Hospital) -> str:
    """A patient who was moved yesterday, which was told just now. Until when it was not known."""
    room(staffed, "119", "a", "b")
    stay = admitted(staffed, "M1", "A/119/a", ago(days=3))
    before = staffed.stays.change_specialty(request(), stay_id=stay, specialty="surgery")
    staffed.stays.transfer_patient(request(ago(days=1)), stay_id=stay, **place("A/119/b"))
    return before.recorded_at.isoformat()


def test_a_question_has_its_answer_as_known_now_and_as_known_then(run: Run, believed: str) -> None:
    result = run("query", WHERE, "--format", "json")
    assert result.json == [{"bed": "a", "there": False}, {"bed": "b", "there": True}]
    then = run("query", WHERE, "--format", "json", "--known-at", believed)
    assert then.json == [{"bed": "a", "there": True}]
    position = then.err.split("position ")[1].split()[0]
    assert then.err.strip() == f"As known at position {position} of a real log."
    assert run("query", "SELECT 1 WHERE false", "--format", "json").json == []


def test_an_answer_is_printed_as_a_table_or_as_csv(
    run: Run, believed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("query", WHERE, "--format", "csv").out == "bed,there\na,False\nb,True\n"
    assert "there" in run("query", WHERE).out
    numbers = "SELECT 1.5::DECIMAL(3, 1) AS n, sum(1) AS one, NULL AS nothing"
    assert run("query", numbers, "--format", "json").json == [{"n": 1.5, "one": 1, "nothing": None}]
    assert run("query", "SELECT 'nan'::DOUBLE AS n", "--json").json == [{"n": None}]
    assert run("query", WHERE, "--csv").out == "bed,there\na,False\nb,True\n"
    monkeypatch.setattr(sys, "stdin", StringIO("SELECT NULL AS nothing, sum(1) AS one"))
    assert run("query", "-", "--format", "csv").out == "nothing,one\n,1\n"


def test_the_tables_are_listed_with_what_each_column_means(run: Run) -> None:
    result = run("query", "--tables")
    assert result.code == 0
    columns = run("query", "--tables", "--format", "json").json
    assert len(columns) == sum(len(table.columns) for table in TABLES)
    for table in TABLES:
        assert table.name in result.out
        assert all(column.name in result.out for column in table.columns)


def test_the_tables_are_written_as_parquet_and_not_over_others(
    run: Run, believed: str, tmp_path: Path
) -> None:
    folder = tmp_path / "parquet"
    result = run("query", "--export", str(folder))
    assert result.code == 0
    assert result.out.split() == [str(folder / f"{table.name}.parquet") for table in TABLES]
    modes = {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert modes == {0o600}
    again = run("query", "--export", str(folder))
    assert (again.code, again.out) == (1, "")
    assert "another folder" in again.err


def test_a_question_writes_nothing_not_even_a_folder(
    run: Run, believed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    writing = (
        "EXPORT DATABASE 'x'",
        f"EXPORT DATABASE '{tmp_path / 'y'}'",
        "COPY (SELECT 1) TO 'x.csv'",
        "ATTACH 'x.db'",
        "CREATE TABLE x AS SELECT 1",
        "SELECT 1; EXPORT DATABASE 'x'",
        "SET home_directory = 'x'",
    )
    for question in writing:
        result = run("query", question)
        assert (result.code, result.out) == (1, ""), question
        assert "A question is one SELECT" in result.err
    assert not list(tmp_path.iterdir())
    assert run("query", "FROM stretches").code == run("query", "EXPLAIN SELECT 1").code == 0


def test_what_cannot_be_answered_is_said(run: Run, believed: str) -> None:
    for question in ("SELEC 1", "SELECT name FROM facts", "SELECT * FROM patients"):
        result = run("query", question)
        assert (result.code, result.out) == (1, "")
        assert "Error" in result.err
    assert run("query").code == 2
    assert run("query", WHERE, "--tables").code == 2
