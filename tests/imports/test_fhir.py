"""The import of FHIR: each resource has a verdict, again is nothing, and out and in is the same."""

import asyncio
import csv
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from api.fhir.bulk import ResourceFolder, all_of_house
from api.fhir.reader import Reader
from api.imports.fhir import BadFile, Rule, import_fhir
from application.authorization.roles import Caller
from domain.envelope import Actor
from infrastructure.analysis.resources import write_parquet
from infrastructure.projections.runner import ProjectionRunner
from tests.imports.conftest import Imported, NewHospital
from tests.support.app_without_http import alone

pytestmark = pytest.mark.slow


def to(name: str) -> dict[str, str]:
    return {"reference": name}


def coded(code: str) -> dict[str, Any]:
    return {"coding": [{"code": code}]}


def location(id: str, kind: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Location", "id": id, "name": id, "physicalType": coded(kind), **more}


def stay(
    id: str, who: str, places: list[tuple[str, str, str | None]], **more: Any
) -> dict[str, Any]:
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "finished" if "end" in more["period"] else "in-progress",
        "class": {"code": "IMP"},
        "subject": to(f"Patient/{who}"),
        "location": [
            {"location": to(f"Location/{bed}"), "period": {"start": since, "end": until}}
            for bed, since, until in places
        ],
        **more,
    }


def day(number: int, hour: int = 8) -> str:
    return f"2026-03-{number:02}T{hour:02}:00:00+00:00"


def dose(id: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "MedicationAdministration",
        "id": id,
        "status": "completed",
        "medicationCodeableConcept": {"text": "Heparin"},
        "subject": to("Patient/ann"),
        "context": to("Encounter/s1"),
        "effectiveDateTime": day(3),
        **more,
    }


