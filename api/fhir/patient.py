"""Patient (https://hl7.org/fhir/R4/patient.html): a record of a person, linked to their others."""

import re
from collections.abc import AsyncIterator, Sequence

from api.fhir.changes import OF_NO_PATIENT
from api.fhir.outcome import suppress_not_found
from api.fhir.parameters import (
    Criterion,
    Kind,
    Parameter,
    codes,
    date,
    string,
    to,
    token,
    token_parts,
)
from api.fhir.resource import (
    TIMES,
    Criteria,
    Item,
    Reader,
    Resource,
    held_alone,
    ids_asked,
    in_order,
    one,
)
from api.fhir.values import (
    TERMINOLOGY,
    Json,
    coding,
    concept,
    named_by,
    reference,
    security_label,
    uri,
)

GENDERS = {"FEMALE": "female", "MALE": "male", "OTHER": "other", "UNKNOWN": "unknown"}


class Patient(Resource):
    type = "Patient"
    specification = "https://hl7.org/fhir/R4/patient.html"
    documentation = "The record of a person; records of one person are linked."
    right = "data:identity"
    root = "patient"
    fields = (
        "id mrn mrnAuthority familyName givenName birthDate sex confidentiality diedAt"
        " unchangedSince mergedInto { id } otherRecords { id mergedInto { id } }"
    )
    parameters = {
        "identifier": Parameter(
            Kind.TOKEN, codes("identifier"), "The MRN, alone or as system|value."
        ),
        "name": string(
            ("name", "family"),
            ("name", "given"),
            documentation="Beginnings of words of the name, in any order.",
        ),
        "family": string(("name", "family"), documentation="The beginning of the family name."),
        "given": string(("name", "given"), documentation="The beginning of the given name."),
        "birthdate": date(("birthDate",), documentation="The date of birth."),
        "gender": token(("gender",), "Administrative gender."),
        "active": token(("active",), "Whether it was not merged into another record."),
        "death-date": date(("deceasedDateTime",), documentation="The time of death."),
        "link": to(
            "Patient", path=("link", "other"), documentation="Another record of the person."
        ),
    }

    async def item(self, reader: Reader, node: Json) -> Item:
        into = node["mergedInto"] and node["mergedInto"]["id"]
        links = [
            {
                "other": reference("Patient", other["id"]),
                "type": "replaced-by"
                if other["id"] == into
                else "replaces"
                if other["mergedInto"] and other["mergedInto"]["id"] == node["id"]
                else "seealso",
            }
            for other in node["otherRecords"]
        ]
        resource = {
            "resourceType": self.type,
            "id": node["id"],
            "meta": security_label(node["confidentiality"]),
            "identifier": [
                {
                    "use": "usual",
                    "type": concept(
                        coding(f"{TERMINOLOGY}/v2-0203", "MR", "Medical record number")
                    ),
                    "system": uri(node["mrnAuthority"], "mrn"),
                    "value": node["mrn"],
                    "assigner": {"display": node["mrnAuthority"]},
                }
            ],
            "active": into is None,
            "name": [
                {
                    "use": "official",
                    "family": node["familyName"],
                    "given": [node["givenName"]] if node["givenName"] else [],
                }
            ]
            if node["familyName"] or node["givenName"]
            else [],
            "gender": GENDERS[node["sex"]],
            "birthDate": node["birthDate"],
            "deceasedDateTime": node["diedAt"],
            "link": links,
        }
        since = node["unchangedSince"] and re.sub("[:-]", "", node["unchangedSince"])
        streams = node["id"], *(other["id"] for other in node["otherRecords"])
        return Item(resource, streams, streams, follows_clock=since, unseen=OF_NO_PATIENT)

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        ids = ids_asked(criteria)
        holds: Sequence[Criterion] = ()
        if ids is None and (identifiers := _identifiers_asked(criteria)):
            ids, holds = await self.ids_by_identifiers(reader, identifiers.values), [identifiers]
        if ids is not None:
            async for item in in_order(await self.by_ids(reader, ids), after, holds):
                yield item
            return
        words = " ".join(
            value
            for name in ("name", "family", "given")
            if (value := one(criteria, name)) is not None
        )
        born = one(criteria, "birthdate")
        if not words and born and len(born) == 10:
            words = born
        list = f"patients(search: $search, {TIMES},"
        search = ("String", words or None)
        holds = held_alone(criteria, "name")
        async for cursor, node in self.pages(
            reader, list, self.fields, first, after, search=search
        ):
            item = await self.item(reader, node)
            item.cursor, item.holds = cursor, holds
            yield item

    async def ids_by_identifiers(self, reader: Reader, identifiers: Sequence[str]) -> list[str]:
        """Return the ids of who have some identifiers, each with its system or without."""
        ids = []
        for identifier in identifiers:
            system, mrn = token_parts(identifier)
            if system == "":  # one without a system, which nobody has
                continue
            authority = named_by(system, "mrn") if system else None
            query_text = f"patient(mrn: $mrn, mrnAuthority: $authority, {TIMES}) {{ id }}"
            with suppress_not_found():
                data = await reader.ask(
                    query_text, mrn=("String", mrn), authority=("String", authority)
                )
                if data["patient"]:
                    ids.append(data["patient"]["id"])
        return ids


def _identifiers_asked(criteria: Criteria) -> Criterion | None:
    """Return the first identifiers that are asked for; none where one is a system alone."""
    for criterion in criteria.get("identifier", ()):
        if not criterion.modifier and not any(
            not token_parts(value)[1] for value in criterion.values
        ):
            return criterion
    return None
