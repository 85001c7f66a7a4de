"""A late fact can move a stretch to another room with its beginning left where it was.

Found by lot: the new stretch was taken for the old one, and the board showed the wrong bed.
"""

from uuid import UUID

import pytest

from application.hospital import Hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from tests.support.hospital_dsl import (
    admitted,
    ago,
    events,
    place,
    request,
    room,
    rows,
    stays_folded,
)
from tests.support.shared_history import dump, forget


@pytest.fixture
def rooms(hospital: Hospital) -> list[UUID]:
    """Two rooms with two beds each."""
    return [room(hospital, "1"), room(hospital, "2")]


def assert_the_board_is_right(database: Database) -> None:
    shown = rows(
        database,
        "SELECT stay, room, bed, lower(during), upper(during), kept FROM occupancy_v1.stretches"
        " WHERE upper_inf(known)",
    )
    wanted = [
        (stay.id, s.bed.room, s.bed.bed, s.period.start, s.period.end, s.kept)
        for stay in stays_folded(events(database)).values()
        for s in stay.stretches
    ]
    assert sorted(shown, key=str) == sorted(wanted, key=str)


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
def test_a_transfer_entered_late_moves_the_bed_that_is_kept_since_then(
    hospital: Hospital,
    database: Database,
    follower: ProjectionRunner,
    rooms: list[UUID],
    at_once: bool,
) -> None:
    both = [admitted(hospital, "M1", "A/1/a", ago(days=5))]
    both += [admitted(hospital, "M2", "A/2/a", ago(days=5))]
    for stay in both:
        hospital.stays.start_leave(request(ago(days=2)), stay_id=stay, keep_bed=True)
    if not at_once:
        follower.catch_up()

    # one from the first room to the second, one the other way: the order of their ids is by lot
    hospital.stays.transfer_patient(request(ago(days=3)), stay_id=both[0], **place("A/2/b"))
    hospital.stays.transfer_patient(request(ago(days=3)), stay_id=both[1], **place("A/1/b"))
    follower.catch_up()

    assert_the_board_is_right(database)
    followed = dump(database)
    forget(database)
    ProjectionRunner(database.app_url).catch_up()
    assert dump(database) == followed


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "one by one"])
def test_a_second_move_at_the_same_moment_is_the_one_that_counts(
    hospital: Hospital,
    database: Database,
    follower: ProjectionRunner,
    rooms: list[UUID],
    at_once: bool,
) -> None:
    at = ago(days=5)
    both = [admitted(hospital, "M1", "A/1/a", at), admitted(hospital, "M2", "A/2/a", at)]
    if not at_once:
        follower.catch_up()

    hospital.stays.transfer_patient(request(at), stay_id=both[0], **place("A/2/b"))
    hospital.stays.transfer_patient(request(at), stay_id=both[1], **place("A/1/b"))
    follower.catch_up()

    assert_the_board_is_right(database)
