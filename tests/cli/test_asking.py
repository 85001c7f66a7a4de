"""Asking from the command line: the timeline of a patient, and who lies where."""

from datetime import datetime
from typing import Any

import pytest

from application.hospital import Hospital
from domain.prescription.events import Medication
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.cli.conftest import Run
from tests.support.failing import fill, with_a_failing
from tests.support.hospital_dsl import admitted, ago, place, request, room, rows


@pytest.fixture
def moved(staffed: Hospital) -> dict[str, Any]:
    """A patient who was moved yesterday, which was entered only just now."""
    room(staffed, "119", "a", "b")
    stay = admitted(staffed, "M1", "A/119/a", ago(days=3))
    admitted(staffed, "M2")
    believed = staffed.stays.change_specialty(request(), stay_id=stay, specialty="surgery")
    staffed.stays.transfer_patient(request(ago(days=1)), stay_id=stay, **place("A/119/b"))
    drug = staffed.prescriptions.write_prescription(
        request(), stay_id=stay, medication=Medication(name="Heparin"), dose="5000 IU"
    ).ids("prescription")[0]
    staffed.prescriptions.record_administration(request(), prescription_id=drug, given=True)
    return {"stay": stay, "before": believed.recorded_at.isoformat()}


def beds(told: Any) -> dict[str, str]:
    return {
        f"{b['ward']}/{b['room']}/{b['bed']}": ", ".join(
            f"{o['mrn']} {o['familyName']}" for o in b["occupants"]
        )
        for b in told
    }


# -- occupancy --


def test_occupancy_tells_every_bed(run: Run, moved: dict[str, Any]) -> None:
    result = run("occupancy")
    assert result.code == 0
    assert "M1 Name of M1" in result.out
    assert "1 of 2 beds are taken." in result.out


def test_occupancy_as_json_has_a_row_a_bed(run: Run, moved: dict[str, Any]) -> None:
    result = run("occupancy", "--json").json
    assert [bed["state"] for bed in result] == ["FREE", "OCCUPIED"]
    assert beds(result) == {"A/119/a": "", "A/119/b": "M1 Name of M1"}


def test_occupancy_as_of_a_moment_and_as_known_at_another(run: Run, moved: dict[str, Any]) -> None:
    in_a = {"A/119/a": "M1 Name of M1", "A/119/b": ""}
    in_b = {"A/119/a": "", "A/119/b": "M1 Name of M1"}
    empty = {"A/119/a": "", "A/119/b": ""}

    def told(*options: str) -> dict[str, str]:
        return beds(run("occupancy", "--json", *options).json)

    assert told("--as-of", ago(days=2).isoformat()) == in_a
    assert told("--as-of", ago(hours=2).isoformat()) == in_b
    assert told("--as-of", ago(days=9).isoformat()) == empty
    assert told("--known-at", moved["before"]) == in_a
    assert told("--as-of", ago(hours=2).isoformat(), "--known-at", moved["before"]) == in_a
    assert told("--known-at", ago(days=9).isoformat()) == {}


def test_occupancy_of_one_ward(run: Run, staffed: Hospital) -> None:
    room(staffed, "1", ward="A")
    room(staffed, "1", "x", ward="B")
    assert beds(run("occupancy", "--json", "--ward", "B").json) == {"B/1/x": ""}
    assert beds(run("occupancy", "--json", "--ward", "b").json) == {"B/1/x": ""}
    refusal = run("occupancy", "--json", "--ward", "C")
    assert refusal.code == 1
    assert refusal.err == "There is no ward 'C'. The nearest are: B, A.\n"


def test_occupancy_says_why_a_bed_is_not_free(run: Run, staffed: Hospital) -> None:
    room(staffed)
    staffed.rooms.close_bed(request(reason="paint"), **place("A/1/a"))
    (closed, free) = run("occupancy", "--json").json
    assert (closed["state"], closed["reason"]) == ("CLOSED", "paint")
    assert (free["state"], free["since"]) == ("FREE", None)


def test_times_are_told_in_the_hospitals_own_zone(run: Run, staffed: Hospital) -> None:
    staffed.calendar.set_hospital_time(request(), time_zone="Asia/Kolkata")
    room(staffed)
    admitted(staffed, "M1", "A/1/a", datetime.fromisoformat("2026-11-02T20:00:00Z"))
    (taken, _) = run("occupancy", "--json").json
    assert taken["since"] == "2026-11-03T01:30:00+05:30"
    assert "2026-11-03 01:30+05:30" in run("occupancy").out
    assert "M1 Name of M1,,2026-11-03T01:30:00+05:30" in run("occupancy", "--csv").out


