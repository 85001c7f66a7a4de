"""The warehouse: each event of each hospital once, whatever is restored, erased or done at once."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

pytest.importorskip("pyiceberg", reason="needs the extra warehouse")

from api.warehouse import filling
from api.warehouse.filling import fill_warehouse
from api.warehouse.iceberg import FilledByAnother, InvalidQuestion, Warehouse
from application.hospital import Hospital
from domain.erasure import LegalBasis
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.api.test_broker import feed
from tests.support.hospital_dsl import admitted, request
from tests.support.random_privacy import EVE
from tests.support.shared_history import catch_up, end, forget

ADMISSIONS = (
    "SELECT hospital, count(*) FROM events WHERE type = 'wardbook.stay.admitted.v1' GROUP BY ALL"
)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse")


def fill(warehouse: Warehouse, database: Database, hospital: str = "main") -> tuple[int, bool]:
    catch_up(database)
    return fill_warehouse(warehouse, database, database.open_log(), hospital, lambda *_: None)


def answer(warehouse: Warehouse, sql: str) -> list[tuple[Any, ...]]:
    with warehouse.answer(sql) as (_, rows, _):
        return list(rows)


def ids(warehouse: Warehouse, hospital: str = "main") -> list[str]:
    sql = f"SELECT id FROM events WHERE hospital = '{hospital}' ORDER BY position"
    return [id for (id,) in answer(warehouse, sql)]


@pytest.fixture
def house(database: Database, hospital: Hospital) -> Hospital:
    for n in range(4):
        admitted(hospital, f"M{n}")
    return hospital


def test_each_event_is_in_it_once_however_often_it_is_filled(
    warehouse: Warehouse, database: Database, house: Hospital
) -> None:
    assert answer(warehouse, ADMISSIONS) == []
    count, _ = fill(warehouse, database)
    assert (count, fill(warehouse, database)) == (len(feed(database)), (0, False))
    admitted(house, "M9")
    fill(warehouse, database)
    assert ids(warehouse) == feed(database)
    (place,) = warehouse.places().values()
    assert (place.log, place.position) == (str(database.open_log().id), end(database))


def test_a_filling_that_is_cut_goes_on_where_its_last_commit_ended(
    warehouse: Warehouse, database: Database, house: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filling, "PAGE", 1)
    monkeypatch.setattr(filling, "COMMIT", 2)
    append, left = Warehouse.append, [True, True]

    def cut(self: Warehouse, *values: Any, **options: Any) -> None:
        if not left:
            raise ConnectionError
        left.pop()
        append(self, *values, **options)

    monkeypatch.setattr(Warehouse, "append", cut)
    with pytest.raises(ConnectionError):
        fill(warehouse, database)
    monkeypatch.setattr(Warehouse, "append", append)
    assert 0 < len(ids(warehouse)) < len(feed(database))
    fill(warehouse, database)
    assert ids(warehouse) == feed(database)


def test_a_hospital_that_was_restored_begins_its_partition_anew_and_no_other_is_touched(
    warehouse: Warehouse, database: Database, house: Hospital
) -> None:
    fill(warehouse, database, "north")
    fill(warehouse, database, "south")
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("UPDATE record.log SET epoch = epoch + 1")
    forget(database)
    admitted(house, "M9")
    assert fill(warehouse, database, "north") == (len(feed(database)), True)
    assert ids(warehouse, "north") == feed(database)
    assert ids(warehouse, "south") == feed(database)[: len(ids(warehouse, "south"))]
    assert warehouse.places()["north"].epoch == warehouse.places()["south"].epoch + 1


def test_a_person_who_was_erased_is_in_no_file_of_it(
    warehouse: Warehouse, database: Database, house: Hospital, tmp_path: Path
) -> None:
    house.patients.register_patient(request(), mrn="E1", family_name="Leavingham")
    fill(warehouse, database)
    assert answer(warehouse, "SELECT count(*) FROM events WHERE data LIKE '%Leavingham%'") == [(1,)]
    house.erasures.request_erasure(
        request(reason="as asked"), patient_mrn="E1", legal_basis=LegalBasis.OBJECTION
    )
    house.erasures.erase_patient(request(by=EVE), patient_mrn="E1")
    assert fill(warehouse, database)[1], "it is filled anew"
    assert ids(warehouse) == feed(database)
    parquet = f"read_parquet('{tmp_path}/**/*.parquet', hive_partitioning = false)"
    sql = f"SELECT count(*), count(*) FILTER (data LIKE '%Leavingham%') FROM {parquet}"
    with duckdb.connect() as duck:
        assert duck.execute(sql).fetchall() == [(len(feed(database)), 0)]
    assert fill(warehouse, database) == (0, False)


def test_two_that_fill_one_hospital_at_once_double_nothing(
    warehouse: Warehouse, database: Database, house: Hospital
) -> None:
    fill(warehouse, database)
    before = warehouse.places()["main"]
    with pytest.raises(FilledByAnother, match="main"):
        warehouse.append("main", None, before, [], anew=False)
    assert ids(warehouse) == feed(database)


def test_a_question_reaches_the_events_and_nothing_else(
    warehouse: Warehouse, database: Database, house: Hospital
) -> None:
    fill(warehouse, database)
    for sql in (
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY events TO '/tmp/elsewhere.csv'",
        "SET enable_external_access = true",
        "SELECT nothing_there FROM events",
    ):
        with pytest.raises(InvalidQuestion):
            answer(warehouse, sql)


@pytest.fixture
def ten(server: Database, worker_id: str, tmp_path: Path) -> Iterator[dict[str, Database]]:
    """Ten hospitals, each with its own database and log."""
    with ExitStack() as stack:
        template = f"network_{worker_id}"
        migrate(stack.enter_context(server.scratch(template)))
        databases = {}
        for n in range(1, 11):
            name = f"{template}_{n}"
            databases[f"hospital-{n}"] = stack.enter_context(server.scratch(name, template))
        for n, (name, database) in enumerate(databases.items(), 1):
            database.open_log("real")
            settings = Settings(home=tmp_path / "home", hospital=name)
            with closing(wired(settings, database)) as house:
                house.patients.register_patient(request(), mrn="SHARED-1", mrn_authority="nation")
                for patient in range(n):
                    admitted(house, f"M{patient}")
        yield databases


@pytest.mark.slow
def test_ten_hospitals_fill_one_warehouse_at_once_and_an_answer_names_their_positions(
    ten: dict[str, Database], warehouse: Warehouse
) -> None:
    problems: list[BaseException] = []

    def fill_own(name: str) -> None:
        try:
            fill(warehouse, ten[name], name)
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=fill_own, args=[name]) for name in ten]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with warehouse.answer(ADMISSIONS) as (_, rows, places):
        assert dict(rows) == {name: n for n, name in enumerate(ten, 1)}
    assert {name: place.position for name, place in places.items()} == {
        name: end(database) for name, database in ten.items()
    }
    for name, database in ten.items():
        assert ids(warehouse, name) == feed(database)
    known = "SELECT count(DISTINCT hospital) FROM events WHERE data->>'mrn' = 'SHARED-1'"
    assert answer(warehouse, known) == [(10,)]


@pytest.mark.parametrize("sql", ["a b", "SELECT nothing FROM events", "\udcff"])
def test_a_question_that_cannot_be_read_is_refused_in_one_sentence(
    warehouse: Warehouse, sql: str
) -> None:
    with pytest.raises(InvalidQuestion, match=r"^[A-Z][^\n]*\.$"), warehouse.answer(sql):
        pass
