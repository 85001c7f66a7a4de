"""Mistakes of other systems about wards, rooms and beds: see `test_covered` for what is left out."""

from typing import Any

from tests.support.api_dsl import Ward, ago, ahead, late, place
from tests.support.room_examples import WRONG, room

BOARD = (
    "query($ward: String!, $asOf: DateTime) { roomOccupancy(ward: $ward, asOf: $asOf) {"
    " room { number } beds { code } } }"
)


def not_a_ward(ward: Ward, name: str, **at: Any) -> str:
    """Return why there is no board of a ward as of a moment."""
    (error,) = ward.client.raw(BOARD, {"ward": name, **at})["errors"]
    assert error["extensions"]["code"] == "NotFound"
    return str(error["message"])


def board(ward: Ward, name: str, **at: Any) -> list[tuple[str, list[str]]]:
    """Return the rooms of a ward with the codes of their beds, as of a moment."""
    answer = ward.ask(BOARD, ward=name, **at)
    return [(r["room"]["number"], [b["code"] for b in r["beds"]]) for r in answer["roomOccupancy"]]


def test_mistake_37_a_room_entered_today_can_be_put_right_for_yesterday(ward: Ward) -> None:
    name, number = ward.name("W"), ward.name("R")
    here = {"ward": name, "room": number}
    ward.record("openRoom", **here, beds=["A", "Z"])
    bed = place(f"{name}/{number}/A")
    admission = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE", **bed}
    refusal = ward.execute("admitPatient", **admission, **late(ago(days=2)))
    assert refusal["__typename"] == "BedNotOpen"
    before = ward.execute("addBed", **here, bed="B", **late(ago(days=3)))
    assert (before["__typename"], before["path"]) == ("InvalidInput", ["occurredAt"])

    ward.record("correctRoom", **here, occurredAt=ago(days=30), **WRONG)
    ward.record("cancelBed", **here, bed="Z", **WRONG)
    ward.record("addBed", **here, bed="B", **late(ago(days=3)))
    ward.record("admitPatient", **admission, **late(ago(days=2)))

    assert board(ward, name) == [(number, ["A", "B"])]
    assert board(ward, name, asOf=ago(days=10)) == [(number, ["A"])]
    later = ward.execute("correctRoom", **here, occurredAt=ago(days=1), **WRONG)
    assert later["__typename"] == "InvalidInput"  # bed B was added before
    ward.record("correctBed", **here, bed="B", occurredAt=ago(hours=1), **WRONG)
    later = ward.execute("correctRoom", **here, occurredAt=ago(days=1), **WRONG)
    assert later["__typename"] == "ContradictsLaterFacts"
    used = ward.execute("cancelBed", **here, bed="A", **WRONG)
    assert used["__typename"] == "ContradictsLaterFacts"


def test_mistake_37_a_room_typed_wrong_gives_its_number_free(ward: Ward) -> None:
    name, wrong, right = ward.name("W"), ward.name("R"), ward.name("R")
    ward.record("openRoom", ward=name, room=wrong, beds=["a"], **late(ago(days=9)))
    ward.record("correctRoom", ward=name, room=wrong, newRoom=right, **WRONG)
    assert board(ward, name, asOf=ago(days=5)) == [(right, ["a"])]
    ward.record("openRoom", ward=name, room=wrong, beds=["a"])
    taken = ward.execute("correctRoom", ward=name, room=wrong, newRoom=right, **WRONG)
    assert (taken["__typename"], taken["path"]) == ("AlreadyExists", ["newRoom"])


def test_mistake_38_a_ward_gets_another_name_from_a_day_on(ward: Ward) -> None:
    old, new = ward.name("W"), ward.name("W")
    number = room(ward.room("a", ward=old))["room"]
    stay = ward.stay(f"{old}/{number}/a", ago(days=20))

    ward.record("renameWard", ward=old, newWard=new, validFrom=ago(days=5)[:10])

    assert board(ward, new) == [(number, ["a"])]
    assert not_a_ward(ward, old).endswith(f"Its rooms are then of {new}.")
    then = {"asOf": ago(days=10)}
    assert board(ward, old, **then) == [(number, ["a"])]
    assert not_a_ward(ward, new, **then).endswith(f"Its rooms are then of {old}.")
    assert ward.bed(f"{new}/{number}/a")["stay"]["id"] == stay
    again = ward.execute("renameWard", ward=old, newWard="another")
    assert (again["__typename"], again["path"]) == ("NotFound", ["ward"])


