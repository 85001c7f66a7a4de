"""Mistakes of records whose owner can change them: see `test_covered` for the list."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from api.http.app import app
from application.authorization.roles import Role
from application.hospital import Hospital
from domain.envelope import ALTERED, REDACTED
from domain.erasure import LegalBasis
from domain.stay.facts import Disposition
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.log_reader import ADD_KEY_ACTS
from infrastructure.evidence.checkpoints import NotSigned, open_signer, sign_now
from infrastructure.evidence.keeper import Keeper
from infrastructure.evidence.leaves import EVENTS
from infrastructure.evidence.proofs import NotProven, check_proof, event_proof
from infrastructure.integrity.check import verify, verify_log
from infrastructure.integrity.keys import keys_and_acts
from infrastructure.integrity.unaltered import trust_of
from infrastructure.postgres.database import Database
from infrastructure.projections.rebuild import rebuild
from infrastructure.projections.runner import ProjectionRunner, connect
from infrastructure.read_models import READ_MODELS
from infrastructure.sealing.binding import forget_key_store
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings
from infrastructure.tokens.revocations import revoke
from tests.conftest import LOGIN, TOKEN
from tests.support.api_dsl import Ward, ago, ahead
from tests.support.graphql_client import GraphQLClient
from tests.support.hospital_dsl import admitted, request, rows
from tests.support.hospital_dsl import ago as hours_ago
from tests.support.random_privacy import EVE


@pytest.fixture
def house(database: Database, tmp_path: Path) -> Iterator[Ward]:
    """A ward whose checkpoints are signed when the test says so."""
    settings = Settings(home=tmp_path, checkpoint_seconds=0)
    with TestClient(app(settings, database, LOGIN)) as http:
        yield Ward(GraphQLClient(http, TOKEN))


def altered(database: Database, home: Path) -> list[str]:
    """Return what `wardbook verify --log` says."""
    trust = trust_of(Keeper(home), database.open_log().id)
    return [what for check in verify_log(database, trust) for what in check.examples]


def do(database: Database, *statements: str) -> None:
    with psycopg.connect(database.owner_url) as owner:
        for statement in statements:
            owner.execute(statement.encode())


CAREFUL = {
    "a word of a note": "SET own = jsonb_set(own, '{note}', '\"nothing found\"') WHERE own ? 'note'",
    "a name": "SET own = own || '{\"family_name\": \"Other\"}' WHERE own ? 'family_name'",
    "who recorded it": "SET subject = 'somebody.else' WHERE own ? 'note'",
    "their role": "SET role = 'physician' WHERE own ? 'note'",
    "when it occurred": "SET occurred_at = occurred_at + interval '1 minute' WHERE own ? 'note'",
    "a reason": "SET reason = 'another' WHERE reason IS NOT NULL",
}


def test_mistake_175_what_the_owner_of_the_database_alters_with_care_is_unnoticed(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    stay, doctor = house.stay(house.room() + "/a"), house.doctor()
    house.record("recordVisit", stayId=stay, practitioner=doctor, kind="ROUND", note="found it")
    sign_now(database, tmp_path)
    assert altered(database, tmp_path) == []
    do(database, "CREATE TABLE record.former AS SELECT * FROM record.stored_events")
    try:
        for what, change in CAREFUL.items():
            do(database, f"UPDATE record.stored_events {change}")
            assert any("was altered" in result for result in altered(database, tmp_path)), what
            do(database, "DELETE FROM record.stored_events",
               "INSERT INTO record.stored_events SELECT * FROM record.former")  # fmt: skip
        assert altered(database, tmp_path) == []
    finally:
        do(database, "DROP TABLE record.former")


def test_mistake_176_a_log_that_ends_earlier_than_it_did_is_taken_for_whole(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    house.patient()
    before = database.log_size().events
    sign_now(database, tmp_path)
    house.patient()
    sign_now(database, tmp_path)
    for table, last in (("commands", "last_position"), ("stored_events", "position")):
        do(database, f"DELETE FROM record.{table} WHERE {last} > {before}")
    do(database, f"DELETE FROM record.checkpoints WHERE tree = 'events' AND last > {before}")
    assert any("are gone" in result for result in altered(database, tmp_path))
    with connect(database.app_url) as connection, pytest.raises(NotSigned):
        open_signer(connection, EVENTS, database.open_log(), Keeper(tmp_path))


def test_mistake_177_readings_that_somebody_deleted_are_unnoticed(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    mrn = house.patient()
    for _ in range(3):
        house.ask("query($mrn: String!) { patient(mrn: $mrn) { familyName } }", mrn=mrn)
    sign_now(database, tmp_path)
    assert altered(database, tmp_path) == []
    do(database, "DELETE FROM audit.accesses WHERE no = (SELECT min(no) FROM audit.accesses)")
    assert any("readings" in result for result in altered(database, tmp_path))


def test_mistake_178_a_proof_is_taken_for_an_event_that_it_is_not_of(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    house.patient()
    note = sign_now(database, tmp_path)[0]
    keys = Keeper(tmp_path).trusted_keys(database.open_log().id)
    position = note.checkpoint.size
    proof, _ = event_proof(database, position, keys)
    proof = json.loads(json.dumps(proof))
    assert check_proof(proof, keys) == note
    event = proof["event"]
    others = [{**event, name: value + "0"} for name, value in event.items()]
    others += [{name: event[name] for name in reversed(event)}, {**event, "witnessed_by": "Ada"}]
    for other in others:
        with pytest.raises(NotProven):
            check_proof({**proof, "event": other}, keys)
    for change in ({"index": position - 2}, {"index": position}, {"proof": proof["proof"][1:]}):
        with pytest.raises(NotProven):
            check_proof({**proof, **change}, keys)
    with pytest.raises(NotProven):
        check_proof(proof, [Keeper(tmp_path / "other").create_key(database.open_log().id).verifier])
    do(database, f"UPDATE record.stored_events SET reason = 'x' WHERE position = {position}")
    with pytest.raises(NotProven):
        event_proof(database, position, keys)


def test_mistake_179_a_report_does_not_say_of_which_record_it_was_computed(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    house.stay(house.room() + "/a", ago(days=3))
    day = (datetime.now(UTC) - timedelta(days=2)).date().isoformat()
    result = {"name": "inpatient-census", "period": {"from": day, "to": day}}
    before = house.record("issueReport", **result)["issue"]["id"]
    note = str(sign_now(database, tmp_path)[0])
    after = house.record("issueReport", **result)["issue"]["id"]
    house.record("restateReport", issueId=before)
    query = "query($id: ID!) { reportIssue(id: $id) { checkpoint restatements { checkpoint } } }"
    issues = [house.ask(query, id=id)["reportIssue"] for id in (before, after)]
    assert issues == [
        {"checkpoint": None, "restatements": [{"checkpoint": note}]},
        {"checkpoint": note, "restatements": []},
    ]


def test_mistake_210_a_revocation_taken_back_and_a_key_destroyed_in_silence_are_unnoticed(
    house: Ward, database: Database, tmp_path: Path
) -> None:
    def found() -> list[str]:
        trust = trust_of(Keeper(tmp_path), database.open_log().id)
        return [what for check in verify(database, False, trust=trust) for what in check.examples]

    mrn, other = house.patient(), house.patient()
    revoke(database.owner_url, "local", subject="Eve", reason="left", by="root")
    house.record("requestErasure", patientMrn=mrn, reason="asked", legalBasis="OBJECTION")
    officer = LOGIN.make(subject="officer", role=Role.PRIVACY_OFFICER)
    GraphQLClient(house.client.http, officer).record("erasePatient", patientMrn=mrn)
    sign_now(database, tmp_path)
    assert found() == []
    acts = "SELECT act FROM audit.key_acts ORDER BY no"
    assert rows(database, acts) == [("BEGUN",), ("DESTROYED",)]
    for table, noun in (("revocations", "revocation"), ("key_acts", "key-act")):
        do(database, f"CREATE TABLE audit.former AS SELECT * FROM audit.{table}",
           f"DELETE FROM audit.{table}")  # fmt: skip
        assert any(f"{noun}s" in result for result in altered(database, tmp_path))
        do(database, f"INSERT INTO audit.{table} OVERRIDING SYSTEM VALUE SELECT * FROM audit.former",
           "DROP TABLE audit.former")  # fmt: skip
    assert found() == []
    patient = house.ask("query($m: String!) { patient(mrn: $m) { id } }", m=other)["patient"]["id"]
    store = key_ring().store()
    assert store is not None
    store.destroy([patient])
    assert any("nobody recorded it" in result for result in found())


def test_mistake_780_a_key_that_two_destroy_at_once_is_recorded_as_destroyed_twice(
    database: Database,
) -> None:
    """The command that erases, and the projection runner, which goes on with it after a crash."""
    subjects = ["one", "other"]
    with connect(database.app_url) as command, connect(database.app_url) as runner:
        for connection in (command, runner):
            connection.execute(ADD_KEY_ACTS, ["DESTROYED", subjects, "a store"])
        runner.execute(ADD_KEY_ACTS, ["DESTROYED", ["one"], "another store"])
        runner.execute(ADD_KEY_ACTS, ["DESTROYED", ["one", "third"], "a store"])
    acts = "SELECT subject, store FROM audit.key_acts ORDER BY no"
    here, there = "a store", "another store"
    expected = [("one", here), ("other", here), ("one", there), ("third", here)]
    assert rows(database, acts) == expected


FORGED_ERASURE = """
INSERT INTO record.stored_events SELECT forged.* FROM record.stored_events e
  CROSS JOIN (SELECT max(position) + 1 AS next FROM record.stored_events) p,
  jsonb_populate_record(e, jsonb_build_object('position', next, 'command_end', next,
    'command_id', gen_random_uuid(), 'stream', %(who)s::uuid, 'patient', %(who)s::uuid,
    'version', (SELECT max(version) + 1 FROM record.stored_events WHERE stream = %(who)s::uuid),
    'own', e.own || jsonb_build_object('streams', jsonb_build_array(%(stay)s::text)))) AS forged
  WHERE e.own ? 'streams' AND e.own ? 'legal_basis'"""


@pytest.mark.parametrize("proof", [pytest.param("that of another", marks=pytest.mark.slow), "none"])
def test_mistake_226_an_erasure_that_nobody_commanded_destroys_keys(
    hospital: Hospital, settings: Settings, database: Database, proof: str
) -> None:
    for mrn in ("erased", "victim"):
        stay = admitted(hospital, mrn, at=hours_ago(hours=4))
        hospital.stays.discharge_patient(
            request(hours_ago(hours=3)), stay_id=stay, disposition=Disposition.HOME
        )
    victim = {
        "who": rows(database, "SELECT patient FROM record.events WHERE stay = %s", [stay])[0][0]
    }
    hospital.erasures.request_erasure(
        request(reason="as asked"), patient_mrn="erased", legal_basis=LegalBasis.OBJECTION
    )
    hospital.erasures.erase_patient(request(by=EVE), patient_mrn="erased")
    subjects = [str(victim["who"]), str(stay)]
    with psycopg.connect(database.owner_url) as owner:
        owner.execute(FORGED_ERASURE.encode(), {**victim, "stay": stay})
        if proof == "none":
            owner.execute("UPDATE record.stored_events SET own = own - 'proof' WHERE own ? 'proof'")
        owner.execute(
            "INSERT INTO record.unique_claims VALUES ('erased', %(who)s, %(who)s)", victim
        )

    wired(settings, database).close()
    ProjectionRunner(database.app_url).catch_up()

    store = key_ring().store()
    assert store is not None
    assert all(store.wrapped_key(subject) for subject in subjects)
    problems = [problem for check in verify(database) for problem in check.examples]
    assert any(f"{victim['who']} was recorded by no command" in problem for problem in problems)


def test_mistake_227_an_altered_text_reads_as_that_of_who_was_erased(
    house: Ward, database: Database
) -> None:
    """One character of a note: the timeline and the stay say so once read anew, and so does verify."""
    stay, visit = house.stay(), {"practitioner": house.doctor(), "kind": "ROUND"}
    house.record("recordVisit", stayId=stay, note="found it", **visit)
    do(database, "UPDATE record.stored_events SET own = jsonb_set(own, '{note}', to_jsonb("
       "overlay(own->>'note' placing 'AAAA' from 30))) WHERE own ? 'note'")  # fmt: skip
    rebuild(database, READ_MODELS, lambda done, total: None)
    answer = json.dumps(house.ask("query($i: ID!) { stay(id: $i) { visits { note } } }", i=stay))
    line = (
        "query($i: ID!) { timeline(stayId: $i, kinds: [STAY_VISIT_RECORDED]) { nodes { data } } }"
    )
    assert ALTERED in answer
    assert REDACTED not in answer
    assert ALTERED in json.dumps(house.ask(line, i=stay))
    (problem,) = next(iter(verify(database))).examples
    assert "TextAltered" in problem


def test_mistake_262_an_altered_birth_date_or_sex_reads_as_one_that_nobody_knows(
    house: Ward, database: Database
) -> None:
    """A date holds no word: `verify` alone told that somebody altered it."""
    query = "query($m: String!) { patient(mrn: $m) { birthDate sex alteredFields id } }"
    of = {"birthDate": "1931-07-09", "sex": "FEMALE"}
    altered_mrn, other, unknown = house.patient(**of), house.patient(**of), house.patient()
    id = house.ask(query, m=altered_mrn)["patient"]["id"]
    for field in ("birth_date", "sex"):
        do(database, "UPDATE record.stored_events SET own = jsonb_set(own, '{" + field + "}',"
           f" to_jsonb(overlay(own->>'{field}' placing 'AAAA' from 20))) WHERE own ? 'sex'"
           f" AND patient = '{id}'")  # fmt: skip
    rebuild(database, READ_MODELS, lambda done, total: None)

    def read(mrn: str) -> tuple[Any, ...]:
        answer = house.ask(query, m=mrn)["patient"]
        return answer["birthDate"], answer["sex"], answer["alteredFields"]

    assert read(altered_mrn) == (None, "UNKNOWN", ["birthDate", "sex"])
    assert read(other) == ("1931-07-09", "FEMALE", [])
    assert read(unknown) == (None, "UNKNOWN", [])
    lines = "query($m: String!) { patient(mrn: $m) { timeline { nodes { data content } } } }"
    (entry,) = house.ask(lines, m=altered_mrn)["patient"]["timeline"]["nodes"]
    assert (entry["data"]["birth_date"], entry["data"]["sex"]) == (ALTERED, ALTERED)
    assert entry["content"].keys().isdisjoint({"birthDate", "sex"})
    of["birthDate"] = "1931-07-08"
    house.record("correctPatientDetails", patientMrn=altered_mrn, **of, reason="asked again")
    assert read(altered_mrn) == ("1931-07-08", "FEMALE", [])


@pytest.mark.parametrize(
    "place",
    [
        "{birth_date}",
        pytest.param("{version,movement,patient,birth_date}", marks=pytest.mark.slow),
    ],
)
def test_mistake_273_an_altered_detail_of_who_is_expected_or_reported_is_unnoticed(
    house: Ward, database: Database, place: str
) -> None:
    """Such a date holds no word, so that it reads as one that nobody knows: `verify` tells."""
    born = {"birthDate": "1931-07-09", "familyName": "Abel"}
    house.record("planAdmission", expectedAt=ahead(hours=1), **born)
    movement = {"kind": "ADMIT", "occurredAt": ago(hours=2), "patientMrn": "M77", "patient": born}
    ids = {"system": "ADT", "sourceId": "1", "sourceVisit": "V"}
    house.record("recordSourceMovement", **ids, sourceRecordedAt=ago(hours=1), movement=movement)
    assert [check.examples for check in verify(database) if check.broken] == []
    do(database, f"UPDATE record.stored_events SET own = jsonb_set(own, '{place}', to_jsonb("
       f"overlay(own#>>'{place}' placing 'AAAA' from 20))) WHERE own#>>'{place}' IS NOT NULL"
       " AND NOT own ? 'mrn'")  # fmt: skip
    (problem,) = next(iter(verify(database))).examples
    assert "TextAltered" in problem


def test_mistake_345_an_altered_detail_of_who_is_expected_reads_as_one_that_nobody_knows(
    database: Database, tmp_path: Path
) -> None:
    """`verify` alone told it, and a correction of anything else wrote down that nobody knows."""
    of = {"birthDate": "1931-07-09", "sex": "FEMALE", "expectedAt": ahead(hours=1)}
    settings = Settings(home=tmp_path, checkpoint_seconds=0)
    with TestClient(app(settings, database, LOGIN)) as http:
        house = Ward(GraphQLClient(http, TOKEN))
        id, other = (
            house.record("planAdmission", familyName=name, **of)["expectedArrival"]["id"]
            for name in ("Abel", "Kain")
        )
    for field in ("birth_date", "sex"):
        do(database, "UPDATE record.stored_events SET own = jsonb_set(own, '{" + field + "}',"
           f" to_jsonb(overlay(own->>'{field}' placing 'AAAA' from 20)))"
           f" WHERE stream = '{id}'")  # fmt: skip
    rebuild(database, READ_MODELS, lambda done, total: None)
    with TestClient(app(settings, database, LOGIN)) as http:
        again = Ward(GraphQLClient(http, TOKEN))

        def read(id: str) -> tuple[Any, ...]:
            query = "query($i: ID!) { expectedArrival(id: $i) { birthDate sex alteredDetails } }"
            answer = again.ask(query, i=id)["expectedArrival"]
            return answer["birthDate"], answer["sex"], answer["alteredDetails"]

        both = (None, "UNKNOWN", ["BIRTH_DATE", "SEX"])
        assert read(id) == both
        assert read(other) == ("1931-07-09", "FEMALE", [])
        correct = {"expectedArrivalId": id, "reason": "asked again"}
        again.record("correctExpectedArrival", **correct, expectedAt=ahead(hours=2))
        assert read(id) == both
        again.record("correctExpectedArrival", **correct, birthDate="1931-07-08", sex="FEMALE")
        assert read(id) == ("1931-07-08", "FEMALE", [])


@pytest.mark.parametrize("column", ["size", "epoch", "last", "note", "frontier", "leaves"])
def test_mistake_348_a_checkpoint_without_a_value_ends_the_check_and_hides_what_else_was_altered(
    house: Ward, database: Database, tmp_path: Path, column: str
) -> None:
    """Whoever owns the database allows NULL first: `verify` ended with an error of the program."""
    house.patient()
    sign_now(database, tmp_path)
    assert altered(database, tmp_path) == []
    do(database, f"ALTER TABLE record.checkpoints ALTER {column} DROP NOT NULL",
       "ALTER TABLE record.checkpoints DROP CONSTRAINT IF EXISTS checkpoints_check",
       f"UPDATE record.checkpoints SET {column} = NULL WHERE tree = 'events'")  # fmt: skip
    try:
        assert altered(database, tmp_path)
    finally:
        do(database, "DELETE FROM record.checkpoints",
           f"ALTER TABLE record.checkpoints ALTER {column} SET NOT NULL")  # fmt: skip


UNSIGNED = {
    "a checkpoint said to be of long ago": "UPDATE record.checkpoints SET"
    " signed_at = signed_at - interval '1 day' WHERE no = (SELECT max(no) FROM record.checkpoints)",
    "a checkpoint said to be of later": "UPDATE record.checkpoints SET"
    " signed_at = signed_at + interval '1 day' WHERE no = (SELECT min(no) FROM record.checkpoints)",
    "a log said to be opened after its events": "UPDATE record.log SET"
    " opened_at = opened_at + interval '1 hour'",
}


@pytest.mark.parametrize("change", UNSIGNED.values(), ids=list(UNSIGNED))
def test_mistake_724_times_that_nothing_signs_are_altered_unnoticed(
    house: Ward, database: Database, tmp_path: Path, change: str
) -> None:
    house.stay()
    sign_now(database, tmp_path)
    house.stay()
    sign_now(database, tmp_path)
    assert altered(database, tmp_path) == []
    do(database, "CREATE TABLE record.former AS SELECT * FROM record.log", change)
    try:
        sentences = altered(database, tmp_path)
        assert sentences
        assert all("was altered" in sentence for sentence in sentences)
    finally:
        do(
            database,
            "UPDATE record.log l SET opened_at = f.opened_at FROM record.former f",
            "DROP TABLE record.former",
        )


def test_mistake_724_the_binding_of_a_log_to_its_keys_is_deleted_unnoticed(
    house: Ward, database: Database
) -> None:
    def problems() -> list[str]:
        with psycopg.connect(database.owner_url) as connection:
            return keys_and_acts(connection).examples

    house.stay()
    (before,) = rows(database, "SELECT store, since FROM record.key_store")
    assert problems() == []
    try:
        do(database, "DELETE FROM record.key_store")
        (sentence,) = problems()
        assert before[0] in sentence
    finally:
        with psycopg.connect(database.owner_url) as owner:
            insert = "INSERT INTO record.key_store (store, since) VALUES (%s, %s)"
            owner.execute(insert, before)
    assert problems() == []
    forget_key_store(database)
    assert problems() == []
