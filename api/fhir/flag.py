"""Flag (https://hl7.org/fhir/R4/flag.html): what is to be noted of a patient on the board."""

from collections.abc import Mapping, Sequence

from api.fhir.medication import SUBJECT, of_stays
from api.fhir.parameters import date, to, token
from api.fhir.resource import Criteria, Item, Part, Reader
from api.fhir.values import OWN, TERMINOLOGY, Json, coding, concept, period
from api.fhir.values import to as to_node
from infrastructure.read_models.flags import stays_of_flags

KINDS = f"{OWN}:flag-kind"
CATEGORY = f"{TERMINOLOGY}/flag-category"


class Flag(Part):
    type = "Flag"
    specification = "https://hl7.org/fhir/R4/flag.html"
    documentation = "What is to be noted of a patient in a stay, while it holds."
    root = "stay"
    fields = "id patient { id } flags { id kind note since }"
    needed = reverse = ("patient", "subject", "encounter")
    holds = ("patient", "subject")
    parameters = {
        "patient": SUBJECT,
        "subject": SUBJECT,
        "encounter": to("Encounter", path=("encounter",), documentation="The stay."),
        "code": token(("code",), "One of the kinds of the house; a parameter of our own."),
        "date": date(("period",), documentation="A time at which it holds."),
    }

    def parts(self, node: Json) -> list[Item]:
        """Return the flags of a stay."""
        patient = node["patient"]
        patients = (patient["id"],) if patient else ()
        return [
            Item(
                {
                    "resourceType": self.type,
                    "id": flag["id"],
                    "status": "active",
                    "category": [concept(coding(CATEGORY, "clinical", "Clinical"))],
                    "code": concept(coding(KINDS, flag["kind"]), text=flag["note"] or flag["kind"]),
                    "subject": to_node("Patient", patient),
                    "period": period(flag["since"], None),
                    "encounter": to_node("Encounter", node),
                },
                patients,
                (node["id"],),
            )
            for flag in node["flags"]
        ]

    async def owners(self, reader: Reader, ids: Sequence[str]) -> Mapping[str, str]:
        return await reader.owners(stays_of_flags, ids)

    async def nodes_of(self, reader: Reader, criteria: Criteria) -> Sequence[Json]:
        return await of_stays(reader, criteria, "encounter", self.fields)
