"""The feed as other systems ask for it: pages, filters, positions of another log, and its shape."""

import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from api.feed.cloudevents import feed_schema
from api.graphql.scalars import encode_position
from infrastructure.postgres.database import Database
from tests.support.api_dsl import Ward, ago, codes, late, place

ATTRIBUTES = "id source specversion type subject time datacontenttype dataschema data"
EVENTS = f"""query($after: Position, $first: Int, $kinds: [EventKind!], $ward: String) {{
  events(after: $after, first: $first, kinds: $kinds, ward: $ward) {{
    nodes {{ {ATTRIBUTES} kind position knownFrom }} pageInfo {{ hasNextPage endCursor }} }} }}"""


def page(house: Ward, **asked: Any) -> dict[str, Any]:
    answer = house.ask(EVENTS, **asked)["events"]
    assert isinstance(answer, dict)
    return answer


def everything(house: Ward, **asked: Any) -> list[dict[str, Any]]:
    """All pages, one after the other."""
    finding: list[dict[str, Any]] = []
    while True:
        result = page(house, **asked)
        finding += result["nodes"]
        if not result["pageInfo"]["hasNextPage"]:
            return finding
        asked["after"] = result["pageInfo"]["endCursor"]


def test_what_is_recorded_is_told_in_the_shape_of_cloudevents(shared: Ward) -> None:
    before = page(shared, first=500)["pageInfo"]["endCursor"]
    room, at = shared.room("a", ward="Feed"), ago(days=2)
    stay = shared.stay(f"{room}/a", at)

    result = everything(shared, after=before)

    validator = Draft202012Validator(json.loads(feed_schema()))
    for event in result:
        validator.validate({name: event[name] for name in ATTRIBUTES.split()})
    assert [event["kind"] for event in result] == [
        "ROOM_OPENED",
        "PATIENT_REGISTERED",
        "STAY_ADMITTED",
        "STAY_ROOM_ALLOCATED",
        "BED_OCCUPANCY_CHANGED",
    ]
    allocated = result[3]
    assert allocated["type"] == "wardbook.stay.room-allocated.v1"
    assert allocated["subject"] == f"stay/{stay}"
    ward, number = room.split("/")
    bed = allocated["data"]["bed"]
    assert (bed["ward"], bed["room"], bed["bed"]) == (ward, number, "a")
    assert allocated["data"]["occurredAt"] == at
    assert allocated["data"]["recordedBy"]["subject"] == "tester"
    query = "query($id: ID!, $at: Position) { stay(id: $id, knownAtPosition: $at) { bed } }"
    assert shared.ask(query, id=stay, at=result[2]["knownFrom"])["stay"] == {"bed": "a"}


@pytest.mark.parametrize("first", [1, 3, 500])
def test_pages_of_any_size_tell_the_same_and_go_on_after_any_event(
    shared: Ward, first: int
) -> None:
    for _ in range(3):
        shared.stay(f"{shared.room('a')}/a")
    whole = everything(shared, first=500)

    assert everything(shared, first=first) == whole
    assert len({event["id"] for event in whole}) == len(whole)
    for n in range(0, len(whole), 4):
        assert everything(shared, first=500, after=whole[n]["position"]) == whole[n + 1 :]


def test_a_page_ends_where_a_command_ends(shared: Ward) -> None:
    shared.stay(f"{shared.room('a')}/a")
    *_, admitted = [e for e in everything(shared) if e["kind"] == "STAY_ADMITTED"]
    before = [e for e in everything(shared) if e["position"] != admitted["position"]]
    asked = before[[e["knownFrom"] for e in before].index(admitted["knownFrom"]) - 1]["position"]

    result = page(shared, after=asked, first=1)

    assert [e["data"]["commandId"] for e in result["nodes"]] == [admitted["data"]["commandId"]] * 3
    assert result["pageInfo"]["endCursor"] == admitted["knownFrom"]


def test_it_is_read_by_kind_and_by_ward(shared: Ward) -> None:
    here, there = shared.room("a", ward="Here"), shared.room("a", ward="There")
    stay, doctor = shared.stay(f"{here}/a"), shared.doctor()
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    shared.record("recordVisit", **visit, **late(ago(hours=5)))
    shared.record("transferPatient", stayId=stay, **place(f"{there}/a"))
    shared.record("recordVisit", **visit)

    kinds = ["VISIT_RECORDED", "STAY_TRANSFERRED"]
    result = {
        ward: [(e["kind"]) for e in everything(shared, ward=ward, kinds=kinds)]
        for ward in ("Here", "There")
    }

    assert result == {
        "Here": ["VISIT_RECORDED", "STAY_TRANSFERRED"],
        "There": ["STAY_TRANSFERRED", "VISIT_RECORDED"],
    }
    with pytest.raises(AssertionError, match="NotFound"):
        page(shared, ward="nowhere")
    assert page(shared, kinds=[])["nodes"] == []


def test_a_position_of_before_a_restore_is_refused_with_the_way_out(
    ward: Ward, database: Database
) -> None:
    ward.stay()
    log = database.open_log()

    answer = ward.client.raw(EVENTS, {"after": encode_position(log.id, log.epoch - 1, 1)})

    assert codes(answer) == {"InvalidInput"}
    assert "leave it out and read anew" in answer["errors"][0]["message"]


def test_a_position_that_the_log_has_not_reached_is_refused(ward: Ward, database: Database) -> None:
    log = database.open_log()
    answer = ward.client.raw(EVENTS, {"after": encode_position(log.id, log.epoch, 1_000_000)})
    assert codes(answer) == {"InvalidInput"}


@pytest.mark.parametrize("after", ["garbage", "WyJwIiwiMDAwMDAwMDAwMDAwIiwxLDFd"])
def test_a_position_of_another_log_is_refused(shared: Ward, after: str) -> None:
    answer = shared.client.raw(EVENTS, {"after": after})
    assert codes(answer) == {"InvalidInput"}


@pytest.mark.parametrize("first", [0, -1, 501])
def test_a_page_has_one_to_five_hundred_events(shared: Ward, first: int) -> None:
    assert codes(shared.client.raw(EVENTS, {"first": first})) == {"InvalidInput"}
