"""Retention from the command line: who is due, and what two logins make of it."""

from collections.abc import Iterator
from datetime import timedelta
from getpass import getuser
from pathlib import Path

import pytest

from api.exit_codes import ExitCode
from application.hospital import Hospital
from domain.expected_arrival import Urgency
from domain.stay.facts import Disposition
from infrastructure.postgres.database import Database
from tests.api.test_login import House as Provider
from tests.api.test_login import served
from tests.cli.conftest import Ended, Run
from tests.support.hospital_dsl import admitted, ago, readmitted, request, rows


def left(hospital: Hospital, mrn: str, days: float) -> None:
    """Register a patient whose one stay of a day ended so many days ago."""
    stay = admitted(hospital, mrn, at=ago(days=days + 1))
    hospital.stays.discharge_patient(
        request(ago(days=days)), stay_id=stay, disposition=Disposition.HOME
    )


@pytest.fixture
def house(staffed: Hospital) -> Hospital:
    """A house with one who is due, and others whom something keeps."""
    for mrn in ("due", "held", "planned", "back", "merged"):
        left(staffed, mrn, 28)
    left(staffed, "recent", 2)
    left(staffed, "other record", 3)
    admitted(staffed, "open", at=ago(days=29))
    readmitted(staffed, "back")
    staffed.erasures.place_legal_hold(request(reason="a lawsuit"), patient_mrn="held")
    staffed.expected_arrivals.plan_admission(
        request(ago(days=28)),
        patient_mrn="planned",
        expected_at=ago() + timedelta(days=100),
        urgency=Urgency.ROUTINE,
    )
    staffed.identity.merge_patients(
        request(reason="one person"), patient_mrn="merged", into_mrn="other record"
    )
    return staffed


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    with served(made):
        yield made


def as_login(run: Run, monkeypatch: pytest.MonkeyPatch, name: str, *more: str) -> Ended:
    monkeypatch.setattr("api.cli.terminal.getuser", lambda: name)
    return run("retention", "--days", "10", "--json", *more)


def test_two_logins_erase_who_is_due_and_nobody_else(
    run: Run, house: Hospital, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def states(name: str, *more: str) -> dict[str, str]:
        result = as_login(run, monkeypatch, name, *more)
        assert result.code == 0, result
        return {row["patientId"]: row["state"] for row in result.json}

    before = here.log_size().events
    (due,) = [patient for patient, state in states("ada").items() if state == "due"]
    assert sorted(states("ada").values()) == ["due", "legal hold"]
    assert here.log_size().events == before, "a list changes nothing"
    assert states("ada", "--erase")[due] == "due", "nobody has requested it"
    assert states("ada", "--request")[due] == "requested"
    refusal = as_login(run, monkeypatch, "ada", "--erase")
    assert refusal.code == ExitCode.REFUSED
    assert "another login" in refusal.out
    assert states("eve", "--erase")[due] == "erased"
    assert sorted(states("eve").values()) == ["legal hold"]
    erased = rows(here, "SELECT stream::text FROM record.events WHERE topic = 'patient.erased'")
    assert erased == [(due,)]


def test_who_comes_again_after_the_request_is_kept(
    run: Run, house: Hospital, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_login(run, monkeypatch, "ada", "--request")
    readmitted(house, "due")
    assert [row["state"] for row in as_login(run, monkeypatch, "eve", "--erase").json] == [
        "legal hold"
    ]
    assert rows(here, "SELECT FROM record.events WHERE topic = 'patient.erased'") == []


def test_without_a_time_to_keep_nobody_is_listed(
    run: Run, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("retention").code == ExitCode.USAGE
    monkeypatch.setenv("WARDBOOK_RETENTION_DAYS", "3650")
    assert run("retention", "--csv").code == 0
    assert run("retention", "--request", "--erase").code == ExitCode.USAGE


def test_two_tokens_of_the_provider_are_two_logins_at_one_machine(
    run: Run,
    house: Hospital,
    here: Database,
    provider: Provider,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def acted(subject: str, role: str, *more: str) -> Ended:
        file = tmp_path / subject
        file.write_text(provider.token(sub=subject, role=role) + "\n")
        return as_login(run, monkeypatch, "root", *more, "--token-file", str(file))

    local = tmp_path / "local"
    local.write_text("x.y.z")
    made_here = as_login(run, monkeypatch, "root", "--request", "--token-file", str(local))
    assert made_here.code == ExitCode.USAGE, "whoever is at the machine makes local tokens"
    monkeypatch.setenv("OIDC_ISSUER", provider.issuer)
    monkeypatch.setenv("OIDC_AUDIENCE", "wardbook")
    for role, more in (("nurse", "--request"), ("privacy_officer", "--erase")):
        assert "erased" not in acted("ada", role, more).out
    assert acted("ada", "privacy_officer", "--request").code == 0
    assert "another login" in acted("ada", "privacy_officer", "--erase").out
    bad = as_login(run, monkeypatch, "root", "--erase", "--token-file", str(local))
    assert bad.code == ExitCode.REFUSED
    assert '"erased"' in acted("eve", "privacy_officer", "--erase").out
    acts = ["patient.erasure-requested", "patient.erased"]
    result = rows(
        here, "SELECT subject FROM record.events WHERE topic = ANY(%s) ORDER BY position", [acts]
    )
    assert result == [("ada",), ("eve",)]


def test_who_looks_for_persons_who_are_due_is_recorded_as_a_reading_of_them(
    run: Run, house: Hospital, here: Database
) -> None:
    """Their ids, and when something was recorded of them last, were shown to somebody unnamed."""
    shown = run("retention", "--days", "10", "--json").json
    assert shown
    ((patients, subject),) = rows(
        here,
        "SELECT patients, subject FROM audit.accesses WHERE operation = 'wardbook retention'",
    )
    assert {person["patientId"] for person in shown} <= set(map(str, patients))
    assert len(patients) == sum(person["records"] for person in shown)
    assert subject == getuser()
