"""The importer on a made-up folder in which each rule has its row (tests/importing/sample)."""

import csv
import gzip
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from application.commands import Request
from domain.entry import Actor
from infrastructure.importers.mimic_iv import (
    RULES,
    Account,
    BadTable,
    Rule,
    Verdict,
    import_mimic_iv,
    sums_path,
)
from tests.importing.conftest import SAMPLE, Imported, NewHospital

RECORDED = """
patients/1001 register_patient
patients/1002 register_patient
patients/1003 register_patient
patients/1004 register_patient, record_death
patients/1005 register_patient
patients/1009 register_patient
patients/1010 register_patient
admissions/9001 admit_patient, discharge_patient
admissions/9101 admit_patient, discharge_patient
admissions/9102 admit_patient, record_death, discharge_patient
admissions/9201 admit_patient, record_death, discharge_patient
admissions/9302 admit_patient, discharge_patient
admissions/9401 admit_patient
admissions/9801 admit_patient, discharge_patient
admissions/9901 admit_patient, discharge_patient
transfers/5001 allocate_room
transfers/5002 transfer_patient
transfers/5003 transfer_patient
transfers/5004 transfer_patient
transfers/5005 transfer_patient
transfers/5101 allocate_room
transfers/5103 allocate_room
transfers/5201 allocate_room
transfers/5202 transfer_patient
transfers/5401 allocate_room
services/9001/2150-03-03 08:00:00 change_specialty
poe/1001-4 record_visit
prescriptions/701/MAIN write_prescription
prescriptions/702/BASE write_prescription
prescriptions/705/MAIN write_prescription
prescriptions/709/MAIN write_prescription
prescriptions/801/MAIN write_prescription
prescriptions/802/MAIN write_prescription
prescriptions/811/MAIN write_prescription
prescriptions/821/MAIN write_prescription
emar/1001-1 record_administration
emar/1001-2 record_administration
emar/1001-3 record_administration
emar/1001-4 record_administration
emar/1001-13 record_administration
emar/1001-14 record_administration
emar/1001-15 record_administration
emar/1001-16 record_administration
emar/1001-17 record_administration
emar/1002-1 record_administration
"""

MERGED = """
transfers/5006 admissions/9001
transfers/5102 admissions/9101
transfers/5104 admissions/9102
icustays/5004 transfers/5004
services/9001/2150-03-02 10:01:00 admissions/9001
prescriptions/701/BASE prescriptions/701/MAIN
pharmacy/701 prescriptions/701/MAIN
pharmacy/702 prescriptions/702/BASE
pharmacy/705 prescriptions/705/MAIN
poe/1001-1 admissions/9001
poe/1001-2 prescriptions/701/MAIN
poe/1001-3 prescriptions/701/MAIN
poe/1001-5 poe/1001-4
poe/1001-7 poe/1001-6
poe/1001-16 prescriptions/701/MAIN
poe/1001-19 prescriptions/705/MAIN prescriptions/709/MAIN
poe_detail/1001-4/Consult Status poe/1001-4
poe_detail/1001-4/Consult Status/2 poe/1001-4
"""

