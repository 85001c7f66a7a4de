"""Plans of queries: a few entities are found by their ids, a hospital by the moment.

Plans are made for any moment (`Database.async_engine`), here of empty tables, with an index where
one can be used at all: what a plan may use does not depend on how much there is.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from importlib import import_module
from inspect import iscoroutinefunction
from itertools import count
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.hospital_calendar import LocalDays
from infrastructure.postgres.database import Database
from infrastructure.projections.bitemporal_table import TABLES
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.bed_search import BedCriteria, beds_found
from infrastructure.queries.deceased import deceased
from infrastructure.queries.differences import bed_changes, exposure, facts_between, facts_by_id
from infrastructure.queries.doses_due import DoseOrder, doses_due
from infrastructure.queries.facts_with_stays import prescriptions_with_stays, visits_with_stays
from infrastructure.queries.house_totals import house_totals
from infrastructure.queries.late_entries import late_entries_page
from infrastructure.queries.patient_search import (
    PatientCriteria,
    likely_duplicates,
    patients_page,
)
from infrastructure.queries.projection_status import parked_things
from infrastructure.queries.row_security import Viewer
from infrastructure.queries.stay_search import (
    StayCriteria,
    StayOrder,
    stay_count,
    stays_page,
)
from infrastructure.queries.tables_read import (
    ROW_SECURITY,
    Query,
    declared_queries,
    require_valid_time_boundaries,
    tables_read,
)
from infrastructure.queries.unplaced import unplaced_in
from infrastructure.queries.waiting_list import (
    ArrivalCriteria,
    all_waiting,
    expected_arrival_count,
    expected_arrivals_page,
)
from infrastructure.read_models import READ_MODELS
from infrastructure.read_models.allergies import allergies_of_persons, patients_of_allergies
from infrastructure.read_models.cleaning_rules import rules_known
from infrastructure.read_models.consults import (
    consults_by_id,
    consults_of,
    open_consults,
)
from infrastructure.read_models.expected_arrivals import expected_arrivals_by_id
from infrastructure.read_models.flags import flags_of, stays_of_flags
from infrastructure.read_models.occupancy import beds_of, board, occupancy_history, stretches_of
from infrastructure.read_models.patients import (
    deaths_of_persons,
    labels_of_persons,
    other_records_of,
    patient_by_mrn,
    patients_by_id,
    records_of,
    records_of_each,
)
from infrastructure.read_models.practitioners import (
    PractitionerCriteria,
    practitioners_by_id,
    practitioners_page,
)
from infrastructure.read_models.prescriptions import (
    doses_of,
    prescriptions_by_id,
    prescriptions_of,
    prescriptions_of_doses,
    stopped_by,
)
from infrastructure.read_models.rooms import (
    bed_periods,
    has_spell,
    room_periods,
    rooms_by_id,
    rooms_of_ward,
    spells_of,
    wards,
)
from infrastructure.read_models.source_movements import pending_page, source_movements_by_id
from infrastructure.read_models.stays import (
    children_of,
    mothers_of,
    stay_periods,
    stays_by_id,
    stays_of_persons,
)
from infrastructure.read_models.timeline.altered import altered_details
from infrastructure.read_models.timeline.queries import (
    Reading,
    TimelineCriteria,
    TimelineOrder,
    entries_by_id,
    entries_recorded,
    entry_by_id,
    first_entries,
    merges_of_persons,
    movements_of,
    timeline_page,
)
from infrastructure.read_models.timeline.recordings import changes_of_prescriptions, recordings_of
from infrastructure.read_models.visits import visits_by_id, visits_of
from tests.support.growth import read_models_without_statistics

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
ID = uuid4()
LATEST = TimelineOrder.LATEST_FIRST
Sends = Callable[[AsyncConnection, AsOf], Awaitable[Any]]
MODULES = [
    "infrastructure.queries.differences",
    "infrastructure.queries.doses_due",
    "infrastructure.queries.late_entries",
    "infrastructure.queries.stay_search",
    "infrastructure.read_models.timeline.queries",
    "infrastructure.read_models.timeline.recordings",
    *(f"infrastructure.read_models.{m.name}" for m in READ_MODELS if m.name != "timeline"),
]
VIEWERS = {
    "the house": Viewer(),
    "a ward": Viewer(wards=frozenset({"A"}), hidden=frozenset({"RESTRICTED"})),
}

FEW: dict[str, Sends] = {
    "patients": lambda c, at: patients_by_id(c, [ID], at),
    "patient": lambda c, at: patient_by_mrn(c, "M1", "main", at),
    "records": lambda c, at: records_of(c, ID, at),
    "practitioners": lambda c, at: practitioners_by_id(c, [ID], at),
    "rooms": lambda c, at: rooms_by_id(c, [ID], at),
    "stays": lambda c, at: stays_by_id(c, [ID], at),
    "stays of a patient": lambda c, at: stays_page(c, StayCriteria(patients=(ID,)), at, 50, None),
    "stays of persons": lambda c, at: stays_of_persons(c, [ID], at),
    "mothers": lambda c, at: mothers_of(c, [ID], at),
    "children": lambda c, at: children_of(c, [ID], at),
    "visits": lambda c, at: visits_of(c, [ID], at),
    "prescriptions": lambda c, at: prescriptions_by_id(c, [ID], at),
    "allergies": lambda c, at: allergies_of_persons(c, [ID], at),
    "flags": lambda c, at: flags_of(c, [ID], at),
    "consults of a stay": lambda c, at: consults_of(c, [ID], at),
    "consults": lambda c, at: consults_by_id(c, [ID], at),
    "expected arrivals": lambda c, at: expected_arrivals_by_id(c, [ID], at),
    "likely duplicates": lambda c, at: likely_duplicates(c, "A", "B", NOW.date(), None, at),
    "prescriptions of a stay": lambda c, at: prescriptions_of(c, [ID], at),
    "doses": lambda c, at: doses_of(c, [ID], at),
    "beds of a stay": lambda c, at: stretches_of(c, [ID], at),
    "who recorded": lambda c, at: recordings_of(c, [ID], at),
    "changes of a prescription": lambda c, at: changes_of_prescriptions(c, [ID], at),
    "timeline of a patient": lambda c, at: timeline_page(c, at, 50, None, patients=[ID]),
    "timelines of stays": lambda c, at: first_entries(
        c, [ID], at, "stay", TimelineCriteria(Reading.RECORD, ("STAY_ADMITTED",)), 50
    ),
    "timelines of patients": lambda c, at: first_entries(
        c, [ID], at, "patient", TimelineCriteria(Reading.TRUTH, None, NOW, NOW, LATEST), 50
    ),
    "timeline of a stay": lambda c, at: timeline_page(c, at, 50, None, stay=ID),
}
HOUSE: dict[str, tuple[Sends, str]] = {
    "open stays": (lambda c, at: stays_page(c, StayCriteria(), at, 50, None), "stays_open"),
    "board": (lambda c, at: board(c, at), "stretches_when"),
    "waiting": (lambda c, at: all_waiting(c, at), "expected_arrivals_waiting"),
    "totals": (lambda c, at: house_totals(c, at, "main", "A", 24), "stretches_when"),
    "who waits": (
        lambda c, at: expected_arrivals_page(c, ArrivalCriteria(), at, 50, None),
        "expected_arrivals_waiting",
    ),
    "who is in the house": (
        lambda c, at: patients_page(c, PatientCriteria("A", in_house=True), at, 50, None),
        "stays_open",
    ),
    "who is called so": (
        lambda c, at: patients_page(c, PatientCriteria("de la A"), at, 50, None),
        "patients_prefixes",
    ),
    "history": (
        lambda c, at: occupancy_history(
            c, at, NOW - timedelta(days=7), NOW, "A", None, None, 5_001
        ),
        "stretches_when",
    ),
}


@pytest.fixture(scope="module", autouse=True)
def without_statistics(own: Database) -> Iterator[None]:
    """Tables as new, which the server has not vacuumed: see `read_models_without_statistics`."""
    with read_models_without_statistics(own):
        yield


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("name", FEW)
def test_a_few_things_are_never_looked_for_among_all_that_hold_then(
    database: Database, name: str, viewer: str
) -> None:
    plans = asyncio.run(_plans(database, FEW[name], AsOf(NOW, 1, VIEWERS[viewer])))
    assert "Index" in plans
    assert "_when" not in plans


@pytest.mark.parametrize("name", HOUSE)
def test_a_house_is_looked_for_by_the_moment(database: Database, name: str) -> None:
    sends, index = HOUSE[name]
    assert index in asyncio.run(_plans(database, sends, AsOf(NOW, 1)))


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize(
    ("query", "index"), [(likely_duplicates, "patients_name"), (wards, "beds_when")]
)
def test_what_is_found_by_its_values_or_rooms_is_found_in_no_other_order(
    own: Database, query: Query, index: str, viewer: str
) -> None:
    """With some statistics all names, or for each room all beds of the house, were gone through."""
    statements = asyncio.run(_statements(own, READS[query], AsOf(NOW, 1, VIEWERS[viewer])))
    with psycopg.connect(own.app_url) as connection:
        connection.execute("SET enable_seqscan = off; SET enable_sort = off")
        connection.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
        for statement in statements:
            explain = "EXPLAIN (GENERIC_PLAN) " + _with_numbers(statement)
            lines = [line for (line,) in connection.execute(explain.encode())]
            assert [line for line in lines if f" {index} " in f"{line} "] == []


SHORT_LIVED = {"rooms", "beds", "spells", "stretches", "cleaning_rules", "practitioners"}
"""Tables of which few rows hold at a moment, however old the log is."""

READS: dict[Query, Sends] = {
    patients_by_id: FEW["patients"],
    patient_by_mrn: FEW["patient"],
    records_of: FEW["records"],
    records_of_each: lambda c, at: records_of_each(c, [ID], at),
    other_records_of: lambda c, at: other_records_of(c, [ID], at),
    patients_page: lambda c, at: _patients_in_all_ways(c, at),
    likely_duplicates: FEW["likely duplicates"],
    practitioners_by_id: FEW["practitioners"],
    practitioners_page: lambda c, at: practitioners_page(
        c, PractitionerCriteria("1", "A", "B"), at, 50, ("1",)
    ),
    wards: lambda c, at: wards(c, at),
    rooms_of_ward: lambda c, at: rooms_of_ward(c, "W0", at),
    rooms_by_id: FEW["rooms"],
    board: lambda c, at: board(c, at, "A", [ID]),
    room_periods: lambda c, at: room_periods(c, [ID], at),
    bed_periods: lambda c, at: bed_periods(c, [ID], at),
    spells_of: lambda c, at: spells_of(c, [ID], at),
    beds_of: lambda c, at: beds_of(c, [ID], at),
    occupancy_history: HOUSE["history"][0],
    stretches_of: FEW["beds of a stay"],
    recordings_of: FEW["who recorded"],
    changes_of_prescriptions: FEW["changes of a prescription"],
    stays_by_id: FEW["stays"],
    stays_of_persons: FEW["stays of persons"],
    stays_page: lambda c, at: stays_page(
        c, StayCriteria(ward="A"), at, 50, ("", ID), StayOrder.PATIENT_NAME
    ),
    stay_count: lambda c, at: stay_count(c, StayCriteria(ward="A"), at),
    stay_periods: lambda c, at: stay_periods(c, ID, at),
    visits_of: FEW["visits"],
    rules_known: lambda c, at: rules_known(c, at),
    allergies_of_persons: FEW["allergies"],
    flags_of: FEW["flags"],
    consults_of: FEW["consults of a stay"],
    consults_by_id: FEW["consults"],
    visits_by_id: lambda c, at: visits_by_id(c, [ID], at),
    visits_with_stays: lambda c, at: visits_with_stays(c, [ID], at),
    prescriptions_with_stays: lambda c, at: prescriptions_with_stays(c, [ID], at),
    prescriptions_by_id: FEW["prescriptions"],
    prescriptions_of: FEW["prescriptions of a stay"],
    doses_of: FEW["doses"],
    patients_of_allergies: lambda c, at: patients_of_allergies(c, [ID], at),
    stays_of_flags: lambda c, at: stays_of_flags(c, [ID], at),
    prescriptions_of_doses: lambda c, at: prescriptions_of_doses(c, [ID], at),
    stopped_by: lambda c, at: stopped_by(c, ID, at),
    beds_found: lambda c, at: beds_found(c, at, "A", BedCriteria(free_until=NOW)),
    all_waiting: HOUSE["waiting"][0],
    house_totals: HOUSE["totals"][0],
    expected_arrivals_by_id: FEW["expected arrivals"],
    expected_arrival_count: lambda c, at: expected_arrival_count(c, ArrivalCriteria(), at),
    expected_arrivals_page: lambda c, at: expected_arrivals_page(
        c, ArrivalCriteria(ward="A", patients=(ID,)), at, 50, (1, NOW, ID)
    ),
    source_movements_by_id: lambda c, at: source_movements_by_id(c, [ID], at),
    pending_page: lambda c, at: pending_page(c, "HIS", at, 50, (NOW, ID)),
    timeline_page: FEW["timeline of a stay"],
    first_entries: FEW["timelines of stays"],
    late_entries_page: lambda c, at: late_entries_page(c, at, 1, 50, (9, 9), "A"),
    entries_by_id: lambda c, at: entries_by_id(c, [ID], at),
    entry_by_id: lambda c, at: entry_by_id(c, ID, at),
    entries_recorded: lambda c, at: entries_recorded(c, 0, 1, 50, stay=ID),
    movements_of: lambda c, at: movements_of(c, [ID], at),
    altered_details: lambda c, at: altered_details(c, [ID], at),
    merges_of_persons: lambda c, at: merges_of_persons(c, [ID], at),
    facts_between: lambda c, at: facts_between(c, [ID], 0, at),
    facts_by_id: lambda c, at: facts_by_id(c, [ID], at),
    bed_changes: lambda c, at: bed_changes(c, "A", at, at),
    exposure: lambda c, at: exposure(c, ID, at),
    has_spell: lambda c, at: has_spell(c, ID, at),
    deaths_of_persons: lambda c, at: deaths_of_persons(c, [ID], at),
    labels_of_persons: lambda c, at: labels_of_persons(c, [ID], at),
    deceased: lambda c, at: deceased(c, at, "A"),
    doses_due: lambda c, at: doses_due(c, at, LocalDays(), "A", HOUR, HOUR, DoseOrder.PATIENT_NAME),
    unplaced_in: lambda c, at: unplaced_in(c, "A", at),
    open_consults: lambda c, at: open_consults(c, at, "A"),
    mothers_of: FEW["mothers"],
    children_of: FEW["children"],
    parked_things: lambda c, at: parked_things(c, [ID], at),
}


@pytest.mark.parametrize("query", READS, ids=lambda query: query.__name__)
def test_a_query_reads_the_tables_that_it_declares(database: Database, query: Query) -> None:
    declared = {table.fullname for table in tables_read(query)}
    read = {
        viewer: _tables(
            asyncio.run(_statements(database, READS[query], AsOf(NOW, 1, VIEWERS[viewer])))
        )
        for viewer in VIEWERS
    }
    assert read["a ward"] <= declared
    assert declared - read["the house"] <= {TABLES[name].fullname for name in ROW_SECURITY}


@pytest.mark.parametrize("viewer", VIEWERS)
@pytest.mark.parametrize("query", READS, ids=lambda query: query.__name__)
def test_no_plan_reads_all_that_was_ever_recorded(
    database: Database, query: Query, viewer: str
) -> None:
    """The last row of what is over holds at every later moment: its table's index finds them all."""
    plans = asyncio.run(_plans(database, READS[query], AsOf(NOW, 1, VIEWERS[viewer])))
    assert set(re.findall(r"(\w+)_when", plans)) <= SHORT_LIVED
    assert "Seq Scan" not in plans


