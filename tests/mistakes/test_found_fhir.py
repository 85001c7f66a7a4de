"""Mistakes of FHIR servers that find more, or less, than what was asked for."""

from typing import Any

import pytest

from tests.conftest import TOKEN
from tests.support.api_dsl import Ward, ago, late


class House:
    """Two patients in two wards, each with a prescription, a dose, a flag and an allergy."""

    def __init__(self, ward: Ward) -> None:
        self.ward, self.ids = ward, dict[str, str]()
        question = "query($i: ID!) { stay(id: $i) { patient { id } stretches { room { ward } } } }"
        for name in "ABC":
            family = ward.name(f"Seldom{name}")
            mrn = ward.patient(familyName=family, givenName="Comma, Jr")
            stay = ward.stay(
                ward.room("a", ward=ward.name("W")) + "/a", at=ago(hours=9), patientMrn=mrn
            )
            drug = ward.prescription(stay)
            ward.record("recordAdministration", prescriptionId=drug, given=True, doseGiven="1 g")
            ward.record("raiseFlag", stayId=stay, flagKind="FALL_RISK", **late(ago(hours=3)))
            result = ward.ask(question, i=stay)["stay"]
            known_wards = {w["name"]: w["id"] for w in ward.ask("{ wards { id name } }")["wards"]}
            self.ids |= {
                f"stay{name}": stay,
                f"drug{name}": drug,
                f"family{name}": family,
                f"mrn{name}": mrn,
                f"patient{name}": result["patient"]["id"],
                f"ward{name}": known_wards[result["stretches"][-1]["room"]["ward"]],
            }

    def refusal(self, path: str) -> str:
        """Return what is said to a search that is refused."""
        headers = {"Authorization": f"Bearer {TOKEN}"}
        response = self.ward.client.http.get(f"/fhir/{path.format(**self.ids)}", headers=headers)
        assert response.status_code == 400, response.text
        return str(response.json()["issue"][0]["diagnostics"])

    def found(self, path: str) -> list[Any]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        response = self.ward.client.http.get(
            f"/fhir/{path.format(**self.ids)}&_count=100", headers=headers
        )
        assert response.status_code == 200, response.text
        entries = response.json().get("entry", [])
        return [e["resource"] for e in entries if e["search"]["mode"] == "match"]


@pytest.fixture(scope="module")
def house(shared: Ward) -> House:
    return House(shared)


NOBODY = [
    "Encounter?patient={patientA}&subject={patientB}",
    "MedicationRequest?patient={patientA}&subject={patientB}",
    "MedicationRequest?patient={patientA}&encounter={stayB}",
    "MedicationAdministration?patient={patientA}&context={stayB}",
    "MedicationAdministration?patient={patientA}&request={drugB}",
    "MedicationAdministration?context={stayA}&request={drugB}",
    "Flag?patient={patientA}&subject={patientB}",
    "Flag?patient={patientA}&encounter={stayB}",
    "AuditEvent?patient={patientA}&entity=Patient/{patientB}",
    "Patient?identifier=|{mrnA}",
]


@pytest.mark.parametrize("path", NOBODY)
def test_mistake_690_of_two_parameters_that_both_name_a_patient_one_is_not_looked_at(
    house: House, path: str
) -> None:
    assert house.found(path) == []


def test_mistake_691_several_values_of_which_one_would_do_find_everybody(house: House) -> None:
    ids = {house.ids["patientA"], house.ids["patientB"]}
    house.found("Patient?family={familyA}")  # so that there is an entry of reading
    assert {p["id"] for p in house.found("Patient?name={familyA},{familyB}")} == ids
    events = house.found("AuditEvent?patient={patientA},{patientB}")
    assert events
    assert all(any(f"Patient/{id}" in str(e) for id in ids) for e in events)
    assert house.found("AuditEvent?agent-name=nobody,noone") == []
    (stay,) = house.found("MedicationRequest?patient={patientA},{patientB}&encounter={stayB}")
    assert stay["id"] == house.ids["drugB"]


def test_mistake_692_of_several_wards_the_first_alone_is_looked_in(house: House) -> None:
    def stays(path: str) -> set[str]:
        return {stay["id"] for stay in house.found(path)}

    both = {house.ids["stayA"], house.ids["stayB"]}
    assert both <= stays("Encounter?location={wardA},{wardB}")
    assert both <= stays("Encounter?location={wardB},{wardA}")
    assert both <= stays("Encounter?location:missing=false")
    assert both.isdisjoint(stays("Encounter?location:missing=true"))
    assert stays("Encounter?patient={patientA}&location={wardA}") == {house.ids["stayA"]}


def test_mistake_693_a_comma_that_is_escaped_is_looked_for_with_its_backslash(
    house: House,
) -> None:
    ids = [house.ids["patientA"]]
    for given in (r"Comma\, Jr", r"Nobody,Comma\, Jr"):
        assert [p["id"] for p in house.found(f"Patient?family={{familyA}}&given={given}")] == ids


def test_mistake_694_a_code_is_not_found_by_its_own_system(house: House) -> None:
    path = "Encounter?patient={patientA}&status="
    for system in ("", "|", "http://hl7.org/fhir/encounter-status|"):
        assert len(house.found(f"{path}{system}in-progress")) == 1, system
        assert house.found(f"{path}{system}finished") == [], system
    assert house.found(f"{path}http://loinc.org|in-progress") == []


def test_mistake_695_of_a_parameter_that_is_given_twice_one_is_left_out(house: House) -> None:
    for twice in (
        "Encounter/{stayA}?asOf=2020-01-01T00:00:00Z&asOf=2030-01-01T00:00:00Z",
        "Patient/{patientA}/$everything?_type=Encounter&_type=Flag",
        "Encounter?_count=1&_count=2",
        "Encounter?_sort=date&_sort=status",
    ):
        assert house.refusal(twice).startswith("Give this once: ")


def test_mistake_696_what_cannot_be_read_finds_nothing_without_a_word(house: House) -> None:
    assert "UTF-8" in house.refusal("Patient?family=%E9very")
    assert "type" in house.refusal("Provenance?target={stayA}")
    assert "not known" in house.refusal("Encounter?_include=Encounter:patient:Location")
    form = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/x-www-form-urlencoded"}
    post = house.ward.client.http.post
    assert post("/fhir/Patient/_search", content="family=%E9", headers=form).status_code == 400
