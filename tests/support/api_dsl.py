"""Domain-specific language of the API tests: commands as a ward's own client sends them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from tests.support.graphql_client import GraphQLClient

LONG_AGO = timedelta(days=30)


def ago(**before: float) -> str:
    """Return a moment before now, as the API takes it."""
    return iso(datetime.now(UTC) - timedelta(**before))


def ahead(**later: float) -> str:
    """Return a moment after now."""
    return iso(datetime.now(UTC) + timedelta(**later))


def iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def moment(text: str) -> datetime:
    """Parse a moment of a response."""
    return datetime.fromisoformat(text)


def late(at: str) -> dict[str, str]:
    """Return the envelope fields of a late entry."""
    return {"occurredAt": at, "reason": "noted afterwards"}


def place(bed: str) -> dict[str, str]:
    """Return a place, written ``A/1/a``, as the inputs take it."""
    return dict(zip(("ward", "room", "bed"), bed.split("/"), strict=True))


def codes(answer: Any) -> set[str]:
    """Return the codes of a response's errors."""
    return {error["extensions"]["code"] for error in answer["errors"]}


class Ward:
    """Factory of rooms, people and stays, each with a name of its own, recorded in the past."""

    def __init__(self, client: GraphQLClient, named: Iterator[int] | None = None) -> None:
        self.client = client
        self._named = named or count(1)
        self.execute: Callable[..., dict[str, Any]] = client.execute
        self.record: Callable[..., dict[str, Any]] = client.record
        self.ask = client.ask

    def name(self, prefix: str) -> str:
        return f"{prefix}{next(self._named)}"

    def position(self) -> str:
        """Return where the log is now."""
        position = self.client.raw("{ wards { name } }")["extensions"]["position"]
        assert isinstance(position, str)
        return position

    def room(self, *beds: str, ward: str = "A") -> str:
        """Open a room; return ``ward/number``."""
        number = self.name("R")
        input = {"ward": ward, "room": number, "beds": list(beds or ("a", "b"))}
        self.record("openRoom", **input, **late(ago(days=30)))
        return f"{ward}/{number}"

    def patient(self, **content: Any) -> str:
        """Register a patient; return the MRN."""
        mrn = self.name("MRN_")  # which no id and no position contains by chance
        content = {"familyName": f"Family {mrn}", **content}
        self.record("registerPatient", mrn=mrn, **content, **late(ago(days=30)))
        return mrn

    def doctor(self) -> str:
        """Register a practitioner; return the staff number."""
        number = self.name("D")
        self.record("registerPractitioner", staffNumber=number, **late(ago(days=30)))
        return number

    def stay(self, bed: str | None = None, at: str | None = None, **content: Any) -> str:
        """Admit a new patient, two days ago by default; return the stay's id."""
        content = {"patientMrn": content.pop("patientMrn", None) or self.patient(), **content}
        content = {"admissionType": "ELECTIVE", **(place(bed) if bed else {}), **content}
        answer = self.record("admitPatient", **content, **late(at or ago(days=2)))
        return str(answer["stay"]["id"])

    def prescription(self, stay: str | None = None, **content: Any) -> str:
        """Write a prescription a day ago; return its id."""
        content = {"medication": {"name": "Paracetamol"}, **late(ago(days=1)), **content}
        answer = self.record("writePrescription", stayId=stay or self.stay(), **content)
        return str(answer["prescription"]["id"])

    def bed(self, bed: str, **at: Any) -> dict[str, Any]:
        """Query a bed of the board."""
        ward, room, code = bed.split("/")
        board = self.ask(
            "query($ward: String, $asOf: DateTime, $knownAt: DateTime, $knownAtPosition: Position,"
            " $atLeast: Position) { roomOccupancy(ward: $ward, asOf: $asOf, knownAt: $knownAt,"
            " knownAtPosition: $knownAtPosition, atLeast: $atLeast) { room { number } beds { code"
            " state since until stateReason reservationId reservedForPatient reservedForStay"
            " stay { id } patient { mrn } occupants { stay { id } kept sharesBedOf } } } }",
            ward=ward,
            **at,
        )["roomOccupancy"]
        (result,) = [
            b for r in board if r["room"]["number"] == room for b in r["beds"] if b["code"] == code
        ]
        assert isinstance(result, dict)
        return result
