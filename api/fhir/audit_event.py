"""AuditEvent (https://hl7.org/fhir/R4/auditevent.html): the record of reading, for who may read it."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from api.fhir.outcome import FhirError
from api.fhir.parameters import Kind, Parameter, at, date, span, to, token, whole_from
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Reader,
    Resource,
    held_alone,
    id_of,
    ids_asked,
    in_order,
    one,
)
from api.fhir.values import TERMINOLOGY, Json, coding, concept, login, reference
from api.graphql.scalars import encode_cursor, iso_moment

PURPOSES = {
    "TREATMENT": "TREAT",
    "EMERGENCY": "ETREAT",
    "ADMINISTRATION": "HOPERAT",
    "QUALITY": "HQUALIMP",
    "PUBLIC_HEALTH": "PUBHLTH",
    "RESEARCH": "HRESCH",
    "PATIENT_REQUEST": "PATRQT",
    "LEGAL": "HLEGAL",
}
"""v3-ActReason of the purposes; BTG beside them where the glass was broken."""


class AuditEvent(Resource):
    type = "AuditEvent"
    specification = "https://hl7.org/fhir/R4/auditevent.html"
    documentation = "Who read whose data, or was refused to; for who may read the access log."
    right = "data:audit"
    has_versions = False
    own_fields = (
        "id at issuer subject role operation purpose brokeGlass outcome entity resources asOf knownAt"
        " onBehalfOf tokenId address server patient { id }"
    )
    parameters = {
        "patient": Parameter(
            Kind.REFERENCE, at("entity", "what", "reference"), "Whose data.", ("Patient",)
        ),
        "entity": to("Patient", path=("entity", "what"), documentation="Whose data."),
        "agent-name": Parameter(Kind.STRING, at("agent", "name"), "Whose login it was."),
        "date": date(("recorded",), documentation="When the answer was given."),
        "outcome": token(("outcome",), "0: shown; 4: refused."),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        reason = f"{TERMINOLOGY}/v3-ActReason"
        purposes = [concept(coding(reason, PURPOSES[node["purpose"]]))]
        if node["brokeGlass"]:
            purposes.append(concept(coding(reason, "BTG", "break the glass")))
        patient = node["patient"]
        role = coding(f"{TERMINOLOGY}/object-role", "1", "Patient")
        person = coding(f"{TERMINOLOGY}/audit-entity-type", "1", "Person")
        details = {"operation": node["operation"], "asOf": node["asOf"], "knownAt": node["knownAt"]}
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "meta": {"lastUpdated": node["at"]},
            "type": coding(f"{TERMINOLOGY}/audit-event-type", "rest", "RESTful Operation"),
            "action": "R",
            "recorded": node["at"],
            "outcome": "0" if node["outcome"] == "SUCCESS" else "4",
            "outcomeDesc": node["entity"],
            "purposeOfEvent": purposes,
            "agent": [
                {
                    "role": [{"text": node["role"]}],
                    "who": login(node["issuer"], node["subject"]),
                    "name": node["subject"],
                    "requestor": True,
                    "network": {"address": node["address"], "type": "2"}
                    if node["address"]
                    else None,
                }
            ],
            "source": {"observer": {"display": node["server"] or "Wardbook"}},
            "entity": [
                {
                    "what": reference("Patient", patient["id"]) if patient else None,
                    "type": person if patient else None,
                    "role": role if patient else None,
                    "detail": [
                        {"type": name, "valueString": value}
                        for name, value in details.items()
                        if value
                    ],
                },
                *({"what": {"identifier": {"value": id}}} for id in node["resources"]),
            ],
        }
        return Item(resource, (patient["id"],) if patient else ())

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        """Return entries by their ids, which begin with their number."""
        items = []
        for id in dict.fromkeys(ids):
            digits, _, rest = id.partition("-")
            number = whole_from(digits)
            if number is not None and rest:
                async for entry in self.search(reader, {}, 1, _before(number, rest)):
                    if entry.id == id:
                        items.append(entry)
                    break
        return items

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            async for item in in_order(await self.by_ids(reader, ids), after):
                yield item
            return
        arguments: dict[str, tuple[str, str | None]] = {
            "subject": ("String", one(criteria, "agent-name")),
            "from": ("DateTime", None),
            "to": ("DateTime", None),
            "mrn": ("String", None),
            "authority": ("String", None),
        }
        for criterion in criteria.get("date", ()):
            for value in criterion.values if len(criterion.values) == 1 else ():
                prefix, (low, high) = span(value)
                if prefix in ("eq", "ge", "gt", "sa"):
                    arguments["from"] = "DateTime", iso_moment(low)
                if prefix in ("eq", "le", "lt", "eb"):
                    arguments["to"] = "DateTime", iso_moment(high)
        patient = id_of(one(criteria, "patient", "entity"))
        if patient is not None:
            query_text = f"patient(id: $id, {TIMES}) {{ mrn mrnAuthority }}"
            data = await reader.ask(query_text, id=("ID", patient))
            if not data["patient"]:
                return
            arguments["mrn"] = "String", data["patient"]["mrn"]
            arguments["authority"] = "String", data["patient"]["mrnAuthority"]
        list = (
            "accesses(mrn: $mrn, mrnAuthority: $authority, subject: $subject, from: $from, to: $to,"
        )
        of_login = held_alone(criteria, "agent-name")
        holds = [*held_alone(criteria, "patient", "entity"), *of_login]
        async for cursor, node in self.pages(
            reader, list, self.own_fields, first, after, None, **arguments
        ):
            item = await self.item(reader, node)
            item.cursor, item.holds = cursor, holds
            yield item


def _before(number: int, rest: str) -> str:
    """Return the cursor after which an entry comes first."""
    try:
        return encode_cursor("accesses", number, UUID(int=UUID(rest).int + 1))
    except ValueError:
        raise FhirError(404, "not-found", "There is no such AuditEvent.") from None
