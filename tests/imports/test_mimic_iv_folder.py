"""Tests of folders of MIMIC-IV that are not as they should be."""

import csv
import gzip
import shutil
from pathlib import Path

import pytest

from api.imports.mimic_iv import BadTable, Verdict, import_mimic_iv
from tests.imports.conftest import SAMPLE, NewHospital


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


def test_a_missing_table_that_all_needs_is_named(new_hospital: NewHospital, copy: Path) -> None:
    (copy / "hosp" / "admissions.csv").unlink()
    assert "hosp/admissions.csv.gz is missing" in refused_reading(new_hospital, copy)


def test_another_missing_table_leaves_out_what_it_carries_and_says_so(
    new_hospital: NewHospital, copy: Path
) -> None:
    for name in ("hosp/emar", "hosp/poe", "icu/icustays"):
        (copy / f"{name}.csv").unlink()
    (copy / "LICENSE.txt").write_text("to be kept")
    account = import_mimic_iv(new_hospital().hospital, copy, copy.parent / "account.csv")
    assert account.adds_up
    assert account.tables["admissions"].verdicts[Verdict.RECORDED]
    assert {"emar", "poe", "icustays"} <= set(account.missing)
    sums = (copy.parent / "account.sums.csv").read_text()
    assert "emar,missing,doses," in sums
    assert "LICENSE.txt,not read," in sums


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

    import_mimic_iv(whole.hospital, SAMPLE, tmp_path / "whole.csv")
    account = import_mimic_iv(packed.hospital, copy, tmp_path / "packed.csv")

    assert packed.log() == whole.log()
    assert account.unread == ("hosp/labevents.csv.gz",)


def test_a_stay_without_a_discharge_is_said_to_be_so_and_ends_with_the_next(
    new_hospital: NewHospital, copy: Path
) -> None:
    path = copy / "hosp" / "admissions.csv"
    text = path.read_text()
    assert "2150-04-03 12:00:00," in text
    path.write_text(text.replace("2150-04-03 12:00:00,", ","))
    account = import_mimic_iv(new_hospital().hospital, copy, copy.parent / "account.csv")
    assert account.adds_up
    assert account.not_ended["NoDischarge"] == 2  # the other one of the sample is the last stay
    with (copy.parent / "account.csv").open(newline="") as file:
        rows = {row["key"]: row for row in csv.DictReader(file) if row["table"] == "admissions"}
    assert rows["9101"]["rule"] == "admit_patient, discharge_patient"
    assert rows["9101"]["note"] == "no discharge in the source: ended with what followed"
    assert rows["9102"]["verdict"] == "recorded"
    assert rows["9401"]["note"].endswith("no discharge in the source: still open")


def test_who_is_dead_before_a_discharge_alive_is_discharged_as_dead(
    new_hospital: NewHospital, copy: Path
) -> None:
    path = copy / "hosp" / "admissions.csv"
    text = path.read_text().replace(
        "2150-04-03 12:00:00,,", "2150-04-03 12:00:00,2150-04-02 12:00:00,"
    )
    path.write_text(text)
    account = import_mimic_iv(new_hospital().hospital, copy, copy.parent / "account.csv")
    assert account.adds_up
    assert account.not_ended["PatientDied"] >= 1
    rows = (copy.parent / "account.csv").read_text()
    assert "ended as of one who died" in rows
