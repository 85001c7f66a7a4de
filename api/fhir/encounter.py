"""Encounter (https://hl7.org/fhir/R4/encounter.html): a stay, with its statuses and places."""

from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID

from api.fhir.changes import OF_NO_ENCOUNTER
from api.fhir.location import Location, physical_type
from api.fhir.parameters import Kind, Parameter, date, references, to, token, token_parts
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Reader,
    Resource,
    held,
    id_of,
    ids_asked,
    ids_of,
    in_order,
)
from api.fhir.values import (
    OWN,
    TERMINOLOGY,
    Json,
    coding,
    concept,
    period,
    reference,
    security_label,
)
from api.fhir.values import to as to_node
from api.graphql.types.rooms import bed_id

ACT = f"{TERMINOLOGY}/v3-ActCode"
STATUSES = {
    "ADMITTED": "in-progress",
    "ON_LEAVE": "onleave",
    "DISCHARGED": "finished",
    "CANCELLED": "entered-in-error",
}
"""encounter-status of the statuses of a stay: one that is cancelled never was."""

CHANGES = {
    "STAY_ADMITTED": "in-progress",
    "STAY_LEAVE_STARTED": "onleave",
    "STAY_LEAVE_ENDED": "in-progress",
    "STAY_DISCHARGED": "finished",
}
"""The movements that begin another status."""

BEFORE = {
    "STAY_ADMITTED": "entered-in-error",
    "STAY_LEAVE_STARTED": "in-progress",
    "STAY_LEAVE_ENDED": "onleave",
    "STAY_DISCHARGED": "in-progress",
}
"""The statuses that a stay has again once such a movement is reversed."""

NAMING_A_TYPE = {"STAY_ADMITTED", "STAY_ADMISSION_TYPE_CHANGED"}
"""The movements that name the type of the stay from then on."""

ADMISSION_TYPES = f"{OWN}:admission-type"
PRIORITIES = {"EMERGENCY": ("EM", "emergency"), "ELECTIVE": ("EL", "elective")}
SOURCES = {
    "TRANSFER_IN": ("hosp-trans", "Transferred from other hospital"),
    "NEWBORN": ("born", "Born in hospital"),
}
EMERGENCY = "emd", "From accident/emergency department"
DISPOSITIONS = {
    "HOME": ("home", "Home"),
    "TRANSFERRED": ("other-hcf", "Other healthcare facility"),
    "AGAINST_ADVICE": ("aadvice", "Left against advice"),
    "DIED": ("exp", "Expired"),
    "OTHER": ("oth", "Other"),
}


