"""Tests of details of persons by the time of their source: in any order one person."""

from datetime import date, datetime
from itertools import permutations

import pytest

from api.hl7.door import Door
from api.hl7.sending import SendingSystem
from application.aggregate_cache import current
from application.hospital import Hospital
from domain import unique_keys
from domain.patient import Details, Patient, Sex
from domain.source_visit import SourceVisit
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import ZONE, adt
from tests.hl7.test_triggers import answer, door
from tests.support.hospital_dsl import request, rows

__all__ = ["door"]

SEXES = {"M": Sex.MALE, "F": Sex.FEMALE}


@pytest.fixture
def told(door: Door) -> Door:
    """A door for two systems that have a table of sexes."""
    door.senders = [
        SendingSystem("ADT", facility, facility.lower(), ZONE, sexes=SEXES)
        for facility in ("NORTH", "SOUTH")
    ]
    return door


def said(trigger: str, number: str, minute: int, pid: str, facility: str = "NORTH") -> bytes:
    """A message that the source recorded in that minute; ``pid``: from PID-5 on."""
    message = adt(trigger, f"{trigger}-{number}-{minute}", facility=facility, place="A").decode()
    parts = message.replace("20260302101500", f"2026030211{minute:02}00").split("\r")
    parts[2] = f"PID|||{number}^^^HOSP^MR||{pid}"
    parts[3] = parts[3].replace(f"V{facility}", f"V{number}")
    return "\r".join(parts[:3] if trigger in ("A28", "A31") else parts).encode()


def patient(hospital: Hospital, number: str) -> Patient:
    id = hospital.record.owner(*unique_keys.mrn(hospital.pipeline.rules.mrn_authority, number))
    assert id
    return current(hospital.record, Patient.empty(id))


def details(hospital: Hospital, number: str) -> Details:
    return patient(hospital, number).details[-1][1]


STORIES: dict[str, tuple[list[tuple[str, int, str]], Details]] = {
    "added, admitted, changed": (
        [
            ("A28", 1, "Every^Adam||19700101|M"),
            ("A01", 2, "Every^Adam||19700102|M"),
            ("A31", 3, "Evers^Adam"),
            ("A08", 4, "Evers^Adam Noah"),
        ],
        Details(
            family_name="Evers",
            given_name="Adam Noah",
            birth_date=date(1970, 1, 2),
            sex=Sex.MALE,
        ),
    ),
    "one detail each, and one said again": (
        [
            ("A31", 1, "Every"),
            ("A31", 2, "^Eva"),
            ("A31", 3, "||19700101"),
            ("A31", 4, "Every|||F"),
            ("A31", 5, "Evers"),
        ],
        Details(family_name="Evers", given_name="Eva", birth_date=date(1970, 1, 1), sex=Sex.FEMALE),
    ),
    "said the same before and after another": (
        [("A01", 1, "Every^Eva"), ("A08", 2, "Evers^Eva"), ("A08", 3, "Every^Eva")],
        Details(family_name="Every", given_name="Eva"),
    ),
    "nobody knows after all": (
        [
            ("A28", 1, "Every^Eva||19700101|F"),
            ("A31", 2, '""^Eva||""|""'),
            ("A31", 3, "^Evi"),
        ],
        Details(given_name="Evi"),
    ),
    "an admission planned": (
        [("A05", 1, "Every^Eva"), ("A01", 2, "Every^Evi"), ("A31", 3, "|||M")],
        Details(family_name="Every", given_name="Evi", sex=Sex.MALE),
    ),
}


@pytest.mark.parametrize("story", STORIES)
def test_details_that_arrive_in_any_order_give_one_person(
    told: Door, hospital: Hospital, story: str
) -> None:
    messages, expected = STORIES[story]
    for n, order in enumerate(permutations(messages)):
        number = f"{n}"
        for trigger, minute, pid in (*order, order[0]):  # and one comes again
            assert answer(told, said(trigger, number, minute, pid))[:2] == "AA"
        assert details(hospital, number) == expected, [(t, m) for t, m, _ in order]


def test_what_staff_corrected_stays_until_the_source_says_something_else(
    told: Door, hospital: Hospital
) -> None:
    answer(told, said("A28", "1", 1, "Every^Eva"))
    hospital.identity.correct_patient_details(
        request(reason="as in the passport"), patient_mrn="1", family_name="Evéry"
    )
    answer(told, said("A31", "1", 2, "Every^Evi"))
    assert (details(hospital, "1").family_name, details(hospital, "1").given_name) == (
        "Evéry",
        "Evi",
    )
    answer(told, said("A31", "1", 3, "Evers"))
    assert details(hospital, "1").family_name == "Evers"


def test_of_two_sources_the_one_that_recorded_later_is_heard(
    told: Door, hospital: Hospital
) -> None:
    for number, order in (("1", (0, 1)), ("2", (1, 0))):
        messages = (
            said("A31", number, 1, "Every^Eva"),
            said("A31", number, 2, "Evers", facility="SOUTH"),
        )
        for n in order:
            assert answer(told, messages[n]) == "AA"
        assert details(hospital, number).family_name == "Evers"


def test_who_is_no_patient_here_is_not_registered_and_a_wrong_birth_date_is_refused(
    told: Door, database: Database
) -> None:
    outpatient = said("A04", "1", 1, "Every^Eva").replace(b"PV1||I|", b"PV1||O|")
    assert answer(told, outpatient) == "AA|no fact here"
    assert answer(told, said("A31", "1", 1, "Every||29990101")) == "AR|InvalidInput"
    assert answer(told, said("A31", "1", 2, "Every||19701399")) == "AR|not a date"
    assert answer(told, said("A31", "1", 3, "")) == "AA|no fact here"
    assert rows(database, "SELECT * FROM record.events WHERE topic LIKE 'patient%%'") == []


def test_an_update_of_a_visit_says_who_is_responsible_and_who_the_patient_is(
    told: Door, hospital: Hospital
) -> None:
    answer(told, said("A01", "1", 1, "Every^Eva"))
    update = said("A08", "1", 2, "Evers^Eva").replace(b"|A||||", b"|A||||D1")
    assert answer(told, update) == "AA"
    assert details(hospital, "1").family_name == "Evers"
    visit = current(hospital.record, SourceVisit.empty(SourceVisit.id_for("north", "V1")))
    assert not visit.pending
    assert len(visit.applied) == 2
    assert (
        datetime.fromisoformat("2026-03-02T10:01:00Z")
        == patient(hospital, "1").told_at["given_name"]
    )
