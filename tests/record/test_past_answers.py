"""Every question about every past is answered as by a fresh fold of the history."""

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.aggregate import Aggregate, Event
from domain.prescription.aggregate import Prescription
from domain.room.aggregate import Room
from domain.room.state import end_of
from domain.stay.aggregate import Stay
from domain.stay.facts import State
from domain.stay.history import History
from tests.support.hospital_dsl import events, rows
from tests.support.shared_history import (
    Lived,
)

pytestmark = pytest.mark.nightly


# -- every answer of the past --

Answer = tuple[Any, ...]


def naive(stay: Stay, moment: datetime) -> State | None:
    """The state at a moment: nothing but its facts up to then."""
    history = History(stay.id, tuple(f for f in stay.history.facts if f.at <= moment))
    return history.segments[-1][1] if history.segments else None


def stay_answers(stay: Stay, moment: datetime) -> set[Answer]:
    state = naive(stay, moment)
    if state is None:
        return set()
    bed = state.place.bed
    return {
        (
            stay.id,
            stay.patient,
            state.status.value,
            bed.room if bed else None,
            bed.bed if bed else None,
            state.place.shares_bed_of,
            state.place.without_bed,
            state.bed_kept,
            state.attending,
            state.specialty,
            state.plan.value,
            state.expected_discharge,
            state.expected_return,
            state.disposition.value if state.disposition else None,
        )
    }


STAY_COLUMNS = (
    "stay, patient, status, room, bed, shares_bed_of, without_bed, bed_kept, attending, specialty,"
    " plan, expected_discharge, expected_return, disposition"
)


def occupancy_answers(stay: Stay, moment: datetime) -> set[Answer]:
    state = naive(stay, moment)
    if state is None or state.place.bed is None:
        return set()
    bed, shared = state.place.bed, state.place.shares_bed_of
    return {(stay.id, stay.patient, bed.room, bed.bed, state.bed_kept, shared)}


def prescription_answers(drug: Prescription, moment: datetime) -> set[Answer]:
    status = drug.course.status_at(moment)
    return {(drug.id, drug.stay, drug.medication.name, status.value)} if status else set()


def spell_answers(room: Room, moment: datetime) -> set[Answer]:
    return {
        (
            *(s.id, room.id, s.bed, s.state.value, s.reason, s.patient, s.stay),
            room.precision_of(s.id).value,
            room.precision_of(end_of(s.id)).value,
        )
        for s in room.spells
        if moment in s.period
    }


GRID: dict[str, tuple[type[Aggregate], Callable[[Any, datetime], set[Answer]], str]] = {
    "stays": (Stay, stay_answers, f"SELECT {STAY_COLUMNS} FROM stays_v1.stays"),
    "occupancy": (
        Stay,
        occupancy_answers,
        "SELECT stay, patient, room, bed, kept, shares_bed_of FROM occupancy_v1.stretches",
    ),
    "prescriptions": (
        Prescription,
        prescription_answers,
        "SELECT prescription, stay, medication, status FROM prescriptions_v2.prescriptions",
    ),
    "spells": (
        Room,
        spell_answers,
        "SELECT spell, room, bed, state, reason, for_patient, for_stay, since_precision,"
        " until_precision FROM rooms_v1.spells",
    ),
}


@pytest.mark.parametrize("name", GRID)
def test_every_question_about_every_past_is_answered_as_by_a_fresh_fold(
    full: Lived, name: str
) -> None:
    kind, answers, select = GRID[name]
    log = events(full.database)
    occurred = sorted({event.entry.occurred_at for _, _, event in log})
    us = timedelta(microseconds=1)
    moments = [m for at in occurred[:: len(occurred) // 8] for m in (at - us, at)]
    moments.append(occurred[-1] + timedelta(days=30))
    streams: defaultdict[UUID, list[Event]] = defaultdict(list)
    result: list[dict[UUID, set[Answer]]] = [{} for _ in moments]
    checked = Counter[str]()

    for position, command_end, event in log:
        if event.TOPIC.partition(".")[0] == kind.TOPIC:
            streams[event.originator_id].append(event)
            fresh = kind.empty(event.originator_id)
            for earlier in streams[event.originator_id]:
                earlier.mutate(fresh)
            for n, moment in enumerate(moments):
                result[n][fresh.id] = answers(fresh, moment)
        if position != command_end:
            continue
        finding: list[set[Answer]] = [set() for _ in moments]
        for n, *answer in rows(
            full.database,
            select.replace("SELECT", "SELECT nth - 1,")
            + ", unnest(%s::timestamptz[]) WITH ORDINALITY AS m (moment, nth)"
            " WHERE during @> moment AND known @> %s::bigint",
            [moments, position],
        ):
            assert tuple(answer) not in finding[n], "twice in one answer"
            finding[n].add(tuple(answer))
        assert finding == [set().union(*by_stream.values()) for by_stream in result], position
        checked["positions"] += 1
        checked["answers"] += sum(map(len, finding))

    assert checked["positions"] > 200
    assert checked["answers"] > 1_000, checked
