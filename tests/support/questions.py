"""Questions of the tests of mistakes: where somebody lay, and what was said of a stay."""

from typing import Any

from tests.support.api_dsl import Ward, ago, ahead

Stretch = tuple[str, str, str | None]

HISTORY = """query($from: DateTime!, $to: DateTime!, $room: String, $known: Position) {
  occupancyHistory(from: $from, to: $to, room: $room, knownAtPosition: $known) {
    bed since until stay { id } } }"""

STAY = """query($id: ID!, $known: Position) { stay(id: $id, knownAtPosition: $known) {
  status bed admittedAt dischargedAt visits { occurredAt } } }"""

DOSES = """query($id: ID!, $known: Position) { prescription(id: $id, knownAtPosition: $known) {
  status administrations { id occurredAt } } }"""


def stretches(ward: Ward, stay: str, room: str, known: str | None = None) -> list[Stretch]:
    """Bed, since and until of each stretch of a stay in a room, the earliest first."""
    fields = {"from": ago(days=30), "to": ahead(days=1), "room": room.split("/")[1], "known": known}
    answer = ward.ask(HISTORY, **fields)["occupancyHistory"]
    result = [(s["bed"], s["since"], s["until"]) for s in answer if s["stay"]["id"] == stay]
    return sorted(result, key=lambda stretch: stretch[1])


def the_stay(ward: Ward, id: str, known: str | None = None) -> dict[str, Any]:
    answer = ward.ask(STAY, id=id, known=known)["stay"]
    assert isinstance(answer, dict)
    return answer


def doses(ward: Ward, prescription: str, known: str | None = None) -> list[dict[str, Any]]:
    answer = ward.ask(DOSES, id=prescription, known=known)["prescription"]["administrations"]
    assert isinstance(answer, list)
    return answer


def stays_of(ward: Ward, mrn: str) -> list[dict[str, Any]]:
    query = "query($mrn: String!) { patient(mrn: $mrn) { stays { id admittedAt } } }"
    answer = ward.ask(query, mrn=mrn)["patient"]["stays"]
    assert isinstance(answer, list)
    return answer
