"""Sharing a bed, as whole commands decide it: the stays of mother and child, settled together."""

from typing import Any
from uuid import UUID

import pytest

from application.hospital import Hospital
from application.sharers import Sharer
from domain.refusals import SharersUnplaced
from domain.stay.events import AdmissionType
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import admitted, ago, events, place, request, room, stays_folded


def mother_and_child(hospital: Hospital) -> tuple[UUID, UUID]:
    """She lies in bed a for ten hours, her child with her for nine."""
    room(hospital, "1", "a", "b", "c", "d")
    mother = admitted(hospital, "M", "A/1/a", ago(hours=10))
    newborn = {"admission_type": AdmissionType.NEWBORN, "shares_bed_of": mother}
    return mother, admitted(hospital, "C", "A/1/a", ago(hours=9), **newborn)


def move(hospital: Hospital, stay: UUID, bed: str, hours: int, **said: Any) -> None:
    hospital.stays.transfer_patient(request(ago(hours=hours)), stay_id=stay, **place(bed), **said)


def beds(database: Database, stay: UUID) -> list[str]:
    return [s.bed.bed for s in stays_folded(events(database))[stay].stretches]


def test_a_late_move_of_the_mother_finds_the_child_that_came_back_to_her_later(
    hospital: Hospital, database: Database
) -> None:
    mother, child = mother_and_child(hospital)
    move(hospital, child, "A/1/b", 6)
    move(hospital, child, "A/1/a", 3, shares_bed_of=mother)
    along = [Sharer(stay_id=child, ward="A", room="1", bed="d")]
    with pytest.raises(SharersUnplaced):  # placed for now, but not for when it came back
        move(hospital, mother, "A/1/c", 7, sharers=along)
    assert (beds(database, mother), beds(database, child)) == (["a"], ["a", "b", "a"])


def test_a_late_move_of_the_mother_takes_her_child_along(
    hospital: Hospital, database: Database
) -> None:
    mother, child = mother_and_child(hospital)
    move(hospital, child, "A/1/b", 3)
    move(hospital, mother, "A/1/c", 7, sharers=[Sharer(stay_id=child, shares_bed=True)])
    assert (beds(database, mother), beds(database, child)) == (["a", "c"], ["a", "c", "b"])


def test_two_cannot_share_each_others_bed_nor_one_its_own(
    hospital: Hospital, database: Database
) -> None:
    mother, child = mother_and_child(hospital)
    with pytest.raises(SharersUnplaced):
        move(hospital, mother, "A/1/a", 5, shares_bed_of=child)
    with pytest.raises(SharersUnplaced):
        move(hospital, child, "A/1/b", 5, shares_bed_of=child)
    assert (beds(database, mother), beds(database, child)) == (["a"], ["a"])