class Encounter(Resource):
    type = "Encounter"
    specification = "https://hl7.org/fhir/R4/encounter.html"
    documentation = "A stay, from the admission or the emergency care before it to the discharge."
    right = "data:stay"
    root = "stay"
    fields = (
        "id status admissionType admittedAt dischargedAt specialty withoutBed disposition destination"
        " confidentiality emergencyCare { arrivedAt departedAt } patient { id otherRecords { id } }"
        " attending { id } mother { id patient { id } }"
        " movements { kind status occurredAt admissionType reversedAt }"
        " stretches { bed since until kept room { id ward number } }"
    )
    reverse = ("patient", "subject", "location")
    parameters = {
        "patient": to("Patient", path=("subject",), documentation="The patient."),
        "subject": to("Patient", path=("subject",), documentation="The patient."),
        "status": token(("status",), "What has become of the stay."),
        "date": date(("period",), documentation="A time within the stay."),
        "class": token(("class",), "Inpatient, or short stay."),
        "type": token(("type",), "The type of the admission."),
        "location": Parameter(
            Kind.REFERENCE,
            references("location", "location"),
            "Whose patient has a bed there at the moment.",
            ("Location",),
        ),
        "practitioner": to(
            "Practitioner", path=("participant", "individual"), documentation="Who attends."
        ),
        "participant": to(
            "Practitioner", path=("participant", "individual"), documentation="Who attends."
        ),
        "part-of": to("Encounter", path=("partOf",), documentation="The mother's, of a newborn."),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        kind, care = node["admissionType"], node["emergencyCare"]
        arrival = (care and care["arrivedAt"]) or node["admittedAt"]
        status = STATUSES[node["status"]]
        source = EMERGENCY if care else SOURCES.get(kind)
        patient = node["patient"]
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "meta": security_label(node["confidentiality"]),
            "status": status,
            "statusHistory": _statuses(node, arrival),
            "class": _class_of(kind),
            "classHistory": _classes(node, arrival),
            "type": [concept(coding(ADMISSION_TYPES, kind))],
            "serviceType": {"text": node["specialty"]},
            "priority": concept(coding(f"{TERMINOLOGY}/v3-ActPriority", *PRIORITIES[kind]))
            if kind in PRIORITIES
            else None,
            "subject": to_node("Patient", patient),
            "participant": [
                {
                    "type": [
                        concept(coding(f"{TERMINOLOGY}/v3-ParticipationType", "ATND", "attender"))
                    ],
                    "individual": to_node("Practitioner", node["attending"]),
                }
            ]
            if node["attending"]
            else [],
            "period": period(arrival, node["dischargedAt"]),
            "hospitalization": {
                "admitSource": concept(coding(f"{TERMINOLOGY}/admit-source", *source))
                if source
                else None,
                "destination": {"display": node["destination"]},
                "dischargeDisposition": concept(
                    coding(
                        f"{TERMINOLOGY}/discharge-disposition", *DISPOSITIONS[node["disposition"]]
                    )
                )
                if node["disposition"]
                else None,
            },
            "location": _places(node),
            "partOf": to_node("Encounter", node["mother"]),
        }
        mothers = node["mother"] and node["mother"]["patient"]
        patients = [person["id"] for person in (patient, mothers) if person]
        records = [patient, *patient["otherRecords"]] if patient else []  # they have labels, too
        streams = node["id"], *(record["id"] for record in records)
        return Item(resource, patients, streams, unseen=OF_NO_ENCOUNTER)

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        patients = ids_of(criteria, "patient", "subject")
        wards, places = await self._places_asked(reader, criteria)
        holds = held(criteria, "location")
        if ids is not None or patients:
            if ids is not None:
                items = await self.by_ids(reader, ids)
            else:
                items = await self.of_patients(reader, patients)
                holds += held(criteria, "patient", "subject")
            items = [item for item in items if _is_in(item, places)]
            async for item in in_order(items, after, holds):
                yield item
            return
        filter: dict[str, Any] = {"statuses": _statuses_asked(criteria)}
        if wards is not None:
            if not wards:
                return
            if len(wards) == 1:
                filter["ward"] = wards[0]
        query_text = f"stays(filter: $filter, {TIMES},"
        async for cursor, node in self.pages(
            reader, query_text, self.fields, first, after, filter=("StayFilter", filter)
        ):
            item = await self.item(reader, node)
            item.cursor, item.holds = cursor, holds
            if _is_in(item, places):
                yield item

    async def of_patients(self, reader: Reader, patients: Sequence[str]) -> list[Item]:
        """Return all stays of some persons, whichever of their records it is."""
        query_text = f"patient(id: $id, {TIMES}) {{ stays {{ {self.fields} }} }}"
        persons = await reader.ask_each(query_text, "ID", patients)
        stays = {node["id"]: node for person in persons for node in person["stays"]}
        return [await self.item(reader, node) for node in stays.values()]

    async def _places_asked(
        self, reader: Reader, criteria: Criteria
    ) -> tuple[list[str] | None, set[str] | None]:
        """Return the ward to look in, and the beds, where a place is asked for.

        A login that is for one ward looks in that one.
        """
        own_wards = reader.caller.wards
        criterion = next(iter(held(criteria, "location")), None)
        if criterion is None:
            return (
                list(own_wards) if own_wards is not None and len(own_wards) == 1 else None
            ), None
        ids = [id_of(value) for value in criterion.values]
        places = await Location().places(reader)
        beds = {p.id for p in places if p.type == "bd" and set(ids) & {p.id, p.room, p.in_ward}}
        return (
            list(dict.fromkeys(p.ward for p in places if p.id in beds)),
            {f"Location/{id}" for id in beds},
        )


