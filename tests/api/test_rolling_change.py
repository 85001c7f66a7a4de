"""A server of the program before, while a worker of the new one keeps the read models."""

from typing import Any

from api.http.app import app
from application.hospital import Hospital
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.conftest import LOGIN
from tests.record.test_rolling_change import program_before
from tests.support.hospital_dsl import admitted, request, room
from tests.support.program import follow
from tests.support.program import running as process
from tests.support.server_process import Client, served
from tests.support.shared_history import await_read, end

FEED = "subscription { events { id kind position } }"
BOARD = "subscription { roomOccupancyChanged { position rooms { room { number } } } }"


def test_who_follows_the_feed_is_sent_to_another_server_and_boards_go_on(
    settings: Settings, database: Database, hospital: Hospital
) -> None:
    room(hospital)
    stay = admitted(hospital, "M1", "A/1/a")
    with process(follow, database.app_url), program_before():
        await_read(database, end(database))
        older = app(settings, database, LOGIN, with_worker=False)
        with served(older) as running, Client(running.url) as socket:
            feed, board = socket.subscribe(FEED), socket.subscribe(BOARD)
            running.await_followers(2)
            hospital.patients.register_patient(request(), mrn="M2")
            answer = socket.next()
            assert answer["kind"] == "PATIENT_REGISTERED"

            hospital.stays.change_specialty(request(), stay_id=stay, specialty="surgery")
            answers: dict[str, Any] = {}
            while {feed, board} - answers.keys():
                message = socket.receive()
                if message["type"] == "next":
                    answers[message["id"]] = message["payload"]
            code = str(answers[feed])
            assert "SERVER_OUTDATED" in code, code
            assert answers[board]["data"]["roomOccupancyChanged"]["rooms"] == [
                {"room": {"number": "1"}}
            ]
            with running.http() as http:
                ready = http.get("/readyz")
            assert (ready.status_code, ready.json()["ready"]) == (200, True)
