"""Reports from the command line: as a table, JSON, CSV and a picture; and what is refused."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree

import pytest

from api.exit_codes import ExitCode
from application.hospital import Hospital
from application.reports.registry import newest_definitions
from domain.stay.facts import Disposition
from infrastructure.postgres.database import Database
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, ago, request, room, rows


def days_ago(days: int) -> str:
    return (datetime.now(UTC) - timedelta(days=days)).date().isoformat()


PERIOD = ("--from", days_ago(4), "--to", days_ago(2))


@pytest.fixture
def known_before(staffed: Hospital) -> str:
    """Return when a stay was known of which the discharge was entered later."""
    room(staffed, "119", "a", "b")
    stay = admitted(staffed, "M1", "A/119/a", ago(days=5))
    before = staffed.patients.register_patient(request(), mrn="M2").recorded_at.isoformat()
    staffed.stays.discharge_patient(
        request(ago(days=3)), stay_id=stay, disposition=Disposition.HOME
    )
    return before


def test_alone_it_lists_what_reports_there_are(run: Run) -> None:
    result = run("report")
    assert result.code == 0
    assert all(f"{held.name}@{held.version}" in result.out for held in newest_definitions())
    assert len(run("report", "--format", "json").json) == len(newest_definitions())
    assert run("report", "--format", "csv").out.startswith("report,meaning,parameters\n")


@pytest.mark.parametrize(
    "option", [("--month", "2026-03"), ("--ward", "A"), ("--set", "days=7"), ("--issue",)], ids=str
)
def test_options_without_the_name_of_a_report_are_wrong_usage(
    run: Run, option: tuple[str, ...]
) -> None:
    result = run("report", *option)
    assert (result.code, result.out) == (ExitCode.USAGE, "")
    assert result.err.startswith("Name the report, or 'bundle' for all")


def test_a_report_as_a_table(run: Run, known_before: str) -> None:
    result = run("report", "bed-occupancy-rate", *PERIOD, "--ward", "A")
    assert result.code == 0
    assert "Bed occupancy rate, A" in result.out
    assert "16.7" in result.out


def test_a_report_as_json_is_its_canonical_form_with_the_digest(
    run: Run, known_before: str
) -> None:
    result = run("report", "inpatient-census", *PERIOD, "--format", "json").json
    then = run(
        "report", "inpatient-census", *PERIOD, "--format", "json", "--known-at", known_before
    ).json
    for finding, census in ((result, [1, 0, 0]), (then, [1, 1, 1])):
        assert [f["value"] for f in finding["figures"] if f["name"] == "census"] == census
        assert len(finding["digest"]) == 64
    assert result["position"] > then["position"]


def test_a_report_as_csv_has_a_row_a_figure(run: Run, known_before: str) -> None:
    result = run("report", "long-stays", *PERIOD, "--format", "csv", "--set", "days=1,9")
    rows = list(csv.DictReader(io.StringIO(result.out)))
    assert [(row["day"], row["atLeast"], row["value"]) for row in rows[:2]] == [
        (days_ago(4), "1", "1"),
        (days_ago(4), "9", "0"),
    ]


def test_a_report_as_a_picture_has_a_bar_a_value(run: Run, known_before: str) -> None:
    result = run("report", "bed-occupancy-rate", *PERIOD, "--format", "svg")
    picture = ElementTree.fromstring(result.out)
    titles = [title.text for title in picture.iter("{http://www.w3.org/2000/svg}title")]
    assert titles == [f"{days_ago(4)}: 50.0", f"{days_ago(3)}: 0.0", f"{days_ago(2)}: 0.0"]


def test_a_day_that_has_not_ended_is_left_out_and_that_is_said(run: Run, known_before: str) -> None:
    result = run("report", "inpatient-census", "--from", days_ago(1), "--to", days_ago(0))
    assert result.code == 0
    assert f"Up to {days_ago(1)}" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("bed-fullness", *PERIOD), ExitCode.REFUSED, "There is no report 'bed-fullness'"),
        (("bed-occupancy", *PERIOD), ExitCode.REFUSED, "The nearest are: bed-occupancy-rate, "),
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
    result = run("report", *arguments)
    assert result.code == code
    assert said in result.err


# -- all reports of a month --

MONTH = (datetime.now(UTC) - timedelta(days=31)).strftime("%Y-%m")


def test_a_bundle_has_a_file_for_each_report_of_a_month(
    run: Run, known_before: str, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    result = run("report", "bundle", "--month", MONTH, "--out", str(folder))
    assert (result.code, result.out) == (0, "")
    names = {f"{held.name}.csv" for held in newest_definitions()}
    assert {file.name for file in folder.iterdir()} == names
    assert {file.stat().st_mode & 0o077 for file in folder.iterdir()} == {0}
    alone = run("report", "inpatient-census", "--month", MONTH, "--csv").out
    assert (folder / "inpatient-census.csv").read_text() == alone
    again = run("report", "bundle", "--month", MONTH, "--json", "--out", str(folder))
    assert again.code == 0
    census = json.loads((folder / "inpatient-census.json").read_text())
    assert census["period"][0] == f"{MONTH}-01"


def test_a_bundle_is_of_one_position_and_recorded_as_one_reading(
    run: Run, here: Database, known_before: str
) -> None:
    result = run("report", "bundle", *PERIOD, "--json", "--known-at", known_before, "--ward", "a")
    assert len(result.json) == len(newest_definitions())
    assert len({(each["position"], each["ward"]) for each in result.json}) == 1
    (census,) = (r for r in result.json if r["definition"].startswith("inpatient-census@"))
    assert [f["value"] for f in census["figures"] if f["name"] == "census"] == [1, 1, 1]
    text = f"bundle {PERIOD[1]}..{PERIOD[3]} ward a"
    assert rows(here, "SELECT entity FROM audit.accesses") == [(text,)]
    as_csv = run("report", "bundle", *PERIOD).out
    assert all(f"{held.name}\nfigure," in as_csv for held in newest_definitions())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("bundle",), "Say which days"),
        (("bundle", "--month", "2026-13"), "--month needs a month"),
        (("bundle", "--month", MONTH, "--from", "2026-01-01"), "--month, or --from"),
        (("bundle", "--month", MONTH, "--issue"), "leave out"),
        (("inpatient-census", "--month", MONTH, "--out", "x"), "--out is of a bundle"),
    ],
)
def test_a_bundle_that_cannot_be_is_wrong_usage(
    run: Run, known_before: str, arguments: tuple[str, ...], said: str
) -> None:
    result = run("report", *arguments)
    assert (result.code, result.err.count("\n")) == (ExitCode.USAGE, 1)
    assert said in result.err


def test_a_bundle_whose_folder_cannot_be_made_is_a_sentence(run: Run, known_before: str) -> None:
    result = run("report", "bundle", "--month", MONTH, "--out", f"{__file__}/x")
    assert result.code in (ExitCode.REFUSED, ExitCode.USAGE)
    assert result.err.count("\n") == 1
