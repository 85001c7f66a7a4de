"""Provenance (https://hl7.org/fhir/R4/provenance.html): who recorded each event, and why."""

from collections.abc import AsyncIterator

from api.fhir.outcome import FhirError
from api.fhir.parameters import Kind, Parameter, at, date, token
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Reader,
    Resource,
    held,
    ids_asked,
    in_order,
)
from api.fhir.values import OWN, TERMINOLOGY, Json, coding, concept, login, reference
from api.graphql.scalars import Position

KINDS = f"{OWN}:timeline-kind"
TARGETS = ("Patient", "Encounter", "MedicationRequest")


class Provenance(Resource):
    type = "Provenance"
    specification = "https://hl7.org/fhir/R4/provenance.html"
    documentation = "One for each event that was recorded of a patient, a stay or a prescription."
    has_versions = False
    root = "nodeAsOf"
    own_fields = (
        "id kind status occurredAt recordedAt position recordedBy { issuer subject role onBehalfOf }"
        " performedBy reason corrects cancels stayId subject patientId summary"
    )
    fields = f"... on TimelineEntry {{ {own_fields} }}"
    needed = reverse = ("target", "patient")
    parameters = {
        "target": Parameter(
            Kind.REFERENCE,
            at("target", "reference"),
            "The patient, stay or prescription; of a patient, all that is of the person.",
            TARGETS,
        ),
        "patient": Parameter(
            Kind.REFERENCE, at("target", "reference"), "The patient.", ("Patient",)
        ),
        "recorded": date(("recorded",), documentation="When it was recorded."),
        "when": date(("occurredDateTime",), documentation="When it occurred."),
        "agent": token(("agent", "who", "identifier"), "Whose login recorded it."),
        "activity": token(("activity",), "The kind of event."),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        by, kind = node["recordedBy"], node["kind"]
        patient, subject, stay = node["patientId"], node["subject"], node["stayId"]
        if subject == patient:
            target = reference("Patient", patient)
        elif kind.startswith("PRESCRIPTION"):
            target = reference("MedicationRequest", subject)
        else:
            target = reference("Encounter", stay or subject)
        operation = "NULLIFY" if node["cancels"] else "UPDATE" if node["corrects"] else "CREATE"
        earlier = {"removal": node["cancels"], "revision": node["corrects"]}
        agents = [
            {
                "type": concept(
                    coding(f"{TERMINOLOGY}/provenance-participant-type", "enterer", "Enterer")
                ),
                "role": [{"text": by["role"]}],
                "who": login(by["issuer"], by["subject"]),
                "onBehalfOf": {"display": by["onBehalfOf"]},
            }
        ]
        if node["performedBy"]:
            performer = coding(
                f"{TERMINOLOGY}/provenance-participant-type", "performer", "Performer"
            )
            agents.append({"type": concept(performer), "who": {"display": node["performedBy"]}})
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "meta": {
                "versionId": reader.known_at(Position(node["position"])),
                "lastUpdated": node["recordedAt"],
            },
            "target": [target],
            "occurredDateTime": node["occurredAt"],
            "recorded": node["recordedAt"],
            "reason": [{"text": node["reason"]}] if node["reason"] else [],
            "activity": concept(
                coding(f"{TERMINOLOGY}/v3-DataOperation", operation),
                coding(KINDS, kind),
                text=node["summary"],
            ),
            "agent": agents,
            "entity": [
                {"role": role, "what": reference("Provenance", id)}
                for role, id in earlier.items()
                if id
            ],
        }
        return Item(resource, (patient,))

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            async for item in in_order(await self.by_ids(reader, ids), after):
                yield item
            return
        holds = held(criteria, "target", "patient")
        targets = [c for name in ("target", "patient") for c in criteria.get(name, ())]
        target = holds[0].one if holds else None
        if target is None or any(c not in holds and not c.modifier for c in targets):
            raise FhirError(400, "not-supported", "Provenance is searched by one target at once.")
        type, is_named, id = target.partition("/")
        if not is_named:
            text = f"A target is named with its type, one of: {', '.join(TARGETS)}."
            raise FhirError(400, "invalid", text)
        subject = None
        if type == "MedicationRequest":
            query_text = f"prescription(id: $id, {TIMES}) {{ stay {{ id }} }}"
            data = await reader.ask(query_text, id=("ID!", id))
            if not data["prescription"] or not data["prescription"]["stay"]:
                return
            type, subject, id = "Encounter", id, data["prescription"]["stay"]["id"]
        of_stay = type == "Encounter"
        list = f"timeline(stayId: $id, {TIMES}," if of_stay else "timeline("
        parent = None if of_stay else f"patient(id: $id, {TIMES})"
        async for cursor, node in self.pages(
            reader, f"{list} read: RECORD,", self.own_fields, first, after, parent, id=("ID", id)
        ):
            if subject in (None, node["subject"]):
                item = await self.item(reader, node)
                item.cursor, item.holds = cursor, holds
                yield item
