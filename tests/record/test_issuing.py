"""Reports issued and restated: what is recorded, what is refused, and why a figure changed."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from application.commands.reports import ReportParameter, ReportPeriod
from application.hospital import Hospital
from application.reports.issued import report_of
from application.reports.service import FiguresNotReadable
from domain.refusals import CommandIdReused, InvalidInput, NotFound
from domain.report import Cause, Change, Report
from domain.stay.aggregate import Stay
from domain.stay.facts import Disposition
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import LIVE
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.support.failing import fill, with_a_failing
from tests.support.hospital_dsl import admitted, ago, request, room, rows

CENSUS = "inpatient-census"


def day(days: float) -> date:
    return (datetime.now(UTC) - timedelta(days=days)).date()


def issue(hospital: Hospital, first: int, last: int, **content: Any) -> Report.Issued:
    """A census of the days so many days ago, as known when it is asked for."""
    content = {"name": CENSUS, **content}
    period = ReportPeriod(day(first), day(last))
    (event,) = hospital.reports.issue_report(request(), period=period, **content).events
    assert isinstance(event, Report.Issued)
    return event


def restate(hospital: Hospital, issued: UUID) -> Report.Restated:
    (event,) = hospital.reports.restate_report(request(), issue_id=issued).events
    assert isinstance(event, Report.Restated)
    return event


def discharge(hospital: Hospital, stay: UUID, at: datetime) -> UUID:
    answer = hospital.stays.discharge_patient(
        request(at), stay_id=stay, disposition=Disposition.HOME
    )
    (movement,) = [e.movement for e in answer.events if isinstance(e, Stay.Discharged)]
    return movement


def facts(database: Database, cause: Cause) -> list[str]:
    """Return the facts of a cause, in order."""
    result = rows(
        database,
        "SELECT topic FROM record.events WHERE position = ANY(%s) ORDER BY position",
        [list(cause.facts)],
    )
    return [topic for (topic,) in result]


def changes(event: Report.Restated, name: str = "census") -> list[Change]:
    return [change for change in event.changes if change.name == name]


@pytest.fixture
def read(hospital: Hospital, follower: ProjectionRunner) -> Callable[[], None]:
    """Let the read models learn of all that was recorded."""
    room(hospital)

    def learn() -> None:
        follower.catch_up()

    return learn


def test_a_late_discharge_changes_the_figures_of_its_days_and_is_their_cause(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    gone = admitted(hospital, "M1", "A/1/a", ago(days=6))
    stayed = admitted(hospital, "M2", "A/1/b", ago(days=6))
    read()
    issued = issue(hospital, 5, 2)
    assert [f.value for f in issued.said.figures if f.name == "census"] == [2, 2, 2, 2]

    discharge(hospital, gone, ago(days=3))
    hospital.stays.change_specialty(request(), stay_id=stayed, specialty="surgery")
    read()
    restated = restate(hospital, issued.originator_id)
    result = [(dict(c.of)["day"], c.old, c.new, c.causes) for c in changes(restated)]
    assert result == [(str(day(3)), 2, 1, (0,)), (str(day(2)), 2, 1, (0,))]
    (cause,) = restated.causes
    assert (cause.kind, cause.id) == ("stay", str(gone))
    assert facts(database, cause) == ["stay.discharged"]


def test_what_is_restated_again_says_what_changed_since_it_was_said_last(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    stay = admitted(hospital, "M1", "A/1/a", ago(days=6))
    read()
    issued = issue(hospital, 5, 2).originator_id
    movement = discharge(hospital, stay, ago(days=3))
    read()
    assert len(changes(restate(hospital, issued))) == 2
    hospital.corrections.correct_movement(
        request(reason="wrong day", occurred_at=ago(days=2)), movement_id=movement
    )
    read()
    again = restate(hospital, issued)
    assert [(c.old, c.new) for c in changes(again)] == [(0, 1)]
    assert facts(database, again.causes[0]) == ["stay.movement-corrected"]


def test_causes_that_offset_each_other_are_told_though_the_figure_is_the_same(
    hospital: Hospital, read: Callable[[], None]
) -> None:
    here = admitted(hospital, "M1", "A/1/a", ago(days=6))
    read()
    issued = issue(hospital, 3, 3).originator_id
    discharge(hospital, here, ago(days=5))
    came = admitted(hospital, "M2", "A/1/a", ago(days=4))
    read()
    restated = restate(hospital, issued)
    (change,) = changes(restated)
    assert (change.old, change.new) == (1, 1)
    assert {restated.causes[n].id for n in change.causes} == {str(here), str(came)}


def test_a_bed_closed_late_is_the_cause_of_another_occupancy_rate(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    admitted(hospital, "M1", "A/1/a", ago(days=6))
    read()
    issued = issue(hospital, 4, 3, name="bed-occupancy-rate").originator_id
    closed = request(ago(days=5), reason="a leak, told late")
    hospital.rooms.close_bed(closed, ward="A", room="1", bed="b", until=ago(days=1))
    read()
    restated = restate(hospital, issued)
    (change,) = changes(restated, "occupancyRate")
    assert (change.old, change.new) == (50, 100)
    (cause,) = restated.causes
    assert (cause.kind, facts(database, cause)) == ("bed", ["room.bed-closed"])


def test_another_census_time_is_a_fact_about_everybody_whose_days_it_changes(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    at = datetime.combine(day(4), datetime.min.time(), UTC).replace(hour=20)
    admitted(hospital, "M1", "A/1/a", at)
    read()
    issued = issue(hospital, 4, 3).originator_id
    hospital.calendar.set_hospital_time(
        request(), time_zone="UTC", census_time=datetime.min.time().replace(hour=12)
    )
    read()
    restated = restate(hospital, issued)
    assert [(c.old, c.new) for c in changes(restated)] == [(1, 0)]
    assert facts(database, restated.causes[0]) == ["hospital-time.set"]


@pytest.mark.nightly
def test_an_issue_comes_out_the_same_from_read_models_that_are_filled_anew(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    stay = admitted(hospital, "M1", "A/1/a", ago(days=6))
    read()
    issued = issue(hospital, 5, 2)
    before = report_of(issued.terms, issued.said).canonical()
    discharge(hospital, stay, ago(days=3))
    read()
    restate(hospital, issued.originator_id)
    read()
    rebuild(database, READ_MODELS, lambda done, total: None)
    terms = issued.terms
    with hospital.reports.open_service() as service:
        answer = service.of_period(
            report_of(terms, issued.said).definition,
            terms.first,
            terms.last,
            terms.ward,
            position=issued.said.position,
        )
    assert answer.canonical() == before
    assert answer.digest == issued.said.digest
    (reports,) = [c for c in verify(database) if c.promise.startswith("issued reports")]
    assert (reports.looked_at, reports.broken) == (2, 0)


def test_a_repeated_command_gets_the_first_answer_though_more_is_known_by_now(
    hospital: Hospital, read: Callable[[], None]
) -> None:
    stay = admitted(hospital, "M1", "A/1/a", ago(days=6))
    read()
    said, period = request(), ReportPeriod(day(5), day(2))
    first = hospital.reports.issue_report(said, name=CENSUS, period=period)
    discharge(hospital, stay, ago(days=3))
    read()
    again = hospital.reports.issue_report(said, name=CENSUS, period=period)
    assert (again.repeated, again.events) == (True, first.events)
    with pytest.raises(CommandIdReused):
        hospital.reports.issue_report(said, name=CENSUS, period=ReportPeriod(day(5), day(3)))

    restating = request()
    issued = first.ids("report")[0]
    restated = hospital.reports.restate_report(restating, issue_id=issued)
    read()
    assert hospital.reports.restate_report(restating, issue_id=issued).events == restated.events


def test_what_cannot_be_issued_or_restated_is_refused(
    hospital: Hospital, read: Callable[[], None]
) -> None:
    read()
    with pytest.raises(NotFound):
        issue(hospital, 3, 2, name="nonsense")
    with pytest.raises(NotFound):
        issue(hospital, 3, 2, ward="Z")
    with pytest.raises(InvalidInput):
        issue(hospital, 2, 3)
    with pytest.raises(InvalidInput):
        issue(hospital, 3, 2, parameters=[ReportParameter("nonsense", "1")])
    with pytest.raises(NotFound):
        hospital.reports.restate_report(request(), issue_id=UUID(int=1))
    issued = issue(hospital, 3, 2).originator_id
    with pytest.raises(InvalidInput, match="nothing was recorded since"):
        restate(hospital, issued)
    read()
    assert restate(hospital, issued).changes == ()  # all that is new is the issue itself


def test_nothing_is_issued_while_a_read_model_lacks_a_command(
    hospital: Hospital, database: Database, read: Callable[[], None]
) -> None:
    read()
    hospital.patients.register_patient(result := request(), mrn="M1")
    fill(database, *with_a_failing("patients", result.command_id))
    with pytest.raises(FiguresNotReadable, match="patients"):
        issue(hospital, 3, 2)
    hospital.projections.retry_parked(request(), name="patients")
    fill(database, *LIVE)
    issue(hospital, 3, 2)


@pytest.mark.parametrize("late", [1, 10, 30])
def test_after_many_late_facts_the_causes_are_all_of_them_and_nobody_else(
    hospital: Hospital, database: Database, follower: ProjectionRunner, late: int
) -> None:
    beds = [f"b{n}" for n in range(late + 3)]
    room(hospital, "1", *beds, at=ago(days=60))
    stays = [
        admitted(hospital, f"M{n}", f"A/1/{bed}", ago(days=40 - n / 10))
        for n, bed in enumerate(beds)
    ]
    follower.catch_up()
    issued = issue(hospital, 35, 5).originator_id
    for n, stay in enumerate(stays[:late]):
        discharge(hospital, stay, ago(days=30 - n / 4))
    follower.catch_up()
    restated = restate(hospital, issued)
    assert {cause.id for cause in restated.causes} == {str(stay) for stay in stays[:late]}
    assert [facts(database, cause) for cause in restated.causes] == [["stay.discharged"]] * late
    for change in changes(restated):
        assert isinstance(change.old, int)
        assert isinstance(change.new, int)
        assert change.old - change.new == len(change.causes)
