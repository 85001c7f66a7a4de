"""Mistakes of servers that guard the front door: another one tells what is closed."""

import asyncio
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from graphql import get_introspection_query
from sqlalchemy import select

from api.graphql.context import Context
from api.graphql.schema import schema
from api.work import WORK, Work
from application.authorization.roles import Caller, Role
from application.reports.definition import Subject
from application.reports.disclosed_figures import DisclosedFigures
from application.reports.disclosure import Cells, Part
from domain.envelope import Actor
from infrastructure.postgres.database import Database
from infrastructure.projections.bitemporal_table import TABLES
from infrastructure.queries import direct
from infrastructure.queries.row_security import Viewer
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes, late
from tests.support.app_without_http import alone
from tests.support.graphql_client import GraphQLClient


def login(ward: Ward, role: Role, *wards: str) -> GraphQLClient:
    """Return a login of its own, to which nothing was told yet."""
    return GraphQLClient(ward.client.http, LOGIN.make(role, str(uuid4()), wards))


def test_mistake_321_other_logins_push_out_what_a_login_was_told() -> None:
    """The hundred and first made the first one's figures forgotten: their difference told of one."""
    figures = DisclosedFigures(lambda: 0.0)

    def is_told(login: str, persons: int) -> bool:
        part: Part = {Subject("person", str(number)): (1,) for number in range(persons)}
        cells = Cells(4, ({"admitted": part},))
        disclosures = figures.to("local", login)
        few = disclosures.differences(cells, 0.0)[0]
        if not few:
            disclosures.keep(cells, [0], 0.0)
        return not few

    assert is_told("Ada", 5)
    assert all(is_told(f"another {number}", 5) for number in range(200))
    assert not is_told("Ada", 6)
    assert is_told("Ada", 5)


REPORT = """query($name: String!, $ward: String, $days: ReportPeriod!,
  $chosen: [ReportParameterInput!]) {
  report(name: $name, ward: $ward, period: $days, parameters: $chosen) {
    canonical notes csv figures { name of { value } suppressed exact } } }"""


def days(first: int, last: int = 1) -> dict[str, str]:
    """Return the days so many days ago, both included."""
    return {"from": ago(days=first)[:10], "to": ago(days=last)[:10]}


def noon(days_ago: int) -> str:
    """Return the noon so many days ago, which is of that day whatever the hospital's time zone is."""
    return f"{ago(days=days_ago)[:10]}T12:00:00Z"


def told(client: GraphQLClient, name: str, figure: str, **asked: Any) -> dict[str, str | None]:
    """Return the values of a figure by what they are of, None where they are suppressed."""
    report = client.ask(REPORT, name=name, **asked)["report"]
    return {
        " ".join(of["value"] for of in f["of"]): None if f["suppressed"] else f["exact"]
        for f in report["figures"]
        if f["name"] == figure
    }


def born(years: int) -> str:
    return f"{datetime.now(UTC).year - years}-01-01"


def test_mistake_322_groups_of_other_bounds_are_subtracted(ward: Ward) -> None:
    """Who is 60 is of another group by the question: all under 65, less all under 55."""
    here = ward.name("Ages")
    for age in (30, 31, 32, 33, 34, 35, 60, 70, 71, 72, 73, 74, 75):
        mrn = ward.patient(birthDate=born(age))
        ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=3), patientMrn=mrn)
    analyst, values = login(ward, Role.ANALYST), []
    for bound in ("55", "65"):
        chosen = [{"name": "ages", "value": bound}]
        fields = {"ward": here, "days": days(5), "chosen": chosen}
        values.append(told(analyst, "movements-by-age-and-sex", "admissionsByAgeGroup", **fields))
    assert values == [{"00-54": "6", "55+": "7"}, {"00-64": None, "65+": None}]


def test_mistake_323_the_same_fact_is_subtracted_by_its_name_in_another_report(ward: Ward) -> None:
    """Admissions are told by five reports, each of which was compared with itself alone."""
    here = ward.name("Names")
    for at in (*[ago(days=4)] * 6, ago(days=2)):
        ward.stay(f"{ward.room('a', ward=here)}/a", at)
    analyst = login(ward, Role.ANALYST)
    movements, lengths = "admissions-discharges-deaths", "average-length-of-stay"
    assert told(analyst, movements, "admissions", ward=here, days=days(6, 3)) == {"": "6"}
    for name in (lengths, "senior-review", movements):
        assert told(analyst, name, "admissions", ward=here, days=days(6)) == {"": None}, name


