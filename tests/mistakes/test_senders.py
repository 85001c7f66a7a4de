"""Mistakes about who sends messages of HL7 v2, and whom they are told to."""

from dataclasses import replace
from pathlib import Path

from api.hl7.door import CARRIED_OUT, IMPOSTOR, Door
from application.aggregate_cache import current
from application.hospital import Hospital
from domain.patient import Patient
from infrastructure.postgres.database import Database
from tests.hl7.test_inbound import SENDERS, adt, codes
from tests.hl7.test_outbound import a_day, follow_into, persons, persons_put_right, second
from tests.support.hospital_dsl import doctor, room, rows

__all__ = ["second"]


def test_mistake_461_what_was_kept_of_one_client_is_carried_out_in_the_name_of_another(
    hospital: Hospital, tmp_path: Path
) -> None:
    """Of a system that is set up later: whoever wrote its name first is believed in a replay."""
    north, south = (replace(sender, certificate=sender.name) for sender in SENDERS)
    room(hospital)
    message = adt("A01", "1", facility="SOUTH")
    before = Door(hospital, [north], tmp_path)
    for client in ("north", "south"):
        (answer,) = before.answers(message, frozenset({client}))
        assert codes([answer.decode()]) == ["AR"]
    after = Door(hospital, [north, south], tmp_path)
    refused, carried_out = [verdict for _, verdict in after.replay()]
    assert refused == IMPOSTOR
    assert carried_out in CARRIED_OUT
    assert [kept["client"] for kept in after.refused] == [["north"]]


def test_mistake_462_whose_data_were_sent_to_another_system_is_not_recorded(
    hospital: Hospital, second: Hospital, database: Database, migrated: Database, tmp_path: Path
) -> None:
    """That there is such a receiver was; each person of whom it is told is, as in the feed."""
    for house in (hospital, second):
        for number in "123":
            room(house, number)
    doctor(second)
    a_day(hospital)
    persons_put_right(hospital)
    follow_into(database, hospital, second, tmp_path)
    recorded = rows(
        database,
        "SELECT DISTINCT p, a.entity FROM audit.accesses a, unnest(a.patients) AS p"
        " WHERE a.operation = 'wardbook hl7 send' AND a.subject = 'hl7'",
    )
    assert {entity for _, entity in recorded} == {"movements to second"}
    numbers = {current(hospital.record, Patient.empty(id)).mrn for id, _ in recorded}
    assert numbers == set(persons(second, migrated))