RESOURCES: list[Any] = [
    location("W", "wa"),
    location("1", "ro", partOf=to("Location/W")),
    location("a", "bd", partOf=to("Location/1")),
    location("b", "bd", partOf=to("Location/1")),
    location("office", "ro"),
    {"resourceType": "Practitioner", "id": "d", "name": [{"family": "Doe"}]},
    *(
        {
            "resourceType": "Patient",
            "id": id,
            "identifier": [{"system": f"http://{'x' * 60}", "value": f"M{id}"}],
            "name": [{"family": id.capitalize(), "given": ["A", "B"]}],
            "gender": "female",
            "birthDate": "1950-02-03",
        }
        for id in ("ann", "bea")
    ),
    {"resourceType": "Patient", "id": "odd", "name": "a text", "identifier": [{"value": "M3"}]},
    # bea lies in a until day 4, ann moves from b to a then: in the order of the files it is taken
    stay(
        "s1",
        "ann",
        [("b", day(2), day(4)), ("a", day(4), day(9))],
        period={"start": day(1), "end": day(9)},
        classHistory=[
            {"class": {"code": "EMER"}, "period": {"start": day(1), "end": day(2)}},
            {"class": {"code": "IMP"}, "period": {"start": day(2), "end": day(9)}},
        ],
        statusHistory=[{"status": "onleave", "period": {"start": day(5), "end": day(6)}}],
        participant=[{"individual": to("Practitioner/d")}],
        hospitalization={"dischargeDisposition": coded("home")},
    ),
    stay("s2", "bea", [("a", day(1), day(4))], period={"start": day(1), "end": day(4)}),
    # discharged, and back after all: the bed was somebody else's between
    stay(
        "s4",
        "bea",
        [("b", day(10), day(12)), ("b", day(14), day(20))],
        period={"start": day(10), "end": day(20)},
        statusHistory=[
            {"status": "in-progress", "period": {"start": day(10), "end": day(12)}},
            {"status": "finished", "period": {"start": day(12), "end": day(14)}},
            {"status": "in-progress", "period": {"start": day(14), "end": day(20)}},
            {"status": "finished", "period": {"start": day(20), "end": day(21)}},
        ],
    ),
    stay("s5", "ann", [("b", day(12), day(14))], period={"start": day(12), "end": day(14)}),
    stay("s3", "odd", [], period={"start": day(1)}),
    {**stay("visit", "ann", [], period={"start": day(1)}), "class": {"code": "AMB"}},
    stay("undated", "bea", [], period={}),
    {
        "resourceType": "AllergyIntolerance",
        "id": "latex",
        "patient": to("Patient/ann"),
        "code": {"text": "Latex"},
        "recordedDate": "2026-03-01",
        "reaction": [{"manifestation": [{"text": "rash"}], "severity": "severe"}],
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "nuts",
        "patient": to("Patient/ann"),
        "code": {"text": "Nuts"},
        "onsetDateTime": "2019-07",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "eggs",
        "patient": to("Patient/ann"),
        "code": {"text": "Eggs"},
        "onsetDateTime": "2019",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "milk",
        "patient": to("Patient/ann"),
        "code": {"text": "Milk"},
        "onsetDateTime": "2019-13",
    },
    {
        "resourceType": "AllergyIntolerance",
        "id": "none",
        "patient": to("Patient/ann"),
        "code": coded("716186003"),
        "recordedDate": "2026-03-01",
    },
    {
        "resourceType": "MedicationRequest",
        "id": "r1",
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {
            "text": "Latex"
        },  # against the allergy, and given all the same
        "subject": to("Patient/ann"),
        "encounter": to("Encounter/s1"),
        "authoredOn": day(2),
        "dosageInstruction": [
            {
                "text": "2 mg oral daily",
                "route": {"text": "oral"},
                "timing": {"code": {"text": "daily"}, "repeat": {"timeOfDay": ["08:00:00"]}},
            }
        ],
    },
    dose("g1", request=to("MedicationRequest/r1")),
    dose("g2", request=to("MedicationRequest/r1"), status="not-done", effectiveDateTime=day(4)),
    dose("g3"),
    dose("g4", status="not-done"),
    dose("g5", status="entered-in-error"),
    {
        "resourceType": "Flag",
        "id": "f",
        "status": "inactive",
        "code": {"text": "MRSA"},
        "subject": to("Patient/ann"),
        "encounter": to("Encounter/s1"),
        "period": {"start": day(3), "end": day(7)},
    },
    {"resourceType": "Observation", "id": "o"},
    "no resource",
]

VERDICTS = {
    "Location/office": Rule.NOT_THERE,
    "Encounter/s3": Rule.REFUSED_WITH,
    "Encounter/visit": Rule.NOT_A_STAY,
    "Encounter/undated": Rule.UNREADABLE,
    "Patient/odd": Rule.UNREADABLE,
    "AllergyIntolerance/none": Rule.NOT_HELD,
    "AllergyIntolerance/milk": Rule.UNREADABLE,
    "MedicationAdministration/g4": Rule.NO_PRESCRIPTION,
    "MedicationAdministration/g5": Rule.ENTERED_IN_ERROR,
    "Observation/o": Rule.NOT_KEPT,
    "unreadable/some.json#30": Rule.UNREADABLE,
}
"""What is refused, and why."""


@dataclass(frozen=True, slots=True)
class Run:
    """A house after an import, and the folder and account of it."""

    house: Imported
    source: Path
    folder: Path

    def lines(self) -> dict[str, dict[str, str]]:
        with (self.folder / "account.csv").open(newline="") as file:
            return {f"{line['table']}/{line['key']}": line for line in csv.DictReader(file)}


