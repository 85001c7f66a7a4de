"""Mistakes of other systems about files of FHIR that are not as they should be: see `test_covered`."""

import csv
import json
from pathlib import Path
from typing import Any

from api.imports.fhir import Rule, import_fhir
from application.hospital import Hospital

CODE: Any = {"code": {"a": 1}}


def patient(id: str, **more: Any) -> dict[str, Any]:
    """Return a patient whose number is that of the resource."""
    return {"resourceType": "Patient", "id": id, "name": [{"family": id}], **more}


def imported(hospital: Hospital, file: Path, data: bytes) -> dict[str, dict[str, str]]:
    """Import a file, and return the lines of its account by the names of resources."""
    file.write_bytes(data)
    account = file.with_name("account.csv")
    assert import_fhir(hospital, file, account).adds_up
    with account.open(newline="") as lines:
        return {f"{line['table']}/{line['key']}": line for line in csv.DictReader(lines)}


def test_mistake_500_a_line_that_cannot_be_read_takes_its_file_with_it(
    hospital: Hospital, tmp_path: Path
) -> None:
    lines = [
        json.dumps(patient("a")).encode(),
        json.dumps(patient("b")).encode()[:-5],
        json.dumps(patient("c")).encode("utf-8").replace(b'"c"}', b'"\xe4"}'),
        json.dumps(patient("d", text="one\u2028line\x85"), ensure_ascii=False).encode(),
        json.dumps(patient("e", text="\ud800")).encode(),
        b"\r",
        b'{"resourceType": "Patient", "id": "f"}\r',
    ]
    result = imported(hospital, tmp_path / "some.ndjson", b"\n".join(lines))
    assert {name: line["verdict"] for name, line in result.items()} == {
        "Patient/a": "recorded",
        "unreadable/some.ndjson:2": "refused",
        "unreadable/some.ndjson:3": "refused",
        "Patient/d": "recorded",
        "unreadable/some.ndjson:5#1": "refused",
        "Patient/f": "recorded",
    }


def test_mistake_501_an_entry_of_another_form_ends_an_import_or_is_not_told(
    hospital: Hospital, tmp_path: Path
) -> None:
    entries: list[Any] = [
        *({"resource": patient("a"), "search": "match"}, "text", None, {"resource": []}),
        {"resource": patient("b", link=["text"])},
        {"resource": patient("c", name=[{"family": 5}])},
        {"resource": patient("d", identifier=[{"value": {"a": 1}}])},
        {"resource": {"resourceType": "Location", "id": "e", "physicalType": {"coding": [CODE]}}},
        {"resource": {"resourceType": "MedicationRequest", "id": "f", "note": [{"text": CODE}]}},
    ]
    bundle = json.dumps({"resourceType": "Bundle", "entry": entries}).encode()
    result = imported(hospital, tmp_path / "some.json", bundle)
    assert len(result) == len(entries)
    verdicts = {name: line["rule"] for name, line in result.items() if "Patient" in name}
    assert verdicts == {
        "Patient/a": "register_patient",
        "Patient/b": "register_patient",
        "Patient/c": "Unreadable",
        "Patient/d": "Unreadable",
    }


def test_mistake_502_a_death_or_a_merge_that_is_refused_is_not_told(
    hospital: Hospital, tmp_path: Path
) -> None:
    def replaced_by(other: str) -> list[dict[str, Any]]:
        return [{"type": "replaced-by", "other": {"reference": other}}]

    bodies = [
        patient("a", link=replaced_by("Patient/b")),
        patient("b", link=replaced_by("Patient/a/_history/3")),
        patient("c", link=replaced_by("Patient/nobody")),
        patient("d", link=replaced_by("#x"), contained=[patient("x")]),
        patient("e", deceasedDateTime="2030-01-01T00:00:00Z"),
        patient("f", deceasedDateTime="in spring"),
    ]
    data = "\n".join(map(json.dumps, bodies)).encode()
    result = imported(hospital, tmp_path / "some.ndjson", data)
    notes = {line["key"]: line["note"] for line in result.values()}
    assert notes["a"] == ""
    assert notes["b"].startswith("merge_patients refused")
    assert notes["c"] == notes["d"] == "replaced by nobody in the files"
    assert notes["e"].startswith("record_death refused: InFuture")
    assert notes["f"] == "deceasedDateTime is no moment"


def bundle(*resources: dict[str, Any], servers: tuple[str, ...] = ("a",)) -> bytes:
    """Return a Bundle whose entries have addresses of one server after the other."""
    entries = [
        {
            "fullUrl": f"http://{servers[n % len(servers)]}/{resource['resourceType']}/{resource['id']}",
            "resource": resource,
        }
        for n, resource in enumerate(resources)
    ]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def stay(id: str, who: str, **more: Any) -> dict[str, Any]:
    """Return a stay that has begun."""
    return {
        "resourceType": "Encounter",
        "id": id,
        "status": "in-progress",
        "class": {"code": "IMP"},
        "subject": {"reference": who},
        "period": {"start": "2026-03-01T08:00:00Z"},
        **more,
    }


def test_mistake_697_a_stay_that_is_over_is_taken_as_one_that_goes_on(
    hospital: Hospital, tmp_path: Path
) -> None:
    resources = patient("over"), stay("s", "Patient/over", status="finished")
    result = imported(hospital, tmp_path / "some.json", bundle(*resources))["Encounter/s"]
    assert (result["verdict"], result["rule"]) == ("refused", "Unreadable")
    assert "period.end" in result["note"]


def test_mistake_698_the_address_of_who_was_refused_leads_to_somebody_else(
    hospital: Hospital, tmp_path: Path
) -> None:
    """Two servers have given one id; the stay of the second's patient is not the first's."""
    numbers = [[{"system": "urn:x", "value": value}] for value in ("first", "second")]
    resources = (
        patient("twice", identifier=numbers[0]),
        patient("twice", identifier=numbers[1], gender="male"),
        stay("s1", "http://a/Patient/twice"),
        stay("s2", "http://b/Patient/twice"),
        stay("s3", "Patient?identifier=urn:x|second"),
    )
    file = tmp_path / "some.json"
    result = imported(hospital, file, bundle(*resources, servers=("a", "b")))
    assert {name: result[name]["rule"] for name in result if name[0] == "E"} == {
        "Encounter/s1": "admit_patient",
        "Encounter/s2": Rule.NO_PATIENT,
        "Encounter/s3": Rule.NO_PATIENT,
    }


def test_mistake_699_a_death_without_its_time_is_left_out_and_not_told(
    hospital: Hospital, tmp_path: Path
) -> None:
    resources = patient("dead", deceasedBoolean=True), patient("alive", deceasedBoolean=False)
    result = imported(hospital, tmp_path / "some.json", bundle(*resources))
    assert "deceasedBoolean" in result["Patient/dead"]["note"]
    assert not result["Patient/alive"]["note"]


def test_files_without_a_resource_are_an_account_without_lines(
    hospital: Hospital, tmp_path: Path
) -> None:
    """An empty searchset, or an empty file of a bulk export."""
    for name, data in (
        ("some.json", b'{"resourceType": "Bundle", "type": "searchset", "total": 0}'),
        ("some.json", b'{"resourceType": "Bundle", "entry": null}'),
        ("Flag.ndjson", b"\n"),
    ):
        assert imported(hospital, tmp_path / name, data) == {}
