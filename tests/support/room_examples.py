"""Examples of the mutations that change, correct and cancel what was told of rooms and beds."""

from tests.support.api_dsl import Ward, ago, ahead, iso, late, moment, place
from tests.support.api_example import Answer, example

WRONG = {"reason": "typed wrong"}


def room(named: str) -> dict[str, str]:
    """Return a room, written ``A/1``, as the inputs take it."""
    return dict(zip(("ward", "room"), named.split("/"), strict=True))


@example("RoomRecorded")
def correct_room(ward: Ward) -> Answer:
    number, at = ward.name("R"), ago(days=40)
    answer = ward.execute(
        "correctRoom", **room(ward.room("a")), newRoom=number, occurredAt=at, **WRONG
    )
    assert (answer["room"]["ward"], answer["room"]["number"]) == ("A", number)
    return answer


@example("RoomRecorded")
def change_room(ward: Ward) -> Answer:
    number = ward.name("R")
    answer = ward.execute("changeRoom", **room(ward.room("a")), newWard="B", newRoom=number)
    assert (answer["room"]["ward"], answer["room"]["number"]) == ("B", number)
    return answer


@example("RoomRecorded")
def cancel_room_change(ward: Ward) -> Answer:
    before, number = ward.room("a"), ward.name("R")
    ward.record("changeRoom", **room(before), newRoom=number)
    answer = ward.execute("cancelRoomChange", ward="A", room=number, **WRONG)
    assert answer["room"]["number"] == room(before)["room"]
    return answer


@example("RoomsRecorded")
def rename_ward(ward: Ward) -> Answer:
    name, other = ward.name("W"), ward.name("W")
    numbers = [room(ward.room("a", ward=name))["room"] for _ in range(2)]
    answer = ward.execute("renameWard", ward=name, newWard=other)
    assert [(r["ward"], r["number"]) for r in answer["rooms"]] == [(other, n) for n in numbers]
    return answer


@example("RoomRecorded")
def correct_bed(ward: Ward) -> Answer:
    bed = place(f"{ward.room('a')}/b")
    ward.record("addBed", **bed)
    return ward.execute("correctBed", **bed, occurredAt=ago(days=3), **WRONG)


@example("RoomRecorded")
def cancel_bed(ward: Ward) -> Answer:
    answer = ward.execute("cancelBed", **place(f"{ward.room('a', 'z')}/z"), **WRONG)
    assert [bed["code"] for bed in answer["room"]["beds"]] == ["a"]
    return answer


@example("RoomsRecorded")
def retire_beds(ward: Ward) -> Answer:
    answer = ward.execute("retireBeds", **place(f"{ward.room('a', 'b')}/a"))
    assert [bed["code"] for bed in answer["rooms"][0]["beds"]] == ["b"]
    return answer


@example("RoomsRecorded")
def cancel_retirement(ward: Ward) -> Answer:
    here = room(ward.room("a", "b"))
    ward.record("retireBeds", **here)
    answer = ward.execute("cancelRetirement", **here, **WRONG)
    assert [bed["code"] for bed in answer["rooms"][0]["beds"]] == ["a", "b"]
    return answer


def closed(ward: Ward) -> tuple[dict[str, str], str]:
    """Close a bed an hour ago; return its room and the closure."""
    named = ward.room("a")
    answer = ward.record("closeBed", **place(f"{named}/a"), **late(ago(hours=1)))
    return room(named), answer["room"]["beds"][0]["bedStateId"]


@example("RoomRecorded")
def correct_bed_state(ward: Ward) -> Answer:
    here, closure = closed(ward)
    until = ahead(days=1)
    answer = ward.execute("correctBedState", **here, bedStateId=closure, until=until, **WRONG)
    assert moment(answer["room"]["beds"][0]["until"]) == moment(until)
    return answer


@example("RoomRecorded")
def cancel_bed_state(ward: Ward) -> Answer:
    here, closure = closed(ward)
    answer = ward.execute("cancelBedState", **here, bedStateId=closure, **WRONG)
    assert answer["room"]["beds"][0]["state"] == "FREE"
    return answer


@example("RoomRecorded")
def correct_room_policy(ward: Ward) -> Answer:
    here, at = room(ward.room("a")), ago(days=2)
    ward.record("setRoomPolicy", **here, policy="ISOLATION", **late(at))
    return ward.execute(
        "correctRoomPolicy",
        **here,
        policy="ISOLATION",
        setAt=at,
        occurredAt=iso(moment(ago(days=3))),
        **WRONG,
    )


@example("RoomRecorded")
def cancel_room_policy(ward: Ward) -> Answer:
    here, at = room(ward.room("a")), ago(days=2)
    ward.record("setRoomPolicy", **here, policy="ISOLATION", **late(at))
    answer = ward.execute("cancelRoomPolicy", **here, policy="ISOLATION", setAt=at, **WRONG)
    assert answer["room"]["policies"] == []
    return answer


@example("PractitionerRecorded")
def correct_practitioner(ward: Ward) -> Answer:
    number = ward.name("D")
    answer = ward.execute(
        "correctPractitioner", staffNumber=ward.doctor(), newStaffNumber=number, **WRONG
    )
    assert answer["practitioner"]["staffNumber"] == number
    return answer


@example("PractitionerRecorded")
def change_practitioner(ward: Ward) -> Answer:
    return ward.execute("changePractitioner", staffNumber=ward.doctor(), grade="CONSULTANT")


@example("PractitionerRecorded")
def cancel_practitioner_change(ward: Ward) -> Answer:
    change = {"staffNumber": ward.doctor(), "validFrom": ago(days=3)[:10]}
    ward.record("changePractitioner", grade="CONSULTANT", **change)
    return ward.execute("cancelPractitionerChange", **change, **WRONG)


@example("BedCleaningRecorded")
def set_bed_cleaning(ward: Ward) -> Answer:
    name = ward.name("Cleaned")
    ward.room("a", ward=name)
    answer = ward.execute("setBedCleaning", ward=name, applies=True)
    assert answer["position"]
    return answer
