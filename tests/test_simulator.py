"""The simulated hospital: plausible, the same for the same seed, and entered late as in life."""

import gc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest

from api.simulator import AnotherHouse, SimulationResult, simulate
from api.simulator.inpatient import Inpatient
from domain.patient import Patient
from infrastructure.bootstrap import hospital as wired
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.settings import Settings
from tests.support.hospital_dsl import events

pytestmark = pytest.mark.nightly

UNTIL = datetime(2026, 3, 1, tzinfo=UTC)
BEDS, DAYS = 20, 10
Scratch = Callable[[str], Database]


@pytest.fixture(scope="module")
def scratch(server: Database, worker_id: str) -> Iterator[Scratch]:
    """Makes empty databases with a simulated log, dropped in the end."""
    with ExitStack() as stack:

        def make(name: str) -> Database:
            database = stack.enter_context(server.scratch(f"simulator_{name}_{worker_id}"))
            migrate(database)
            database.open_log("simulated")
            return database

        yield make


@dataclass(frozen=True)
class House:
    """A simulated hospital that several tests look at."""

    database: Database
    told: SimulationResult

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        return rows(self.database, query)


@pytest.fixture(scope="module")
def house(scratch: Scratch) -> House:
    database = scratch("house")
    return House(database, live(database, days=14, detail=0.5))


@pytest.fixture(scope="module")
def month(scratch: Scratch) -> House:
    """Long enough for what is rare."""
    database = scratch("month")
    return House(database, live(database, beds=40, days=30, detail=0.1))


def test_the_same_seed_gives_the_same_log_to_the_microsecond(scratch: Scratch) -> None:
    one, other = scratch("one"), scratch("other")
    assert live(one, seed=7, days=4) == live(other, seed=7, days=4)
    assert log(one) == log(other)


@pytest.mark.nightly
def test_another_seed_gives_another_hospital(house: House, scratch: Scratch) -> None:
    other = scratch("seed")
    live(other, seed=2, days=2, detail=0)
    topics = "SELECT topic, body->'entry'->>'occurred_at' FROM record.events ORDER BY position"
    assert house.rows(topics)[:100] != rows(other, topics)[:100]


def test_nothing_is_refused(house: House) -> None:
    assert house.told.refused == ()
    assert house.told.refusals == {}
    assert house.told.unrecorded == 0


def test_what_is_told_of_the_run_is_what_the_log_holds(house: House) -> None:
    commands = house.rows("SELECT operation, count(*) FROM record.commands GROUP BY 1")
    assert house.told.commands == dict(commands)
    assert house.told.stays == house.told.commands["admit_patient"]


def test_the_recording_clock_goes_forward_within_the_time_asked_for(house: House) -> None:
    recorded = [
        at for (at,) in house.rows("SELECT recorded_at FROM record.events ORDER BY position")
    ]
    assert all(before < after for before, after in pairwise(recorded))
    assert UNTIL - timedelta(days=14) < recorded[0]
    assert UNTIL - timedelta(hours=6) < recorded[-1] <= UNTIL


def test_facts_are_recorded_minutes_to_days_after_they_occurred(house: House) -> None:
    minutes = [
        delay.total_seconds() / 60
        for (delay,) in house.rows(
            "SELECT recorded_at - (body->'entry'->>'occurred_at')::timestamptz FROM record.events"
        )
    ]
    assert min(minutes) >= 0  # putting something right is of the moment in which it is told
    assert sum(m < 30 for m in minutes) > 0.8 * len(minutes)
    assert sum(60 < m < 24 * 60 for m in minutes) > 0.03 * len(minutes)
    assert max(minutes) > 24 * 60


def test_late_facts_say_why(house: House) -> None:
    late = house.rows(
        "SELECT body->'entry'->>'reason' FROM record.events WHERE recorded_at"
        " > (body->'entry'->>'occurred_at')::timestamptz + interval '61 minutes'"
    )
    assert len(late) > 50
    assert all(reason for (reason,) in late)


def test_beds_are_mostly_taken_and_somebody_is_still_there_at_the_end(house: House) -> None:
    taken = house.rows(
        "SELECT count(*) FROM generate_series(1, 13) AS days (n) JOIN record.bed_claims ON"
        f" during @> '{UNTIL.isoformat()}'::timestamptz - n * interval '1 day'"
        " AND shares_bed_of IS NULL"
    )[0][0]
    assert 0.6 < taken / 13 / BEDS <= 1
    here = house.rows("SELECT count(*) FROM record.person_claims WHERE upper_inf(during)")[0][0]
    assert 0.5 * BEDS < here < 1.5 * BEDS


def test_most_kinds_of_commands_occur(house: House) -> None:
    result = house.told.commands
    assert result["admit_patient"] > result["transfer_patient"] > 0
    assert (
        result["record_administration"] > result["write_prescription"] > result["stop_prescription"]
    )
    for operation in (
        "allocate_room",
        "change_attending",
        "change_prescription",
        "change_specialty",
        "complete_prescription",
        "finish_cleaning",
        "hold_prescription",
        "lower_flag",
        "plan_admission",
        "plan_discharge",
        "raise_flag",
        "record_allergy",
        "record_visit",
        "request_bed",
        "reserve_bed",
        "resume_prescription",
        "set_room_policy",
    ):
        assert result[operation] > 0, operation


