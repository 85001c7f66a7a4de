"""Tests of compatibility: a change that breaks somebody is found, one that does not is not."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from api.cli.schema import EVENTS_FILE, FEED_FILE, RELEASED, SDL_FILE, event_schemas
from api.cli.schema_compatibility import (
    broken_in_events,
    broken_in_feed,
    broken_in_sdl,
    dangerous_in_sdl,
)
from api.feed.cloudevents import feed_schema
from api.graphql.schema import sdl

Change = Callable[[Any], None]
FEED: Any = json.loads(feed_schema())
EVENTS: Any = json.loads(event_schemas())


def test_what_was_released_is_kept() -> None:
    sdl_then, events_then, feed_then = (
        (file.parent / RELEASED / file.name).read_text()
        for file in (SDL_FILE, EVENTS_FILE, FEED_FILE)
    )
    assert broken_in_sdl(sdl_then, sdl()) == []
    assert broken_in_events(json.loads(events_then), EVENTS) == []
    assert broken_in_feed(json.loads(feed_then), FEED) == []


# -- GraphQL --

WARD_THEN = """
type Query { beds(first: Int): [Bed!]! first: Found }
type Bed { code: String! state: State! }
type Room { number: String! }
enum State { FREE OCCUPIED }
union Found = Bed | Room
"""


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("state: State!", "", "Bed.state was removed."),
        ("state: State!", "state: State", "Bed.state changed type"),
        ("first: Int", "first: Int!", "Query.beds(first:)"),
        ("first: Int", "first: Int ward: String!", "Query.beds(ward:) was added"),
        ("FREE OCCUPIED", "FREE", "OCCUPIED was removed"),
        ("Bed | Room", "Bed", "Room was removed from union type Found"),
    ],
)
def test_a_change_that_breaks_clients_is_found(old: str, new: str, told: str) -> None:
    result = broken_in_sdl(WARD_THEN, WARD_THEN.replace(old, new))
    assert any(told in change for change in result), result


def test_what_may_make_a_client_stumble_is_told_and_breaks_nobody() -> None:
    more = WARD_THEN.replace("FREE OCCUPIED", "FREE OCCUPIED CLOSED")
    assert broken_in_sdl(WARD_THEN, more) == []
    assert any("CLOSED" in result for result in dangerous_in_sdl(WARD_THEN, more))


def test_a_new_field_is_no_news_to_clients() -> None:
    more = WARD_THEN.replace("number: String!", "number: String! colour: String")
    assert (broken_in_sdl(WARD_THEN, more), dangerous_in_sdl(WARD_THEN, more)) == ([], [])


# -- the feed, and the stored events --


def admitted(feed: Any) -> Any:
    return feed["$defs"]["stay.admitted"]


def opened(events: Any) -> Any:
    """The schema of the event of a room that is opened."""
    return events["events"]["room.opened"]["schema"]["$defs"]["Opened"]


WARD: Any = opened(EVENTS)["properties"]["ward"]


def changed(document: Any, change: Change) -> Any:
    copy = deepcopy(document)
    change(copy)
    return copy


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda f: f["$defs"].pop("stay.admitted"), "urn:wardbook:feed:stay.admitted:v1 is gone"),
        (lambda f: admitted(f)["properties"].pop("stayId"), "stay.admitted.stayId is gone"),
        (lambda f: admitted(f)["required"].remove("stayId"), "stayId may be absent"),
        (
            lambda f: admitted(f)["properties"].update(stayId={"type": "integer"}),
            "stayId is of another kind",
        ),
        (
            lambda f: admitted(f)["properties"]["recordedBy"]["properties"].pop("role"),
            "recordedBy.role is gone",
        ),
        (lambda f: f["properties"].pop("subject"), "subject is gone"),
    ],
)
def test_a_change_that_breaks_readers_of_the_feed_is_found(change: Change, told: str) -> None:
    assert any(told in result for result in broken_in_feed(FEED, changed(FEED, change)))


@pytest.mark.parametrize(
    "change",
    [
        lambda f: admitted(f)["properties"].update(colour={"type": "string"}),
        lambda f: admitted(f)["required"].append("patientId"),
        lambda f: f["$defs"].update({"x": {**admitted(f), "$id": "urn:wardbook:feed:x:v2"}}),
    ],
)
def test_readers_of_the_feed_may_be_told_more(change: Change) -> None:
    assert broken_in_feed(FEED, changed(FEED, change)) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda e: e["events"].pop("room.opened"), "room.opened is gone"),
        (lambda e: opened(e)["properties"].pop("ward"), "room.opened.ward is gone"),
        (
            lambda e: (
                opened(e)["properties"].update(colour={"type": "string"}),
                opened(e)["required"].append("colour"),
            ),
            "room.opened.colour may be absent, and is needed",
        ),
        (
            lambda e: opened(e)["properties"]["ward"].update(maxLength=3),
            "ward may be out of bounds",
        ),
        (
            lambda e: opened(e)["properties"]["entry"].update({"$ref": "#/$defs/Actor"}),
            "room.opened.entry.hospital is gone",
        ),
        (
            lambda e: e["events"]["stay.admitted"]["schema"]["$defs"]["AdmissionType"][
                "enum"
            ].pop(),
            "admission_type may have a value that is not known",
        ),
        (
            lambda e: e["events"]["stay.transferred"]["schema"]["$defs"]["Transferred"][
                "properties"
            ]["bed"]["anyOf"].pop(),
            "bed may be what it could not be",
        ),
    ],
)
def test_a_change_after_which_stored_events_cannot_be_read_is_found(
    change: Change, told: str
) -> None:
    assert any(told in result for result in broken_in_events(EVENTS, changed(EVENTS, change)))


@pytest.mark.parametrize(
    "change",
    [
        lambda e: opened(e)["properties"].update(colour={"type": "string"}),
        lambda e: opened(e)["properties"]["ward"].update(maxLength=300),
        lambda e: opened(e)["properties"].update(ward={"anyOf": [{"type": "null"}, WARD]}),
        lambda e: (
            e["events"]["room.opened"].update(version=2),
            opened(e)["properties"].pop("ward"),
        ),
    ],
)
def test_an_event_may_say_more_or_have_a_new_version(change: Change) -> None:
    assert broken_in_events(EVENTS, changed(EVENTS, change)) == []