@pytest.fixture(scope="module")
def run(new_hospital: NewHospital, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("fhir")
    source = folder / "some.json"
    entries = [{"resource": resource} for resource in RESOURCES]
    source.write_text(json.dumps({"resourceType": "Bundle", "entry": entries}))
    house = new_hospital()
    account = import_fhir(house.hospital, source, folder / "account.csv")
    assert account.adds_up
    return Run(house, source, folder)


def test_every_resource_has_a_verdict(run: Run) -> None:
    lines = run.lines()
    assert len(lines) == len(RESOURCES)
    assert {n: v["rule"] for n, v in lines.items() if v["verdict"] == "refused"} == VERDICTS
    assert lines["Encounter/s1"]["rule"] == (
        "admit_patient, record_emergency_care, transfer_patient, start_leave, end_leave,"
        " discharge_patient"
    )
    assert not lines["Encounter/s1"]["note"]
    came_back = "admit_patient, discharge_patient, cancel_discharge"
    assert [lines[f"Encounter/{id}"]["rule"] for id in ("s4", "s5")] == [
        came_back,
        "admit_patient, discharge_patient",
    ]
    assert not lines["Encounter/s4"]["note"] + lines["Encounter/s5"]["note"]
    assert lines["MedicationAdministration/g3"]["rule"] == "record_unprescribed_dose"


def test_again_records_nothing(run: Run) -> None:
    before, lines = run.house.log(), run.lines()
    import_fhir(run.house.hospital, run.source, run.folder / "account.csv")
    assert run.house.log() == before
    assert run.lines() == lines


def test_a_folder_without_resources_is_told(run: Run, tmp_path: Path) -> None:
    with pytest.raises(BadFile):
        import_fhir(run.house.hospital, tmp_path, tmp_path / "account.csv")


async def exported(
    house: Imported, folder: Path, *, is_parquet: bool = False, as_of: str | None = day(5, 12)
) -> None:
    ProjectionRunner(house.database.app_url).catch_up()
    caller = Caller(
        Actor(issuer="os", subject="me", role="admin"), None, datetime.now(UTC) + timedelta(hours=1)
    )
    async with alone(house.database) as state:
        reader = Reader(state, caller, {"asOf": as_of})
        files = ResourceFolder(folder, write_parquet if is_parquet else None)
        async for items in all_of_house(reader):
            files.write(items)
        files.close(complete=True)


def contents_of(folder: Path) -> list[str]:
    """Return what files tell, without what differs between houses: ids, versions, clocks."""
    resources = []
    numbers: dict[str, str] = {}
    for path in folder.glob("*.ndjson"):
        if path.stem != "Provenance":
            resources += [json.loads(line) for line in path.read_text().splitlines()]
    for r in resources:
        names = r.get("identifier") or r.get("alias") or [r.get("name")]
        numbers[f"{r['resourceType']}/{r['id']}"] = json.dumps(names)

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                k: numbers.get(v, "?") if k == "reference" else plain(v)
                for k, v in value.items()
                if k not in ("id", "meta")
            }
        return [plain(v) for v in value] if isinstance(value, list) else value

    return sorted(json.dumps(plain(r), sort_keys=True) for r in resources)


def test_what_goes_out_comes_in_the_same(
    run: Run, new_hospital: NewHospital, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    asyncio.run(exported(run.house, first))
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in first.iterdir())
    other = new_hospital()
    account = import_fhir(other.hospital, first, tmp_path / "account.csv")
    assert account.adds_up
    asyncio.run(exported(other, second))
    assert contents_of(second) == contents_of(first)


def test_the_states_of_beds_come_in_the_same(new_hospital: NewHospital, tmp_path: Path) -> None:
    beds = [
        location(bed, "bd", partOf=to("Location/1"), operationalStatus={"code": code})
        for bed, code in zip("abcd", "CHUK", strict=True)
    ]
    file = tmp_path / "places.ndjson"
    places = [location("W", "wa"), location("1", "ro", partOf=to("Location/W")), *beds]
    file.write_text("\n".join(map(json.dumps, places)))
    first, source = new_hospital(), file
    for n, house in enumerate((first, new_hospital())):
        assert import_fhir(house.hospital, source, tmp_path / f"{n}.csv").adds_up
        source = tmp_path / f"out{n}"
        asyncio.run(exported(house, source, as_of=None))
    codes = [json.loads(text).get("operationalStatus") for text in contents_of(tmp_path / "out0")]
    assert [code["code"] for code in codes if code] == ["C", "H", "U", "U"]
    assert contents_of(tmp_path / "out1") == contents_of(tmp_path / "out0")