@pytest.mark.nightly
def test_in_a_month_each_kind_of_mistake_is_made_and_put_right(month: House) -> None:
    result = month.told.commands
    assert month.told.refused == ()
    for operation in (
        "amend_visit",
        "cancel_administration",
        "cancel_discharge",
        "cancel_movement",
        "cancel_visit",
        "correct_administration",
        "correct_facts",
        "correct_movement",
        "merge_patients",
        "swap_beds",
    ):
        assert result[operation] > 0, operation
    wrong = result["correct_movement"] + result["cancel_movement"] + 2 * result["correct_facts"]
    assert 0.02 < wrong / result["transfer_patient"] < 0.3
    assert result["cancel_discharge"] < 0.1 * result["discharge_patient"]


@pytest.mark.nightly
def test_a_wrong_bed_is_corrected_an_hour_to_a_day_later(month: House) -> None:
    waits = month.rows(
        "SELECT min(later.recorded_at) - min(first.recorded_at) FROM record.events first"
        " JOIN record.events later ON later.body->>'movement' = first.body->>'movement'"
        " AND later.topic = 'stay.movement-corrected' WHERE first.topic = 'stay.transferred'"
        " GROUP BY first.body->>'movement'"
    )
    assert waits
    assert all(timedelta(hours=1) <= wait < timedelta(hours=26) for (wait,) in waits)


@pytest.mark.nightly
def test_one_who_was_registered_twice_had_a_temporary_number_and_no_name(month: House) -> None:
    log = [event for *_, event in events(month.database)]
    merged = {event.originator_id for event in log if isinstance(event, Patient.Merged)}
    assert merged
    for event in log:
        if isinstance(event, Patient.Registered) and event.originator_id in merged:
            assert event.mrn.startswith("T")
            assert event.family_name is None


def test_a_newborn_lies_in_its_mothers_bed_while_she_does(house: House) -> None:
    shared = house.rows(
        "SELECT child.during <@ mother.during FROM record.bed_claims child"
        " JOIN record.bed_claims mother ON mother.stay = child.shares_bed_of"
        " AND (mother.room, mother.bed) = (child.room, child.bed)"
        " AND mother.during && child.during"
    )
    assert shared
    assert all(inside for (inside,) in shared)
    born = house.rows(
        "SELECT count(*) FROM record.events"
        " WHERE topic = 'stay.admitted' AND body->>'admission_type' = 'NEWBORN'"
    )[0][0]
    assert 0 < born <= len(shared)


@pytest.mark.nightly
def test_a_run_that_was_broken_off_is_finished_by_running_it_again(scratch: Scratch) -> None:
    whole, broken = scratch("whole"), scratch("broken")
    expected = live(whole, days=3)

    def break_off(share: float) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        live(broken, days=3, progress=break_off)
    assert 0 < len(log(broken)) < len(log(whole))
    assert live(broken, days=3) == expected
    assert log(broken) == log(whole)


@pytest.mark.nightly
def test_less_detail_leaves_out_visits_and_doses_and_nothing_else(scratch: Scratch) -> None:
    full = live(scratch("full"), days=4)
    little = live(scratch("little"), days=4, detail=0.1)
    less = {"record_visit", "amend_visit", "cancel_visit", "record_administration"}
    less |= {"correct_administration", "cancel_administration", "break_glass"}
    for operation in full.commands.keys() - less:
        assert little.commands[operation] == full.commands[operation], operation
    doses = "record_administration"
    assert little.commands[doses] < 0.4 * full.commands[doses]  # the last day of four is whole


def test_another_hospital_does_not_move_into_the_same_log(scratch: Scratch) -> None:
    database = scratch("moved_in")
    live(database, days=1, detail=0)
    before = log(database)
    with pytest.raises(AnotherHouse):
        live(database, days=1, detail=0, seed=2)
    assert log(database) == before


@pytest.mark.parametrize("beds", [4, 7])
def test_even_a_very_small_house_lives(scratch: Scratch, beds: int) -> None:
    result = live(scratch(f"small_{beds}"), beds=beds, days=5, detail=0.1)
    assert result.stays > 3
    assert result.refusals == {}


@pytest.mark.nightly
def test_who_needs_the_data_of_a_labelled_patient_breaks_the_glass_with_a_reason(
    month: House,
) -> None:
    """Nobody else does, and nothing is refused because of a label."""
    ((labelled,),) = month.rows(
        "SELECT count(*) FROM record.events WHERE topic = 'patient.registered'"
        """ AND body::text LIKE '%"RESTRICTED"%'"""
    )
    assert 1 <= labelled < month.told.patients / 20
    broken = month.rows("SELECT role, reason FROM record.events WHERE topic = 'glass.broken'")
    assert len(broken) == month.told.commands["break_glass"] > 0
    assert {role for role, _ in broken} <= {"nurse", "bed_manager", "pharmacist"}
    assert all(reason for _, reason in broken)
    assert "NotAllowed" not in month.told.refusals


@pytest.mark.nightly
def test_those_who_left_are_forgotten(scratch: Scratch) -> None:
    remembered: Counter[bool] = Counter()

    def look(share: float) -> None:
        if share > 0.99 and not remembered:
            gc.collect()
            remembered.update(o.gone for o in gc.get_objects() if isinstance(o, Inpatient))

    result = live(scratch("forgotten"), days=18, detail=0, progress=look)
    assert result.stays > 60
    assert remembered[True] < result.stays / 4


def live(
    database: Database, *, beds: int = BEDS, days: int = DAYS, **said: Any
) -> SimulationResult:
    """Simulate into a database."""
    with closing(wired(Settings(), database)) as hospital:
        return simulate(hospital, beds=beds, days=days, until=UNTIL, **{"seed": 1, **said})


def log(database: Database) -> list[tuple[int, int, Any]]:
    """The log with its texts opened: each is sealed with another key in another database."""
    return events(database)


def rows(database: Database, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute(query.encode()).fetchall()
