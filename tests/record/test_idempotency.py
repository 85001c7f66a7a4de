"""A command that is repeated has one effect and gets the first answer; see docs of `Commands.give`."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import pytest

from application.commands import Recorded, Request
from application.hospital import Hospital
from domain.entry import Actor, Source
from domain.refusals import BedOccupied, CommandIdReused, InvalidInput, NotFound, Refusal
from domain.time import Precision
from infrastructure.database import Database
from infrastructure.event_store import DatabaseAway, Recorder
from tests.record.ward import (
    ELECTIVE,
    NURSE,
    admitted,
    ago,
    at_once,
    place,
    request,
    room,
    rows,
)

Another = Callable[[], Hospital]


def answer(recorded: Recorded) -> tuple[Any, ...]:
    """Everything that an answer says."""
    return (
        recorded.command_id,
        recorded.position,
        recorded.recorded_at,
        recorded.events,
        recorded.ids("patient"),
        recorded.ids("stay"),
    )


def count(database: Database, table: str = "events") -> int:
    return int(rows(database, f"SELECT count(*) FROM record.{table}")[0][0])


def test_a_repeated_command_has_one_effect_and_gets_the_first_answer(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    hospital.register_patient(request(), mrn="M1")
    said = request()
    content = {"patient_mrn": "M1", "admission_type": ELECTIVE, **place("A/1/a")}
    first = hospital.admit_patient(said, **content)
    held = count(database), count(database, "bed_claims"), count(database, "person_claims")

    again = hospital.admit_patient(said, **content)

    assert answer(again) == answer(first)
    assert (first.repeated, again.repeated) == (False, True)
    assert held == (
        count(database),
        count(database, "bed_claims"),
        count(database, "person_claims"),
    )


def test_a_repeat_gets_the_first_answer_after_a_restart(
    hospital: Hospital, another: Another
) -> None:
    said = request()
    first = hospital.register_patient(said, mrn="M1", family_name="Okafor")
    hospital.register_patient(request(), mrn="M2")

    assert answer(another().register_patient(said, mrn="M1", family_name="Okafor")) == answer(first)


def test_a_repeat_gets_the_first_answer_though_it_would_be_refused_by_now(
    hospital: Hospital,
) -> None:
    room(hospital)
    hospital.register_patient(request(), mrn="M1")
    said = request()
    content = {"patient_mrn": "M1", "admission_type": ELECTIVE, **place("A/1/a")}
    first = hospital.admit_patient(said, **content)
    stay = first.ids("stay")[0]
    hospital.transfer_patient(request(), stay_id=stay, **place("A/1/b"))
    admitted(hospital, "M2", "A/1/a")

    assert answer(hospital.admit_patient(said, **content)) == answer(first)


CHANGED: dict[str, dict[str, Any]] = {
    "actor": {"by": Actor(issuer="test", subject="nurse-2", role="nurse")},
    "role": {"by": Actor(issuer="test", subject="nurse-1", role="physician")},
    "on behalf of": {"by": replace_actor()} if False else {},
    "time": {"occurred_at": ago(minutes=5)},
    "precision": {"precision": Precision.HOUR},
    "performer": {"performed_by": "somebody"},
    "reason": {"reason": "another"},
    "source": {"source": Source(system="lab", id="1")},
}
