"""The second wall: what the claims keep out, even when versions and rules would let it pass."""

import os
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg import errors

from application.hospital import Hospital
from application.sharers import Sharer
from domain.refusals import BedOccupied, SharersUnplaced
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import Period
from infrastructure.event_store.recorder import Recorder
from infrastructure.postgres.database import Database
from tests.support.event_builders import crafted, lying, present
from tests.support.hospital_dsl import (
    ELECTIVE,
    admitted,
    ago,
    assert_claims_are_the_stays,
    place,
    request,
    room,
    rows,
)
from tests.support.random_commands import Busy

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
DAY = timedelta(days=1)
ROOM, PERSON = UUID(int=100), UUID(int=200)


HISTORIES = min(int(os.environ.get("WARDBOOK_STORIES", "1")), 20)


def restating(
    *stays: UUID, beds: list[dict[str, Any]] | None = None, persons: Any = None
) -> dict[str, Any]:
    """A command that replaces the claims of stays, with nothing against it but the claims."""
    claims = {"restated": list(stays), "beds": beds or [], "persons": persons or []}
    return crafted((uuid4(), 1), **claims)


def outcomes(recorder: Recorder, *commands: dict[str, Any]) -> list[str]:
    return [result["outcome"] for result in recorder.append_batch(commands)]


def in_bed(since: datetime, until: datetime | None = None, **more: Any) -> dict[str, Any]:
    stay = more.pop("stay", None) or uuid4()
    return restating(stay, beds=[lying(stay, ROOM, more.pop("bed", "a"), since, until, **more)])


# -- two in one bed, one in two beds --


@pytest.mark.parametrize(
    ("since", "until"),
    [
        (MONDAY, None),
        (MONDAY - DAY, None),
        (MONDAY + DAY, None),
        (MONDAY - DAY, MONDAY + DAY),
        (MONDAY + DAY, MONDAY + 2 * DAY),
        (MONDAY - DAY, MONDAY + timedelta(minutes=1)),
    ],
)
def test_two_stays_never_have_one_bed_at_the_same_time(
    recorder: Recorder, database: Database, since: datetime, until: datetime | None
) -> None:
    (first, second) = recorder.append_batch([in_bed(MONDAY), in_bed(since, until)])

    assert (first["outcome"], second["outcome"]) == ("recorded", "taken")
    assert second["claim"] == "one_stay_per_bed"
    assert rows(database, "SELECT count(*) FROM record.bed_claims") == [(1,)]
    assert rows(database, "SELECT count(*) FROM record.events") == [(1,)]


def test_stretches_that_only_touch_do_not_overlap(recorder: Recorder) -> None:
    before, after = in_bed(MONDAY - DAY, MONDAY), in_bed(MONDAY + DAY)
    assert outcomes(recorder, in_bed(MONDAY, MONDAY + DAY), before, after) == ["recorded"] * 3


def test_a_bed_kept_during_leave_is_taken_too(recorder: Recorder) -> None:
    assert outcomes(recorder, in_bed(MONDAY, kept=True), in_bed(MONDAY)) == ["recorded", "taken"]


def test_beds_of_the_same_code_in_two_rooms_are_two_beds(recorder: Recorder) -> None:
    stay = uuid4()
    elsewhere = restating(stay, beds=[lying(stay, uuid4(), "a", MONDAY)])
    assert outcomes(recorder, in_bed(MONDAY), elsewhere) == ["recorded", "recorded"]


def test_one_stay_never_has_one_bed_twice(recorder: Recorder) -> None:
    stay = uuid4()
    twice = [lying(stay, ROOM, "a", MONDAY), lying(stay, ROOM, "a", MONDAY + DAY)]
    assert outcomes(recorder, restating(stay, beds=twice)) == ["taken"]


def test_a_person_is_never_in_two_stays_at_the_same_time(recorder: Recorder) -> None:
    one, other, later = uuid4(), uuid4(), uuid4()
    answer = recorder.append_batch(
        [
            restating(one, persons=[present(one, PERSON, MONDAY, MONDAY + DAY)]),
            restating(other, persons=[present(other, PERSON, MONDAY - DAY)]),
            restating(later, persons=[present(later, PERSON, MONDAY + DAY)]),
            restating(uuid4(), persons=[present(uuid4(), uuid4(), MONDAY)]),
        ]
    )
    assert [t["outcome"] for t in answer] == ["recorded", "taken", "recorded", "recorded"]
    assert answer[1]["claim"] == "one_stay_per_person"


def test_a_swap_of_claims_passes_and_a_half_of_it_does_not(recorder: Recorder) -> None:
    one, other = uuid4(), uuid4()
    recorder.append_batch([in_bed(MONDAY, stay=one), in_bed(MONDAY, stay=other, bed="b")])
    crossed = [lying(one, ROOM, "b", MONDAY), lying(other, ROOM, "a", MONDAY)]

    half = restating(one, beds=crossed[:1])
    whole = restating(one, other, beds=crossed)

    assert outcomes(recorder, half, whole) == ["taken", "recorded"]


def test_a_shared_bed_is_exempt_and_the_mothers_own_is_not(recorder: Recorder) -> None:
    mother = uuid4()
    result = outcomes(
        recorder,
        in_bed(MONDAY, stay=mother),
        in_bed(MONDAY, shares_bed_of=mother),
        in_bed(MONDAY, shares_bed_of=mother),
        in_bed(MONDAY),
    )
    assert result == ["recorded", "recorded", "recorded", "taken"]


def test_a_claim_for_no_time_touches_others(recorder: Recorder) -> None:
    result = outcomes(recorder, in_bed(MONDAY), in_bed(MONDAY, MONDAY), in_bed(MONDAY, MONDAY))
    assert result == ["recorded"] * 3
    with pytest.raises(errors.DataException):
        recorder.append_batch([in_bed(MONDAY, MONDAY - timedelta(hours=1))])