def _is_in(item: Item, places: set[str] | None) -> bool:
    """Return whether the patient of a stay has one of some beds; None for wherever."""
    return places is None or not places.isdisjoint(
        place["location"].get("reference")
        for place in item.resource["location"]
        if place["status"] in ("active", "reserved")
    )


def _statuses_asked(criteria: Criteria) -> list[str]:
    """Return the statuses that a search is for, all where it says nothing."""
    criterion = next((c for c in criteria.get("status", ()) if c.modifier is None), None)
    if criterion is None:
        return list(STATUSES)
    codes = {token_parts(value)[1] for value in criterion.values}
    return [name for name, status in STATUSES.items() if status in codes] or list(STATUSES)


def _statuses(node: Json, arrival: str) -> list[Json]:
    """Return the statuses that were, each with its period: those that are held to be so."""
    movements = [m for m in node["movements"] if m["status"] == "TRUE" and m["kind"] in CHANGES]
    steps = [(m["occurredAt"], 1, CHANGES[m["kind"]]) for m in movements]
    # a reversal comes before what else is of its moment, but for what it reverses itself
    steps += [
        (m["reversedAt"], 2 if m["reversedAt"] == m["occurredAt"] else 0, BEFORE[m["kind"]])
        for m in movements
        if m["reversedAt"]
    ]
    changes = [(begin, status) for begin, _, status in sorted(steps)]
    if arrival < node["admittedAt"]:
        changes = [(arrival, "arrived"), *changes]
    ends = [begin for begin, _ in changes[1:]]
    return [
        {"status": status, "period": period(begin, end)}
        for (begin, status), end in zip(changes, ends, strict=False)
    ]


def _class_of(admission_type: str) -> Json:
    if admission_type == "DAY_CASE":
        return coding(ACT, "SS", "short stay")
    return coding(ACT, "IMP", "inpatient encounter")


def _classes(node: Json, arrival: str) -> list[Json]:
    """Return the classes that were, each with its period; none where there was one alone."""
    care = node["emergencyCare"]
    types = sorted(
        (m["occurredAt"], m["admissionType"])
        for m in node["movements"]
        if m["status"] == "TRUE" and m["admissionType"] and m["kind"] in NAMING_A_TYPE
    )
    changes = [(begin, _class_of(type)) for begin, type in types]
    changes = [c for n, c in enumerate(changes) if n == 0 or c[1] != changes[n - 1][1]]
    ends = [*(begin for begin, _ in changes[1:]), node["dischargedAt"]]
    classes = [
        {"class": own_class, "period": period(begin, end)}
        for (begin, own_class), end in zip(changes, ends, strict=bool(changes))
    ]
    if care:
        emergency = period(arrival, care["departedAt"] or node["admittedAt"])
        classes = [{"class": coding(ACT, "EMER", "emergency"), "period": emergency}, *classes]
    return classes if len(classes) > 1 else []


def _places(node: Json) -> list[Json]:
    """Return the places of a stay: its beds in order, and where it is without one."""
    places = [
        {
            "location": reference(
                "Location",
                str(bed_id(UUID(stretch["room"]["id"]), stretch["bed"])),
                f"{stretch['room']['ward']}/{stretch['room']['number']}/{stretch['bed']}",
            ),
            "status": "completed"
            if stretch["until"]
            else "reserved"
            if stretch["kept"]
            else "active",
            "physicalType": physical_type("bd"),
            "period": period(stretch["since"], stretch["until"]),
        }
        for stretch in node["stretches"]
        if stretch["room"]
    ]
    if node["withoutBed"]:
        places.append({"location": {"display": node["withoutBed"]}, "status": "active"})
    return places