# -- timeline --


def test_a_timeline_tells_what_happened_in_order(run: Run, moved: dict[str, Any]) -> None:
    result = run("timeline", "M1")
    assert result.code == 0
    lines = ("Registered", "Admitted", "Put in A, room 119, bed a", "Moved to A, room 119, bed b")
    places = [result.out.index(line) for line in lines]
    assert places == sorted(places)
    assert " late" in result.out
    assert "Gave Heparin" in result.out
    assert "Gave Heparin" not in run("timeline", "M1", "--no-doses").out


def test_a_timeline_as_json_has_both_clocks(run: Run, moved: dict[str, Any]) -> None:
    result = run("timeline", "M1", "--json").json
    kinds = [entry["kind"] for entry in result]
    assert kinds.index("STAY_TRANSFERRED") < kinds.index("STAY_SPECIALTY_CHANGED")
    transfer = result[kinds.index("STAY_TRANSFERRED")]
    assert transfer["late"]
    occurred, recorded = (
        datetime.fromisoformat(transfer[name]) for name in ("occurredAt", "recordedAt")
    )
    assert occurred < recorded
    assert (transfer["reason"], transfer["stayId"]) == ("noted afterwards", str(moved["stay"]))
    assert transfer["summary"] == "Moved to A, room 119, bed b"


def test_a_timeline_as_of_a_moment_and_as_known_at_another(run: Run, moved: dict[str, Any]) -> None:
    def kinds(*options: str) -> list[str]:
        return [entry["kind"] for entry in run("timeline", "M1", "--json", *options).json]

    assert "STAY_TRANSFERRED" in kinds()
    assert "STAY_TRANSFERRED" not in kinds("--known-at", moved["before"])
    assert "STAY_TRANSFERRED" not in kinds("--as-of", ago(days=2).isoformat())
    assert kinds("--as-of", ago(days=9).isoformat()) == ["PATIENT_REGISTERED"]


