"""Sealed texts: ciphertext wherever the log is kept, and clear to whoever reads it with the keys."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from tempfile import mkdtemp
from threading import Event

import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import connect

from application.hospital import Hospital
from domain.envelope import ALTERED, REDACTED
from domain.patient import Patient, Sex
from domain.refusals import AlreadyExists
from domain.stay.events import VisitKind
from domain.unique_keys import mrn
from infrastructure.bootstrap import hospital as wired
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.postgres.database import Database
from infrastructure.sealing.house_key import HouseKey, HouseKeyUnavailable
from infrastructure.sealing.key_ring import SEAL, KeyRing
from infrastructure.sealing.keys_missing import KeysMissing, TextAltered
from infrastructure.settings import Settings
from tests.support.hospital_dsl import admitted, ago, doctor, events, request, rows

CANARIES = ("Quetzal", "Xochitl", "1931-07-09", "MRN-CANARY-7", "corridor of Otto", "saw Berta")


def person(hospital: Hospital) -> None:
    """A person of whom every sealed kind of text is told."""
    hospital.patients.register_patient(
        request(ago(days=9), reason="Quetzal came by herself"),
        mrn="MRN-CANARY-7",
        family_name="Quetzal",
        given_name="Xochitl",
        birth_date=date(1931, 7, 9),
        sex=Sex.FEMALE,
    )
    stay = admitted(hospital, "other", without_bed="corridor of Otto")
    hospital.stays.record_visit(
        request(),
        stay_id=stay,
        practitioner=doctor(hospital),
        kind=VisitKind.ROUND,
        note="saw Berta",
    )


def kept(database: Database) -> str:
    """All that the schema of the record keeps, as text."""
    tables = ("stored_events", "commands", "unique_claims")
    return "\n".join(
        text
        for table in tables
        for (text,) in rows(database, f"SELECT t::text FROM record.{table} t")
    )


def test_what_identifies_a_person_is_kept_as_ciphertext_and_read_as_it_was(
    hospital: Hospital, database: Database
) -> None:
    person(hospital)
    text = kept(database)
    assert not [canary for canary in CANARIES if canary in text]
    assert "FEMALE" not in text
    result = str([event for *_, event in events(database)])
    assert [c for c in CANARIES if c not in result and c != "1931-07-09"] == []
    (registered,) = [e for *_, e in events(database) if isinstance(e, Patient.Registered)][:1]
    assert (registered.birth_date, registered.sex) == (date(1931, 7, 9), Sex.FEMALE)


def test_each_text_is_bound_to_its_place(hospital: Hospital, database: Database) -> None:
    person(hospital)
    with connect(database.owner_url) as owner:
        owner.execute(
            "UPDATE record.stored_events SET own = own || jsonb_build_object("
            " 'family_name', own->>'given_name', 'given_name', own->>'family_name')"
            " WHERE own ? 'given_name' AND own->>'given_name' IS NOT NULL"
        )
    (registered,) = [e for *_, e in events(database) if isinstance(e, Patient.Registered)][:1]
    assert (registered.family_name, registered.given_name) == (ALTERED, ALTERED)
    assert registered.mrn == "MRN-CANARY-7"


def test_a_log_from_before_texts_were_sealed_is_read_and_goes_on(
    settings: Settings, database: Database
) -> None:
    house = wired(settings, database)
    command = request(ago(days=9))
    house.patients.register_patient(command, mrn="old 1", family_name="Plain")
    (command_digest,) = rows(database, "SELECT digest FROM record.commands LIMIT 1")[0]
    with connect(database.owner_url) as owner:
        owner.execute(
            'UPDATE record.stored_events SET own = own || \'{"mrn": "old 1",'
            ' "family_name": "Plain", "sex": "UNKNOWN"}\' WHERE own ? \'mrn\''
        )
        owner.execute(
            "UPDATE record.unique_claims SET key = %s WHERE kind = 'mrn'",
            [mrn("main", "old 1").key],
        )
    house.close()
    house = wired(settings, database)
    with pytest.raises(AlreadyExists):
        house.patients.register_patient(request(), mrn="OLD1")
    house.identity.correct_patient_details(
        request(reason="a typo"), patient_mrn="old 1", mrn="old 2"
    )
    house.patients.register_patient(request(ago(days=8)), mrn="other")
    assert house.patients.register_patient(request(), mrn="old 3").events
    with pytest.raises(AlreadyExists):
        house.patients.register_patient(request(), mrn="old-2".replace("-", " "))
    first = next(e for *_, e in events(database) if isinstance(e, Patient.Registered))
    assert (first.family_name, first.mrn) == ("Plain", "old 1")
    assert rows(database, "SELECT 1 FROM record.unique_claims WHERE key LIKE '%%old%%'") == []
    assert command_digest
    house.close()


def test_a_command_is_known_again_by_its_digest_of_before(
    hospital: Hospital, database: Database
) -> None:
    from application.command_pipeline import Invocation, digest_of

    command = request()
    content = {"mrn": "M1", "family_name": "Ada"}
    first = hospital.patients.register_patient(command, **content)  # type: ignore[arg-type]
    plain = digest_of(Invocation(command, "register_patient", content, lambda uow: None))
    (kept_digest,) = rows(database, "SELECT digest FROM record.commands")[-1]
    assert kept_digest != plain
    with connect(database.owner_url) as owner:
        owner.execute("UPDATE record.commands SET digest = %s", [plain])
    again = hospital.patients.register_patient(command, **content)  # type: ignore[arg-type]
    assert (again.repeated, again.position) == (True, first.position)


# -- the keys --


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """A key ring with a store of its own, of a log that has just begun."""
    return begun(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))


def begun(file: Path, house_key: HouseKey, **more: int) -> KeyRing:
    ring = KeyRing(file, house_key, **more)
    ring.bind(lambda store: store)
    assert ring.problem() is None
    return ring


TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=200)


@given(text=TEXTS, place=TEXTS)
def test_a_text_is_opened_at_its_place_alone(text: str, place: str) -> None:
    ring = RING
    sealed = ring.seal("somebody", place, text)
    assert sealed.startswith(SEAL)
    assert ring.open("somebody", place, sealed) == text
    ring.seal("another", place, text)
    for subject, elsewhere in (("somebody", place + "x"), ("another", place)):
        with pytest.raises(TextAltered):
            ring.open(subject, elsewhere, sealed)
    assert ring.seal("somebody", place, text) != sealed


RING_FOLDER = Path(mkdtemp())
RING = begun(RING_FOLDER / "keys.sqlite", HouseKey(RING_FOLDER / "house.key"))


def test_a_length_does_not_tell_a_sex(ring: KeyRing) -> None:
    lengths = {len(ring.seal("somebody", "", sex.value)) for sex in Sex}
    assert len(lengths) == 1


def test_a_destroyed_key_is_never_there_again(ring: KeyRing, tmp_path: Path) -> None:
    other = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    sealed = ring.seal("somebody", "here", "Quetzal")
    assert other.open("somebody", "here", sealed) == "Quetzal"
    assert ring.destroy(["somebody", "nobody"]) == 1
    assert ring.open("somebody", "here", sealed) is None
    assert ring.seal("somebody", "here", "Quetzal") == REDACTED
    assert ring.seal("nobody", "here", "Quetzal") == REDACTED
    fresh = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    assert fresh.open("somebody", "here", sealed) is None
    assert fresh.destroy(["somebody"]) == 0


def test_keys_beyond_those_in_memory_are_read_again(tmp_path: Path) -> None:
    ring = begun(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"), in_memory=2)
    sealed = {name: ring.seal(name, "", name) for name in ("a", "b", "c", "d")}
    assert {name: ring.open(name, "", text) for name, text in sealed.items()} == {
        name: name for name in sealed
    }


def test_another_key_of_the_house_wraps_all_keys_and_touches_no_text(
    ring: KeyRing, tmp_path: Path
) -> None:
    serving = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    sealed = ring.seal("somebody", "here", "Quetzal")
    assert serving.open("somebody", "here", sealed) == "Quetzal"
    count, former = ring.rotate()
    assert count == 2
    for each in (
        ring,
        serving,
        KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key")),
    ):
        assert each.open("somebody", "here", sealed) == "Quetzal"
    old = KeyRing(tmp_path / "keys.sqlite", HouseKey(former))
    with pytest.raises(KeysMissing, match="another one"):
        old.open("somebody", "here", sealed)
    assert "another one" in str(old.problem())


def test_texts_are_opened_while_the_key_of_the_house_changes(ring: KeyRing, tmp_path: Path) -> None:
    sealed = {name: ring.seal(name, "here", name) for name in "abcdefgh"}

    was_read = Event()

    def rotate() -> None:
        for _ in range(20):
            ring.rotate()
            was_read.clear()
            assert was_read.wait(20)

    file, house_key = tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key")
    with ThreadPoolExecutor(1) as thread:
        rotating = thread.submit(rotate)
        while not rotating.done():
            reader = KeyRing(file, house_key)
            assert all(reader.open(name, "here", text) == name for name, text in sealed.items())
            was_read.set()
        rotating.result()
    assert len(list(tmp_path.glob("house.key.*"))) == 20


def test_a_key_made_after_another_process_changed_the_key_of_the_house_is_wrapped_by_it(
    ring: KeyRing, tmp_path: Path
) -> None:
    file, house_key = tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key")
    ring.seal("somebody", "here", "Quetzal")
    for number in range(3):
        KeyRing(file, house_key).rotate()
        sealed = ring.seal(f"new {number}", "here", "Quetzal")
        assert KeyRing(file, house_key).open(f"new {number}", "here", sealed) == "Quetzal"


def test_the_key_of_the_house_may_come_from_a_command(tmp_path: Path) -> None:
    file = tmp_path / "keys.sqlite"
    ring = begun(file, HouseKey(tmp_path / "none", f"printf {'k' * 40}"))
    sealed = ring.seal("somebody", "here", "Quetzal")
    assert not (tmp_path / "none").exists()
    right = KeyRing(file, HouseKey(tmp_path / "none", f"printf {'k' * 40}"))
    assert right.open("somebody", "here", sealed) == "Quetzal"
    for command in ("false", "printf short", "no such program"):
        wrong = KeyRing(file, HouseKey(tmp_path / "none", command))
        with pytest.raises(KeysMissing):
            wrong.open("somebody", "here", sealed)
        assert wrong.problem()
        with pytest.raises(HouseKeyUnavailable):
            HouseKey(tmp_path / "none", command).key()


def spoil_rights(file: Path) -> None:
    file.chmod(0o640)


def spoil_by_link(file: Path) -> None:
    file.rename(file.with_name("elsewhere"))
    file.symlink_to("elsewhere")


def spoil_content(file: Path) -> None:
    file.write_bytes(b"no key store at all " * 100)


@pytest.mark.parametrize("spoil", [spoil_rights, spoil_by_link, spoil_content, Path.unlink])
@pytest.mark.parametrize("name", ["keys.sqlite", "house.key"])
def test_keys_that_cannot_be_used_are_a_clear_state(
    ring: KeyRing, tmp_path: Path, name: str, spoil: Callable[[Path], None]
) -> None:
    sealed = ring.seal("somebody", "here", "Quetzal")
    store = ring.store()
    assert store is not None
    spoil(tmp_path / name)
    if name == "keys.sqlite":
        (tmp_path / "keys.sqlite-wal").unlink(missing_ok=True)
    later = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    later.bind(lambda new: store.id)
    assert later.problem()
    with pytest.raises(KeysMissing):
        later.open("somebody", "here", sealed)
    with pytest.raises(KeysMissing):
        later.hash_text("a number")
    with pytest.raises(KeysMissing):
        later.seal("another", "here", "Quetzal")
    assert (tmp_path / name).exists() == (spoil is not Path.unlink)


def test_a_lost_key_store_is_not_replaced_and_nothing_of_the_log_is_said_to_be_redacted(
    hospital: Hospital, database: Database, tmp_path: Path
) -> None:
    person(hospital)
    lost = KeyRing(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    (bound,) = rows(database, "SELECT store FROM record.key_store")[0]
    lost.bind(lambda store: str(bound))
    assert not (tmp_path / "keys.sqlite").exists()
    assert "is lost" in str(lost.problem())
    mapper = EventMapper(lost)
    sealed_rows = [
        row
        for row in rows(database, f"SELECT {EVENT_COLUMNS} FROM record.events ORDER BY position")
        if SEAL in str(row) or "u001e" in str(row)
    ]
    assert len(sealed_rows) > 3
    for row in sealed_rows:
        with pytest.raises(KeysMissing, match="is lost"):
            mapper.event(row)
    with pytest.raises(KeysMissing, match="is lost"):
        mapper.to_stored_event(next(e for *_, e in events(database)))


def test_what_a_store_that_was_given_up_had_sealed_is_redacted(tmp_path: Path) -> None:
    before = begun(tmp_path / "keys.sqlite", HouseKey(tmp_path / "house.key"))
    sealed = before.seal("somebody", "here", "Quetzal")
    anew = KeyRing(tmp_path / "others.sqlite", HouseKey(tmp_path / "house.key"))
    anew.begin_anew()
    anew.bind(lambda store: store)
    assert (anew.problem(), anew.open("somebody", "here", sealed)) == (None, None)
    assert anew.open("new", "here", anew.seal("new", "here", "Xochitl")) == "Xochitl"
