"""Copies of the record that are left of a person: the broker's stream, the warehouse, an import."""

from pathlib import Path

import duckdb
import pytest

pytest.importorskip("pyiceberg", reason="needs the extra warehouse")
pytest.importorskip("nats", reason="needs the extra broker")

from api.warehouse.filling import fill_warehouse
from api.warehouse.iceberg import Warehouse
from infrastructure.postgres.database import Database
from tests.api.test_broker import STREAM, bridge
from tests.api.test_canary import followed, said
from tests.faults.test_bytes_left import found_in
from tests.mistakes.test_erasure import Person, erase, officer, where
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient
from tests.support.jetstream import JetStream

__all__ = ["officer"]

TIMELINE = "subscription($mrn: String) { timelineExtended(mrn: $mrn) { id summary } }"


def in_parquet(folder: Path, sign: str) -> bool:
    """Return whether a sign is in any Parquet file of a folder, which are compressed."""
    sql = f"SELECT count(*) FROM read_parquet('{folder}/**/*.parquet') WHERE data LIKE '%{sign}%'"
    with duckdb.connect() as duck:
        return duck.execute(sql).fetchall() != [(0,)]


def test_nothing_is_left_of_who_was_erased_in_what_the_house_makes_anew(
    ward: Ward,
    officer: GraphQLClient,
    database: Database,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The feed is clear: a stream is refilled by the house, a warehouse by its next filling."""
    caplog.set_level("DEBUG")
    (tmp_path / "broker").mkdir()
    broker, warehouse = JetStream(tmp_path / "broker"), Warehouse(tmp_path / "warehouse")
    broker.start()
    try:
        person = Person(ward)
        with followed(ward.client.http) as socket:
            assert said(socket, TIMELINE.replace("subscription", "query"), mrn=person.mrn)
        bridge(database, broker)
        fill_warehouse(warehouse, database, database.open_log(), "main", lambda *_: None)
        assert person.sign in str(broker.events(STREAM))
        assert found_in(tmp_path / "broker", person.sign)
        assert in_parquet(tmp_path / "warehouse", person.sign)

        erase(ward, officer, person.mrn)

        fill_warehouse(warehouse, database, database.open_log(), "main", lambda *_: None)
        assert not in_parquet(tmp_path / "warehouse", person.sign)
        assert found_in(tmp_path / "broker", person.sign), "it has what was published"
        bridge(database, broker, refill=True)
        events = str(broker.events(STREAM))
        assert person.sign not in events
        assert person.born not in events
        assert "wardbook.patient.erased.v1" in events
    finally:
        broker.kill()
    for sign in (person.sign, person.born):
        assert found_in(tmp_path, sign) == set(), sign
    assert person.sign not in caplog.text
    assert where(database, person.sign) == set()
