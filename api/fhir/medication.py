"""MedicationRequest and MedicationAdministration: prescriptions, and their doses given or not given."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import time

from api.fhir.parameters import date, to, token
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Part,
    Reader,
    Resource,
    held,
    ids_asked,
    ids_of,
    in_order,
)
from api.fhir.values import DRUG_SYSTEMS, Json, coding, concept, period, quantity, reference, uri
from api.fhir.values import to as to_node
from infrastructure.read_models.prescriptions import prescriptions_of_doses

REQUESTS = {
    "SCHEDULED": "active",
    "ACTIVE": "active",
    "HELD": "on-hold",
    "STOPPED": "stopped",
    "COMPLETED": "completed",
    "CANCELLED": "entered-in-error",
}
"""medicationrequest-status of the statuses of a prescription."""

BASES = {
    "VERBAL_ORDER": "Ordered by word of mouth.",
    "PROTOCOL": "Given by a protocol of the house.",
    "EMERGENCY_DEPARTMENT": "Ordered in the emergency department.",
}

UCUM = "http://unitsofmeasure.org"

DRUG = "medication { name code system }"
SCHEDULE = "schedule { timesOfDay everyHours asNeeded minIntervalMinutes maxPerDay }"
STAY = "stay { id patient { id } }"
SUBJECT = to("Patient", path=("subject",), documentation="The patient.")


def drug(node: Json) -> Json:
    """Return a drug as a concept: by its code, and by its name as it was written."""
    name, system = node["name"], node["system"] or "unnamed"
    system = DRUG_SYSTEMS.get(system.upper()) or uri(system, "codes")
    return concept(coding(system, node["code"], name), text=name)


async def of_stays(reader: Reader, criteria: Criteria, encounter: str, fields: str) -> list[Json]:
    """Return the fields of the stay, or of the stays of the person, that a search names."""
    if ids := ids_of(criteria, "patient", "subject"):
        query_text = f"patient(id: $id, {TIMES}) {{ stays {{ {fields} }} }}"
        patients = await reader.ask_each(query_text, "ID", ids)
        return [stay for patient in patients for stay in patient["stays"]]
    query_text = f"stay(id: $id, {TIMES}) {{ {fields} }}"
    return await reader.ask_each(query_text, "ID!", ids_of(criteria, encounter))


async def prescriptions(
    reader: Reader, criteria: Criteria, encounter: str, fields: str
) -> list[Json]:
    """Return the prescriptions of the stay or of the person that a search names."""
    stays = await of_stays(reader, criteria, encounter, f"prescriptions {{ {fields} }}")
    return [prescription for stay in stays for prescription in stay["prescriptions"]]


def _repeat(schedule: Json) -> Json:
    """Return when the doses are due: times of the day, or so many hours apart."""
    if times := schedule.get("timesOfDay"):
        times_of_day = [time.fromisoformat(text).isoformat("seconds") for text in times]
        return {
            "frequency": len(times),
            "period": 1,
            "periodUnit": "d",
            "timeOfDay": times_of_day,
        }
    if hours := schedule.get("everyHours"):
        return {"frequency": 1, "period": hours, "periodUnit": "h"}
    return {}


def _as_needed(schedule: Json) -> Json:
    """Return the bounds of doses that are given as needed."""
    if not schedule.get("asNeeded"):
        return {}
    apart, most_doses = schedule["minIntervalMinutes"], schedule["maxPerDay"]
    return {
        "additionalInstruction": [{"text": f"At least {apart} minutes apart."}] if apart else [],
        "asNeededBoolean": True,
        "maxDosePerPeriod": {
            "numerator": {"value": most_doses, "unit": "dose"},
            "denominator": {"value": 1, "unit": "day", "system": UCUM, "code": "d"},
        }
        if most_doses
        else None,
    }


class MedicationRequest(Resource):
    type = "MedicationRequest"
    specification = "https://hl7.org/fhir/R4/medicationrequest.html"
    documentation = "A prescription, or the order of one dose that was given without one."
    follows_clock = True
    root = "prescription"
    fields = (
        "id status dose route frequency writtenAt start stop withoutPrescription prescriber { id }"
        f" {SCHEDULE} {DRUG} {STAY}"
    )
    needed = reverse = ("patient", "subject", "encounter")
    parameters = {
        "patient": SUBJECT,
        "subject": SUBJECT,
        "encounter": to("Encounter", path=("encounter",), documentation="The stay."),
        "status": token(("status",), "What has become of it."),
        "intent": token(("intent",), "Always order."),
        "authoredon": date(("authoredOn",), documentation="When it was written."),
        "requester": to("Practitioner", path=("requester",), documentation="Who prescribed."),
        "code": token(("medicationCodeableConcept",), "The drug by its code."),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        stay = node["stay"]
        patient = stay and stay["patient"]
        text = " ".join(part for part in (node["dose"], node["route"], node["frequency"]) if part)
        status = REQUESTS[node["status"]]
        amount, schedule = quantity(node["dose"]), node["schedule"] or {}
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "status": status,
            "intent": "order",
            "medicationCodeableConcept": drug(node["medication"]),
            "subject": to_node("Patient", patient),
            "encounter": to_node("Encounter", stay),
            "authoredOn": node["writtenAt"],
            "requester": to_node("Practitioner", node["prescriber"]),
            "note": [{"text": BASES[node["withoutPrescription"]]}]
            if node["withoutPrescription"]
            else [],
            "dosageInstruction": [
                {
                    "text": text,
                    "timing": {
                        "repeat": {
                            "boundsPeriod": period(node["start"], node["stop"]),
                            **_repeat(schedule),
                        },
                        "code": {"text": node["frequency"]},
                    },
                    **_as_needed(schedule),
                    "route": {"text": node["route"]},
                    "doseAndRate": [{"doseQuantity": amount}],
                }
            ],
        }
        patients = (patient["id"],) if patient else ()
        return Item(resource, patients, (node["id"],), follows_clock=status)

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        if ids is not None:
            items = await self.by_ids(reader, ids)
        else:
            nodes = await prescriptions(reader, criteria, "encounter", self.fields)
            items = [await self.item(reader, node) for node in nodes]
        holds = held(criteria, "patient", "subject") if ids is None else ()
        async for item in in_order(items, after, holds):
            yield item


class MedicationAdministration(Part):
    type = "MedicationAdministration"
    specification = "https://hl7.org/fhir/R4/medicationadministration.html"
    documentation = "A dose that was given, or not given and why."
    root = "prescription"
    fields = (
        f"id route {DRUG} {STAY} administrations {{ id occurredAt given doseGiven reasonNotGiven"
        " performedBy infusion endedAt }"
    )
    needed = reverse = ("patient", "subject", "context", "request")
    holds = ("patient", "subject")
    parameters = {
        "patient": SUBJECT,
        "subject": SUBJECT,
        "context": to("Encounter", path=("context",), documentation="The stay."),
        "status": token(("status",), "Given, not given, or being given."),
        "effective-time": date(
            ("effectiveDateTime",), ("effectivePeriod",), documentation="When it was given."
        ),
        "request": to("MedicationRequest", path=("request",), documentation="The prescription."),
        "code": token(("medicationCodeableConcept",), "The drug by its code."),
    }

    def parts(self, node: Json) -> list[Item]:
        """Return the doses of a prescription."""
        stay = node["stay"]
        patient = stay and stay["patient"]
        patients = (patient["id"],) if patient else ()
        return [
            Item(self._dose(node, patient, dose), patients, (node["id"],))
            for dose in node["administrations"]
        ]

    def _dose(self, node: Json, patient: Json | None, dose: Json) -> Json:
        at, end, amount = dose["occurredAt"], dose["endedAt"], quantity(dose["doseGiven"])
        status = "completed" if dose["given"] else "not-done"
        if dose["given"] and dose["infusion"] and not end:
            status = "in-progress"
        return {
            "resourceType": self.type,
            "id": dose["id"],
            "status": status,
            "statusReason": [{"text": dose["reasonNotGiven"]}] if dose["reasonNotGiven"] else [],
            "medicationCodeableConcept": drug(node["medication"]),
            "subject": to_node("Patient", patient),
            "context": to_node("Encounter", node["stay"]),
            "effectiveDateTime": None if dose["infusion"] else at,
            "effectivePeriod": period(at, end) if dose["infusion"] else None,
            "performer": [{"actor": {"display": dose["performedBy"]}}]
            if dose["performedBy"]
            else [],
            "request": reference("MedicationRequest", node["id"]),
            # an amount without a number is a note: a dosage has a dose or a rate (mad-1)
            "note": [{"text": dose["doseGiven"]}] if dose["doseGiven"] and not amount else [],
            "dosage": {
                "text": dose["doseGiven"],
                "route": {"text": node["route"]},
                "dose": amount,
            }
            if amount
            else None,
        }

    async def owners(self, reader: Reader, ids: Sequence[str]) -> Mapping[str, str]:
        return await reader.owners(prescriptions_of_doses, ids)

    async def nodes_of(self, reader: Reader, criteria: Criteria) -> Sequence[Json]:
        requests = ids_of(criteria, "request")
        if not requests or ids_of(criteria, "patient", "subject"):
            return await prescriptions(reader, criteria, "context", self.fields)
        query_text = f"{self.root}(id: $id, {TIMES}) {{ {self.fields} }}"
        return await reader.ask_each(query_text, "ID!", requests)
