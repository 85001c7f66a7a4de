"""Reports from the command line: as a table, JSON, CSV and a picture; and what is refused."""

import csv
import io
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest

from api.exit_codes import ExitCode
from application.hospital import Hospital
from application.reports.registry import newest_definitions
from domain.stay.facts import Disposition
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, ago, request, room


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


PERIOD = ("--from", days_ago(4), "--to", days_ago(2))


@pytest.fixture
def known_before(staffed: Hospital) -> str:
    """When a stay was known of which the discharge was entered later."""
    room(staffed, "119", "a", "b")
    stay = admitted(staffed, "M1", "A/119/a", ago(days=5))
    before = staffed.patients.register_patient(request(), mrn="M2").recorded_at.isoformat()
    staffed.stays.discharge_patient(
        request(ago(days=3)), stay_id=stay, disposition=Disposition.HOME
    )
    return before


def test_alone_it_lists_what_reports_there_are(run: Run) -> None:
    told = run("report")
    assert told.code == 0
    assert all(f"{held.name}@{held.version}" in told.out for held in newest_definitions())
    assert len(run("report", "--format", "json").json) == len(newest_definitions())
    assert run("report", "--format", "csv").out.startswith("report,meaning,parameters\n")


def test_a_report_as_a_table(run: Run, known_before: str) -> None:
    told = run("report", "bed-occupancy-rate", *PERIOD, "--ward", "A")
    assert told.code == 0
    assert "Bed occupancy rate, A" in told.out
    assert "16.7" in told.out


def test_a_report_as_json_is_its_canonical_form_with_the_digest(
    run: Run, known_before: str
) -> None:
    told = run("report", "inpatient-census", *PERIOD, "--format", "json").json
    then = run(
        "report", "inpatient-census", *PERIOD, "--format", "json", "--known-at", known_before
    ).json
    for found, census in ((told, [1, 0, 0]), (then, [1, 1, 1])):
        assert [f["value"] for f in found["figures"] if f["name"] == "census"] == census
        assert len(found["digest"]) == 64
    assert told["position"] > then["position"]


def test_a_report_as_csv_has_a_row_a_figure(run: Run, known_before: str) -> None:
    told = run("report", "long-stays", *PERIOD, "--format", "csv", "--set", "days=1,9")
    rows = list(csv.DictReader(io.StringIO(told.out)))
    assert [(row["day"], row["atLeast"], row["value"]) for row in rows[:2]] == [
        (days_ago(4), "1", "1"),
        (days_ago(4), "9", "0"),
    ]


def test_a_report_as_a_picture_has_a_bar_a_value(run: Run, known_before: str) -> None:
    told = run("report", "bed-occupancy-rate", *PERIOD, "--format", "svg")
    picture = ElementTree.fromstring(told.out)
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [f"{days_ago(4)}: 50.0", f"{days_ago(3)}: 0.0", f"{days_ago(2)}: 0.0"]


def test_a_day_that_has_not_ended_is_left_out_and_that_is_said(run: Run, known_before: str) -> None:
    told = run("report", "inpatient-census", "--from", days_ago(1), "--to", days_ago(0))
    assert told.code == 0
    assert f"Up to {days_ago(1)}" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("bed-fullness", *PERIOD), ExitCode.REFUSED, "There is no report 'bed-fullness'"),
        (("inpatient-census",), ExitCode.USAGE, "Say which days"),
        (("inpatient-census", "--from", "yesterday"), ExitCode.USAGE, "--from needs a day"),
        (("inpatient-census", *PERIOD, "--ward", "Z"), ExitCode.REFUSED, "There is no ward 'Z'"),
        (("inpatient-census", *PERIOD, "--set", "days"), ExitCode.USAGE, "--set needs"),
        (("inpatient-census", "--from", days_ago(2), "--to", days_ago(3)), 1, "ends before"),
    ],
)
def test_what_cannot_be_answered_is_said(
    run: Run, known_before: str, arguments: tuple[str, ...], code: int, said: str
) -> None:
    told = run("report", *arguments)
    assert told.code == code
    assert said in told.err