def test_what_is_recorded_together_is_refused_by_itself(
    new_hospital: NewHospital, tmp_path: Path
) -> None:
    """A dose that no command takes, or of after its prescription, among those of one append."""
    types = ("Location", "Patient", "Encounter")
    stays = [r for r in RESOURCES if isinstance(r, dict) and r["resourceType"] in types]
    order = {
        "resourceType": "MedicationRequest",
        "id": "r",
        "medicationCodeableConcept": {"text": "Heparin"},
        "subject": to("Patient/ann"),
        "encounter": to("Encounter/s1"),
        "authoredOn": day(3, 6),
        "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": {"end": day(3, 9)}}}}],
    }
    doses = [dose(f"d{n}", request=to("MedicationRequest/r")) for n in range(60)]
    doses[20] |= {"performer": [{"actor": {"display": 5}}]}
    doses[30] |= {"effectiveDateTime": day(3, 10)}
    doses[40] |= {"note": [{"text": "x" * 100_000}]}
    file = tmp_path / "doses.ndjson"
    file.write_text("\n".join(map(json.dumps, [*stays, order, *doses])))
    house = new_hospital()
    logs = []
    for n in range(2):
        account = import_fhir(house.hospital, file, tmp_path / f"{n}.csv")
        logs.append(house.log())
        assert account.adds_up
        rows = list(csv.DictReader((tmp_path / f"{n}.csv").open()))
        verdicts = {
            r["key"]: r["verdict"] for r in rows if r["table"] == "MedicationAdministration"
        }
        refused = {id for id, verdict in verdicts.items() if verdict == "refused"}
        assert (len(verdicts), refused) == (60, {"d20", "d40"}), refused
    assert logs[0] == logs[1]


def test_a_house_is_written_as_parquet_with_its_texts_as_texts(run: Run, tmp_path: Path) -> None:
    lines, tables = tmp_path / "lines", tmp_path / "tables"
    asyncio.run(exported(run.house, lines))
    asyncio.run(exported(run.house, tables, is_parquet=True))
    assert {file.stem for file in tables.iterdir()} == {file.stem for file in lines.iterdir()}
    for file in lines.iterdir():
        table = tables / f"{file.stem}.parquet"
        assert table.stat().st_mode & 0o777 == 0o600
        columns, rows = read_parquet(table)
        assert columns["id"] == "VARCHAR"
        assert not {"UUID", "TIMESTAMP", "DATE", "JSON"} & set(
            re.findall(r"[A-Z]+", " ".join(columns.values()))
        )
        resources = [json.loads(line) for line in file.read_text().splitlines()]
        assert sorted(map(canonical, rows)) == sorted(map(canonical, resources))


def read_parquet(table: Path) -> tuple[dict[str, str], list[dict[str, Any]]]:
    """Return the columns of a file with their types, and its rows as DuckDB reads them."""
    with duckdb.connect() as duck:
        result = duck.sql(f"SELECT * FROM '{table}'")
        columns = dict(zip(result.columns, map(str, result.types), strict=True))
        return columns, [dict(zip(columns, row, strict=True)) for row in result.fetchall()]


def canonical(value: Any) -> str:
    """Return a value as text, without what is absent; versions and clocks differ."""

    def plain(part: Any) -> Any:
        if isinstance(part, dict):
            return {k: plain(v) for k, v in part.items() if v is not None}
        return [plain(v) for v in part] if isinstance(part, list) else part

    return json.dumps(plain(value), sort_keys=True)
