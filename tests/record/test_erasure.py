"""Erasure: it goes on wherever it was cut off, and read models are those of a rebuild."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path
from uuid import UUID

import psycopg
import pytest

from application.hospital import Hospital
from domain.envelope import REDACTED
from domain.erasure import LegalBasis
from domain.patient import Patient
from domain.patient_events import Sex
from domain.refusals import NotFound
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.mapper import EventMapper
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import BatchProjector
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.sealing.house_key import HouseKey
from infrastructure.sealing.key_ring import KeyRing, key_ring
from infrastructure.sealing.keys_missing import KeysMissing
from infrastructure.settings import Settings
from tests.conftest import KEYS
from tests.support.checker import end
from tests.support.hospital_dsl import admitted, ago, events, request, rows
from tests.support.random_privacy import EVE

NAMES = "SELECT family_name, mrn FROM patients_v4.patients"


def registered(hospital: Hospital) -> UUID:
    """A patient with a stay that has ended."""
    admitted(hospital, "other")
    command_request = request(ago(days=9))
    answer = hospital.patients.register_patient(command_request, mrn="M1", family_name="Quetzal")
    return answer.ids("patient")[0]


def erase(hospital: Hospital) -> None:
    hospital.erasures.request_erasure(
        request(reason="as asked"), patient_mrn="M1", legal_basis=LegalBasis.OBJECTION
    )
    hospital.erasures.erase_patient(request(by=EVE), patient_mrn="M1")


def wrapped(subject: UUID) -> bytes | None:
    store = key_ring().store()
    assert store is not None
    return store.wrapped_key(str(subject))


def put_back(subject: UUID, key: bytes) -> None:
    """Put a key back, as a crash before its end or a backup of the key store would."""
    with closing(sqlite3.connect(KEYS, isolation_level=None)) as store:
        store.execute(
            "UPDATE keys SET wrapped = ?, destroyed_at = NULL WHERE subject = ?",
            [key, str(subject)],
        )


def by_a_start(settings: Settings, database: Database) -> None:
    wired(settings, database).close()


def by_a_projection(settings: Settings, database: Database) -> None:
    ProjectionRunner(database.app_url).catch_up()


@pytest.mark.parametrize("going_on", [by_a_start, by_a_projection])
def test_an_erasure_that_was_cut_off_goes_on_to_its_end(
    hospital: Hospital,
    settings: Settings,
    database: Database,
    going_on: Callable[[Settings, Database], None],
) -> None:
    patient = registered(hospital)
    key = wrapped(patient)
    assert key
    erase(hospital)
    assert wrapped(patient) == b""
    put_back(patient, key)
    going_on(settings, database)
    assert wrapped(patient) == b""


def test_read_models_that_were_filled_before_are_read_anew(
    hospital: Hospital, follower: ProjectionRunner, database: Database
) -> None:
    registered(hospital)
    follower.catch_up()
    assert ("Quetzal", "M1") in rows(database, NAMES)
    erase(hospital)
    follower.catch_up()
    result = rows(database, NAMES)
    assert (REDACTED, REDACTED) in result
    assert ("Name of other", "other") in result
    assert "Quetzal" not in str(result)
    assert [check.promise for check in verify(database) if check.broken] == []
    assert "Quetzal" not in str(events(database))


def test_the_number_of_who_was_erased_names_nobody_and_may_be_given_again(
    hospital: Hospital, database: Database
) -> None:
    registered(hospital)
    erase(hospital)
    first = next(e for *_, e in events(database) if isinstance(e, Patient.Erased))
    with pytest.raises(NotFound):
        hospital.erasures.place_legal_hold(request(reason="late"), patient_mrn="M1")
    again = hospital.patients.register_patient(request(), mrn="M1", family_name="Somebody else")
    assert again.ids("patient")[0] != first.originator_id


def test_what_is_told_of_a_person_without_a_key_is_read(
    hospital: Hospital, database: Database
) -> None:
    """In a log that was restored from before an erasure, whose keys stay destroyed."""
    patient = registered(hospital)
    key_ring().destroy([str(patient)])
    hospital.identity.correct_patient_details(
        request(reason="as said"), patient_mrn="M1", sex=Sex.FEMALE, birth_date=date(1950, 5, 5)
    )
    corrected = [e for *_, e in events(database) if isinstance(e, Patient.DetailsCorrected)]
    assert [(e.sex, e.birth_date) for e in corrected] == [(Sex.UNKNOWN, None)]


def test_read_models_wait_while_the_keys_cannot_be_had(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    registered(hospital)
    begin = end(database)
    hospital.patients.register_patient(request(), mrn="M2", family_name="Later")
    file, house_key = tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key")
    with closing(sqlite3.connect(KEYS)) as store, closing(sqlite3.connect(file)) as copy:
        store.backup(copy)
    house_key.file.write_bytes(KEYS.with_name("house.key").read_bytes())
    for private in (file, house_key.file):
        private.chmod(0o600)
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        projector = BatchProjector(connection, mapper=EventMapper(KeyRing(file, house_key)))
        projector.prepare()
        while projector.step(begin):
            pass
        KeyRing(file, house_key).rotate()
        elsewhere = house_key.file.rename(tmp_path / "elsewhere")
        for _ in range(2):
            with pytest.raises(KeysMissing):
                projector.step()
        elsewhere.rename(house_key.file)
        while projector.step():
            pass
    assert {name for name, _ in rows(database, NAMES)} == {"Name of other", "Quetzal", "Later"}


def test_read_models_stand_still_without_the_keys_of_the_log(
    hospital: Hospital, database: Database, tmp_path_factory: pytest.TempPathFactory
) -> None:
    registered(hospital)
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    ring = KeyRing(elsewhere / "keys.sqlite", HouseKey(elsewhere / "house.key"))
    with psycopg.connect(database.app_url, autocommit=True) as connection:
        projector = BatchProjector(connection, mapper=EventMapper(ring))
        projector.prepare()
        with pytest.raises(KeysMissing, match="no key store"):
            projector.step()
        ring.bind(lambda store: store)
        with pytest.raises(KeysMissing, match="another key store"):
            projector.step()
    assert rows(database, NAMES) == []
