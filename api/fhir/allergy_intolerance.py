"""AllergyIntolerance (https://hl7.org/fhir/R4/allergyintolerance.html): of a person."""

from collections.abc import Mapping, Sequence

from api.fhir.medication import drug
from api.fhir.parameters import date, to, token
from api.fhir.resource import TIMES, Criteria, Item, Part, Reader, ids_of
from api.fhir.values import TERMINOLOGY, Json, coding, concept, reference
from infrastructure.read_models.allergies import patients_of_allergies

CLINICAL = f"{TERMINOLOGY}/allergyintolerance-clinical"
VERIFICATION = f"{TERMINOLOGY}/allergyintolerance-verification"
UNKNOWN = coding(f"{TERMINOLOGY}/data-absent-reason", "unknown", "Unknown")
"""A reaction whose severity alone is known: FHIR wants a manifestation."""


class AllergyIntolerance(Part):
    type = "AllergyIntolerance"
    specification = "https://hl7.org/fhir/R4/allergyintolerance.html"
    documentation = "An allergy or intolerance that a person has at the moment."
    root = "patient"
    fields = (
        "allergies { id patientId substance { name code system } kind severity reaction verification"
        " since }"
    )
    needed = reverse = holds = ("patient",)
    parameters = {
        "patient": to(
            "Patient", path=("patient",), documentation="The patient, by any record of the person."
        ),
        "code": token(("code",), "The substance by its code."),
        "type": token(("type",), "allergy or intolerance."),
        "clinical-status": token(("clinicalStatus",), "Inactive where it is refuted, else active."),
        "verification-status": token(("verificationStatus",), "How certain it is."),
        "severity": token(("reaction", "severity"), "How severe the reaction is."),
        "onset": date(("onsetDateTime",), documentation="Since when the person has it."),
    }

    def parts(self, node: Json) -> list[Item]:
        """Return the allergies of a person."""
        return [self._allergy(allergy) for allergy in node["allergies"]]

    def _allergy(self, node: Json) -> Item:
        patient, severity, verification = node["patientId"], node["severity"], node["verification"]
        clinical = "inactive" if verification == "REFUTED" else "active"
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "clinicalStatus": concept(coding(CLINICAL, clinical, clinical.capitalize())),
            "verificationStatus": concept(
                coding(VERIFICATION, verification.lower(), verification.capitalize())
            ),
            "type": node["kind"].lower(),
            "code": drug(node["substance"]),
            "patient": reference("Patient", patient),
            "onsetDateTime": node["since"],
            "reaction": [
                {
                    "manifestation": [
                        {"text": node["reaction"]} if node["reaction"] else concept(UNKNOWN)
                    ],
                    "severity": severity and severity.lower(),
                }
            ]
            if severity or node["reaction"]
            else [],
        }
        return Item(resource, (patient,), (patient,))

    async def owners(self, reader: Reader, ids: Sequence[str]) -> Mapping[str, str]:
        return await reader.owners(patients_of_allergies, ids)

    async def nodes_of(self, reader: Reader, criteria: Criteria) -> Sequence[Json]:
        query_text = f"patient(id: $id, {TIMES}) {{ {self.fields} }}"
        return await reader.ask_each(query_text, "ID", ids_of(criteria, "patient"))
