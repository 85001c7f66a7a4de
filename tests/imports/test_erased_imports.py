"""Tests of an import of MIMIC-IV whose persons are erased afterwards."""

import shutil
from pathlib import Path

from api.imports.mimic_iv import import_mimic_iv
from domain.erasure import LegalBasis
from infrastructure.integrity.check import verify
from infrastructure.projections.runner import ProjectionRunner
from tests.faults.test_bytes_left import found_in
from tests.imports.conftest import SAMPLE, NewHospital
from tests.mistakes.test_erasure import where
from tests.support.hospital_dsl import request
from tests.support.random_privacy import EVE


def test_nothing_of_who_was_imported_is_left_but_ids_of_the_source(
    new_hospital: NewHospital, tmp_path: Path
) -> None:
    data, number = Path(shutil.copytree(SAMPLE, tmp_path / "data")), "77120417"
    for file in data.rglob("*.csv"):
        lines = file.read_text().replace("1001", number).splitlines(keepends=True)
        file.write_text(
            "".join(_with_own_words(line) if number in line else line for line in lines)
        )
    imported = new_hospital()
    import_mimic_iv(imported.hospital, data, tmp_path / "account.csv")
    follower = ProjectionRunner(imported.database.app_url)
    follower.catch_up()
    signs = ("Quetzalroute", "Quetzaltimes", "Quetzalhome")
    assert all(where(imported.database, sign) for sign in signs)

    erasures = imported.hospital.erasures
    erasures.request_erasure(
        request(reason="asked"), patient_mrn=number, legal_basis=LegalBasis.OBJECTION
    )
    erasures.erase_patient(request(by=EVE), patient_mrn=number)
    follower.catch_up()

    for sign in signs:
        assert where(imported.database, sign) == set(), sign
        assert found_in(tmp_path, sign) <= {f"data/hosp/{name}.csv" for name in TABLES}, sign
    assert where(imported.database, number) == {"record.stored_events", "timeline_v3.entries"}
    rest = imported.ask(
        "SELECT DISTINCT source_id FROM record.stored_events e"
        f" WHERE (to_jsonb(e) - 'source_id')::text LIKE '%{number}%'"
    )
    assert rest == []
    assert [check.promise for check in verify(imported.database) if check.broken] == []


def _with_own_words(line: str) -> str:
    """A row of the person, with words that are of nobody else."""
    line = line.replace(",IV\n", ",Quetzalroute\n").replace(",HOME,", ",Quetzalhome,")
    return line.replace("Q8H", "Quetzaltimes")


TABLES = ("admissions", "pharmacy", "prescriptions")
"""Files that the house was given, and deletes."""
