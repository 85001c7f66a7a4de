"""Tests of parked commands, as clients are told of them."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.settings import Settings
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, place
from tests.support.failing import with_a_failing
from tests.support.graphql_client import GraphQLClient
from tests.support.shared_history import running

BAD = uuid4()
"""The command that one of the read models cannot take in."""

PROJECTIONS = (
    "{ projections { name state parked lag parkedCommands { commandId operation error } } }"
)


@pytest.fixture
def ward(request: pytest.FixtureRequest, settings: Settings, database: Database) -> Iterator[Ward]:
    """A ward whose worker fails for one command in the read model that the test names."""
    targets = with_a_failing(request.param, BAD)
    with (
        TestClient(app(settings, database, LOGIN, with_worker=False)) as http,
        running(ProjectionRunner(database.app_url, targets=targets)),
    ):
        yield Ward(GraphQLClient(http, TOKEN))


def stays_and_rooms(ward: Ward) -> dict[str, bool]:
    """Return which stays and which rooms say that something about them is parked."""
    answer = ward.ask(
        "{ stays { edges { node { id parked } } } roomOccupancy { room { number parked } } }"
    )
    stays = {edge["node"]["id"]: edge["node"]["parked"] for edge in answer["stays"]["edges"]}
    rooms = {row["room"]["number"]: row["room"]["parked"] for row in answer["roomOccupancy"]}
    return {**stays, **rooms}


@pytest.mark.parametrize("ward", ["stays"], indirect=True)
def test_a_parked_command_is_answered_and_every_stay_and_room_that_it_touches_says_so(
    ward: Ward, database: Database
) -> None:
    one, other = ward.room("a", "b"), ward.room("a")
    stay, untouched = ward.stay(f"{one}/a"), ward.stay(f"{other}/a")
    moved = {"stayId": stay, "commandId": str(BAD), **place(f"{one}/b")}

    answer = ward.execute("transferPatient", **moved)

    assert answer["__typename"] == "Parked"
    assert answer["commandId"] == str(BAD)
    assert ward.execute("transferPatient", **moved) == answer
    number, elsewhere = one.split("/")[1], other.split("/")[1]
    says = stays_and_rooms(ward)
    assert says == {stay: True, untouched: False, number: True, elsewhere: False}
    listed = {p["name"]: p for p in ward.ask(PROJECTIONS)["projections"]}
    assert (listed["stays"]["state"], listed["stays"]["parked"]) == ("PARKED", 1)
    assert listed["stays"]["parkedCommands"] == [
        {
            "commandId": str(BAD),
            "operation": "transferPatient",
            "error": "KeyError at stay.transferred",
        }
    ]
    assert {p["state"] for n, p in listed.items() if n != "stays"} == {"FOLLOWING"}
    ready = ward.client.http.get("/readyz")
    assert (ready.status_code, ready.json()["parked"]) == (200, ["stays"])
    free = ward.execute("changeSpecialty", stayId=untouched, specialty="surgery")
    assert free["__typename"] == "StayRecorded"
    follows = ward.execute("changeSpecialty", stayId=stay, specialty="surgery")
    assert follows["__typename"] == "Parked"


@pytest.mark.parametrize("ward", ["occupancy"], indirect=True)
def test_halted_occupancy_is_loud(ward: Ward, database: Database) -> None:
    bed = ward.room("a", "b")
    stay = ward.stay(f"{bed}/a")

    answer = ward.execute("transferPatient", stayId=stay, commandId=str(BAD), **place(f"{bed}/b"))

    assert answer["__typename"] == "Parked"
    listed = {p["name"]: p for p in ward.ask(PROJECTIONS)["projections"]}
    assert (listed["occupancy"]["state"], listed["occupancy"]["parked"]) == ("HALTED", 1)
    assert listed["stays"]["lag"] == 0 < listed["occupancy"]["lag"]
    ready = ward.client.http.get("/readyz")
    assert (ready.status_code, ready.json()["halted"]) == (503, ["occupancy"])
    assert stays_and_rooms(ward) == {stay: True, bed.split("/")[1]: True}
    later = ward.execute("changeSpecialty", stayId=stay, specialty="surgery")
    assert later["__typename"] == "RecordedNotYetReadable"
    query = "query($p: Position) { wards(atLeast: $p) { name } }"
    (fault,) = ward.client.raw(query, {"p": later["position"]})["errors"]
    assert fault["extensions"]["code"] == "READ_MODELS_BEHIND"
    assert "halted" in fault["message"]
    assert ward.bed(f"{bed}/a")["stay"] == {"id": stay}, "as known before it halted"
    assert UUID(answer["commandId"]) == BAD
