"""Mistakes about what is left of who was told of by messages alone: see `test_covered` for the list."""

import re
from datetime import UTC, date, datetime
from pathlib import Path

import psycopg
import pytest

from api.hl7.door import Door
from application.hospital import Hospital
from domain.erasure import LegalBasis
from domain.stay.facts import Disposition
from infrastructure.hl7_deliveries import parked_messages
from infrastructure.postgres.database import Database
from infrastructure.projections.runner import ProjectionRunner
from tests.hl7.test_beds import message, pending
from tests.hl7.test_inbound import SENDERS, adt
from tests.hl7.test_orders import ras, rde
from tests.hl7.test_outbound import answering, told
from tests.hl7.test_triggers import answer, of_kind
from tests.mistakes.test_erasure import CLEAR, erase, officer, where
from tests.support.api_dsl import Ward
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import ago, readmitted, request, rows
from tests.support.hospital_dsl import room as open_room
from tests.support.random_privacy import EVE

__all__ = ["officer"]


def test_mistake_320_messages_leave_something_of_whom_they_told_after_the_erasure(
    ward: Ward, officer: GraphQLClient, migrated: Database, tmp_path: Path
) -> None:
    """Each field of a message that may name a person does."""
    sign, hospital = ward.name("Quokkabird"), ward.client.http.app_state["container"].hospital
    door, name, house = Door(hospital, SENDERS, tmp_path), ward.name("W"), ward.name("V")
    open_room(hospital, name, at=datetime(2026, 1, 1, tzinfo=UTC))
    doctor = ward.doctor()
    pid = f"|{sign}1^^^HOSP^MR||{sign}fam^{sign}giv||19310709|F|||{sign} street||{sign}tel"

    def tell(told: bytes, control: str) -> None:
        text = told.decode().replace("|||4711^^^HOSP^MR||Every^Adam||19700101|M", f"||{pid}")
        text = text.replace("|C|P|", f"|{sign[-4:]}{control}|P|").replace("VNORTH", house)
        text = text.replace("A^1^", f"A^{name}^").replace("|||D1", f"|||{doctor}")
        assert answer(door, text.encode())[:2] == "AA", (answer(door, text.encode()), text)

    told = [
        adt("A28", "C"),
        adt("A05", "C", f"PV2||||||||20260301||{sign} plan"),
        adt("A01", "C", place=f"{sign} chair").replace(f"{sign} chair".encode(), b"A^1^a"),
        pending("A15", "C", 11),
        pending("A26", "C", 12),
        message("A60", "C", 12, f"IAM|1||^{sign} plum|SV|{sign} swells|A"),
        message("A60", "C", 13, f"IAM|1||^{sign} plum|MO|{sign} itches|U"),
        of_kind("ORM^O01", "C", "ORC|NW|7", f"OBR|1|||C^Heart|||||||||{sign} asks"),
        rde("C", "NW", 12, "400").replace(b"PO^oral", f"PO^{sign} route".encode()),
        ras("C", 13).replace(b"400|mg", f"|||||||||||^{sign} away|A|RE".encode()),
        adt("A40", "C", f"MRG|{sign}2^^^HOSP^MR"),
        adt("A47", "C", f"MRG|{sign}3^^^HOSP^MR"),
        adt("A08", "C", f"NK1|1|{sign} mother"),
    ]
    for index, each in enumerate(told):
        tell(each, str(index))
    out = message("A03", "C", 15).replace(b"20260302100000", b"20260302150000")
    tell(out, "out")
    hospital.source_movements.wait()
    tables = {re.sub(r"_v\d+\.", ".", table) for table in where(migrated, sign)}
    assert tables
    assert tables <= CLEAR
    assert not [file for file in tmp_path.rglob("*") if file.is_file() and sign in file.read_text()]
    erase(ward, officer, f"{sign}1")
    assert where(migrated, sign) == set()


def test_mistake_603_a_message_that_waits_for_its_receiver_tells_of_who_was_erased_meanwhile(
    hospital: Hospital, database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was made once, and sent again as it was, for as long as the receiver was away."""
    caplog.set_level("DEBUG")
    sign, projections = "Quetzal", ProjectionRunner(database.app_url)
    open_room(hospital)
    hospital.patients.register_patient(
        request(), mrn=f"{sign}1", family_name=f"{sign}fam", birth_date=date(1931, 7, 9)
    )
    stay = readmitted(hospital, f"{sign}1", "A/1/a", ago(hours=3))
    hospital.stays.discharge_patient(
        request(ago(hours=2)),
        stay_id=stay,
        disposition=Disposition.HOME,
        destination=f"aunt of {sign}",
    )
    hospital.identity.correct_patient_details(
        request(reason="a typo"), patient_mrn=f"{sign}1", mrn=f"{sign}2"
    )
    before: list[bytes] = []
    with answering(lambda control: "R", before) as (port, _):
        assert told(database, hospital, port) == 3
    assert all(sign.encode() in message for message in before)
    assert len(parked_messages(database)) == 3

    def erased_meanwhile(control: str) -> str:
        if len(received) > 1:
            return "A"
        hospital.erasures.request_erasure(
            request(reason="asked"), patient_mrn=f"{sign}2", legal_basis=LegalBasis.OBJECTION
        )
        hospital.erasures.erase_patient(request(by=EVE), patient_mrn=f"{sign}2")
        projections.catch_up()
        return "E"

    received: list[bytes] = []
    with psycopg.connect(database.owner_url) as owner:
        owner.execute("DELETE FROM hl7.deliveries")
    with answering(erased_meanwhile, received) as (port, seen):
        assert told(database, hospital, port) == 3
    assert sign.encode() in received[0]
    assert not [message for message in received[1:] if sign.encode() in message]
    assert seen[0] == seen[1], "it is the same message, and counts as one"
    assert where(database, sign) == set()
    assert sign not in caplog.text
    read = "SELECT count(*) FROM audit.accesses WHERE operation = 'wardbook hl7 send'"
    assert rows(database, read) == [(3 + 3,)], "a message that is sent again is one reading"
