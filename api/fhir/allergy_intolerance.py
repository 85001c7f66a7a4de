"""AllergyIntolerance (https://hl7.org/fhir/R4/allergyintolerance.html): of a person."""

from collections.abc import AsyncIterator, Sequence

from api.fhir.medication import drug
from api.fhir.parameters import date, to, token
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Reader,
    Resource,
    id_of,
    ids_asked,
    in_order,
    one,
)
from api.fhir.values import TERMINOLOGY, Json, coding, concept, reference
from infrastructure.read_models.allergies import patients_of_allergies

CLINICAL = f"{TERMINOLOGY}/allergyintolerance-clinical"
VERIFICATION = f"{TERMINOLOGY}/allergyintolerance-verification"
UNKNOWN = coding(f"{TERMINOLOGY}/data-absent-reason", "unknown", "Unknown")
"""A reaction whose severity alone is known: FHIR wants a manifestation."""


class AllergyIntolerance(Resource):
    type = "AllergyIntolerance"
    specification = "https://hl7.org/fhir/R4/allergyintolerance.html"
    documentation = "An allergy or intolerance that a person has at the moment."
    root = "patient"
    own_fields = (
        "id patientId substance { name code system } kind severity reaction verification since"
    )
    fields = f"allergies {{ {own_fields} }}"
    needed = reverse = ("patient",)
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

    async def item(self, reader: Reader, node: Json) -> Item:
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

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        patients = await reader.owners(patients_of_allergies, ids)
        nodes = await reader.nodes(
            self.root, f"{{ {self.fields} }}", sorted(set(patients.values()))
        )
        items = {
            allergy["id"]: await self.item(reader, allergy)
            for node in nodes.values()
            for allergy in node["allergies"]
        }
        return [items[id] for id in dict.fromkeys(ids) if id in items]

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            items = await self.by_ids(reader, ids)
        else:
            query_text = f"patient(id: $id, {TIMES}) {{ {self.fields} }}"
            data = await reader.ask(query_text, id=("ID", id_of(one(criteria, "patient"))))
            nodes = data["patient"]["allergies"] if data["patient"] else []
            items = [await self.item(reader, node) for node in nodes]
        async for item in in_order(items, after, ("patient",) if ids is None else ()):
            yield item
