"""Each report of a simulated house with corrections equals a plain fold of its events.

A small house and two weeks of it; `make nightly` has two hundred beds and a year.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from random import Random
from typing import Any

import pytest

from api.simulator import simulate
from application.hospital import Hospital
from application.reports.inputs import Question
from application.reports.registry import find_definition, newest_definitions
from domain.aggregate import Event
from domain.refusals import Refusal
from domain.stay.facts import CancellationReason
from infrastructure.bootstrap import hospital as wired
from infrastructure.bootstrap import seed
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import migrate
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.reports import inputs
from infrastructure.reports.report_data import open_report_service
from infrastructure.settings import Settings
from tests.support.hospital_dsl import events, request, rows
from tests.support.reference_flows import Flows
from tests.support.reference_reports import Plain, balanced
from tests.support.report_house import figures

pytestmark = pytest.mark.slow

BEDS = int(os.environ.get("WARDBOOK_REPORTED_BEDS", "14"))
DAYS = int(os.environ.get("WARDBOOK_REPORTED_DAYS", "16"))
DETAIL = 0.2 if DAYS < 100 else 0.02

UNTIL = datetime(2026, 4, 4, tzinfo=UTC)
LAST = date(2026, 4, 2)
FIRST = LAST - timedelta(days=DAYS - 5)
"""On 29 March the clocks of Berlin change."""

REPORTS = tuple(definition.name for definition in newest_definitions())
"""All of them: one that the plain folds do not have fails the comparison."""


@dataclass
class Lived:
    """A house that has lived, as recorded: before its corrections, and with them."""

    database: Database
    log: list[tuple[int, Event]]
    told_at: dict[int, datetime]
    before: int
    after: int
    corrected: Counter[str]


@pytest.fixture(scope="module")
def lived(server: Database, worker_id: str) -> Iterator[Lived]:
    settings = Settings(time_zone="Europe/Berlin")
    with server.scratch(f"reports_{worker_id}") as database:
        migrate(database)
        log = database.open_log("simulated")
        with closing(wired(settings, database)) as hospital:
            seed(settings, hospital, log, UNTIL - timedelta(days=DAYS + 1))
            simulate(hospital, beds=BEDS, days=DAYS, seed=3, until=UNTIL, detail=DETAIL)
            before = events(database)
            corrected = correct(hospital, [event for _, _, event in before], Random(3))
        ProjectionRunner(database.app_url).catch_up()
        result = [(position, event) for position, _, event in events(database)]
        told_at: dict[int, datetime] = dict(
            rows(database, "SELECT position, recorded_at FROM record.events")
        )
        yield Lived(database, result, told_at, before[-1][0], result[-1][0], corrected)


def correct(hospital: Hospital, told: list[Event], lot: Random) -> Counter[str]:
    """Take back and put right some of what was told; what is refused is left as it is."""
    accepted: Counter[str] = Counter()
    movements: list[Any] = [
        e for e in told if e.TOPIC.startswith("stay.") and hasattr(e, "movement")
    ]
    begun = [event for event in told if event.TOPIC == "stay.admitted"]
    gone = [event for event in told if event.TOPIC == "stay.discharged"]
    now = UNTIL
    for _ in range(max(400, 5 * DAYS)):
        now += timedelta(seconds=7)
        event = lot.choice(movements)
        moved = event.entry.occurred_at + timedelta(minutes=lot.randint(-2000, 2000))
        fields: dict[str, Any] = {"now": now, "reason": "entered wrongly"}
        because = lot.choice(list(CancellationReason))
        try:
            match lot.randint(0, 7):
                case 0 | 1 | 2:
                    name = "corrected"
                    hospital.corrections.correct_movement(
                        request(min(moved, UNTIL), **fields), movement_id=event.movement
                    )
                case 3:
                    name = "cancelled"
                    at = (
                        None
                        if because is CancellationReason.ENTERED_IN_ERROR
                        else min(moved, UNTIL)
                    )
                    hospital.corrections.cancel_movement(
                        request(at, **fields), movement_id=event.movement, because=because
                    )
                case 4:
                    name, left = "came back", lot.choice(gone)
                    later = left.entry.occurred_at + timedelta(hours=lot.randint(1, 60))
                    hospital.corrections.cancel_discharge(
                        request(min(later, UNTIL), **fields),
                        stay_id=left.originator_id,
                        because=CancellationReason.DECISION_REVERSED,
                        without_bed="corridor",
                    )
                case 5:
                    name, stay = "went on leave", event.originator_id
                    back = min(moved + timedelta(hours=lot.randint(1, 60)), UNTIL)
                    hospital.stays.start_leave(
                        request(moved, **fields), stay_id=stay, keep_bed=True
                    )
                    now += timedelta(seconds=7)
                    hospital.stays.end_leave(request(back, **{**fields, "now": now}), stay_id=stay)
                case 6:
                    name = "came by the emergency department"
                    admitted = lot.choice(begun)
                    arrived = admitted.entry.occurred_at - timedelta(minutes=lot.randint(1, 500))
                    departed = arrived + timedelta(minutes=lot.randint(0, 600))
                    hospital.stays.record_emergency_care(
                        request(arrived, **fields),
                        stay_id=admitted.originator_id,
                        departed_at=lot.choice([None, min(departed, UNTIL)]),
                    )
                case _:
                    name = "admission cancelled"
                    hospital.corrections.cancel_admission(
                        request(**fields),
                        stay_id=event.originator_id,
                        because=CancellationReason.ENTERED_IN_ERROR,
                        void_clinical_facts=True,
                    )
        except Refusal:
            continue
        accepted[name] += 1
    return accepted


def test_the_house_was_corrected_in_many_ways(lived: Lived) -> None:
    assert set(lived.corrected) == {
        "corrected",
        "cancelled",
        "came back",
        "went on leave",
        "came by the emergency department",
        "admission cancelled",
    }
    assert sum(lived.corrected.values()) > 40


@pytest.mark.parametrize("kind", [None, "Medicine", "Maternity"])
@pytest.mark.parametrize("known", ["before", "after"])
def test_every_figure_equals_the_plain_fold(lived: Lived, known: str, kind: str | None) -> None:
    """Of the hospital, and of the first ward of a kind: a big house has several."""
    position = getattr(lived, known)
    plain = Plain.of(lived.log, position, "Europe/Berlin", FIRST, LAST)
    ward = kind and min(r.ward for r in plain.rooms.values() if r.ward.startswith(kind))
    plain.ward = ward
    expected = plain.figures() | Flows(plain, lived.log, lived.told_at, position).figures()
    assert set(expected) == set(REPORTS)
    with open_report_service(lived.database.app_url, "main") as reports:
        for name in REPORTS:
            held = find_definition(name)
            question = Question(FIRST, LAST, ward, held.parameters_of({}))
            answer = reports.compute(held, question, position)
            result = {figure: figures(answer, figure) for figure in expected[name]}
            assert result == expected[name], name
            if name == "inpatient-census":
                assert balanced(
                    {figure.name: figures(answer, figure.name) for figure in held.figures}
                )


def test_the_corrections_change_figures_and_the_old_ones_come_out_again(lived: Lived) -> None:
    with inputs.report_connection(lived.database.app_url) as connection:
        for name in REPORTS:
            held = find_definition(name)
            question = Question(FIRST, LAST, None, held.parameters_of({}))
            was, now = (
                held.contributions(
                    inputs.load_inputs(connection, "main", held.needs, question, position)
                )
                for position in (lived.before, lived.after)
            )
            changed = {s for s in {*was, *now} if was.get(s, ()) != now.get(s, ())}
            put_back = {s: marks for s, marks in now.items() if s not in changed}
            put_back |= {s: was[s] for s in changed if s in was}
            assert changed
            assert held.rows(question, now) != held.rows(question, was), name
            assert held.rows(question, put_back) == held.rows(question, was), name
