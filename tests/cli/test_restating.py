"""Issuing a report on the command line, and restating it with what changed."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.hospital import Hospital
from domain.stay.facts import Disposition
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, ago, request, room

FROM, TO = (str((datetime.now(UTC) - timedelta(days=days)).date()) for days in (4, 2))
CENSUS = ("report", "inpatient-census", "--from", FROM, "--to", TO)


@pytest.fixture
def stay(staffed: Hospital) -> UUID:
    room(staffed)
    return admitted(staffed, "M1", "A/1/a", ago(days=6))


def restated(run: Run, issue: str, *options: str) -> Any:
    return run("restate", issue, "--json", *options).json


def test_an_issued_report_is_restated_with_what_changed_and_why(
    run: Run, staffed: Hospital, stay: UUID
) -> None:
    result = run(*CENSUS, "--format", "json", "--issue")
    assert result.code == 0
    issue = result.err.split()[-1]
    assert result.json == run(*CENSUS, "--format", "json").json | {
        "position": result.json["position"],
        "digest": result.json["digest"],
    }
    staffed.stays.discharge_patient(
        request(ago(days=3)), stay_id=stay, disposition=Disposition.HOME
    )
    again = restated(run, issue, "--reason", "the month is closed")
    census = [c for c in again["changes"] if c["name"] == "census"]
    assert [(c["old"], c["new"], c["causes"]) for c in census] == [(1, 0, [0])] * 2
    (cause,) = again["causes"]
    assert (cause["subject"], cause["id"]) == ("stay", str(stay))
    (fact,) = cause["facts"]
    assert (fact["kind"], fact["reason"]) == ("stay.discharged", "noted afterwards")
    assert "Nothing changed" in run("restate", issue).out
    (listed,) = run("restate", "--json").json
    period = (listed["first"], listed["last"])
    assert (listed["issue"], listed["report"], period) == (issue, "inpatient-census", (FROM, TO))
    assert datetime.fromisoformat(listed["issuedAt"]).tzinfo
    assert run("restate", "--reason", "closed").code == 2


def test_a_restatement_is_printed_with_its_causes(run: Run, staffed: Hospital, stay: UUID) -> None:
    issue = run(*CENSUS, "--issue").err.split()[-1]
    staffed.stays.discharge_patient(
        request(ago(days=3)), stay_id=stay, disposition=Disposition.HOME
    )
    result = run("restate", issue).out
    assert "+00:00" in result
    for said in ("census", FROM[:7], f"stay {stay}", "stay.discharged", "noted afterwards"):
        assert said in result


def test_a_restatement_as_csv_has_each_figure_with_each_fact_behind_it(
    run: Run, staffed: Hospital, stay: UUID
) -> None:
    issue = run(*CENSUS, "--issue").err.split()[-1]
    staffed.stays.discharge_patient(
        request(ago(days=3)), stay_id=stay, disposition=Disposition.HOME
    )
    result = run("restate", issue, "--csv")
    rows = [row for row in csv.DictReader(io.StringIO(result.out)) if row["figure"] == "census"]
    assert [(row["old"], row["new"], row["causes"]) for row in rows] == [("1", "0", "1")] * 2
    for row in rows:
        assert (row["subject"], row["id"], row["stayId"]) == ("stay", str(stay), str(stay))
        assert (row["kind"], row["reason"]) == ("stay.discharged", "noted afterwards")
        assert datetime.fromisoformat(row["occurredAt"]) < datetime.fromisoformat(row["recordedAt"])
    assert run("restate", issue, "--csv").out.splitlines() == [result.out.splitlines()[0]]


def test_what_was_not_issued_cannot_be_restated(run: Run, stay: UUID) -> None:
    assert run("restate", str(uuid4())).code == 1
    assert run("restate", "nonsense").code == 2
    assert run(*CENSUS, "--issue", "--known-at", ago(days=1).isoformat()).code == 2
