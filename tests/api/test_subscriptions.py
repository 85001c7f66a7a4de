"""Tests of subscriptions over WebSockets: a real client against a real server."""

from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.server_process import Client, Served

EVENTS = """subscription($after: Position, $kinds: [EventKind!], $ward: String) {
  events(after: $after, kinds: $kinds, ward: $ward) { id kind position data } }"""
TIMELINE = """subscription($mrn: String, $stay: ID, $after: Position) {
  timelineExtended(mrn: $mrn, stayId: $stay, after: $after) {
    id kind summary late status corrects position recordedAt } }"""
BOARD = """subscription($ward: String, $after: Position) {
  roomOccupancyChanged(ward: $ward, after: $after) {
    position rooms { room { number } beds { code state patient { mrn } stay { id } } } } }"""

TOTALS = """subscription($ward: String, $after: Position) {
  houseTotalsChanged(ward: $ward, after: $after) {
    position totals { total { taken free waiting } } } }"""


# -- what is told --


def test_what_is_recorded_is_told_as_it_happens(followed: Ward, socket: Client) -> None:
    socket.subscribe(EVENTS, after=followed.position())
    mrn = followed.patient()
    answer = socket.next()
    assert (answer["kind"], answer["data"]["mrn"]) == ("PATIENT_REGISTERED", mrn)


def test_what_was_missed_comes_first(followed: Ward, socket: Client) -> None:
    before, first = followed.position(), followed.patient()
    socket.subscribe(EVENTS, after=before, kinds=["PATIENT_REGISTERED"])
    assert socket.next()["data"]["mrn"] == first
    followed.room()
    second = followed.patient()
    assert socket.next()["data"]["mrn"] == second


def test_without_a_position_it_begins_now(running: Served, followed: Ward, socket: Client) -> None:
    followed.patient()
    socket.subscribe(EVENTS)
    running.await_followers(1)
    second = followed.patient()
    assert socket.next()["data"]["mrn"] == second


def test_events_of_a_ward_are_told_to_those_who_follow_that_ward(
    followed: Ward, socket: Client
) -> None:
    room = followed.room("a", ward="Followed")
    socket.subscribe(EVENTS, after=followed.position(), ward="Followed", kinds=["STAY_ADMITTED"])
    followed.stay(f"{followed.room('a', ward='Other')}/a")
    stay = followed.stay(f"{room}/a")
    assert socket.next()["data"]["stayId"] == stay


def test_totals_are_told_when_a_figure_is_another(followed: Ward, socket: Client) -> None:
    room = followed.room("a", "b", ward="Totalled")
    before = followed.position()
    stay = followed.stay(f"{room}/a", at=ago(hours=1))
    socket.subscribe(TOTALS, ward="Totalled", after=before)
    answer = socket.next()
    assert answer["totals"]["total"] == {"taken": 1, "free": 1, "waiting": 0}
    followed.doctor()
    followed.record("recordDeath", stayId=stay)
    followed.record("planAdmission", expectedAt=ahead(hours=1), ward="Totalled", familyName="New")
    assert socket.next()["totals"]["total"] == {"taken": 1, "free": 1, "waiting": 1}


def test_a_timeline_is_extended_by_late_entries_and_corrections_too(
    followed: Ward, socket: Client
) -> None:
    room, mrn = followed.room("a", "b", "c"), followed.patient()
    stay = followed.stay(f"{room}/a", patientMrn=mrn)
    before = followed.position()
    socket.subscribe(TIMELINE, stay=stay, after=before)
    socket.subscribe(TIMELINE, mrn=mrn, after=before)
    followed.stay()  # of somebody else
    at = ago(hours=30)
    followed.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(at))

    result = [socket.next(), socket.next()]

    assert result[0] == result[1]
    assert (result[0]["kind"], result[0]["late"]) == ("STAY_TRANSFERRED", True)
    assert result[0]["summary"].endswith(f"room {room.split('/')[1]}, bed b")
    query = "query($id: ID!) { timeline(stayId: $id) { nodes { movementId position } } }"
    moved = followed.ask(query, id=stay)["timeline"]["nodes"][-1]
    assert moved["position"] == result[0]["position"]
    correction = {"movementId": moved["movementId"], "reason": "wrong bed"}
    followed.record("correctMovement", **correction, **place(f"{room}/c"))
    corrected = socket.next()
    assert corrected == socket.next()
    assert corrected["corrects"] == result[0]["id"]
    assert corrected["summary"].endswith("bed c")


