"""Lists of stays to work through."""

from typing import Any

from tests.support.api_dsl import Ward, ago, ahead, late

STAYS = """query($filter: StayFilter, $order: StayOrder!, $after: String, $first: Int) {
  stays(filter: $filter, orderBy: $order, first: $first, after: $after) {
    totalCount nodes { id } pageInfo { endCursor hasNextPage } } }"""


def found(ward: Ward, order: str = "ADMISSION", **filter: Any) -> list[str]:
    """Return all stays that a filter finds, page by page."""
    ids: list[str] = []
    after = None
    while True:
        page = ward.ask(STAYS, filter=filter, order=order, after=after, first=2)["stays"]
        total = page["totalCount"]
        ids += [node["id"] for node in page["nodes"]]
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            assert total == len(ids)
            return ids


def test_stays_are_found_and_ordered_by_what_is_to_be_done(ward: Ward) -> None:
    room = ward.room("a", "b", "c")
    doctor = ward.doctor()
    early = ward.stay(f"{room}/a", ago(days=3), attending=doctor, specialty="Cardiology")
    away = ward.stay(f"{room}/b", ago(days=2))
    placeless = ward.stay(None, ago(days=1), withoutBed="hall")
    for stay, at, plan in (
        (early, ahead(hours=9), "PLANNED"),
        (placeless, ahead(hours=2), "CLEARED"),
    ):
        ward.record("planDischarge", stayId=stay, expectedAt=at, plan=plan)
    leave = {"keepBed": True, "expectedReturn": ago(hours=1), **late(ago(hours=20))}
    ward.record("startLeave", stayId=away, **leave)

    assert found(ward) == [early, away, placeless]
    assert found(ward, "EXPECTED_DISCHARGE") == [placeless, early, away]
    assert found(ward, expectedDischargeUntil=ahead(hours=3)) == [placeless]
    assert found(ward, dischargePlans=["PLANNED"]) == [early]
    assert found(ward, hasBed=False) == [placeless]
    assert found(ward, hasBed=True) == [early, away]
    assert found(ward, overdue=True) == [away]
    assert found(ward, hasAttending=False) == [away, placeless]
    assert found(ward, specialty="cardiology") == [early]
    assert found(ward, admittedFrom=ago(hours=60), admittedTo=ago(hours=30)) == [away]
    assert found(ward, confidentialities=["RESTRICTED"]) == []
