"""Mistakes of other systems about what holds until the next message says otherwise: see `test_covered`.

What is told of a bed, a reservation or an allergy in any order, one message twice, is one history.
"""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid5

import psycopg
import pytest
from hypothesis import given
from hypothesis import settings as runs
from hypothesis import strategies as st

from api.hl7.door import Door
from application.aggregate_cache import current
from application.hospital import Hospital
from domain import unique_keys
from domain.patient import Patient
from domain.room.aggregate import BedState
from domain.source_visit import SourceVisit
from infrastructure.postgres.database import Database
from tests.hl7.test_beds import at, message, pending, states_of
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_triggers import answer, door
from tests.record.test_source_movements import fed
from tests.support.hospital_dsl import request, room

__all__ = ["door", "fed"]

_NUMBERS = count(1)
ALLERGY = "IAM|1||1^Nuts^L|{}||{}"


def of_a_day(*kinds: str) -> st.SearchStrategy[list[tuple[int, str]]]:
    """Return what is told in hours of a day: each hour at most once."""
    reply = st.tuples(st.integers(11, 22), st.sampled_from(kinds))
    return st.lists(reply, min_size=2, max_size=6, unique_by=lambda t: t[0])


class House:
    """A room and a patient of their own in a house, and messages about them."""

    def __init__(self, hospital: Hospital, folder: Path) -> None:
        self.hospital, self.name = hospital, f"H{next(_NUMBERS)}"
        self.door = Door(hospital, SENDERS, folder / self.name)
        room(hospital, self.name, at=datetime(2026, 1, 1, tzinfo=UTC))
        self.send(adt("A01", "1"))

    def send(self, told: bytes) -> None:
        for plain, own in (("A^1^", f"A^{self.name}^"), ("4711", f"M{self.name}")):
            told = told.replace(plain.encode(), own.encode())
        told = told.replace(b"VNORTH", f"V{self.name}".encode())
        head, sep, rest = told.partition(b"|P|2.5")
        answered = answer(self.door, head + self.name.encode() + sep + rest)
        assert answered[:2] == "AA", (answered, told)

    def spells(self) -> list[tuple[BedState, datetime, datetime | None]]:
        held = self.hospital.rooms.spells_of("A", self.name, "b")
        return [(s.state, s.period.start, s.period.end) for s in held if not s.period.is_empty]

    def allergies(self) -> list[Any]:
        id = self.hospital.record.owner(*unique_keys.mrn("main", f"M{self.name}"))
        assert id
        held = current(self.hospital.record, Patient.empty(id)).allergies.values()
        return [(a.at, a.severity, a.end) for a in held]


Told = tuple[int, str]


def check_any_order(
    hospital: Hospital,
    folder: Path,
    told: list[Told],
    order: list[Told],
    of: Callable[[str, int, str], bytes],
    history: Callable[[House], Any],
) -> None:
    """Tell it in the order of its hours to one house, in another to a second; both hold the same."""
    histories = []
    for messages in (sorted(told), [*order, order[0]]):
        house = House(hospital, folder)
        for number, (hour, code) in enumerate(messages):
            control = f"{hour}" if messages.index((hour, code)) == number else f"{hour}-again"
            house.send(of(control, hour, code))
        list(house.door.replay())
        assert not list(house.door.refused), messages
        histories.append(history(house))
    assert histories[0] == histories[1], order


@st.composite
def story(draw: st.DrawFn, *kinds: str) -> tuple[list[Told], list[Told]]:
    result = draw(of_a_day(*kinds))
    return result, draw(st.permutations(result))


EXAMPLES = runs(max_examples=12, deadline=None)


@given(st_told=story("C", "H", "U", "O"))
@EXAMPLES
def test_mistake_256_states_of_a_bed_in_any_order_are_one_history(
    fed: Hospital, tmp_path_factory: pytest.TempPathFactory, st_told: tuple[list[Told], list[Told]]
) -> None:
    def of(control: str, hour: int, code: str) -> bytes:
        return message("A20", control, hour, f"NPU|A^1^b|{code}")

    check_any_order(fed, tmp_path_factory.mktemp("h"), *st_told, of, House.spells)


