"""Tests of events that cannot be read, and of occupancy, which halts where others park."""

from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from application.hospital import Hospital
from domain.aggregate import Event
from infrastructure.event_store.mapper import EventMapper, UnknownEvent
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.rebuild import DraftHalted, rebuild
from tests.support.failing import (
    NAMES,
    PARKING,
    failing,
    fill,
    model,
    parked,
    quiet,
    with_a_failing,
)
from tests.support.hospital_dsl import admitted, rows
from tests.support.shared_history import (
    catch_up,
    dump,
    end,
    forget,
    positions,
    status_of,
)

pytestmark = pytest.mark.nightly


# -- what cannot even be read --


class Unreadable(EventMapper):
    """A program that does not know one of the topics."""

    def __init__(self, topic: str) -> None:
        super().__init__()
        self._topic = topic

    def event(self, row: Sequence[Any], *, opens_reason: bool = True) -> Event:
        if row[2] == self._topic:
            raise UnknownEvent(f"The log holds events of type {self._topic!r}.")
        return super().event(row, opens_reason=opens_reason)


def test_an_event_that_nobody_can_read_parks_its_command_in_the_models_that_fold_it(
    database: Database, ward: dict[str, Any]
) -> None:
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        filler = BatchProjector(connection, mapper=Unreadable("stay.transferred"))
        filler.prepare()
        while filler.step():
            pass
    folding = {m.name for m in PARKING if parked(database, m.name)}
    assert folding == {m.name for m in PARKING if m.concerns("stay.transferred")}
    assert {"stays", "timeline"} <= folding
    assert "visits" not in folding
    assert ("UnknownEvent at stay.transferred") in {e for _, e in parked(database, "stays")}
    assert {
        p
        for (p,) in rows(
            database, "SELECT position FROM projections.status WHERE read_model = 'occupancy_v1'"
        )
    } == {end(database)}


def test_a_database_that_fails_parks_nothing(database: Database, ward: dict[str, Any]) -> None:
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP TABLE stays_v1.stays")
    try:
        with pytest.raises(psycopg.errors.UndefinedTable):
            catch_up(database)
        assert positions(database) == {0}
    finally:
        migrate(database)
    catch_up(database)
    assert all(parked(database, name) == [] for name in NAMES)


# -- occupancy --


def test_occupancy_halts_before_what_it_cannot_take_in_and_the_others_go_on(
    hospital: Hospital, database: Database, ward: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    targets = with_a_failing("occupancy", ward["moved"])
    fill(database, *targets)

    first = rows(
        database, "SELECT first FROM projections.dead_letters WHERE read_model = 'occupancy_v1'"
    )
    assert [c for c, _ in parked(database, "occupancy")] == [ward["moved"]]
    at = status_of(database, "occupancy_v1")
    assert at[0][0] == first[0][0] - 1
    assert rows(
        database, "SELECT position FROM projections.status WHERE read_model = 'stays_v1'"
    ) == [(end(database),)]
    assert f"occupancy halts at command {ward['moved']}, position {first[0][0]}" in caplog.text

    admitted(hospital, "M9", "A/1/a")
    fill(database, *targets)
    assert status_of(database, "occupancy_v1") == at
    assert rows(
        database, "SELECT position FROM projections.status WHERE read_model = 'stays_v1'"
    ) == [(end(database),)]

    catch_up(database)
    assert parked(database, "occupancy") == []
    mended = dump(database)
    forget(database)
    catch_up(database)
    assert dump(database) == mended


def test_occupancy_is_not_rebuilt_by_a_program_that_cannot_take_in_everything(
    database: Database, ward: dict[str, Any]
) -> None:
    catch_up(database)
    before = dump(database)
    with pytest.raises(DraftHalted, match="occupancy"):
        rebuild(database, [failing(model("occupancy"), ward["moved"])], quiet)
    assert dump(database) == before