def test_a_long_timeline_is_told_whole(
    run: Run, staffed: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    import api.cli.queries

    monkeypatch.setattr(api.cli.queries, "PAGE", 3)
    stay = admitted(staffed, "M1")
    for n in range(7):
        staffed.stays.change_specialty(request(), stay_id=stay, specialty=f"specialty {n}")
    result = run("timeline", "M1", "--json").json
    assert len(result) == 2 + 7
    assert len({entry["id"] for entry in result}) == 9


def test_nobody_has_that_number(run: Run, moved: dict[str, Any]) -> None:
    result = run("timeline", "M3")
    assert (result.code, result.out) == (1, "")
    assert "M3" in result.err
    assert run("timeline", "M1", "--known-at", ago(days=9).isoformat()).code == 1


# -- moments --


@pytest.mark.parametrize("command", [("occupancy",), ("timeline", "M1")])
@pytest.mark.parametrize("option", ["--as-of", "--known-at"])
def test_a_moment_that_is_none_is_wrong_usage(
    run: Run, moved: dict[str, Any], command: tuple[str, ...], option: str
) -> None:
    for moment in ("yesterday", "2026-03-01T08:00:00", "", "08:00"):
        result = run(*command, option, moment)
        assert (result.code, result.out) == (2, ""), moment
        assert option in result.err, moment


@pytest.mark.parametrize("command", [("occupancy",), ("timeline", "M1")])
def test_nobody_knows_yet_what_will_be_known(
    run: Run, moved: dict[str, Any], command: tuple[str, ...]
) -> None:
    result = run(*command, "--known-at", ago(days=-1).isoformat())
    assert result.code == 2
    assert "future" in result.err


# -- read models --


def test_the_read_models_are_listed_and_rebuilt(run: Run, moved: dict[str, Any]) -> None:
    run("occupancy")
    result = run("projections", "list", "--json").json
    assert [model["name"] for model in result] == [model.name for model in READ_MODELS]
    assert {model["lag"] for model in result} == {0}
    assert "timeline" in run("projections", "list").out

    rebuilt = run("projections", "rebuild", "stays")
    assert rebuilt.code == 0
    assert "stays" in rebuilt.out
    assert "the same as before" in rebuilt.out
    assert run("projections", "rebuild", "all").out.count("the same as before") == len(READ_MODELS)
    assert run("projections", "rebuild", "nonsense").code == 2


@pytest.fixture
def bad(here: Database, moved: dict[str, Any]) -> str:
    """A command that the timeline could not take in."""
    result = "SELECT command_id FROM record.events WHERE topic = 'stay.transferred' LIMIT 1"
    ((command,),) = rows(here, result)
    fill(here, *with_a_failing("timeline", command))
    return str(command)


@pytest.mark.nightly
def test_what_is_parked_is_listed_and_taken_in_again(run: Run, bad: str) -> None:
    states = {m["name"]: m["state"] for m in run("projections", "list", "--json").json}
    assert (states["timeline"], states["stays"]) == ("PARKED", "FOLLOWING")
    result = run("projections", "parked", "--json").json
    assert (result[0]["readModel"], result[0]["commandId"]) == ("timeline", bad)
    assert result[0]["error"] == "KeyError at stay.transferred"
    assert bad in run("projections", "parked").out
    broken = run("verify", "--json")
    assert broken.code == 4
    assert bad in broken.out

    assert run("projections", "retry", "all").out.strip() == "Taken in again: timeline."
    assert run("projections", "parked", "--json").json == []
    assert run("verify").code == 0
    assert run("projections", "retry", "timeline").out.strip() == "Nothing is parked."


def test_what_is_parked_can_be_left_out_with_a_reason(run: Run, bad: str) -> None:
    assert run("projections", "skip", "timeline", bad).code == 2
    assert run("projections", "skip", "timeline", bad, "--reason", " ").code == 1
    assert run("projections", "skip", "stays", bad, "--reason", "broken").code == 1
    assert run("projections", "skip", "timeline", bad, "--reason", "broken").code == 0
    assert run("projections", "parked", "--json").json == []
    assert run("verify").code == 0


def test_a_sample_is_verified_and_its_lot_is_told(run: Run, moved: dict[str, Any]) -> None:
    run("occupancy")
    result = run("verify", "--sample", "1", "--seed", "7", "--json")
    assert result.code == 0
    assert "--seed 7" in result.err
    assert sum("for 1 drawn by lot" in promise["promise"] for promise in result.json) > 5
    assert "--seed " in run("verify", "--sample", "2").err


def test_what_is_asked_is_never_older_than_what_is_recorded(
    run: Run, staffed: Hospital, moved: dict[str, Any]
) -> None:
    run("occupancy")
    staffed.stays.transfer_patient(request(), stay_id=moved["stay"], **place("A/119/a"))
    assert beds(run("occupancy", "--json").json)["A/119/a"] == "M1 Name of M1"
    ProjectionRunner(staffed.pipeline.env["DATABASE"]).catch_up()


def test_everything_that_is_promised_is_found_to_hold(run: Run, moved: dict[str, Any]) -> None:
    run("occupancy")
    result = run("verify", "--json")
    assert result.code == 0
    assert {promise["broken"] for promise in result.json} == {0}


# -- who read --


def test_who_asks_at_the_terminal_is_recorded_too(run: Run, moved: dict[str, Any]) -> None:
    run("timeline", "M1", "--purpose", "quality")
    run("occupancy")
    result = run("accesses", "--mrn", "M1", "--json").json
    assert [(a["operation"], a["purpose"], a["role"]) for a in result] == [
        ("wardbook occupancy", "treatment", "admin"),
        ("wardbook timeline", "quality", "admin"),
    ]
    assert {a["issuer"] for a in result} == {"os"}
    assert {a["mrn"] for a in result} == {"M1"}
    shown = run("accesses", "--subject", result[0]["subject"], "--limit", "1")
    assert "wardbook accesses" in shown.out
    assert run("accesses", "--mrn", "M1", "--to", ago(days=1).isoformat(), "--json").json == []
    assert run("accesses", "--mrn", "nobody").code == 1


def test_accesses_that_are_not_all_listed_are_said_to_be_more(
    run: Run, moved: dict[str, Any]
) -> None:
    for _ in range(2):
        run("timeline", "M1")
    result = run("accesses", "--limit", "1", "--json")
    assert (result.code, len(result.json)) == (0, 1)
    assert "There are more than these 1" in result.err
    assert run("accesses", "--json").err == ""


def test_a_time_of_accesses_that_ends_before_it_begins_is_wrong_usage(run: Run) -> None:
    result = run("accesses", "--from", ago(days=1).isoformat(), "--to", ago(days=2).isoformat())
    assert (result.code, result.out) == (2, "")
    assert result.err == "--to has to lie after --from.\n"