PERIODS = [
    (MONDAY + since * DAY, until if until is None else MONDAY + until * DAY)
    for since, until in [(0, 0), (1, 1), (2, 2), (0, 2), (0, 1), (1, 2), (2, None), (0, None)]
]


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
def test_two_claims_are_kept_out_of_one_bed_just_where_they_collide(
    recorder: Recorder, together: bool
) -> None:
    for n, (one, other) in enumerate(product(PERIODS, repeat=2)):
        commands = [in_bed(*one, bed=f"bed {n}"), in_bed(*other, bed=f"bed {n}")]
        batches = [commands] if together else [[command] for command in commands]
        result = [answer for batch in batches for answer in recorder.append_batch(batch)]
        collide = Period(*one).collides(Period(*other))
        assert [t["outcome"] for t in result] == ["recorded", "taken" if collide else "recorded"]
        assert not collide or result[1]["claim"] == "one_stay_per_bed"


def test_a_claim_for_no_time_in_ones_mothers_bed_is_exempt(recorder: Recorder) -> None:
    mother, child = uuid4(), uuid4()
    beside = in_bed(MONDAY + DAY, MONDAY + DAY, stay=child, shares_bed_of=mother)
    twin = in_bed(MONDAY, shares_bed_of=mother)
    stranger = in_bed(MONDAY, shares_bed_of=uuid4())
    result = outcomes(recorder, in_bed(MONDAY, stay=mother), beside, twin, stranger)
    assert result == ["recorded"] * 3 + ["taken"]


def test_a_stay_that_was_not_read_is_not_passed_over(recorder: Recorder) -> None:
    one, other = uuid4(), uuid4()
    persons = [present(one, PERSON, MONDAY, MONDAY)]
    recorder.append_batch([restating(one, persons=persons)])

    unread = {**restating(other), "persons_read": [PERSON], "stays_read": []}
    read = {**restating(other), "persons_read": [PERSON], "stays_read": [one]}

    (result,) = recorder.append_batch([unread])
    assert (result["outcome"], result["claim"]) == ("taken", "all_stays_of_a_person")
    assert outcomes(recorder, read) == ["recorded"]


# -- through the commands --


def test_a_swap_exchanges_the_claims_of_both(hospital: Hospital, database: Database) -> None:
    room(hospital)
    one, other = admitted(hospital, "M1", "A/1/a"), admitted(hospital, "M2", "A/1/b")

    hospital.stays.swap_beds(request(), stay_id=one, with_stay_id=other)

    lie = "SELECT bed, stay FROM record.bed_claims WHERE upper_inf(during) ORDER BY bed"
    assert rows(database, lie) == [("a", other), ("b", one)]
    assert_claims_are_the_stays(database)


def test_a_newborn_shares_its_mothers_bed_and_nobody_else_does(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    mother = admitted(hospital, "M1", "A/1/a")
    shared: dict[str, Any] = {"admission_type": AdmissionType.NEWBORN, "shares_bed_of": mother}
    twins = [admitted(hospital, mrn, "A/1/a", **shared) for mrn in ("N1", "N2")]
    hospital.patients.register_patient(request(), mrn="M2")
    with pytest.raises(BedOccupied) as refusal:
        hospital.stays.admit_patient(
            request(), patient_mrn="M2", admission_type=ELECTIVE, **place("A/1/a")
        )
    assert refusal.value.by_stay in {mother, *twins}
    with pytest.raises(SharersUnplaced):
        hospital.stays.transfer_patient(request(), stay_id=mother, **place("A/1/b"))

    hospital.stays.transfer_patient(
        request(),
        stay_id=mother,
        **place("A/1/b"),
        sharers=[Sharer(stay_id=twin, shares_bed=True) for twin in twins],
    )

    lie = "SELECT DISTINCT stay FROM record.bed_claims WHERE bed = 'b'"
    assert {stay for (stay,) in rows(database, lie)} == {mother, *twins}
    assert_claims_are_the_stays(database)


def test_a_bed_in_which_somebody_lies_is_neither_closed_nor_cleaned(hospital: Hospital) -> None:
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a", ago(hours=2))
    for act in (hospital.rooms.close_bed, hospital.rooms.start_cleaning):
        for at in (None, ago(minutes=30), ago(hours=3)):
            with pytest.raises(BedOccupied) as refusal:
                act(request(at, reason="paint"), **place("A/1/a"))
            assert refusal.value.by_stay == stay

    hospital.rooms.close_bed(request(reason="paint"), since=ago(hours=-3), **place("A/1/a"))


def test_an_ended_stay_frees_the_bed_from_its_end_on(
    hospital: Hospital, database: Database
) -> None:
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a", ago(days=3))
    hospital.stays.discharge_patient(
        request(ago(days=1)), stay_id=stay, disposition=Disposition.HOME
    )
    with pytest.raises(BedOccupied):
        admitted(hospital, "M2", "A/1/a", ago(days=2))

    admitted(hospital, "M3", "A/1/a", ago(days=1))
    assert_claims_are_the_stays(database)


# -- the claims are the fold of the events --


@pytest.mark.parametrize("seed", range(HISTORIES))
def test_the_claims_are_the_fold_of_the_events_after_any_history(
    simulated_hospital: Hospital, simulated: Database, seed: int
) -> None:
    busy = Busy(simulated_hospital, Random(f"claims {seed}"))
    counts = []
    for _ in range(4):
        busy.live(100)
        assert_claims_are_the_stays(simulated)
        counts += rows(simulated, "SELECT count(*) FROM record.bed_claims")
    assert max(counts) > (15,)