REFUSED = """
patients/1007 NoPatient
patients/1008 AlreadyExists
admissions/9202 PatientDied
admissions/9301 EndsBeforeItBegins
admissions/9303 PatientAlreadyAdmitted
admissions/9501 NoPatient
admissions/9601 NoPatient
admissions/9701 RefusedWith
transfers/5002/2 RepeatedKey
transfers/5007 AfterDischarge
transfers/5008 NoStay
transfers/5009 NoWard
transfers/5010 EndsBeforeItBegins
transfers/5011 OutsideStay
transfers/5012 NoStay
transfers/5013 Unreadable
transfers/5014 Unreadable
transfers/5203 RefusedWith
transfers/5301 RefusedWith
icustays/5007 RefusedWith
icustays/5099 NoStay
services/9001/2150-03-06 18:00:00 AfterDischarge
services/9202/2150-07-01 10:00:00 RefusedWith
services/9999/2150-02-02 01:00:00 NoStay
prescriptions/703/MAIN InvalidInput
prescriptions/703/BASE RefusedWith
prescriptions/704/MAIN AfterDischarge
prescriptions/706/MAIN OutsideStay
prescriptions/707/MAIN Unreadable
prescriptions/708/MAIN NoStay
prescriptions/812/MAIN PatientDied
prescriptions/813/MAIN RefusedWith
pharmacy/703 RefusedWith
pharmacy/704 RefusedWith
pharmacy/790 NoPrescription
poe/1001-6 ConsultDiscontinued
poe/1001-8 OutsideStay
poe/1001-9 NoProvider
poe/1001-10 AfterDischarge
poe/1001-11 NoOrder
poe/1001-12 NotKept
poe/1001-13 NoPrescription
poe/1001-14 RefusedWith
poe/1001-15 RefusedWith
poe/1001-17 NoOrder
poe/1001-18 NoStay
poe/1003-1 PatientDied
poe/1003-2 RefusedWith
poe_detail/1001-12/Specimen NotKept
poe_detail/1001-18/Consult Status RefusedWith
emar/1001-5 NotADose
emar/1001-6 NotADose
emar/1001-7 NoStay
emar/1001-8 AfterDischarge
emar/1001-9 OutsideStay
emar/1001-10 NoPrescription
emar/1001-11 RefusedWith
emar/1001-12 NoPrescription
emar/1001-18 NoPrescription
emar/1001-19 NoStay
emar/1002-2 OtherStay
emar/1003-1 PatientDied
emar/1003-2 RefusedWith
diagnoses_icd/9001/1 NotKept
"""

Lines = dict[str, dict[str, str]]


@dataclass(frozen=True, slots=True)
class Run:
    """A hospital after an import, with its account and the lines of the account file."""

    imported: Imported
    account: Account
    file: Path

    @property
    def lines(self) -> Lines:
        return read_account(self.file)

    def body(self, topic: str, source: str) -> dict[str, object]:
        """The one event of that type that came from a row."""
        ((found,),) = self.imported.ask(
            "SELECT body FROM record.events"
            f" WHERE topic = '{topic}' AND body #>> '{{entry,source,id}}' = '{source}'"
        )
        assert isinstance(found, dict)
        return found

    def reason(self, topic: str, source: str) -> str:
        entry = self.body(topic, source)["entry"]
        assert isinstance(entry, dict)
        return str(entry["reason"])

    def beds(self, stay: str) -> list[tuple[str, str, str, datetime, datetime]]:
        """Ward, room, bed, from and until of a stay, in order."""
        return self.imported.ask(
            "SELECT o.body ->> 'ward', o.body ->> 'number', c.bed, lower(during), upper(during)"
            " FROM record.bed_claims c"
            " JOIN record.events o ON o.stream = c.room AND o.topic = 'room.opened'"
            " JOIN record.events a ON a.stream = c.stay AND a.topic = 'stay.admitted'"
            f" WHERE a.body #>> '{{entry,source,id}}' = 'admissions/{stay}' ORDER BY during"
        )


def read_account(path: Path) -> Lines:
    with path.open(newline="") as file:
        return {f"{line['table']}/{line['key']}": line for line in csv.DictReader(file)}


def imported(hospital: Imported, directory: Path, file: Path) -> Run:
    return Run(hospital, import_mimic_iv(hospital.hospital, directory, file), file)


def known_before(hospital: Imported) -> None:
    """Another patient has the MRN of patient 1008."""
    someone = Request(command_id=uuid4(), by=Actor(issuer="local", subject="me", role="nurse"))
    hospital.hospital.register_patient(someone, mrn="1008")