def test_mistake_38_a_room_moves_to_another_ward_and_back(ward: Ward) -> None:
    here, other = ward.room("a", ward=ward.name("W")), ward.name("W")
    number = room(here)["room"]
    moved = {"newWard": other, "validFrom": ago(days=5)[:10]}
    ward.record("changeRoom", **room(here), **moved)
    assert board(ward, other) == [(number, ["a"])]
    ward.record("cancelRoomChange", ward=other, room=number, **WRONG)
    former = not_a_ward(ward, other, asOf=ago(days=1))
    assert former.endswith(f"Its rooms are then of {room(here)['ward']}.")
    assert board(ward, room(here)["ward"]) == [(number, ["a"])]
    ahead_of = {**moved, "validFrom": ahead(days=3)[:10]}
    assert ward.execute("changeRoom", **room(here), **ahead_of)["__typename"] == "InvalidInput"


def test_mistake_43_beds_rooms_and_wards_go_out_of_service_for_good(ward: Ward) -> None:
    name = ward.name("W")
    one, other = ward.room("a", "b", ward=name), ward.room("a", ward=name)
    stay = ward.stay(f"{one}/a")
    assert ward.execute("retireBeds", ward=name)["__typename"] == "BedOccupied"
    ward.record("dischargePatient", stayId=stay, disposition="HOME", occurredAt=ago(minutes=30))
    ward.record("retireBeds", **place(f"{one}/b"), occurredAt=ago(minutes=20))
    ward.record("retireBeds", ward=name, occurredAt=ago(minutes=10))

    assert board(ward, name) == []
    wards = [each["name"] for each in ward.ask("{ wards { name } }")["wards"]]
    assert name not in wards
    assert len(board(ward, name, asOf=ago(days=1))) == 2
    again = {"patientMrn": ward.patient(), "admissionType": "ELECTIVE", **place(f"{other}/a")}
    assert ward.execute("admitPatient", **again)["__typename"] == "BedNotOpen"
    back = ward.execute(
        "cancelDischarge",
        stayId=stay,
        **place(f"{one}/a"),
        because="DECISION_REVERSED",
        reason="back",
    )
    assert back["__typename"] != "StayRecorded"
    ward.record("cancelRetirement", ward=name, **WRONG)
    assert len(board(ward, name)) == 2


def test_mistake_43_what_was_told_of_a_bed_is_corrected_and_cancelled(ward: Ward) -> None:
    named = ward.room("a")
    bed, here = place(f"{named}/a"), room(named)
    planned = ward.record("closeBed", **bed, reason="paint", **{"from": ahead(days=2)})
    states = (
        "query($id: ID!) { node(id: $id) { ... on Room { bedStates { id state since until } } } }"
    )

    def told() -> list[dict[str, Any]]:
        result = ward.ask(states, id=planned["room"]["id"])["node"]["bedStates"]
        return list(result)

    (closure,) = told()
    ward.record("cancelBedState", **here, bedStateId=closure["id"], **WRONG)
    assert told() == []

    ward.record("startCleaning", **bed, **late(ago(hours=5)))
    ward.record("finishCleaning", **bed, **late(ago(hours=2)))
    (cleaning,) = told()
    until = ago(hours=4)
    ward.record("correctBedState", **here, bedStateId=cleaning["id"], until=until, **WRONG)
    assert [state["until"] for state in told()] == [until]
    ward.stay(f"{named}/a", ago(hours=3))
    longer = {"bedStateId": cleaning["id"], "until": ago(hours=1)}
    refusal = ward.execute("correctBedState", **here, **longer, **WRONG)
    assert refusal["__typename"] == "BedOccupied"


def test_mistake_39_a_doctor_is_promoted_and_the_visits_before_stay_a_residents(ward: Ward) -> None:
    doctor, promoted = ward.doctor(), ago(days=5)[:10]
    ward.record("correctPractitioner", staffNumber=doctor, grade="RESIDENT", **WRONG)
    ward.record("changePractitioner", staffNumber=doctor, grade="CONSULTANT", validFrom=promoted)

    def grade(**at: str) -> str:
        answer = ward.ask(
            "query($staffNumber: String!, $asOf: DateTime) { practitioners("
            "staffNumber: $staffNumber, asOf: $asOf) { nodes { grade } } }",
            staffNumber=doctor,
            **at,
        )
        return str(answer["practitioners"]["nodes"][0]["grade"])

    assert (grade(asOf=ago(days=8)), grade()) == ("RESIDENT", "CONSULTANT")
    other = ward.doctor()
    taken = {"staffNumber": doctor, "newStaffNumber": other}
    refusal = ward.execute("correctPractitioner", **taken, **WRONG)
    assert (refusal["__typename"], refusal["path"]) == ("AlreadyExists", ["newStaffNumber"])
    ward.record("cancelPractitionerChange", staffNumber=doctor, validFrom=promoted, **WRONG)
    assert grade() == "RESIDENT"


