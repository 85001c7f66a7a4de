"""Places of the files: which bed of the house each Location is."""

from collections.abc import Mapping
from dataclasses import dataclass

from api.imports.account import Ledger
from api.imports.fhir.resources import Files, Resource
from api.imports.fhir.rules import Rule
from api.imports.fhir.sending import ALWAYS, Sender
from domain.refusals import AlreadyExists, Refusal


@dataclass(frozen=True, slots=True, order=True)
class Bed:
    """A bed by its ward, its room and its code."""

    ward: str
    room: str
    bed: str

    @property
    def named(self) -> dict[str, str]:
        """Return it as commands name it."""
        return {"ward": self.ward, "room": self.room, "bed": self.bed}


def physical_type(location: Resource) -> str | None:
    code = location.first("physicalType", "coding", "code")
    return code if isinstance(code, str) else None


def _name(location: Resource) -> str:
    name = location.first("name")
    return name if isinstance(name, str) and name.strip() else location.key


def beds_of(files: Files) -> Mapping[str, Bed]:
    """Return the beds by the names of their resources; one that is in no room is a room of its own."""
    beds = {}
    for location in files.of("Location"):
        if physical_type(location) == "bd":
            above = {physical_type(place): _name(place) for place in _above(location, files)}
            ward = above.get("wa") or "?"
            room = above.get("ro")
            beds[location.name] = Bed(
                ward, room or _name(location), _name(location) if room else "1"
            )
    return beds


def _above(location: Resource, files: Files) -> list[Resource]:
    """Return the places that a place is in, the nearest first."""
    places = [location]
    while (place := files.find(places[-1].first("partOf", "reference"))) and place not in places:
        places.append(place)
    return places[1:]


def open_rooms(files: Files, beds: Mapping[str, Bed], sender: Sender, ledger: Ledger) -> None:
    """Open the rooms that the beds are in, and judge every place."""
    rooms: dict[tuple[str, str], list[Resource]] = {}
    for name in beds:
        bed = beds[name]
        rooms.setdefault((bed.ward, bed.room), []).append(files.resources[name])
    wards: dict[str, Resource] = {}
    places = files.of("Location")
    for (ward, room), locations in rooms.items():
        first, *others = locations
        wards.setdefault(ward, first)
        answer = sender.send(
            first,
            sender.hospital.rooms.open_room,
            ALWAYS,
            ward=ward,
            room=room,
            beds=sorted({beds[location.name].bed for location in locations}),
        )
        if isinstance(answer, Refusal):
            note = "; the room that is there is used" if isinstance(answer, AlreadyExists) else ""
            ledger.judge_refused(first, answer.code, answer.message + note)
        else:
            ledger.judge_recorded(first, "open_room")
        for location in others:
            if isinstance(answer, Refusal):
                ledger.judge_refused(location, Rule.REFUSED_WITH, parent=first)
            else:
                ledger.judge_merged(location, "bed", first)
    in_use = {
        place.name: files.resources[name]
        for name in beds
        for place in _above(files.resources[name], files)
    }
    for location in places:
        if location.name in beds:
            continue
        if location.name in in_use:
            ledger.judge_merged(location, "place of a bed", in_use[location.name])
        else:
            ledger.judge_refused(location, Rule.NOT_THERE)
