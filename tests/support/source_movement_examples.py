"""Example of a movement that another system reports."""

from typing import Any

from tests.support.api_dsl import Ward, ago, place
from tests.support.api_example import Answer, example


def report(ward: Ward, visit: str, id: str, minute: int, **content: Any) -> Answer:
    """Return one message of a feed, which the source recorded in that minute of its day."""
    at = f"2026-01-01T00:{minute:02}:00Z"
    ids = {"sourceId": f"{visit}-{id}", "sourceVisit": visit, "sourceRecordedAt": at}
    return ward.execute("recordSourceMovement", system="ADT", **ids, **content)


def admission(mrn: str, at: str, bed: str) -> dict[str, Any]:
    return {"kind": "ADMIT", "occurredAt": at, "patientMrn": mrn, **place(bed)}


@example("SourceMovementRecorded")
def record_source_movement(ward: Ward) -> Answer:
    room, mrn, visit = ward.room("a", "b"), ward.patient(), ward.name("V")
    moved = {"kind": "TRANSFER", "occurredAt": ago(hours=5), **place(f"{room}/b")}
    early = report(ward, visit, "2", 2, movement=moved)
    assert (early["sourceMovement"]["status"], early["ofStay"]) == ("PENDING", None)
    assert early["sourceMovement"]["why"] == "NotFound"
    result = report(ward, visit, "1", 1, movement=admission(mrn, ago(hours=9), f"{room}/a"))
    assert result["sourceMovement"]["status"] == "RECORDED"
    assert result["sourceMovement"]["patient"]["mrn"] == mrn
    assert (result["ofStay"]["status"], result["ofStay"]["bed"]) == ("ADMITTED", "b")
    back = report(ward, visit, "2", 3, cancelled=True)
    assert (back["sourceMovement"]["status"], back["ofStay"]["bed"]) == ("CANCELLED", "a")
    return back