@pytest.fixture(scope="module")
def run(new_hospital: NewHospital, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample, imported once into a hospital that knows an MRN already."""
    hospital = new_hospital()
    known_before(hospital)
    return imported(hospital, SAMPLE, tmp_path_factory.mktemp("account") / "account.csv")


def rows(told: str) -> list[tuple[str, str]]:
    """Lines of a key (which may contain blanks) and what is expected of it."""
    found = []
    for line in told.strip().splitlines():
        table, _, rest = line.partition("/")
        key, what = _split(table, rest)
        found.append((f"{table}/{key}", what))
    return found


def _split(table: str, rest: str) -> tuple[str, str]:
    words = rest.split(" ")
    blanks = {"services": 2, "poe_detail": 2 if "Consult Status" in rest else 1}.get(table, 1)
    return " ".join(words[:blanks]), " ".join(words[blanks:])


def test_every_row_of_the_sample_is_expected_once() -> None:
    expected = [key for told in (RECORDED, MERGED, REFUSED) for key, _ in rows(told)]

    assert len(expected) == len(set(expected))
    assert len(expected) == sum(
        len(path.read_text().splitlines()) - 1 for path in SAMPLE.glob("*/*.csv")
    )


@pytest.mark.parametrize(("key", "commands"), rows(RECORDED))
def test_a_row_is_recorded_by_its_commands(run: Run, key: str, commands: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["rule"]) == ("recorded", commands)


@pytest.mark.parametrize(("key", "into"), rows(MERGED))
def test_a_row_is_merged_into_another(run: Run, key: str, into: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["into"]) == ("merged", into)


@pytest.mark.parametrize(("key", "rule"), rows(REFUSED))
def test_a_row_is_refused_by_its_rule(run: Run, key: str, rule: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["rule"]) == ("refused", rule)


def test_each_rule_of_the_importer_is_explained_and_has_a_row_in_the_sample() -> None:
    assert set(RULES) == set(Rule)
    assert set(Rule) <= {rule for _, rule in rows(REFUSED)}


def test_the_account_adds_up(run: Run) -> None:
    assert run.account.adds_up
    assert run.account.sums()[-1] == ("all", *counted())
    assert sum(count for *_, count in run.account.totals()) == run.account.rows


def counted() -> tuple[int, int, int, int]:
    counts = [len(rows(told)) for told in (RECORDED, MERGED, REFUSED)]
    return sum(counts), counts[0], counts[1], counts[2]


def test_a_row_without_a_verdict_would_be_noticed(run: Run) -> None:
    run.account.tables["emar"].rows += 1
    try:
        assert not run.account.adds_up
    finally:
        run.account.tables["emar"].rows -= 1


def test_the_sums_are_written_beside_the_account(run: Run) -> None:
    with sums_path(run.file).open(newline="") as file:
        sums = list(csv.reader(file))

    assert ["emar", "refused", "NotADose", "2"] in sums
    assert sums[-1] == ["all", "adds up", "", "True"]


def test_moves_are_cut_at_the_admission_and_end_with_the_stay(run: Run) -> None:
    def march(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2015, 3, day, hour, minute, tzinfo=UTC)

    # No row tells of the hour from 9 to 10 of the 5th: no bed is held then.
    assert run.beds("9001") == [
        ("Emergency Department", "1", "A", march(2, 10), march(2, 10, 30)),
        ("Medicine", "1", "A", march(2, 10, 30), march(3, 8)),
        ("Medicine", "1", "B", march(3, 8), march(4, 9)),
        ("Medical Intensive Care Unit (MICU)", "1", "A", march(4, 9), march(5, 9)),
        ("Medicine", "1", "A", march(5, 10), march(6, 12)),
    ]


def test_the_reason_says_what_was_adjusted(run: Run) -> None:
    moved = run.reason("stay.room-allocated", "transfers/5001")
    assert "there since 2015-03-02 06:00:00, before the admission" in moved
    cut = run.reason("prescription.written", "prescriptions/702/BASE")
    assert "its start 2015-03-02 09:00:00 lies before the admission" in cut
    ended = run.reason("prescription.written", "prescriptions/701/MAIN")
    assert "ended by order 1001-3 2015-03-04 08:00:00" in ended
    left = run.reason("stay.discharged", "admissions/9102")
    assert "discharge 2015-05-04 00:01:00 lies before the death" in left
    late = run.reason("prescription.administration-recorded", "emar/1001-4")
    assert "0:00 h after the prescription stops" in late


def test_a_discharge_before_the_death_follows_it(run: Run) -> None:
    entry = run.body("stay.discharged", "admissions/9102")["entry"]
    assert isinstance(entry, dict)
    assert entry["occurred_at"] == "2015-05-04T22:00:00Z"
    assert entry["precision"] == "ESTIMATED"
    assert "discharge moved to the death" in run.lines["admissions/9102"]["note"]


def test_a_death_outside_is_a_day_and_not_before_the_discharge_of_that_day(run: Run) -> None:
    entry = run.body("patient.died", "patients/1004")["entry"]
    assert isinstance(entry, dict)
    assert entry["occurred_at"] == "2015-08-10T10:00:00Z"
    assert entry["precision"] == "DAY"


def test_a_death_that_the_record_refuses_is_told_in_the_account(run: Run) -> None:
    assert "record_death refused: ContradictsLaterFacts" in run.lines["patients/1010"]["note"]


def test_the_recording_time_of_the_source_is_kept(run: Run) -> None:
    entry = run.body("prescription.administration-recorded", "emar/1001-1")["entry"]
    assert isinstance(entry, dict)
    assert entry["source"] == {
        "system": "mimic-iv",
        "id": "emar/1001-1",
        "recorded_at": "2015-03-02T13:02:00Z",
    }
    assert entry["performed_by"] == "P3"


def test_doses_find_their_prescription(run: Run) -> None:
    def drug(dose: str) -> str:
        ((name,),) = run.imported.ask(
            "SELECT w.body #>> '{medication,name}' FROM record.events d"
            " JOIN record.events w ON w.stream = d.stream AND w.topic = 'prescription.written'"
            f" WHERE d.body #>> '{{entry,source,id}}' = 'emar/1001-{dose}'"
        )
        return str(name)

    assert drug("1") == "Cefazolin"  # by its own number
    assert drug("13") == "Cefazolin"  # by its order
    assert drug("15") == "Cefazolin"  # by another dose of its order
    assert drug("16") == "Aspirin"  # of two by one order: the one in force
    assert drug("17") == "Ondansetron"  # none in force: the nearest


def test_what_is_prescribed_says_drug_code_dose_and_who(run: Run) -> None:
    written = run.body("prescription.written", "prescriptions/701/MAIN")
    assert written["medication"] == {"name": "Cefazolin", "code": "00338350341", "system": "NDC"}
    assert written["dose"] == "1 g in 50 mL Iso-Osmotic Dextrose"
    assert written["frequency"] == "Q8H (3 in 24 h)"
    assert run.body("prescription.written", "prescriptions/702/BASE")["medication"] == {
        "name": "Lactated Ringers",
        "code": "001187",
        "system": "GSN",
    }


def test_times_move_back_by_whole_weeks_into_the_years_that_the_source_names(run: Run) -> None:
    def admitted(stay: str) -> datetime:
        ((at,),) = run.imported.ask(
            "SELECT body #>> '{entry,occurred_at}' FROM record.events"
            f" WHERE topic = 'stay.admitted' AND body #>> '{{entry,source,id}}' = '{stay}'"
        )
        return datetime.fromisoformat(at)

    moved = datetime(2150, 3, 2, 10, tzinfo=UTC) - admitted("admissions/9001")
    assert moved.days % 7 == 0
    assert moved.seconds == 0
    assert admitted("admissions/9001").year == 2015
    # Its rows lie thirty years after its anchor: it would come to lie in the future.
    moved = datetime(2140, 9, 1, 10, tzinfo=UTC) - admitted("admissions/9801")
    assert moved.days % 7 == 0
    assert admitted("admissions/9801").date().isoformat() == "2023-12-28"


def test_importing_twice_records_nothing_twice(run: Run, tmp_path: Path) -> None:
    before = run.imported.log()

    again = imported(run.imported, SAMPLE, tmp_path / "account.csv")

    assert run.imported.log() == before
    assert again.file.read_text() == run.file.read_text()


@pytest.mark.parametrize("broken_after", [0, 50, 100])
def test_an_import_that_is_broken_off_and_run_again_ends_the_same(
    run: Run, new_hospital: NewHospital, tmp_path: Path, broken_after: int
) -> None:
    def breaks(done: int, total: int) -> None:
        if done >= broken_after:
            raise KeyboardInterrupt

    hospital = new_hospital()
    with pytest.raises(KeyboardInterrupt):
        import_mimic_iv(hospital.hospital, SAMPLE, tmp_path / "account.csv", breaks)
    assert not (tmp_path / "account.csv").exists()
    broken = hospital.log()

    whole = new_hospital()
    imported(whole, SAMPLE, tmp_path / "whole.csv")
    imported(hospital, SAMPLE, tmp_path / "account.csv")

    assert hospital.log() == whole.log()
    assert hospital.log()[: len(broken)] == broken
    assert (tmp_path / "account.csv").read_text() == (tmp_path / "whole.csv").read_text()


def test_progress_counts_the_rows_up_to_all(new_hospital: NewHospital, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []

    import_mimic_iv(
        new_hospital().hospital,
        SAMPLE,
        tmp_path / "account.csv",
        lambda done, total: told.append((done, total)),
    )

    total = counted()[0]
    assert told[0] == (0, total)
    assert told[-1] == (total, total)
    assert told == sorted(told)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sample, to be damaged."""
    return Path(shutil.copytree(SAMPLE, tmp_path / "data"))


def refused_reading(new_hospital: NewHospital, directory: Path) -> str:
    hospital = new_hospital()
    with pytest.raises(BadTable) as refusal:
        import_mimic_iv(hospital.hospital, directory, directory / "account.csv")
    assert hospital.log() == []
    return str(refusal.value)


def test_a_missing_table_is_named(new_hospital: NewHospital, copy: Path) -> None:
    (copy / "icu" / "icustays.csv").unlink()
    assert "icu/icustays.csv.gz is missing" in refused_reading(new_hospital, copy)


def test_a_missing_column_is_named(new_hospital: NewHospital, copy: Path) -> None:
    path = copy / "hosp" / "emar.csv"
    path.write_text(path.read_text().replace("charttime", "when"))
    assert "emar.csv has no column charttime" in refused_reading(new_hospital, copy)


def test_a_line_of_another_length_is_named(new_hospital: NewHospital, copy: Path) -> None:
    path = copy / "hosp" / "services.csv"
    path.write_text(path.read_text() + "1001,9001\n")
    assert "services.csv, line 7: 2 columns, 5 expected" in refused_reading(new_hospital, copy)


def test_a_line_without_a_patient_is_named(new_hospital: NewHospital, copy: Path) -> None:
    path = copy / "hosp" / "services.csv"
    path.write_text(path.read_text() + "x,9001,2150-03-02 10:01:00,,MED\n")
    assert "services.csv, line 7: subject_id 'x'" in refused_reading(new_hospital, copy)


def test_a_cut_off_file_is_named(new_hospital: NewHospital, copy: Path) -> None:
    plain = copy / "hosp" / "poe.csv"
    whole = gzip.compress(plain.read_bytes())
    plain.with_name("poe.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert "poe.csv.gz cannot be read" in refused_reading(new_hospital, copy)


def test_a_folder_of_compressed_tables_reads_the_same(
    new_hospital: NewHospital, copy: Path, tmp_path: Path
) -> None:
    for plain in list(copy.glob("*/*.csv")):
        plain.with_name(f"{plain.name}.gz").write_bytes(gzip.compress(plain.read_bytes()))
        plain.unlink()
    (copy / "hosp" / "labevents.csv.gz").write_bytes(gzip.compress(b"subject_id\n"))
    whole, packed = new_hospital(), new_hospital()

    imported(whole, SAMPLE, tmp_path / "whole.csv")
    told = imported(packed, copy, tmp_path / "packed.csv")

    assert packed.log() == whole.log()
    assert told.account.unread == ("hosp/labevents.csv.gz",)


def test_verdicts_are_counted_by_command_and_rule(run: Run) -> None:
    emar = run.account.tables["emar"]
    assert emar.total(Verdict.RECORDED) == 10
    assert emar.verdicts[Verdict.REFUSED][Rule.NOT_A_DOSE] == 2
