"""Mistakes of other systems about flags on the board: see `test_covered` for the list."""

from application.authorization.roles import Role
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, codes, late
from tests.support.care_examples import flag
from tests.support.correction_examples import IN_ERROR, WRONG, entries
from tests.support.graphql_client import GraphQLClient

BOARD = """query($ward: String, $at: DateTime, $known: Position) {
  roomOccupancy(ward: $ward, asOf: $at, knownAtPosition: $known) {
    beds { code flags { id kind note stayId } } } }"""


def up(ward: Ward, name: str, at: str | None = None, known: str | None = None) -> list[str]:
    """The kinds of flags that are up in the only bed of a ward."""
    ((bed,),) = (r["beds"] for r in ward.ask(BOARD, ward=name, at=at, known=known)["roomOccupancy"])
    return [f["kind"] for f in bed["flags"]]


def test_mistake_166_a_flag_is_on_the_board_while_it_holds_and_each_step_is_put_right(
    ward: Ward,
) -> None:
    name = ward.name("Flagged")
    room = ward.room("a", ward=name)
    stay = ward.stay(f"{room}/a", ago(hours=12))
    answer = ward.record("raiseFlag", stayId=stay, flagKind="NIL_BY_MOUTH", **late(ago(hours=8)))
    fields = {"stayId": stay, "flagId": answer["flag"]["id"]}
    assert (up(ward, name, ago(hours=9)), up(ward, name)) == ([], ["NIL_BY_MOUTH"])
    again = ward.execute("raiseFlag", stayId=stay, flagKind="nil_by_mouth")
    assert again["__typename"] == "StayStateBroken"
    unknown = ward.execute("raiseFlag", stayId=stay, flagKind="VIP")
    assert (unknown["__typename"], unknown["path"]) == ("InvalidInput", ["flagKind"])
    empty = ward.execute("raiseFlag", stayId=stay, flagKind="NOTE", note=" ")
    assert empty["path"] == ["note"]
    ward.record("raiseFlag", stayId=stay, flagKind="NOTE", note="deaf")
    ward.record("raiseFlag", stayId=stay, flagKind="NOTE", note="son has the keys")
    ward.record("lowerFlag", **fields, **late(ago(hours=4)))
    assert (up(ward, name, ago(hours=5)), up(ward, name)) == (["NIL_BY_MOUTH"], ["NOTE", "NOTE"])
    assert up(ward, name, ago(hours=1), answer["position"]) == ["NIL_BY_MOUTH"]
    later = ward.execute("correctFlag", **fields, occurredAt=ago(hours=2), **WRONG)
    assert later["__typename"] == "ContradictsLaterFacts"
    ward.record("correctFlagLowering", **fields, occurredAt=ago(hours=6), **WRONG)
    assert up(ward, name, ago(hours=5)) == []
    outside = ward.execute("correctFlag", **fields, occurredAt=ago(hours=13), **WRONG)
    assert outside["__typename"] == "OutsideStay"
    ward.record("cancelFlagLowering", **fields, **WRONG)
    ward.record("correctFlag", **fields, flagKind="FALL_RISK", **WRONG)
    assert up(ward, name, ago(hours=5)) == ["FALL_RISK"]
    ward.record("cancelFlag", **fields, **WRONG)
    assert up(ward, name, ago(hours=5)) == []
    lowerings = [e["status"] for e in entries(ward, stay) if e["kind"] == "STAY_FLAG_LOWERED"]
    assert sorted(lowerings) == ["CANCELLED", "CORRECTED"]


def test_mistake_166_a_flag_ends_with_its_stay_and_goes_with_the_patient(ward: Ward) -> None:
    one, two = ward.name("Flagged"), ward.name("Flagged")
    here, there = ward.room("a", ward=one), ward.room("a", ward=two)
    stay = ward.stay(f"{here}/a")
    flag(ward, stay)
    to = dict(zip(("ward", "room", "bed"), [*there.split("/"), "a"], strict=True))
    ward.record("transferPatient", stayId=stay, **to, **late(ago(hours=3)))
    assert (up(ward, one), up(ward, two)) == ([], ["FALL_RISK"])
    ward.record("dischargePatient", stayId=stay, disposition="HOME", **late(ago(hours=2)))
    held = ward.ask("query($id: ID!) { stay(id: $id) { flags { kind } } }", id=stay)
    assert (up(ward, two), held["stay"]["flags"]) == ([], [])
    ward.record("cancelDischarge", stayId=stay, **IN_ERROR)
    assert up(ward, two) == ["FALL_RISK"]


def test_mistake_166_a_flag_is_shown_to_those_who_may_see_clinical_data(ward: Ward) -> None:
    name = ward.name("Flagged")
    flag(ward, ward.stay(f"{ward.room('a', ward=name)}/a"))
    for role, sees in ((Role.NURSE, True), (Role.REGISTRAR, False)):
        client = GraphQLClient(ward.client.http, LOGIN.make(subject="somebody", role=role))
        answer = client.raw(BOARD, {"ward": name})
        assert bool(answer.get("errors")) != sees
        assert sees or codes(answer) == {"NOT_ALLOWED"}
