"""Tests of rights to follow over a WebSocket, also when they change meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from api.graphql.schema import schema
from application.authorization.roles import MAY, Role
from application.authorization.scope import hidden_labels
from domain.break_glass import EmergencyAccess
from domain.envelope import Actor
from infrastructure.postgres.database import Database
from tests.api.test_sockets import code_of
from tests.api.test_subscriptions import BOARD, EVENTS, TIMELINE
from tests.conftest import LOGIN as TOKENS
from tests.support.api_dsl import Ward, ahead, place
from tests.support.extreme_arguments import forged
from tests.support.graphql_client import GraphQLClient
from tests.support.server_process import Client, Served


def token(role: Role, *wards: str, who: str = "Ada") -> str:
    return TOKENS.make(role, who, wards)


def asking(ward: Ward, role: Role, *wards: str, who: str = "Ada") -> GraphQLClient:
    return GraphQLClient(ward.client.http, token(role, *wards, who=who))


@contextmanager
def following(running: Served, role: Role, *wards: str, who: str = "Ada") -> Iterator[Client]:
    """A WebSocket of somebody with that role."""
    login = {"Authorization": f"Bearer {token(role, *wards, who=who)}"}
    with Client(running.url, login=login) as socket:
        yield socket


# -- who may --


FOLLOWED = {
    "events": "subscription { events { id } }",
    "timeline_extended": "subscription { timelineExtended(stayId: $STAY) { id } }",
    "room_occupancy_changed": "subscription { roomOccupancyChanged { position } }",
    "doses_due_changed": 'subscription { dosesDueChanged(ward: "A") { position } }',
}


@pytest.mark.parametrize("role", Role)
def test_who_may_not_ask_may_not_follow(running: Served, followed: Ward, role: Role) -> None:
    stay = followed.stay(f"{followed.room('a', ward='A')}/a")
    with following(running, role) as socket:
        allowed = []
        for name, query in FOLLOWED.items():
            socket.subscribe(query.replace("$STAY", f'"{stay}"'))
            if role in MAY[name]:
                allowed.append(name)
            else:
                assert code_of(socket.receive()) == "NOT_ALLOWED"
        running.await_followers(len(allowed))


def test_what_a_role_may_not_see_is_not_followed_either(running: Served, followed: Ward) -> None:
    with following(running, Role.ANALYST) as socket:
        socket.subscribe(BOARD)
        assert code_of(socket.receive()) == "NOT_ALLOWED"
        socket.subscribe(
            "subscription { roomOccupancyChanged { rooms { beds { stay { specialty } } } } }",
        )
        running.await_followers(1)


def test_who_has_wards_follows_these_wards(running: Served, followed: Ward) -> None:
    stay = followed.stay(f"{followed.room('a', ward='South')}/a")
    followed.room("a", ward="North")
    with following(running, Role.NURSE, "North") as socket:
        for query, asked in (
            (BOARD, {}),
            (BOARD, {"ward": "South"}),
            (TIMELINE, {"stay": stay}),
        ):
            socket.subscribe(query, **asked)
            assert code_of(socket.receive()) == "NOT_ALLOWED"
        socket.subscribe(BOARD, ward="North", after=followed.position())
        followed.stay(f"{followed.room('a', ward='South')}/a")
        room = followed.room("a", ward="North")
        (result,) = socket.next()["rooms"]
        assert result["room"]["number"] == room.split("/")[1]


def test_a_clock_that_is_ahead_leaves_no_gap_in_what_is_followed(
    running: Served, followed: Ward
) -> None:
    doctor, stay = followed.doctor(), followed.stay(f"{followed.room('a', ward='North')}/a")
    visit = {"stayId": stay, "practitioner": doctor, "kind": "ROUND"}
    with following(running, Role.NURSE, "North") as socket:
        socket.subscribe(TIMELINE, stay=stay)
        running.await_followers(1)
        soon = followed.record("recordVisit", **visit, occurredAt=ahead(seconds=40))
        now = followed.record("recordVisit", **visit)
        result = [socket.next()["position"] for _ in range(2)]
    assert result == [soon["position"], now["position"]]


# -- the feed --


def test_who_has_wards_reads_and_follows_the_feed_of_these_wards(
    running: Served, followed: Ward
) -> None:
    service = asking(followed, Role.SERVICE, "North")
    query = """query($after: Position, $ward: String) { events(after: $after, ward: $ward) {
        nodes { id kind data } } }"""
    before = followed.position()
    for asked in ({}, {"ward": "South"}):
        answer = service.raw(query, asked)
        assert answer["errors"][0]["extensions"]["code"] == "NOT_ALLOWED"
    with following(running, Role.SERVICE, "North") as socket:
        for asked in ({}, {"ward": "South"}):
            socket.subscribe(EVENTS, **asked)
            assert code_of(socket.receive()) == "NOT_ALLOWED"
        socket.subscribe(EVENTS, ward="North", after=before, kinds=["STAY_ADMITTED"])
        there = followed.stay(f"{followed.room('a', ward='South')}/a")
        here = followed.stay(f"{followed.room('a', ward='North')}/a")
        assert socket.next()["data"]["stayId"] == here
    nodes = service.ask(query, ward="North", after=before)["events"]["nodes"]
    assert here in str(nodes)
    assert there not in str(nodes)


def test_a_command_about_two_patients_tells_a_ward_of_its_own_only(followed: Ward) -> None:
    """Two stays corrected together, each in its own ward; and one who is sent from one to the other."""
    room = {ward: followed.room("a", "b", ward=ward) for ward in ("Two", "Other")}
    stay = {ward: followed.stay(f"{room[ward]}/a") for ward in room}
    query = "query($id: ID!) { timeline(stayId: $id) { nodes { movementId kind } } }"
    before = followed.position()
    followed.record(
        "correctFacts",
        reason="beds mixed up",
        corrections=[
            {
                "movementId": followed.ask(query, id=stay[ward])["timeline"]["nodes"][-1][
                    "movementId"
                ],
                **place(f"{room[ward]}/b"),
            }
            for ward in room
        ],
    )
    service = asking(followed, Role.SERVICE, "Two", "Other")
    feed = """query($after: Position, $ward: String) { events(after: $after, ward: $ward) {
        nodes { kind data } } }"""
    for ward, other in (("Two", "Other"), ("Other", "Two")):
        result = str(service.ask(feed, after=before, ward=ward))
        assert stay[ward] in result
        assert stay[other] not in result

    before = followed.position()
    followed.record("transferPatient", stayId=stay["Two"], **place(f"{room['Other']}/a"))
    for ward in ("Two", "Other"):
        result = service.ask(feed, after=before, ward=ward)["events"]["nodes"]
        assert "STAY_TRANSFERRED" in [event["kind"] for event in result]


def test_who_reads_the_feed_sees_every_label() -> None:
    """It is not cut by labels: a role to which one is closed may not have it."""
    assert {role for role in MAY["events"] if hidden_labels(role)} == set()


# -- rights that change meanwhile --


def ended(socket: Client) -> str:
    """The code of the fault with which what was followed ends."""
    answer = socket.receive()
    if answer["type"] == "next":
        assert answer["payload"]["data"] is None
        (fault,) = answer["payload"]["errors"]
        code = str(fault["extensions"]["code"])
        assert socket.receive()["type"] == "complete"
        return code
    return code_of(answer)


def test_a_timeline_ends_when_the_patient_is_sent_to_another_ward(
    running: Served, followed: Ward
) -> None:
    stay = followed.stay(f"{followed.room('a', ward='North')}/a")
    away = f"{followed.room('a', ward='South')}/a"
    with following(running, Role.NURSE, "North") as socket:
        socket.subscribe(TIMELINE, stay=stay, after=followed.position())
        followed.record("changeSpecialty", stayId=stay, specialty="Cardiology")
        assert socket.next()["kind"] == "STAY_SPECIALTY_CHANGED"
        followed.record("transferPatient", stayId=stay, **place(away))
        assert ended(socket) == "NOT_ALLOWED"
        socket.subscribe(TIMELINE, stay=stay)
        assert ended(socket) == "NOT_ALLOWED"


def test_a_timeline_ends_when_the_patient_gets_a_label(running: Served, followed: Ward) -> None:
    mrn = followed.patient()
    with following(running, Role.NURSE) as socket:
        socket.subscribe(TIMELINE, mrn=mrn, after=followed.position())
        stay = followed.stay(patientMrn=mrn)
        assert socket.next()["kind"] == "STAY_ADMITTED"
        label = {"confidentiality": "RESTRICTED", "reason": "known to the press"}
        followed.record("correctPatientDetails", patientMrn=mrn, **label)
        followed.record("changeSpecialty", stayId=stay, specialty="Cardiology")
        assert ended(socket) == "NOT_ALLOWED"


def test_of_a_patients_timeline_a_closed_stay_is_left_out_and_the_rest_goes_on(
    running: Served, followed: Ward
) -> None:
    mrn = followed.patient()
    stay = followed.stay(f"{followed.room('a', ward='North')}/a", patientMrn=mrn)
    with following(running, Role.NURSE, "North") as socket:
        socket.subscribe(TIMELINE, mrn=mrn, after=followed.position())
        followed.record("dischargePatient", stayId=stay, disposition="HOME")
        assert socket.next()["kind"] == "STAY_DISCHARGED"
        away = place(f"{followed.room('a', ward='South')}/a")
        followed.record("admitPatient", patientMrn=mrn, admissionType="EMERGENCY", **away)
        followed.record("correctPatientDetails", patientMrn=mrn, givenName="Ada", reason="misheard")
        assert socket.next()["kind"] == "PATIENT_DETAILS_CORRECTED"


def test_a_board_does_not_name_who_got_a_label(running: Served, followed: Ward) -> None:
    room, mrn = followed.room("a", "b", ward="Labels"), followed.patient()
    stay = followed.stay(f"{room}/a", patientMrn=mrn)
    with following(running, Role.NURSE, "Labels") as socket:
        socket.subscribe(BOARD, ward="Labels", after=followed.position())
        label = {"confidentiality": "VERY_RESTRICTED", "reason": "known to the press"}
        followed.record("correctPatientDetails", patientMrn=mrn, **label)
        followed.record("transferPatient", stayId=stay, **place(f"{room}/b"))
        for here in (0, 1):
            (beds,) = [r["beds"] for r in socket.next()["rooms"]]
            bed = beds[here]
            assert (bed["state"], bed["patient"], bed["stay"]) == ("OCCUPIED", None, None)


def let_hours_go_by(database: Database, who: str) -> None:
    """End all that somebody has opened by breaking the glass."""
    stream = EmergencyAccess.id_for(Actor(issuer="local", subject=who, role="nurse"))
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE record.stored_events SET own = jsonb_set(own, '{until}', to_jsonb(now()))"
            " WHERE own ? 'until' AND stream = %s",
            [stream],
        )


def test_a_board_names_whom_breaking_the_glass_opened_until_it_is_whole_again(
    running: Served, followed: Ward, migrated: Database
) -> None:
    room, mrn = followed.room("a", "b", ward="Glass"), followed.patient()
    stay = followed.stay(f"{room}/a", patientMrn=mrn)
    label = {"confidentiality": "VERY_RESTRICTED", "reason": "known to the press"}
    followed.record("correctPatientDetails", patientMrn=mrn, **label)
    nurse = asking(followed, Role.NURSE, "Glass", who="Cleo")
    assert nurse.execute("breakGlass", patientMrn=mrn, reason="found unconscious")["until"]
    with following(running, Role.NURSE, "Glass", who="Cleo") as socket:
        socket.subscribe(BOARD, ward="Glass", after=followed.position())
        followed.record("transferPatient", stayId=stay, **place(f"{room}/b"))
        assert {"mrn": mrn} in [bed["patient"] for bed in socket.next()["rooms"][0]["beds"]]
        let_hours_go_by(migrated, "Cleo")
        followed.record("transferPatient", stayId=stay, **place(f"{room}/a"))
        beds = socket.next()["rooms"][0]["beds"]
        assert (beds[0]["state"], beds[0]["patient"]) == ("OCCUPIED", None)


def test_what_breaking_the_glass_opens_is_followed_until_it_is_whole_again(
    running: Served, followed: Ward, migrated: Database
) -> None:
    mrn = followed.patient(confidentiality="VERY_RESTRICTED")
    stay = followed.stay(patientMrn=mrn)
    nurse = asking(followed, Role.NURSE, who="Bea")
    with following(running, Role.NURSE, who="Bea") as socket:
        socket.subscribe(TIMELINE, stay=stay)
        assert ended(socket) == "NOT_ALLOWED"
        broken = nurse.execute("breakGlass", patientMrn=mrn, reason="found unconscious")
        assert broken["__typename"] == "GlassBroken"
        socket.subscribe(TIMELINE, stay=stay, after=followed.position())
        followed.record("changeSpecialty", stayId=stay, specialty="Cardiology")
        assert socket.next()["kind"] == "STAY_SPECIALTY_CHANGED"
        let_hours_go_by(migrated, "Bea")
        followed.record("changeSpecialty", stayId=stay, specialty="Surgery")
        assert ended(socket) == "NOT_ALLOWED"


# -- from where on --

FOLLOWED_AFTER = (
    "events(after: $after) { id }",
    "timelineExtended(stayId: $stay, after: $after) { id }",
    'roomOccupancyChanged(ward: "Places", after: $after) { position }',
    'houseTotalsChanged(ward: "Places", after: $after) { position }',
    'dosesDueChanged(ward: "Places", after: $after) { position }',
)


def test_nothing_goes_on_after_a_position_of_another_log_or_one_that_never_was(
    running: Served, followed: Ward
) -> None:
    """Of another log, of before and after a restore, ahead of the log, and none at all."""
    stay = followed.stay(f"{followed.room('a', ward='Places')}/a")
    of_the_log = (0, 1, 5)  # that are read as its beginning
    positions = enumerate(forged(followed.position()))
    wrong = [*(p for n, p in positions if n not in of_the_log), "garbage"]
    of_all = schema._schema.subscription_type
    assert of_all is not None
    assert {field.partition("(")[0] for field in FOLLOWED_AFTER} == of_all.fields.keys()
    with following(running, Role.SERVICE) as socket:
        for field in FOLLOWED_AFTER:
            of_stay = {"stay": stay} if "$stay" in field else {}
            types = "$after: Position" + (", $stay: ID" if of_stay else "")
            for position in wrong:
                socket.subscribe(f"subscription({types}) {{ {field} }}", after=position, **of_stay)
                assert code_of(socket.receive()) == "InvalidInput", (field, position)
    for position in wrong:
        answer = followed.client.http.get(
            f"/fhir/Encounter?_known={position}", headers=followed.client._headers
        )
        assert answer.status_code == 400, position
