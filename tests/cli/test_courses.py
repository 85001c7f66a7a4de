"""The course of a stay from the command line."""

import csv
import io
from datetime import datetime
from uuid import uuid4

from application.hospital import Hospital
from infrastructure.postgres.database import Database
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, ago, place, request, room, rows


def test_a_course_is_printed_in_each_format_and_recorded_as_read(
    run: Run, staffed: Hospital, here: Database
) -> None:
    staffed.calendar.set_hospital_time(request(), time_zone="Asia/Kolkata")
    room(staffed, "1", "a", "b")
    stay = admitted(staffed, "M1", "A/1/a", ago(days=3))
    known = staffed.stays.change_specialty(request(), stay_id=stay, specialty="surgery")
    moved = request(ago(days=1))
    staffed.stays.transfer_patient(moved, stay_id=stay, **place("A/1/b"))

    result = run("course", "--stay", str(stay), "--format", "json", "--purpose", "legal").json
    assert [p["bed"] for p in result["stays"][0]["places"]] == ["a", "b"]
    assert result["imprint"]["printedBy"]["issuer"] == "os"
    assert result["imprint"]["timeZone"] == "Asia/Kolkata"
    then = ("--known-at", known.recorded_at.isoformat())
    result = run("course", "--mrn", "M1", "--format", "json", *then).json
    assert [p["bed"] for p in result["stays"][0]["places"]] == ["a"]
    page = run("course", "--mrn", "M1", "--as-of", ago(days=2).isoformat()).out
    assert page.startswith("<!doctype html>")
    assert "bed b" not in page
    (place_row, *_) = [
        row
        for row in csv.DictReader(io.StringIO(run("course", "--mrn", "M1", "--format", "csv").out))
        if row["part"] == "place"
    ]
    assert place_row["since"].endswith("+05:30")
    assert datetime.fromisoformat(place_row["until"]) > ago(days=2)
    read = rows(here, "SELECT operation, purpose FROM audit.accesses ORDER BY no")
    assert read == [("wardbook course", "legal"), *[("wardbook course", "treatment")] * 3]


def test_a_course_of_nobody_is_refused_in_a_sentence(run: Run, staffed: Hospital) -> None:
    room(staffed)
    for of in (("--mrn", "M9"), ("--stay", str(uuid4())), ("--stay", "nonsense")):
        ended = run("course", *of)
        assert (ended.code, ended.out) == (1, "")
        assert f"{of[1]!r}." in ended.err
        ended = run("course", *of, "--as-of", ago(days=1).isoformat())
        assert f"{of[1]!r} then." in ended.err
    assert run("course").code == 2
    assert run("course", "--mrn", "M1", "--stay", str(uuid4())).code == 2