def test_mistake_38_a_report_takes_the_name_that_held_at_the_end_of_its_period(ward: Ward) -> None:
    old, new = ward.name("W"), ward.name("W")
    ward.stay(f"{ward.room('a', ward=old)}/a", ago(days=20))
    ward.record("renameWard", ward=old, newWard=new, validFrom=ago(days=5)[:10])

    def present(name: str, days: int) -> list[str]:
        day = ago(days=days)[:10]
        answer = ward.ask(
            "query($ward: String!, $period: ReportPeriod!) { report(name: "
            '"inpatient-census", ward: $ward, period: $period) { figures { name shown } } }',
            ward=name,
            period={"from": day, "to": day},
        )
        return [figure["shown"] for figure in answer["report"]["figures"]]

    assert present(old, 10) == present(new, 3)


def test_mistake_151_the_patients_of_a_ward_without_a_bed_are_listed(ward: Ward) -> None:
    here, there = ward.room("a", "b", ward=ward.name("W")), ward.room("a", ward=ward.name("W"))
    name = here.split("/")[0]
    moved, elsewhere, waiting, gone = (
        ward.stay(f"{here}/a", ago(days=4)),
        ward.stay(f"{there}/a"),
        ward.stay(withoutBed=f"{name.lower()} corridor"),
        ward.stay(f"{here}/b", ago(days=4)),
    )
    for stay in (moved, elsewhere):
        ward.record("transferPatient", stayId=stay, withoutBed="trolley", **late(ago(days=1)))
    ward.record("dischargePatient", stayId=gone, disposition="HOME", **late(ago(days=1)))
    query = """query($ward: String!, $bed: Boolean, $at: DateTime) { stays(asOf: $at, filter: {
      ward: $ward, hasBed: $bed }) { nodes { id } } }"""

    def listed(**asked: Any) -> set[str]:
        return {s["id"] for s in ward.ask(query, ward=name, **asked)["stays"]["nodes"]}

    assert listed(bed=False) == {moved, waiting}
    assert listed(bed=False, at=ago(days=3)) == set()
    assert listed(at=ago(days=3)) == {moved, gone}


def test_mistake_208_an_earlier_change_of_a_room_is_taken_back_while_a_later_one_holds(
    ward: Ward,
) -> None:
    there, number = ward.room("a").split("/")
    second, third = ward.name("R"), ward.name("R")
    days = [ago(days=n)[:10] for n in (20, 10)]
    for old, new, day in ((number, second, days[0]), (second, third, days[1])):
        change = {"ward": there, "room": old, "newRoom": new, "validFrom": day}
        ward.record("changeRoom", **change, **late(ago(days=1)))

    def numbers() -> list[set[str]]:
        query = """query($ward: String!, $at: DateTime) { roomOccupancy(ward: $ward, asOf: $at) {
          room { number } } }"""
        boards = [ward.ask(query, ward=there, at=ago(days=n))["roomOccupancy"] for n in (25, 15, 5)]
        ours = {number, second, third}
        return [{r["room"]["number"] for r in rooms} & ours for rooms in boards]

    assert numbers() == [{number}, {second}, {third}]
    cancel = {"ward": there, "room": third, "validFrom": days[0]}
    ward.record("cancelRoomChange", **cancel, **WRONG)
    assert numbers() == [{number}, {number}, {third}]
    refusal = ward.execute("cancelRoomChange", **cancel, **WRONG)
    assert (refusal["__typename"], refusal["path"]) == ("InvalidInput", ["validFrom"])
    ward.record("openRoom", ward=there, room=second, beds=["a"], **late(ago(days=1)))

    ward.record("openRoom", ward=there, room=number, beds=["a"], **late(ago(days=1)))
    last = {"ward": there, "room": third}
    taken = ward.execute("cancelRoomChange", **last, **WRONG)
    assert (taken["__typename"], taken["path"]) == ("AlreadyExists", ["room"])
