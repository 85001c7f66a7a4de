"""Each report on real hospital stays equals a plain fold of their events, where there are such data."""

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

import pytest

from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from domain.aggregate import Event
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.reports.report_data import open_report_service
from tests.imports.conftest import PATIENTS, Run
from tests.support.hospital_dsl import events, rows
from tests.support.reference_flows import Flows
from tests.support.reference_reports import Plain
from tests.support.report_house import figures

pytestmark = pytest.mark.slow

FIRST, LAST = date(2015, 1, 1), date(2015, 12, 31)
"""The year in which most of the patients of the demo were in hospital."""

NOTHING_TO_COUNT = {"leave-days"}
"""The source has no leaves."""


@dataclass(frozen=True, slots=True)
class Told:
    """The imported log, and where its reports are computed from."""

    url: str
    log: list[tuple[int, Event]]
    told_at: dict[int, datetime]
    ends: list[int]
    """The last positions of the commands."""


@pytest.fixture(scope="module")
def told(real_run: Run) -> Told:
    database = real_run.imported.database
    ProjectionRunner(database.app_url).catch_up()
    result = events(database)
    told_at = dict(rows(database, "SELECT position, recorded_at FROM record.events"))
    log = [(at, event) for at, _, event in result]
    return Told(database.app_url, log, told_at, sorted({end for _, end, _ in result}))


@pytest.mark.parametrize(
    ("share", "ward"),
    [(Fraction(1), None), (Fraction(1, 2), "Emergency Department")],
    ids=["all of it", "half of it, a ward"],
)
def test_every_figure_of_real_stays_equals_the_plain_fold(
    told: Told, share: Fraction, ward: str | None
) -> None:
    position = told.ends[int(len(told.ends) * share) - 1]
    plain = Plain.of(told.log, position, "UTC", FIRST, LAST)
    plain.ward = ward
    expected = plain.figures() | Flows(plain, told.log, told.told_at, position).figures()
    assert set(expected) == {held.name for held in newest_definitions()}
    counted = set()
    with open_report_service(told.url, "main") as reports:
        for held in newest_definitions():
            question = Question(FIRST, LAST, ward, held.parameters_of({}))
            report = reports.compute(held, question, position)
            result = {figure: figures(report, figure) for figure in expected[held.name]}
            assert result == expected[held.name], held.name
            if any(value for values in result.values() for value in values):
                counted.add(held.name)
    if ward is None and PATIENTS == "all":
        assert counted == {held.name for held in newest_definitions()} - NOTHING_TO_COUNT
    elif ward is None:
        assert len(counted) > 12, "a few patients have something for most of the reports"