def test_mistake_324_an_analyst_issues_a_report_and_reads_what_is_suppressed(ward: Ward) -> None:
    here, drug = ward.name("Issue"), ward.name("Drug of ")
    mrn = ward.patient(confidentiality="VERY_RESTRICTED")
    stay = ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=4), patientMrn=mrn)
    course = ward.prescription(stay, medication={"name": drug}, **late(ago(days=3)))
    doses = [late(f"{ago(days=1)[:10]}T{hour}:00:00Z") for hour in (12, 11)]
    ward.record("recordAdministration", prescriptionId=course, given=True, **doses[0])
    report = "report { canonical csv figures { name suppressed exact of { value } } }"
    issue = f"""issue {{ id {report} restatements {{ {report}
      changes {{ name old new oldShown newShown of {{ value }} }} }} }}"""

    def told_to(client: GraphQLClient, mutation: str, **input: Any) -> Any:
        kind = mutation[0].upper() + mutation[1:]
        query = f"""mutation($i: {kind}Input!) {{ {mutation}(input: $i) {{
          ... on ReportRecorded {{ {issue} }} ... on Refusal {{ message }} }} }}"""
        input |= {"commandId": str(uuid4()), "reason": "asked for"}
        return client.ask(query, i=input)[mutation]["issue"]

    def figures(issue: Any) -> list[Any]:
        return [f for f in issue["report"]["figures"] if f["exact"] not in ("0", None)]

    analyst, admin = login(ward, Role.ANALYST), login(ward, Role.ADMIN)
    fields = {"name": "days-of-therapy", "ward": here, "period": days(2)}
    issued = told_to(analyst, "issueReport", **fields)
    assert drug not in json.dumps(issued)
    assert figures(issued) == []
    assert any(f["suppressed"] for f in issued["report"]["figures"])
    ward.record(
        "recordAdministration",
        prescriptionId=course,
        given=True,
        **late(f"{ago(days=2)[:10]}T12:00:00Z"),
    )
    restated = told_to(analyst, "restateReport", issueId=issued["id"])
    assert drug not in json.dumps(restated)
    changes = restated["restatements"][0]["changes"]
    assert {(c["name"], c["newShown"], c["new"]) for c in changes} >= {("daysOfTherapy", "*", None)}
    assert {c["new"] for c in changes} == {None}
    query = f"query($i: ID!) {{ {issue.replace('issue', 'reportIssue(id: $i)', 1)} }}"
    assert drug not in json.dumps(analyst.ask(query, i=issued["id"]))
    whole = admin.ask(query, i=issued["id"])["reportIssue"]
    assert drug in json.dumps(whole)
    assert {c["new"] for c in whole["restatements"][0]["changes"]} >= {"2"}


def test_mistake_325_a_note_tells_the_number_that_is_suppressed(ward: Ward) -> None:
    here = ward.name("Notes")
    ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=3))
    fields = {"name": "boarding", "ward": here, "days": days(4)}
    (note,) = login(ward, Role.ADMIN).ask(REPORT, **fields)["report"]["notes"]
    assert note.startswith("Of 1 of the 1 admissions it is not known")
    (note,) = login(ward, Role.ANALYST).ask(REPORT, **fields)["report"]["notes"]
    assert note.startswith("Of some admissions it is not known")


def test_mistake_326_a_week_less_its_days_tells_of_whoever_is_left(ward: Ward) -> None:
    """Service days were compared by their sums: that of a week is none of a day."""
    here = ward.name("Week")
    stays = [ward.stay(f"{ward.room('a', ward=here)}/a", noon(6)) for _ in range(7)]
    for stay in stays[:5]:
        gone = late(noon(3))
        ward.record("dischargePatient", stayId=stay, disposition="HOME", **gone)
    name, figure = "inpatient-service-days", "serviceDays"
    analyst = login(ward, Role.ANALYST)
    for day in (6, 5, 4):
        assert told(analyst, name, figure, ward=here, days=days(day, day)) == {"": "7"}
    assert told(analyst, name, figure, ward=here, days=days(6)) == {"": None}


