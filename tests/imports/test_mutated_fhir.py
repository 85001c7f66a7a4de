"""Files of FHIR by strangers: whatever is in them, every resource is told, and none ends the import."""

import copy
import csv
import json
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as runs
from hypothesis import strategies as st

from api.imports.fhir import import_fhir
from infrastructure.integrity.check import verify
from tests.imports.conftest import Imported, NewHospital
from tests.imports.test_fhir import RESOURCES, coded, day, location, to
from tests.record.test_source_movements import EXAMPLES

pytestmark = pytest.mark.slow

ODD: list[Any] = [
    *(None, "", " ", [], {}, [None], [[]], [{}], ["a"], {"a": 1}, 0, -1.5, 10**400, True, 1e308),
    *(
        "nonsense",
        "x" * 5_000,
        "a\x00b",
        "\ud800",
        "\x1e1AAAA",
        "\u2028",
        "2026-02-30",
        "9999-12-31",
    ),
    *("0001-01-01T00:00:00+14:00", "2026-W01-1", "2026", "#", "#a", "Patient/", "Patient/nobody"),
    *("Location/a", "Encounter/s1", "urn:uuid:x", "Patient/ann/_history/2", "http://[", "EM"),
    json.loads("[" * 300 + "]" * 300),
]

FULL: list[Any] = [
    *RESOURCES[:-1],
    location("W2", "wa", partOf=to("Location/x2")),
    location("x2", "bd", partOf=to("Location/W2")),
    *(
        {
            "resourceType": "Patient",
            "id": id,
            "identifier": [{"type": coded("MR"), "value": id, "use": "usual"}],
            "link": [{"type": "replaced-by", "other": to(f"Patient/{other}")}],
            "deceasedDateTime": "2026-04-01T00:00:00Z",
            "meta": {"security": [{"code": "R"}]},
        }
        for id, other in (("twin", "other"), ("other", "twin"))
    ),
    {
        "resourceType": "Practitioner",
        "id": "e",
        "identifier": [{"system": "urn:wardbook:staff", "value": "E1"}],
        "qualification": [{"code": {"text": "Senior"}}],
        "name": [{"family": "E", "given": ["F"]}],
    },
    {
        "resourceType": "MedicationRequest",
        "id": "r2",
        "status": "active",
        "intent": "order",
        "contained": [
            {
                "resourceType": "Medication",
                "id": "med",
                "code": {"coding": [{"code": "1", "system": "http://snomed.info/sct"}]},
            }
        ],
        "medicationReference": to("#med"),
        "subject": to("Patient/ann"),
        "requester": to("Practitioner/e"),
        "encounter": to("Encounter/s1"),
        "authoredOn": day(2),
        "note": [{"text": "n"}],
        "dosageInstruction": [
            {
                "asNeededBoolean": True,
                "additionalInstruction": [{"text": "At least 60 minutes"}],
                "maxDosePerPeriod": {"numerator": {"value": 3}, "denominator": {"code": "d"}},
                "doseAndRate": [{"doseQuantity": {"value": 2, "unit": "mg"}}],
                "timing": {
                    "repeat": {
                        "boundsPeriod": {"start": day(2), "end": day(5)},
                        "period": 8,
                        "periodUnit": "h",
                    }
                },
            }
        ],
    },
]


def places_in(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values in a resource."""
    parts = dict(enumerate(value)) if isinstance(value, list) else value
    for key, part in parts.items() if isinstance(parts, dict) else ():
        yield (*path, key)
        yield from places_in(part, (*path, key))


PLACES = [(resource, path) for resource in FULL for path in places_in(resource)]


def changed(resource: Any, path: tuple[Any, ...], value: Any, id: str) -> Any:
    """Return a resource of another id, with a value at a path."""
    other = {**copy.deepcopy(resource), "id": id}
    node = other
    for key in path[:-1]:
        node = node[key]
    node[path[-1]] = value
    return other


_NUMBERS = count()


@pytest.fixture(scope="module")
def house(new_hospital: NewHospital) -> Imported:
    """A house into which all examples are imported."""
    return new_hospital()


@given(st.data())
@runs(
    max_examples=EXAMPLES * 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_files_have_in_them_every_resource_is_told(
    house: Imported, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Values of other forms, references to nobody, in a circle or to another type; lines cut off."""
    folder, number = tmp_path_factory.mktemp("f"), next(_NUMBERS)
    bodies = list(FULL)
    for n in range(25):
        resource, path = data.draw(st.sampled_from(PLACES))
        bodies.append(changed(resource, path, data.draw(st.sampled_from(ODD)), f"o{number}-{n}"))
    lines = [json.dumps(body).encode() for body in bodies]
    for at in data.draw(st.lists(st.integers(0, len(lines) - 1), max_size=4)):
        lines[at] = data.draw(
            st.sampled_from([lines[at][:-9], lines[at][::-1], b"\xff" + lines[at], b"[", b"null"])
        )
    if data.draw(st.booleans()):
        (folder / "some.ndjson").write_bytes(b"\n".join(lines))
    else:
        entries: list[Any] = [{"resource": body} for body in bodies]
        entries += data.draw(st.lists(st.sampled_from([None, 1, "a", [], {}, {"search": "x"}])))
        bundle = {"resourceType": "Bundle", "entry": entries}
        (folder / "some.json").write_text(json.dumps(bundle))
    account = import_fhir(house.hospital, folder, folder / "account.csv")
    assert account.adds_up
    with (folder / "account.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == account.rows
    before = house.log()
    import_fhir(house.hospital, folder, folder / "account.csv")
    assert house.log() == before


def test_what_was_recorded_of_such_files_can_be_read(house: Imported) -> None:
    house.log()
    assert [c.examples for c in verify(house.database, read_models=False) if c.broken] == []
