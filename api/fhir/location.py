"""Location (https://hl7.org/fhir/R4/location.html): wards, their rooms, and the beds in these.

A place is told as of a moment and has no versions: what is in a bed is no event of the bed.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from api.fhir.parameters import string, to, token
from api.fhir.resource import TIMES, Criteria, Item, Reader, Resource, in_order
from api.fhir.values import TERMINOLOGY, Json, coding, concept, reference

PHYSICAL = {"wa": "Ward", "ro": "Room", "bd": "Bed"}
OPERATIONAL = {
    "OCCUPIED": ("O", "Occupied"),
    "KEPT": ("O", "Occupied"),
    "CLOSED": ("C", "Closed"),
    "CLEANING": ("H", "Housekeeping"),
    "TO_BE_CLEANED": ("K", "Contaminated"),
    "RESERVED": ("U", "Unoccupied"),
    "FREE": ("U", "Unoccupied"),
}
"""v2-0116 of the states of a bed."""


def physical_type(code: str) -> Json:
    return concept(coding(f"{TERMINOLOGY}/location-physical-type", code, PHYSICAL[code]))


@dataclass(frozen=True, slots=True)
class Place:
    """A ward, a room or a bed: its id and those of what it is in."""

    id: str
    type: str
    name: str
    ward: str
    full_name: str
    in_ward: str | None = None
    room: str | None = None
    state: str | None = None


class Location(Resource):
    type = "Location"
    specification = "https://hl7.org/fhir/R4/location.html"
    documentation = "Wards (wa), rooms (ro) and beds (bd), as of a moment."
    right = "data:house"
    has_versions = has_time = False
    fields = "id name rooms { room { id ward number } beds { id code state } }"
    reverse = ("partof",)
    parameters = {
        "name": string(("name",), ("alias",), documentation="The beginning of its name."),
        "partof": to("Location", path=("partOf",), documentation="The ward or room it is in."),
        "operational-status": token(("operationalStatus",), "The state of a bed (v2-0116)."),
        "status": token(("status",), "Suspended while a bed is closed."),
        "physicaltype": token(("physicalType",), "wa, ro or bd; a parameter of our own."),
    }

    async def places(self, reader: Reader) -> list[Place]:
        """Return all places of the house, wards before rooms before beds."""
        data = await reader.ask(f"wards({TIMES}) {{ {self.fields} }}")
        places = []
        for ward in data["wards"]:
            name = ward["name"]
            places.append(Place(ward["id"], "wa", name, name, f"Ward {name}"))
            for board in ward["rooms"]:
                room = board["room"]
                number = f"{name}/{room['number']}"
                places.append(Place(room["id"], "ro", room["number"], name, number, ward["id"]))
                places += [
                    Place(
                        bed["id"],
                        "bd",
                        bed["code"],
                        name,
                        f"{number}/{bed['code']}",
                        ward["id"],
                        room["id"],
                        bed["state"],
                    )
                    for bed in board["beds"]
                ]
        return places

    def item_of(self, place: Place) -> Item:
        """Return the resource of a place."""
        resource = {
            "resourceType": self.type,
            "id": place.id,
            "status": "suspended" if place.state == "CLOSED" else "active",
            "operationalStatus": coding(f"{TERMINOLOGY}/v2-0116", *OPERATIONAL[place.state])
            if place.state
            else None,
            "name": place.name,
            "alias": [place.full_name] if place.type != "wa" else [],
            "mode": "instance",
            "physicalType": physical_type(place.type),
            "partOf": reference("Location", place.room or place.in_ward),
        }
        return Item(resource)

    async def by_ids(self, reader: Reader, ids: Sequence[str]) -> list[Item]:
        places = {place.id: place for place in await self.places(reader)}
        return [self.item_of(places[id]) for id in dict.fromkeys(ids) if id in places]

    async def search(
        self, reader: Reader, criteria: Criteria, first: int, after: str | None
    ) -> AsyncIterator[Item]:
        places = await self.places(reader)
        async for item in in_order([self.item_of(place) for place in places], after):
            yield item
