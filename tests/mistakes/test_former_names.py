"""Mistakes of other systems about names that changed: see `test_covered` for the list."""

from typing import Any

from tests.support.api_dsl import Ward, ago, codes, late

BOARD = """query($ward: String!, $at: DateTime) { roomOccupancy(ward: $ward, asOf: $at) {
  room { ward } } }"""
LISTS = (
    "query($ward: String!) { stays(filter: { ward: $ward }) { nodes { id } } }",
    "query($ward: String!) { deceased(ward: $ward) { diedAt } }",
    "query($ward: String!) { openConsults(ward: $ward) { id } }",
)


def renamed(ward: Ward) -> tuple[str, str, str]:
    """Rename a ward three days ago; return its former and its present name, and a stay there."""
    former, present = ward.name("Former"), ward.name("Present")
    room = ward.room("a", ward=former)
    stay = ward.stay(f"{room}/a", at=ago(days=6))
    change = {"ward": former, "newWard": present, "validFrom": ago(days=3)[:10]}
    ward.record("renameWard", **change, **late(ago(days=3)))
    return former, present, stay


def test_mistake_125_a_former_name_of_a_ward_shows_no_empty_ward(ward: Ward) -> None:
    former, present, _ = renamed(ward)
    for query in (BOARD, *LISTS):
        refused = ward.client.raw(query, {"ward": former})
        assert codes(refused) == {"NotFound"}
        assert present in refused["errors"][0]["message"]
    then = ward.ask(BOARD, ward=former, at=ago(days=4))["roomOccupancy"]
    assert then == [{"room": {"ward": former}}]
    assert (
        former
        in ward.client.raw(BOARD, {"ward": present, "at": ago(days=4)})["errors"][0]["message"]
    )
    assert len(ward.ask(BOARD, ward=present)["roomOccupancy"]) == 1


def test_mistake_125_a_former_staff_number_shows_no_empty_list(ward: Ward) -> None:
    number, now = ward.doctor(), ward.name("N")
    ward.record("correctPractitioner", staffNumber=number, newStaffNumber=now, reason="mistyped")
    for query in (
        "query($x: String!) { practitioners(staffNumber: $x) { nodes { id } } }",
        "query($x: String!) { stays(filter: { attending: $x }) { nodes { id } } }",
    ):
        refused: Any = ward.client.raw(query, {"x": number})
        assert now in refused["errors"][0]["message"]
        assert "errors" not in ward.client.raw(query, {"x": now})


def test_mistake_126_the_events_of_a_ward_are_those_of_the_rooms_that_it_has_then(
    ward: Ward,
) -> None:
    former, present, stay = renamed(ward)
    query = """query($ward: String!) { events(ward: $ward, kinds: [STAY_SPECIALTY_CHANGED],
      first: 500) { nodes { data type } } }"""
    ward.record("changeSpecialty", stayId=stay, specialty="before", **late(ago(days=4)))
    ward.record("changeSpecialty", stayId=stay, specialty="after", **late(ago(days=1)))
    told = {
        name: [
            node["data"]["specialty"]
            for node in ward.ask(query, ward=name)["events"]["nodes"]
            if "specialty-changed" in node["type"]
        ]
        for name in (former, present)
    }
    assert told == {former: ["before"], present: ["after"]}


def test_mistake_150_an_event_names_the_ward_that_its_room_was_of_as_it_occurred(
    ward: Ward,
) -> None:
    former, present, stay = renamed(ward)
    number = ward.ask("query($id: ID!) { stay(id: $id) { room { number } } }", id=stay)
    room = number["stay"]["room"]["number"]
    closure = {"room": room, "bed": "a", "until": ago(hours=1)}
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=5)))
    ward.record("closeBed", ward=present, **closure, **late(ago(days=1)))
    query = "{ events(kinds: [BED_CLOSED, STAY_ROOM_ALLOCATED], first: 500) { nodes { data } } }"

    told = [node["data"] for node in ward.ask(query)["events"]["nodes"]]

    closed = [data["ward"] for data in told if data.get("room") == room]
    given = [data["bed"]["ward"] for data in told if data.get("stayId") == stay]
    assert (closed, given) == ([present], [former])
