"""Mistakes of other systems about the figures by age and sex of who was erased: see `test_covered`."""

from datetime import date, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from application.commands.reports import ReportPeriod
from application.hospital import Hospital
from application.reports.inputs import Question
from application.reports.registry import newest_definitions
from domain.erasure import LegalBasis
from domain.patient_events import Sex
from domain.stay.facts import Disposition
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.reports.report_data import open_report_service
from tests.support.checker import end
from tests.support.hospital_dsl import ago, readmitted, request, room, rows
from tests.support.random_privacy import EVE

BY_GROUP = "movements-by-age-and-sex"


def stayed(hospital: Hospital, mrn: str, since: int, until: int, bed: str) -> UUID:
    """A stay from so many days ago until so many days ago."""
    stay = readmitted(hospital, mrn, bed, ago(days=since))
    command_request = request(ago(days=until))
    hospital.stays.discharge_patient(command_request, stay_id=stay, disposition=Disposition.HOME)
    return stay


def told(database: Database, positions: list[int]) -> dict[Any, bytes]:
    """Every report, of some periods, as known at some positions."""
    definitions = [d for d in newest_definitions() if d.name != "timeliness"]
    today = ago(days=0).date()
    periods = [
        (today - timedelta(days=a), today - timedelta(days=b)) for a, b in ((25, 1), (25, 14))
    ]
    with open_report_service(database.app_url, "simulated") as reports:
        return {
            (definition.name, first, last, position): reports.compute(
                definition, Question(first, last, None, definition.parameters_of({})), position
            ).canonical()
            for definition, (first, last), position in product(definitions, periods, positions)
        }


def erase(hospital: Hospital, mrn: str) -> None:
    command_request = request(reason="as asked")
    hospital.erasures.request_erasure(
        command_request, patient_mrn=mrn, legal_basis=LegalBasis.OBJECTION
    )
    hospital.erasures.erase_patient(request(by=EVE), patient_mrn=mrn)


def test_mistake_344_figures_by_age_and_sex_change_with_an_erasure(
    hospital: Hospital, follower: ProjectionRunner, database: Database
) -> None:
    """It counted who was erased as UNKNOWN, at every position, and so was never issued."""
    room(hospital, "1", "a", "b")
    today = ago(days=0).date()
    just_15 = today.replace(year=today.year - 15) - timedelta(days=11)
    for mrn, born, sex in (("M1", just_15, Sex.MALE), ("M2", date(1940, 5, 5), Sex.UNKNOWN)):
        hospital.patients.register_patient(
            request(ago(days=30)), mrn=mrn, family_name="Quetzal", birth_date=born, sex=sex
        )
    stayed(hospital, "M1", 20, 16, "A/1/a")  # at fourteen
    stayed(hospital, "M1", 10, 8, "A/1/a")
    stayed(hospital, "M2", 15, 11, "A/1/b")
    positions = [end(database)]
    change = hospital.identity.correct_patient_details
    change(request(reason="wrong"), patient_mrn="M2", birth_date=date(1990, 2, 2))
    positions += [end(database)]
    change(
        request(reason="as said"),
        patient_mrn="M2",
        sex=Sex.FEMALE,
        valid_from=today - timedelta(days=13),
    )
    positions += [end(database)]
    merge = hospital.identity.merge_patients
    merge(request(reason="one person"), patient_mrn="M2", into_mrn="M1")
    positions += [end(database)]
    follower.catch_up()
    period = ReportPeriod(today - timedelta(days=25), today - timedelta(days=1))
    issue = hospital.reports.issue_report(request(), name=BY_GROUP, period=period).ids("report")[0]
    follower.catch_up()
    before = told(database, positions)
    assert len({text for (name, *_), text in before.items() if name == BY_GROUP}) >= 4

    erase(hospital, "M1")

    assert told(database, positions) == before, "while the read models do not know of it"
    follower.catch_up()
    assert told(database, positions) == before
    hospital.reports.restate_report(request(), issue_id=issue)
    follower.catch_up()
    assert [check.promise for check in verify(database) if check.broken] == []
    blurred = rows(database, "SELECT birth_date FROM erased_patients_v1.grouped_details")
    assert {just_15, date(1940, 5, 5), date(1990, 2, 2)}.isdisjoint(day for (day,) in blurred)
    of_persons = "SELECT own::text FROM record.events WHERE starts_with(topic, 'patient.')"
    assert "MALE" not in str(rows(database, of_persons))