def test_a_replayed_timeline_is_that_which_was_told_as_it_happened(
    followed: Ward, socket: Client
) -> None:
    room, before = followed.room("a", "b"), followed.position()
    stays = [followed.stay(f"{room}/{code}") for code in "ab"]
    socket.subscribe(TIMELINE, stay=stays[0], after=before)
    live = [socket.next(), socket.next()]
    followed.record("swapBeds", stayId=stays[0], withStayId=stays[1])
    live.append(socket.next())
    followed.record(
        "cancelAdmission", stayId=stays[0], because="ENTERED_IN_ERROR", reason="no such"
    )
    live.append(socket.next())

    for n in range(len(live)):
        after = live[n - 1]["position"] if n else before
        with Client(socket.url) as again:
            again.subscribe(TIMELINE, stay=stays[0], after=after)
            assert [again.next() for _ in live[n:]] == live[n:]


def test_a_board_is_told_which_rooms_have_changed(followed: Ward, socket: Client) -> None:
    here, there = followed.room("a", "b", ward="Board"), followed.room("a", ward="Board")
    followed.room("a", ward="Elsewhere")
    socket.subscribe(BOARD, ward="Board", after=followed.position())
    mrn = followed.patient()
    stay = followed.stay(f"{here}/a", patientMrn=mrn)

    answer = socket.next()

    (room,) = answer["rooms"]
    assert room["room"] == {"number": here.split("/")[1]}
    occupied = {"code": "a", "state": "OCCUPIED", "patient": {"mrn": mrn}, "stay": {"id": stay}}
    free = {"code": "b", "state": "FREE", "patient": None, "stay": None}
    assert room["beds"] == [occupied, free]
    followed.record("transferPatient", stayId=stay, **place(f"{there}/a"))
    answer = socket.next()
    states = {r["room"]["number"]: [b["state"] for b in r["beds"]] for r in answer["rooms"]}
    assert states == {here.split("/")[1]: ["FREE", "FREE"], there.split("/")[1]: ["OCCUPIED"]}
    followed.record("closeBed", **place(f"{here}/b"), reason="paint")
    assert [b["state"] for b in socket.next()["rooms"][0]["beds"]] == ["FREE", "CLOSED"]


def test_a_board_is_told_of_a_change_that_reaches_the_past_only(
    followed: Ward, socket: Client
) -> None:
    room = followed.room("a", "b", ward="Past")
    stay = followed.stay(f"{room}/a", ago(days=3))
    followed.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(days=1)))
    socket.subscribe(BOARD, ward="Past", after=followed.position())
    followed.record("transferPatient", stayId=stay, **place(f"{room}/b"), **late(ago(days=2)))
    assert [b["state"] for b in socket.next()["rooms"][0]["beds"]] == ["FREE", "FREE"]


def test_a_board_is_told_when_a_bed_changes_as_time_goes_by(followed: Ward, socket: Client) -> None:
    room = followed.room("a", ward="Time")
    socket.subscribe(BOARD, ward="Time", after=followed.position())
    until = ahead(seconds=1.5)
    followed.record("reserveBed", **place(f"{room}/a"), patientMrn=followed.patient(), until=until)
    assert socket.next()["rooms"][0]["beds"][0]["state"] == "RESERVED"
    assert socket.next()["rooms"][0]["beds"][0]["state"] == "FREE"


def test_what_a_board_missed_is_told_in_one_item(followed: Ward, socket: Client) -> None:
    rooms = [followed.room("a", ward="Missed") for _ in range(3)]
    before = followed.position()
    stay = followed.stay(f"{rooms[0]}/a")
    followed.record("transferPatient", stayId=stay, **place(f"{rooms[1]}/a"))
    socket.subscribe(BOARD, ward="Missed", after=before)

    answer = socket.next()

    assert [r["room"]["number"] for r in answer["rooms"]] == sorted(
        r.split("/")[1] for r in rooms[:2]
    )
    assert answer["position"] == followed.position()
