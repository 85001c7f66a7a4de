"""Flag (https://hl7.org/fhir/R4/flag.html): what is to be noted of a patient on the board."""

from collections.abc import AsyncIterator, Sequence

from api.fhir.medication import SUBJECT, of_stays
from api.fhir.parameters import date, to, token
from api.fhir.resource import Criteria, Item, Reader, Resource, ids_asked, in_order
from api.fhir.values import OWN, TERMINOLOGY, Json, coding, concept, period
from api.fhir.values import to as to_node
from infrastructure.read_models.flags import stays_of_flags

KINDS = f"{OWN}:flag-kind"
CATEGORY = f"{TERMINOLOGY}/flag-category"


class Flag(Resource):
    type = "Flag"
    specification = "https://hl7.org/fhir/R4/flag.html"
    documentation = "What is to be noted of a patient in a stay, while it holds."
    root = "stay"
    fields = "id patient { id } flags { id kind note since }"
    needed = reverse = ("patient", "subject", "encounter")
    parameters = {
        "patient": SUBJECT,
        "subject": SUBJECT,
        "encounter": to("Encounter", path=("encounter",), documentation="The stay."),
        "code": token(("code",), "One of the kinds of the house; a parameter of our own."),
        "date": date(("period",), documentation="A time at which it holds."),
    }

    def flags(self, stay: Json) -> list[Item]:
        """Return the flags of a stay."""
        patient = stay["patient"]
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
                    "encounter": to_node("Encounter", stay),
                },
                patients,
                (stay["id"],),
            )
            for flag in stay["flags"]
        ]

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        stays = await reader.owners(stays_of_flags, ids)
        nodes = await reader.nodes(self.root, f"{{ {self.fields} }}", sorted(set(stays.values())))
        items = {item.id: item for stay in nodes.values() for item in self.flags(stay)}
        return [items[id] for id in dict.fromkeys(ids) if id in items]

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            items = await self.by_ids(reader, ids)
        else:
            stays = await of_stays(reader, criteria, "encounter", self.fields)
            items = [item for stay in stays for item in self.flags(stay)]
        async for item in in_order(items, after, ("patient", "subject") if ids is None else ()):
            yield item
