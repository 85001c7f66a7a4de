"""Mistakes about whom a ward treats: a label kept the nurses of the ward from their patient."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from api.http.app import app
from application.authorization.roles import Role
from infrastructure.postgres.database import Database
from infrastructure.settings import Settings
from tests.api.test_scope import login
from tests.conftest import LOGIN
from tests.support.api_dsl import Ward, ago, ahead, codes, late, place
from tests.support.graphql_client import GraphQLClient

HERE = {"in a bed of hers", "on leave with a bed of hers", "moved to her"}
PLACES = (
    *sorted(HERE),
    "in a bed elsewhere",
    "in the corridor",
    "on leave",
    "at home",
    "sent away",
)
STAY = "query($id: ID!) { stay(id: $id) { id patient { mrn } prescriptions { id } } }"

PLAN = "mutation($content: PlanDischargeInput!) { planDischarge(input: $content) { __typename } }"


def brought(ward: Ward, where: str, here: str, **admission: Any) -> str:
    """Admit a patient, who comes to be at a place; return the stay."""
    there = f"{ward.room('a', ward=ward.name('E'))}/a"
    bed = {"in a bed elsewhere": there, "moved to her": there, "in the corridor": None}
    content = admission | ({"withoutBed": "corridor"} if where == "in the corridor" else {})
    stay = ward.stay(bed.get(where, here), **content)
    afterwards = {"stayId": stay, **late(ago(hours=2))}
    if where in ("moved to her", "sent away"):
        ward.record("transferPatient", **afterwards, **place(here if where[0] == "m" else there))
    elif where.startswith("on leave"):
        ward.record("startLeave", **afterwards, keepBed="bed" in where)
    elif where == "at home":
        ward.record("dischargePatient", **afterwards, disposition="HOME")
    return stay


@pytest.mark.parametrize(
    "labelled",
    [
        "record",
        "stay",
        pytest.param("another record", marks=pytest.mark.slow),
        pytest.param("the record it is of", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("where", PLACES)
def test_mistake_242_a_nurse_sees_and_treats_who_is_restricted_in_a_bed_of_her_own_ward(
    shared: Ward, where: str, labelled: str
) -> None:
    for label in ("RESTRICTED", "VERY_RESTRICTED"):
        name = shared.name("W")
        here = f"{shared.room('a', ward=name)}/a"
        confidentiality = {"confidentiality": label}
        mrn = shared.patient(**(confidentiality if labelled == "record" else {}))
        of_stay = confidentiality if labelled == "stay" else {}
        stay = brought(shared, where, here, patientMrn=mrn, **of_stay)
        is_open = where in HERE and label == "RESTRICTED"
        nurse = login(shared, Role.NURSE, name)
        if labelled not in ("record", "stay"):
            records = shared.patient(**confidentiality), mrn
            merged, into = records if labelled == "another record" else records[::-1]
            shared.record("mergePatients", patientMrn=merged, intoMrn=into, reason="recognised")
            answer = nurse.execute("planAdmission", patientMrn=into, expectedAt=ahead(hours=9))
            assert (answer.get("code") != "NotAllowed") is is_open, (label, answer)
        answer = nurse.raw(STAY, {"id": stay})
        assert ("errors" not in answer) is is_open, (label, answer)
        assert is_open or codes(answer) == {"NOT_ALLOWED"}
        planned = nurse.execute("planDischarge", stayId=stay, plan="PLANNED")
        assert (planned.get("code") != "NotAllowed") is is_open, (label, planned)
        board = nurse.ask(
            "query($w: String) { roomOccupancy(ward: $w) { beds { stay { id } } } }", w=name
        )
        shown = [b["stay"] for room in board["roomOccupancy"] for b in room["beds"]]
        assert ({"id": stay} in shown) is is_open
        if is_open:
            for role, wards in ((Role.PHARMACIST, (name,)), (Role.NURSE, ()), (Role.NURSE, ("B",))):
                stranger = login(shared, role, *wards)
                assert codes(stranger.raw(STAY, {"id": stay})) == {"NOT_ALLOWED"}
                assert stranger.execute("planDischarge", stayId=stay)["code"] == "NotAllowed"
            manager = login(shared, Role.BED_MANAGER, name)  # whose role may give the command
            content = {"commandId": str(uuid4()), "stayId": stay, "plan": "PLANNED"}
            answer = manager.raw(PLAN, {"content": content})
            assert answer["data"]["planDischarge"] == {"__typename": "NotAllowed"}


def test_mistake_242_a_house_may_close_who_is_restricted_to_the_nurses_of_the_ward_too(
    ward: Ward, migrated: Database, tmp_path: Path
) -> None:
    bed = f"{ward.room('a', ward='W')}/a"
    stay = ward.stay(bed, patientMrn=ward.patient(confidentiality="RESTRICTED"))
    for opens in (True, False):
        settings = Settings(home=tmp_path, restricted_in_own_ward=opens)
        with TestClient(app(settings, migrated, LOGIN, with_worker=False)) as http:
            nurse = GraphQLClient(http, LOGIN.make(Role.NURSE, "Ada", ("W",)))
            assert ("errors" not in nurse.raw(STAY, {"id": stay})) is opens
            answer = nurse.execute("planDischarge", stayId=stay, plan="PLANNED")
            assert answer["__typename"] == ("StayRecorded" if opens else "NotAllowed")
