"""Ways to tell of persons other than single mutations: HL7, FHIR files, batches, literals."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

from api.hl7.door import Door
from api.imports.account import Verdict
from api.imports.fhir import import_fhir
from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late


def tell_otherwise(ward: Ward, home: Path, door: Door) -> dict[str, str]:
    """Tell of a person by each way; return the MRN of each by the sign that stands in all its texts."""
    ways = (_by_messages(door), _by_resources(ward, home), _by_batch(ward), _by_literals(ward))
    return dict(ways)


def _by_messages(door: Door) -> tuple[str, str]:
    sign = "Hoatzinbird"
    mrn, head = f"{sign}1", r"MSH|^~\&|ADT|SOUTH|||{at}||{kind}|{control}|P|2.5"
    pid = f"PID|||{mrn}^^^HOSP^MR||{sign}fam^{sign}giv||19310709|F|||{sign} street||{sign}tel"
    for number, (kind, *segments) in enumerate(
        (
            ("ADT^A28", "NK1|1|" + f"{sign} mother"),
            ("ADT^A01", "PV1||I|^^^" + f"||||||||||||||||V{number_of(sign)}"),
            ("ADT^A60", f"IAM|1||^{sign} plum|SV|{sign} swells|A"),
            (
                "ORM^O01",
                "PV1||I|||||||||||||||||V" + number_of(sign),
                "ORC|NW|7",
                f"OBR|1|||C^Heart|||||||||{sign} asks",
            ),
            ("ADT^A40", f"MRG|{sign}2^^^HOSP^MR"),
            ("ADT^A47", f"MRG|{sign}3^^^HOSP^MR"),
            (
                "ADT^A03",
                "PV1||I|||||||||||||||||V" + number_of(sign) + "|||||||||||||||||01^" + sign,
            ),
            ("ADT^A99", f"ZZZ|{sign}"),
            ("ADT^A40", f"ZZZ|{sign} is refused: it names no other record"),
            ("RAS^O17", f"ORC|RE|{sign}7", f"RXA||1|20260302130000||{sign}|400|mg"),
        )
    ):
        at = f"202603021{number}0000+0000"
        event = f"EVN|{kind[-3:]}|{at}||||{at}"
        text = "\r".join((head.format(at=at, kind=kind, control=number), event, pid, *segments))
        assert all(b"MSA|A" in answer for answer in door.answers(text.encode()))
    return sign, mrn


def number_of(sign: str) -> str:
    return str(len(sign))


def _by_resources(ward: Ward, home: Path) -> tuple[str, str]:
    sign, folder = "Kakapobird", home / "fhir"
    folder.mkdir(parents=True)
    times = {"start": ago(days=3), "end": ago(days=1)}
    resources: list[dict[str, Any]] = [
        {
            "resourceType": "Patient",
            "id": "p",
            "identifier": [{"type": {"coding": [{"code": "MR"}]}, "value": f"{sign}1"}],
            "name": [{"family": f"{sign}fam", "given": [f"{sign}giv"]}],
            "birthDate": "1931-07-09",
            "address": [{"text": f"{sign} street"}],
        },
        {
            "resourceType": "Encounter",
            "id": "e",
            "status": "finished",
            "class": {"code": "IMP"},
            "subject": {"reference": "Patient/p"},
            "period": times,
            "reasonCode": [{"text": f"{sign} fell"}],
        },
        {
            "resourceType": "AllergyIntolerance",
            "id": "a",
            "patient": {"reference": "Patient/p"},
            "code": {"text": f"{sign} plum"},
            "reaction": [{"manifestation": [{"text": f"{sign} swells"}]}],
            "recordedDate": ago(days=2),
        },
        {
            "resourceType": "Flag",
            "id": "f",
            "status": "active",
            "subject": {"reference": "Patient/p"},
            "encounter": {"reference": "Encounter/e"},
            "code": {"text": f"{sign} falls"},
            "period": {"start": ago(days=2)},
        },
    ]
    lines = "\n".join(json.dumps(resource) for resource in resources)
    (folder / "all.ndjson").write_text(lines)
    hospital = ward.client.http.app_state["container"].hospital
    account = import_fhir(hospital, folder, home / "account.csv")
    assert account.tables["Patient"].total(Verdict.RECORDED) == 1, account
    (folder / "all.ndjson").unlink()
    return sign, f"{sign}1"


def _by_batch(ward: Ward) -> tuple[str, str]:
    sign = "Takahebird"
    mrn = f"{sign}1"
    commands = [
        ("registerPatient", {"mrn": mrn, "familyName": f"{sign}fam", **late(ago(days=4))}),
        ("admitPatient", {"patientMrn": mrn, "admissionType": "EMERGENCY",
                          "withoutBed": f"chair of {sign}", **late(ago(days=3))}),
        ("admitPatient", {"patientMrn": f"{sign} nobody", "admissionType": "EMERGENCY",
                          "withoutBed": f"{sign} lies", **late(ago(days=3))}),
        ("nonsense", {"mrn": sign}),
    ]  # fmt: skip
    body = {
        "commands": [
            {"mutation": name, "input": {"commandId": str(uuid4()), **content}}
            for name, content in commands
        ]
    }
    headers = {"Authorization": f"Bearer {TOKEN}"}
    answer = ward.client.http.post("/commands", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    stay = answer.json()["results"][1]["stay"]["id"]
    ward.record("dischargePatient", stayId=stay, disposition="HOME", destination=f"aunt of {sign}")
    return sign, mrn


def _by_literals(ward: Ward) -> tuple[str, str]:
    """Texts in the document itself, wrong ones too, and the reason of an access by force."""
    sign = "Wekarailbird"
    mrn, label = f"{sign}1", "VERY_RESTRICTED"
    ward.record("registerPatient", mrn=mrn, familyName=f"{sign}fam", confidentiality=label)

    for document in (
        f'{{ patients(search: "{sign}fam") {{ nodes {{ id }} }} }}',
        f'{{ patient(mrn: "{sign} wrong") {{ id }} }}',
        f'{{ nonsense(of: "{sign}") }}',
        f'query {sign}($a: String = "{sign}") {{ patient(mrn: $a) {{ id }} }}',
    ):
        for _ in range(3):
            ward.client.raw(document, {})
    answer = ward.execute("breakGlass", patientMrn=mrn, reason=f"{sign} bleeds")
    assert answer["__typename"], answer
    return sign, mrn
