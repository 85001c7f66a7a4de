"""Practitioner (https://hl7.org/fhir/R4/practitioner.html): who attends, visits and prescribes."""

from collections.abc import AsyncIterator

from api.fhir.parameters import Criterion, Kind, Parameter, codes, string, token_parts
from api.fhir.resource import TIMES, Criteria, Item, Reader, Resource, held, ids_asked, in_order
from api.fhir.values import OWN, TERMINOLOGY, Json, coding, concept

STAFF = f"{OWN}:staff"


class Practitioner(Resource):
    type = "Practitioner"
    specification = "https://hl7.org/fhir/R4/practitioner.html"
    documentation = "Staff who attend, visit and prescribe."
    right = "data:house"
    root = "nodeAsOf"
    own_fields = "id staffNumber familyName givenName grade specialty"
    fields = f"... on Practitioner {{ {own_fields} }}"
    parameters = {
        "identifier": Parameter(Kind.TOKEN, codes("identifier"), "The staff number."),
        "name": string(("name", "family"), ("name", "given"), documentation="Beginning of a name."),
        "family": string(("name", "family"), documentation="Beginning of the family name."),
        "given": string(("name", "given"), documentation="Beginning of the given name."),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        family, given_name = node["familyName"], node["givenName"]
        qualification = [node["specialty"], node["grade"].capitalize()]
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "identifier": [
                {
                    "type": concept(coding(f"{TERMINOLOGY}/v2-0203", "EI", "Employee number")),
                    "system": STAFF,
                    "value": node["staffNumber"],
                }
            ],
            "name": [{"family": family, "given": [given_name] if given_name else []}]
            if family or given_name
            else [],
            "qualification": [{"code": {"text": text}} for text in qualification if text],
        }
        return Item(resource, (), (node["id"],))

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            async for item in in_order(await self.by_ids(reader, ids), after):
                yield item
            return
        if identifiers := held(criteria, "identifier"):
            items = await self._by_identifier(reader, identifiers[0])
            async for item in in_order(items, after, identifiers):
                yield item
            return
        async for cursor, node in self.pages(
            reader, f"practitioners({TIMES},", self.own_fields, first, after
        ):
            item = await self.item(reader, node)
            item.cursor = cursor
            yield item

    async def _by_identifier(self, reader: Reader, identifiers: Criterion) -> list[Item]:
        """Return those who have the staff numbers that are asked for. Raises FhirError."""
        items = {}
        for identifier in identifiers.values:
            system, number = token_parts(identifier)
            if system in (STAFF, None):
                list = f"practitioners(staffNumber: $number, {TIMES},"
                pages = self.pages(
                    reader, list, self.own_fields, 10, None, number=("String", number)
                )
                async for _cursor, node in pages:
                    items[node["id"]] = await self.item(reader, node)
        return [*items.values()]