@given(st_told=story("A15", "A26"))
@EXAMPLES
def test_mistake_257_plans_of_a_transfer_and_their_ends_in_any_order_are_one_history(
    fed: Hospital, tmp_path_factory: pytest.TempPathFactory, st_told: tuple[list[Told], list[Told]]
) -> None:
    def of(control: str, hour: int, trigger: str) -> bytes:
        return pending(trigger, control, hour)

    check_any_order(fed, tmp_path_factory.mktemp("h"), *st_told, of, House.spells)


@given(st_told=story("MO A", "SV A", "MI U", "SV U", " D"))
@EXAMPLES
def test_mistake_258_an_allergy_that_is_told_and_deleted_in_any_order_is_as_told_last(
    fed: Hospital, tmp_path_factory: pytest.TempPathFactory, st_told: tuple[list[Told], list[Told]]
) -> None:
    """What is put right before it was ever told waits for somebody to take the message again."""

    def of(control: str, hour: int, code: str) -> bytes:
        return message("A60", control, hour, ALLERGY.format(*code.split(" ")))

    result, order = st_told
    first, folder = (10, "MO A"), tmp_path_factory.mktemp("h")
    check_any_order(fed, folder, [first, *result], [*order, first], of, House.allergies)


def test_mistake_256_what_staff_closed_and_opened_stays_theirs(
    door: Door, hospital: Hospital
) -> None:
    closed, free = {BedState.CLOSED}, set[BedState]()

    def told(control: str, hour: int, code: str) -> None:
        assert answer(door, message("A20", control, hour, f"NPU|A^1^b|{code}")) == "AA"

    def states(*hours: int) -> list[set[BedState]]:
        return [set(states_of(hospital, "A", "1", "b", at(hour))) for hour in hours]

    place: dict[str, Any] = {"ward": "A", "room": "1", "bed": "b"}
    hospital.rooms.close_bed(request(at(10), reason="to be painted"), **place)
    told("1", 14, "C")
    told("2", 12, "U")
    assert states(11, 13, 15) == [closed, free, closed]
    hospital.rooms.reopen_bed(request(at(16), reason="it is needed"), **place)
    told("3", 18, "C")
    assert states(15, 17, 19) == [closed, free, closed]
    told("4", 11, "U")
    assert states(10, 11, 13, 15, 17, 19) == [closed, free, free, closed, free, closed]


def test_mistake_259_nobody_learns_or_confirms_a_number_by_what_another_system_told(
    door: Door, hospital: Hospital, database: Database
) -> None:
    room_of = "A^1^a"
    for result in (
        adt("A40", "0", "MRG|4799^^^HOSP^MR", place=room_of),
        adt("A01", "1"),
        adt("A28", "2").replace(b"4711", b"4799"),
        adt("A08", "3"),
        message("A60", "4", 12, ALLERGY.format("SV", "A")),
        adt("A37", "5", "MRG|4799^^^HOSP^MR"),
        adt("A02", "6", place="A^1^b").replace(b"4711", b"4720").replace(b"VNORTH", b"V7"),
        adt("A01", "7", place="A").replace(b"4711", b"4720").replace(b"VNORTH", b"V7"),
    ):
        assert answer(door, result)[:2] == "AA", result
    hospital.source_movements.wait()
    assert guesses_in(database, ("4711", "4799", "4720")) == []


def guesses_in(database: Database, numbers: tuple[str, ...]) -> list[str]:
    """Return what of the record holds a number, or an id that whoever guesses it can compute."""
    with psycopg.connect(database.owner_url) as owner:
        rows = [
            text
            for table in ("record.stored_events", "record.unique_claims", "record.commands")
            for (text,) in owner.execute(f"SELECT t::text FROM {table} t".encode())
        ]
        commands = [id for (id,) in owner.execute("SELECT command_id FROM record.commands")]
    signs = []
    for number in numbers:
        name = unique_keys.mrn("main", number)
        guesses = [
            f"details of main {number}",
            f"main/{number}/DETAILS",
            f"/{number}/DETAILS",
            number,
        ]
        ids = [SourceVisit.id_for("north", guess) for guess in guesses] + [
            unique_keys.subject_of(name)
        ]
        ids += [uuid5(id, f"patient main {number}") for id in commands]
        signs += [f"main {number}", f"/{number}/", f'"{number}"', *map(str, ids)]
    return [sign for sign in signs if any(sign in row for row in rows)]