def test_mistake_327_all_less_those_who_were_seen_are_those_who_wait(ward: Ward) -> None:
    here, doctor = ward.name("Seen"), ward.name("D")
    grade = {"grade": "CONSULTANT", **late(ago(days=30))}
    ward.record("registerPractitioner", staffNumber=doctor, **grade)
    stays = [ward.stay(f"{ward.room('a', ward=here)}/a", ago(days=3)) for _ in range(7)]
    for stay in stays[1:]:
        at = late(ago(days=2, hours=20))
        ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", **at)
    analyst = login(ward, Role.ANALYST)
    values = {
        figure: told(analyst, "senior-review", figure, ward=here, days=days(5))[""]
        for figure in ("admissions", "seen", "waiting")
    }
    assert values == {"admissions": "7", "seen": None, "waiting": None}


def test_mistake_328_introspection_holds_the_event_loop(database: Database) -> None:
    """To answer all of it takes a tenth of a second, in which nobody else was answered."""
    actor = Actor(issuer="test", subject="builder", role=Role.ADMIN)
    caller = Caller(actor, None, datetime.now(UTC) + timedelta(hours=1))
    used: list[float] = []

    def nothing(*_: Any) -> Any:
        return None

    async def ask(query: str) -> Any:
        async with alone(database) as house:
            WORK.set(Work(nothing, nothing, used.append, nothing, nothing, asyncio.Semaphore(1)))
            result = await schema.execute(query, context_value=Context(house, caller))
            assert not result.errors
            await asyncio.sleep(0)
            return result.data

    whole = asyncio.run(ask(get_introspection_query()))
    assert len(whole["__schema"]["types"]) > 100
    beside_the_loop = sum(used)
    assert beside_the_loop > 0
    asyncio.run(ask('{ again: __type(name: "Stay") { fields { name } } wards { name } }'))
    assert sum(used) > beside_the_loop


@pytest.mark.parametrize("size", ["0", "-1", "501", "$n"])
def test_mistake_329_what_is_asked_beside_a_page_of_no_size_is_told(ward: Ward, size: str) -> None:
    """A value out of its bounds is refused as one of another type is: nothing of it is answered."""
    mrn, nurse = ward.patient(), login(ward, Role.NURSE)
    variables = "$m: String!, $n: Int = 0" if size == "$n" else "$m: String!"
    query = f"""query({variables}) {{ patient(mrn: $m) {{ familyName }}
      practitioners(first: {size}) {{ nodes {{ id }} }} }}"""
    answer = nurse.raw(query, {"m": mrn})
    assert (answer.get("data"), codes(answer)) == (None, {"InvalidInput"})
    assert answer["errors"][0]["extensions"]["parameters"] == {"field": "first"}
    reader = nurse.ask("{ viewer { subject } }")["viewer"]["subject"]
    read = login(ward, Role.AUDITOR).ask(
        "query($s: String) { accesses(subject: $s) { nodes { id } } }", s=reader
    )
    assert read["accesses"]["nodes"] == []


def test_mistake_330_the_label_of_whoever_comes_first_closes_what_others_were_visited_for(
    client: GraphQLClient,
) -> None:
    """Whose a visit or dose is was read without its stay: that of any stay, the first of the table."""
    ward = Ward(client)
    doctor = ward.doctor()

    def care_for(label: str) -> str:
        stay = ward.stay(at=ago(days=2), patientMrn=ward.patient(confidentiality=label))
        ward.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND")
        course = ward.prescription(stay, **late(ago(days=1)))
        ward.record("recordAdministration", prescriptionId=course, given=True)
        return stay

    closed_stay, open_stay = care_for("VERY_RESTRICTED"), care_for("NORMAL")
    query = """query($i: ID!) { stay(id: $i) { visits { id }
      prescriptions { administrations { given } } } }"""
    for role in (Role.NURSE, Role.PHYSICIAN):
        told = login(ward, role).ask(query, i=open_stay)["stay"]
        assert len(told["visits"]) == 1, role
        assert told["prescriptions"] == [{"administrations": [{"given": True}]}], role
        assert codes(login(ward, role).raw(query, {"i": closed_stay})) == {"NOT_ALLOWED"}


@pytest.mark.parametrize("wards", [None, frozenset({"A"})])
def test_mistake_330_no_condition_on_rows_reads_others_rows(wards: frozenset[str] | None) -> None:
    """Each query inside of a condition reads one table, and is about the row of the outermost."""
    viewer = Viewer(wards=wards, hidden=frozenset({"RESTRICTED"}))
    for table in TABLES.values():
        condition = viewer.predicate(table, datetime.now(UTC), 1)
        statement = select(table.c.position).where(condition).compile(dialect=direct.DIALECT)
        tables = re.findall(r"\bFROM ([^\n]*)", str(statement))
        assert all("," not in names for names in tables), table.name
