"""Mistakes of servers that begin, or that stop for a moment."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from starlette.testclient import TestClient

from api.http.app import app
from api.http.full_collections import EVERY_SECONDS, OVERDUE_SECONDS, FullCollections
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import create_missing_read_models
from infrastructure.projections.gc_tuning import short_garbage_collection
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.support.hospital_dsl import room


@contextmanager
def full_collections() -> Iterator[list[str]]:
    """List the full collections that begin meanwhile."""
    begun: list[str] = []

    def note(phase: str, info: dict[str, int]) -> None:
        if (phase, info["generation"]) == ("start", 2):
            begun.append(phase)

    gc.callbacks.append(note)
    try:
        yield begun
    finally:
        gc.callbacks.remove(note)


def test_mistake_342_a_large_response_is_walked_by_the_garbage_collector_while_it_is_made() -> None:
    """Of 20,000 things, each awaited, it took half a second, in which nobody was answered."""
    with short_garbage_collection(), full_collections() as begun:
        response = [[n] for n in range(1_000_000)]
        assert begun == []
    assert len(response) == 1_000_000


def test_mistake_342_garbage_is_collected_between_requests() -> None:
    now = [0.0]
    with short_garbage_collection():
        collections = FullCollections(lambda: now[0])
        with full_collections() as begun:
            for seconds, is_under_way, count in (
                (EVERY_SECONDS - 1, False, 0),
                (EVERY_SECONDS, True, 0),
                (EVERY_SECONDS + 1, False, 1),
                (EVERY_SECONDS + 2, False, 1),
                (OVERDUE_SECONDS, True, 1),
                (EVERY_SECONDS + 1 + OVERDUE_SECONDS, True, 2),
            ):
                now[0] = seconds
                if is_under_way:
                    with collections.postponed():
                        collections.look()
                else:
                    collections.look()
                assert len(begun) == count, seconds


def test_mistake_343_a_server_is_ready_before_its_boards_are_filled(
    hospital: Hospital, database: Database, settings: Settings, follower: ProjectionRunner
) -> None:
    """Read models that a new program makes anew are filled within seconds: nobody is sent there."""
    room(hospital)
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DROP SCHEMA visits_v1 CASCADE")
    create_missing_read_models(database)
    with TestClient(app(settings, database, LOGIN, with_worker=False)) as http:
        response = http.get("/readyz")
        assert response.status_code == 503
        assert "visits" in response.json()["behind"]
        follower.catch_up()
        assert http.get("/readyz").status_code == 200
