"""Places of the files: which bed of the house each Location is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.imports.account import Ledger
from api.imports.fhir.resources import Files, Resource
from api.imports.fhir.rules import Rule
from api.imports.fhir.sending import ALWAYS, Sender
from application.command import Recorded
from domain.refusals import AlreadyExists, Refusal

Answers = Mapping[tuple[str, str], Recorded | Refusal]
"""The answers to the opening of each room, by its ward and its number."""


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


def _rooms_of(
    files: Files, beds: Mapping[str, Bed]
) -> Mapping[tuple[str, str], Sequence[Resource]]:
    """Return the resources of the beds of each room, by its ward and its number."""
    rooms: dict[tuple[str, str], list[Resource]] = {}
    for name, bed in beds.items():
        rooms.setdefault((bed.ward, bed.room), []).append(files.resources[name])
    return rooms


def open_rooms(files: Files, beds: Mapping[str, Bed], sender: Sender) -> Answers:
    """Open the rooms that the beds are in."""
    return {
        (ward, room): sender.send(
            locations[0],
            sender.hospital.rooms.open_room,
            ALWAYS,
            ward=ward,
            room=room,
            beds=sorted({beds[location.name].bed for location in locations}),
        )
        for (ward, room), locations in _rooms_of(files, beds).items()
    }


def judge_places(
    files: Files, beds: Mapping[str, Bed], answers: Answers, sender: Sender, ledger: Ledger
) -> None:
    """Record which beds are closed or being cleaned now, after all stays, and judge every place."""
    for room, (first, *others) in _rooms_of(files, beds).items():
        answer = answers[room]
        if isinstance(answer, Refusal):
            note = "; the room that is there is used" if isinstance(answer, AlreadyExists) else ""
            ledger.judge_refused(first, answer.code, answer.message + note)
        else:
            command, note = _record_state(first, beds[first.name], sender)
            ledger.judge_recorded(first, ", ".join(["open_room", *command]), note)
        for location in others:
            if isinstance(answer, Refusal):
                ledger.judge_refused(location, Rule.REFUSED_WITH, parent=first)
                continue
            command, note = _record_state(location, beds[location.name], sender)
            ledger.judge_merged(location, ", ".join(["bed", *command]), first, note=note)
    in_use = {
        place.name: files.resources[name]
        for name in beds
        for place in _above(files.resources[name], files)
    }
    for location in files.of("Location"):
        if location.name in beds:
            continue
        if location.name in in_use:
            ledger.judge_merged(location, "place of a bed", in_use[location.name])
        else:
            ledger.judge_refused(location, Rule.NOT_THERE)


def _record_state(location: Resource, bed: Bed, sender: Sender) -> tuple[list[str], str]:
    """Record that a bed is closed or being cleaned. Returns the command, and a note of a refusal.

    FHIR does not say since when: from now on.
    """
    rooms = sender.hospital.rooms
    code = location.first("operationalStatus", "code")
    command = {"C": rooms.close_bed, "H": rooms.start_cleaning}.get(str(code))
    if command is None:
        return [], ""
    answer = sender.send(location, command, None, **bed.named)
    if isinstance(answer, Refusal):
        return [], f"{command.__name__} refused: {answer.code}: {answer.message}"
    return [command.__name__], ""
