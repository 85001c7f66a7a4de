"""Followed doses of a ward: pushed when one is due, given, held or another, to whom may see them."""

from typing import Any

import pytest

from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from tests.api.test_crawler import read_by
from tests.api.test_following_rights import following
from tests.api.test_sockets import code_of
from tests.support.api_dsl import Ward, ago, late
from tests.support.server_process import Client, Served

DUE = """subscription($ward: String!, $after: Position) {
  dosesDueChanged(ward: $ward, hoursBack: 24, hoursAhead: 0, orderBy: PLACE, after: $after) {
    position doses { dueAt status prescription { id dose } stay { id patient { mrn } } } } }"""
ASKED = """query($ward: String!) { dosesDue(ward: $ward, hoursBack: 24, hoursAhead: 0, orderBy: PLACE) {
  dueAt status prescription { id dose } stay { id patient { mrn } } } }"""


@pytest.fixture
def bedside(followed: Ward) -> tuple[str, str, str]:
    """A ward of its own, with a patient and a prescription of which a dose is overdue."""
    name = followed.name("Doses")
    stay = followed.stay(f"{followed.room('a', 'b', ward=name)}/a", ago(days=3))
    content = {"schedule": {"everyHours": 168}, "dose": "1 g", **late(ago(hours=5))}
    return name, stay, followed.prescription(stay, **content)


def test_a_dose_that_is_given_is_told_as_the_query_has_it(
    followed: Ward, socket: Client, bedside: tuple[str, str, str]
) -> None:
    name, stay, drug = bedside
    before = followed.position()
    socket.subscribe(DUE, ward=name, after=before)
    followed.doctor()
    followed.record("changePrescription", prescriptionId=drug, dose="2 g", **late(ago(hours=1)))
    answer = socket.next()
    assert answer["doses"] == followed.ask(ASKED, ward=name)["dosesDue"]
    assert [d["prescription"] for d in answer["doses"]] == [{"id": drug, "dose": "2 g"}]
    fields = {"prescriptionId": drug, "given": True, **late(ago(hours=5))}
    followed.record("recordAdministration", **fields)
    assert socket.next()["doses"] == []
    more = {"schedule": {"everyHours": 168}, **late(ago(hours=2))}
    other = followed.prescription(stay, **more)
    answer = socket.next()
    assert [d["prescription"]["id"] for d in answer["doses"]] == [other]
    assert answer["position"] != before


def test_what_was_missed_since_a_position_is_told_in_one_item(
    followed: Ward, socket: Client, bedside: tuple[str, str, str]
) -> None:
    name, _, drug = bedside
    before = followed.position()
    for dose, hours in (("2 g", 2), ("3 g", 1)):
        change = {"prescriptionId": drug, "dose": dose, **late(ago(hours=hours))}
        followed.record("changePrescription", **change)
    socket.subscribe(DUE, ward=name, after=before)
    answer = socket.next()["doses"]
    assert answer == followed.ask(ASKED, ward=name)["dosesDue"]
    assert [d["prescription"]["dose"] for d in answer] == ["3 g"]


def test_who_may_not_see_a_patient_is_told_no_dose_of_theirs(
    running: Served, followed: Ward, bedside: tuple[str, str, str]
) -> None:
    name, stay, drug = bedside
    room = followed.room("a", ward=name)
    secret = followed.patient(confidentiality="VERY_RESTRICTED")
    hidden = followed.stay(f"{room}/a", ago(days=2), patientMrn=secret)
    before = followed.position()
    with following(running, Role.NURSE, name) as nurse, following(running, Role.ADMIN) as admin:
        for socket in (nurse, admin):
            socket.subscribe(DUE, ward=name, after=before)
        content = {"schedule": {"everyHours": 168}, **late(ago(hours=3))}
        secret_drug = followed.prescription(hidden, **content)
        for socket, drugs in ((nurse, {drug}), (admin, {drug, secret_drug})):
            doses: list[dict[str, Any]] = socket.next()["doses"]
            assert {d["prescription"]["id"] for d in doses} == drugs
            assert {d["stay"]["id"] for d in doses} == {
                stay,
                *([hidden] if socket is admin else []),
            }


def test_who_is_of_another_ward_follows_none(
    running: Served, followed: Ward, bedside: tuple[str, str, str]
) -> None:
    name, _, _ = bedside
    elsewhere = followed.room("a", ward=followed.name("Else")).split("/")[0]
    with following(running, Role.NURSE, elsewhere) as socket:
        socket.subscribe(DUE, ward=name)
        assert code_of(socket.receive()) == "NOT_ALLOWED"
    with following(running, Role.NURSE) as socket:
        socket.subscribe(DUE, ward="No such ward")
        assert code_of(socket.receive()) == "NotFound"


def test_who_follows_is_on_the_record_of_reading(
    running: Served, followed: Ward, bedside: tuple[str, str, str], migrated: Database
) -> None:
    name, _, drug = bedside
    before = followed.position()
    with following(running, Role.NURSE, who=f"follows {name}") as socket:
        socket.subscribe(DUE, ward=name, after=before)
        followed.record("changePrescription", prescriptionId=drug, dose="3 g", **late(ago(hours=1)))
        answer = socket.next()["doses"]
        assert {d["stay"]["patient"]["mrn"] for d in answer} == read_by(migrated, f"follows {name}")
