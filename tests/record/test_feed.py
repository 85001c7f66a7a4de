"""The feed: the log as other systems read it, in pages, by kind and by ward."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from uuid import UUID

import msgspec
import pytest
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy.ext.asyncio import AsyncConnection

from api.cli.schema import FEED_FILE
from api.feed.cloudevents import (
    BY_TOPIC,
    data,
    event_id,
    feed_schema,
    subject,
)
from domain.event_types import EVENTS
from domain.room.aggregate import Room
from domain.room.occupancy import BedStretch, Occupancy
from infrastructure.postgres.database import Database
from infrastructure.queries.feed import LoggedEvent, Page, events_page
from tests.support.hospital_dsl import events
from tests.support.shared_history import Lived, end

T = TypeVar("T")
TOLD = frozenset(BY_TOPIC)
ALL = frozenset(EVENTS)


def run(database: Database, query: Callable[[AsyncConnection], Awaitable[T]]) -> T:
    async def send() -> T:
        engine = database.async_engine(1)
        async with engine.connect() as connection:
            result = await query(connection)
        await engine.dispose()
        return result

    return asyncio.run(send())


def read(database: Database, first: int, **how: Any) -> list[Page]:
    """All pages up to the end of the log."""
    until, how = end(database), {"topics": ALL, **how}

    async def send(connection: AsyncConnection) -> list[Page]:
        pages, reached = [], 0
        while reached < until:
            pages.append(await events_page(connection, reached, until, first, **how))
            reached = pages[-1].reached
        return pages

    return run(database, send)


def positions(pages: list[Page]) -> list[int]:
    return [logged.position for page in pages for logged in page.events]


# -- the table --


def test_the_internal_events_are_those_that_concern_nobody_else() -> None:
    """They keep the record itself, or what waits to be true, or are figures or say who may read."""
    assert {
        "drug-chart.prescription-charted",
        "glass.broken",
        "hospital-time.set",
        "house-rules.cleaning-set",
        "patient.stay-moved-away",
        "prescription.patient-corrected",
        "projection.command-skipped",
        "projection.retry-requested",
        "report.issued",
        "report.restated",
        "source-visit.reported",
        "source-visit.settled",
    } == ALL - TOLD


def test_no_two_events_are_told_by_one_name() -> None:
    for names in zip(*((p.type, p.dataschema, p.kind) for p in BY_TOPIC.values()), strict=True):
        assert len(set(names)) == len(BY_TOPIC)


@pytest.mark.parametrize("topic", sorted(TOLD))
def test_every_field_that_is_told_is_one_of_the_event(topic: str) -> None:
    """What it says is told, but for ids of streams, proofs, and what figures rest on later."""
    public = BY_TOPIC[topic]
    internal = {f.encode_name for f in msgspec.inspect.type_info(EVENTS[topic]).fields}  # type: ignore[attr-defined]
    result = {field.internal for field in public.fields.values()}
    assert result <= internal
    of_all = {"originator_id", "originator_version", "entry"}
    elsewhere = {"patient", "stay", "room", "ward", "number", "streams", "proof", "grouped"}
    assert internal - result - of_all <= elsewhere


def test_the_schema_that_is_kept_is_that_of_the_program() -> None:
    assert FEED_FILE.read_text() == feed_schema(), "run: wardbook schema --feed --write"


# -- what is told --


@pytest.mark.nightly
def test_what_is_told_of_a_busy_house_fits_the_schema_and_is_told_once(lived: Lived) -> None:
    pages = read(lived.database, 500, topics=TOLD)
    finding = [logged for page in pages for logged in page.events]
    schema = json.loads(feed_schema())
    validator = Draft202012Validator(schema, format_checker=FormatChecker())
    for logged in finding:
        public = BY_TOPIC[logged.event.TOPIC]
        result = {
            "specversion": "1.0",
            "id": str(event_id(logged)),
            "source": "urn:uuid:00000000-0000-4000-8000-000000000000",
            "type": public.type,
            "subject": subject(logged.event),
            "time": logged.recorded_at.isoformat(),
            "datacontenttype": "application/json",
            "dataschema": public.dataschema,
            "data": data(logged.event, logged.rooms),
        }
        result = json.loads(json.dumps(result))
        validator.validate(result)
        fields = schema["$defs"][public.name]["properties"]
        assert set(result["data"]) <= set(fields), "a field that the schema does not name"
    assert {logged.event.TOPIC for logged in finding} >= TOLD - {"prescription.stop-corrected"}
    assert len({event_id(logged) for logged in finding}) == len(finding)


# -- pages --


@pytest.mark.parametrize("first", [pytest.param(1, marks=pytest.mark.slow), 7, 500])
def test_pages_of_any_size_tell_every_event_once_and_end_where_a_command_ends(
    lived: Lived, first: int
) -> None:
    pages = read(lived.database, first)

    assert positions(pages) == list(range(1, end(lived.database) + 1))
    for page in pages:
        assert page.reached == page.events[-1].known
        whole = sum(logged.known < page.reached for logged in page.events)
        assert whole < first


def test_a_page_goes_on_in_the_middle_of_a_command(lived: Lived) -> None:
    known = {
        logged.position: logged.known for p in read(lived.database, 500) for logged in p.events
    }
    inside = next(position for position in known if known[position] > position)
    page = run(
        lived.database, lambda c: events_page(c, inside, known[inside], first=100, topics=ALL)
    )
    assert positions([page]) == list(range(inside + 1, known[inside] + 1))


def test_rare_kinds_are_found_and_a_page_without_any_goes_on(
    lived: Lived, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("infrastructure.queries.feed.SCANNED", 20)
    rare = frozenset({"patient.died"})
    pages = read(lived.database, 50, topics=rare)
    assert any(not page.events for page in pages)
    assert positions(pages) == [n for n, _, e in events(lived.database) if e.TOPIC in rare]


# -- wards --


def in_ward(database: Database, ward: str) -> list[int]:
    """The same, by a plain fold of the whole log."""
    log = [logged for page in read(database, 500) for logged in page.events]
    wards = {e.originator_id: e.ward for _, _, e in events(database) if isinstance(e, Room.Opened)}
    held: dict[UUID, list[tuple[UUID, BedStretch]]] = {}
    finding: list[int] = []
    for known in dict.fromkeys(logged.known for logged in log):
        command = [logged for logged in log if logged.known == known]
        for event in (logged.event for logged in command):
            if isinstance(event, Occupancy.StretchesChanged):
                gone = [(event.room, stretch) for stretch in event.ended]
                kept = [s for s in held.get(event.stay, []) if s not in gone]
                held[event.stay] = kept + [(event.room, stretch) for stretch in event.begun]
        here = [e for e in command if any(wards.get(r) == ward for r in _rooms(e))]
        result = {_whose(e) for e in here} - {None}
        finding += [
            e.position
            for e in command
            if e in here
            or (
                not e.event.TOPIC.startswith(("room.", "occupancy."))
                and (_whose(e) in result or _lay(e, held, wards) == ward)
            )
        ]
    return finding


def _whose(logged: LoggedEvent) -> UUID | None:
    about = logged.event.entry.about
    return about.patient if about else None


def _rooms(logged: LoggedEvent) -> set[UUID]:
    event = logged.event
    named = {getattr(event, "room", None), getattr(getattr(event, "bed", None), "room", None)}
    return {room for room in named if room} | {event.originator_id}


def _lay(
    logged: LoggedEvent, held: dict[UUID, list[tuple[UUID, BedStretch]]], wards: dict[UUID, str]
) -> str | None:
    about, at = logged.event.entry.about, logged.event.entry.occurred_at
    if about is None or about.stay is None:
        return None
    for room, stretch in held.get(about.stay, []):
        if stretch.since <= at and (stretch.until is None or at < stretch.until):
            return wards[room]
    return None


@pytest.mark.parametrize("ward", ["A", "B", "nowhere"])
def test_what_a_ward_is_told_is_what_a_plain_fold_of_the_log_finds(lived: Lived, ward: str) -> None:
    result = positions(read(lived.database, 60, ward=ward))
    assert result == in_ward(lived.database, ward)
    assert bool(result) == (ward != "nowhere")