def test_each_query_of_a_read_model_declares_what_it_reads() -> None:
    modules = [import_module(name) for name in MODULES]
    queries = {
        query
        for module in modules
        for query in vars(module).values()
        if iscoroutinefunction(query)
        and not query.__name__.startswith("_")
        and query.__module__ == module.__name__
    }
    assert queries <= declared_queries() == READS.keys()


def test_a_cacheable_response_reads_tables_with_valid_time_boundaries_alone() -> None:
    require_valid_time_boundaries(board)
    require_valid_time_boundaries(stays_page)
    with pytest.raises(TypeError, match=r"visits_v1\.visits, which has no valid-time boundaries"):
        require_valid_time_boundaries(visits_of)
    with pytest.raises(TypeError, match="does not declare"):
        require_valid_time_boundaries(_plans)


async def _patients_in_all_ways(connection: AsyncConnection, at: AsOf) -> None:
    """Ask for patients in the house, by what many share, by what few have, and for all."""
    for criteria in (
        PatientCriteria("A", in_house=True),
        PatientCriteria("A"),
        PatientCriteria("Adams", born_from=NOW.date(), sex="FEMALE"),
        PatientCriteria(),
    ):
        await patients_page(connection, criteria, at, 50, ("", ID))


async def _plans(database: Database, sends: Sends, at: AsOf) -> str:
    """Return the plans of all statements of a query, for any values."""
    statements = await _statements(database, sends, at)
    engine = database.async_engine(1)
    async with engine.connect() as connection:
        await connection.exec_driver_sql("SET enable_seqscan = off")
        lines = [
            line
            for statement in statements
            for (line,) in await connection.exec_driver_sql(
                "EXPLAIN (GENERIC_PLAN) " + _with_numbers(statement)
            )
        ]
    await engine.dispose()
    return "\n".join(lines)


async def _statements(database: Database, sends: Sends, at: AsOf) -> list[str]:
    """Return the statements that a query sends."""
    engine = database.async_engine(1)
    statements: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    async with engine.connect() as connection:
        assert connection.sync_connection
        event.listen(connection.sync_connection, "before_cursor_execute", note)
        await sends(connection, at)
        event.remove(connection.sync_connection, "before_cursor_execute", note)
    await engine.dispose()
    return statements


def _tables(statements: list[str]) -> set[str]:
    """Return the bitemporal tables that statements name."""
    named = {name for statement in statements for name in re.findall(r"\w+_v\d+\.\w+", statement)}
    return named & {table.fullname for table in TABLES.values()}


def _with_numbers(statement: str) -> str:
    """Return a statement with its parameters numbered, as PostgreSQL names them."""
    number = count(1)
    return re.sub(r"%\(\w+\)s", lambda _: f"${next(number)}", statement)
