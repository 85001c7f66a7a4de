"""Mistakes about who follows what, and about rights that change meanwhile."""

from uuid import uuid4

from application.authorization.roles import Role
from tests.api.conftest import followed, running
from tests.api.test_following_rights import following
from tests.api.test_sockets import code_of
from tests.api.test_subscriptions import TIMELINE
from tests.support.api_dsl import Ward
from tests.support.server_process import Served

__all__ = ["followed", "running"]


def test_mistake_468_to_follow_a_stay_that_never_was_is_silence_for_ever(
    running: Served, followed: Ward
) -> None:
    """Each question refuses an id of nothing; who followed one waited, and learned nothing."""
    known = followed.stay()
    with following(running, Role.NURSE) as socket:
        for unknown in (str(uuid4()), followed.prescription(known)):
            socket.subscribe(TIMELINE, stay=unknown)
            assert code_of(socket.receive()) == "NotFound"
        socket.subscribe(TIMELINE, stay=known, after=followed.position())
        followed.record("changeSpecialty", stayId=known, specialty="Cardiology")
        assert socket.next()["kind"] == "STAY_SPECIALTY_CHANGED"
