"""The importer on real hospital stays, if they are there: patients of the MIMIC-IV demo.

`make slow` imports the first six of thirty, `make nightly` all (WARDBOOK_MIMIC_PATIENTS).
"""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.imports.mimic_iv import Verdict, import_mimic_iv
from tests.imports.conftest import NewHospital, Run
from tests.imports.expected_moves import Expected, expected_moves
from tests.imports.fewer import first_patients, lines_of, tables_of

pytestmark = pytest.mark.slow

FEW = 3
"""Patients of a smaller folder, whose import is broken off in the middle."""


@pytest.fixture
def run(real_run: Run) -> Run:
    """The folder, imported once."""
    return real_run


def test_every_row_of_every_file_has_one_verdict(run: Run, real: Path) -> None:
    with run.file.open(newline="") as file:
        written = Counter(line["table"] for line in csv.DictReader(file))

    in_files = {name: len(lines_of(path)) - 1 for name, path in tables_of(real).items()}
    assert written == in_files
    assert run.account.adds_up
    assert run.account.unread == ()


def test_no_move_is_refused_for_the_beds_that_the_importer_chose(run: Run) -> None:
    refusal = run.account.tables["transfers"].verdicts[Verdict.REFUSED]
    assert set(refusal) <= {"NoStay", "AfterDischarge", "OutsideStay"}


def test_most_doses_are_recorded(run: Run) -> None:
    """If not, the importer went wrong, or a rule of the domain: the source is not as bad as that."""
    emar = run.account.tables["emar"]
    assert emar.total(Verdict.RECORDED) > 0.75 * emar.rows


def test_each_stay_lay_where_the_source_says(run: Run, real: Path) -> None:
    expected = expected_moves(real)
    stretches = defaultdict(list)
    for stay, ward, start, end in run.imported.ask(
        "SELECT split_part(a.body #>> '{entry,source,id}', '/', 2), o.body ->> 'ward',"
        " lower(during), upper(during) FROM record.bed_claims c"
        " JOIN record.events o ON o.stream = c.room AND o.topic = 'room.opened'"
        " JOIN record.events a ON a.stream = c.stay AND a.topic = 'stay.admitted' ORDER BY during"
    ):
        stretches[stay].append((ward, start, end))
    periods = run.imported.ask(
        "SELECT split_part(a.body #>> '{entry,source,id}', '/', 2), lower(during), upper(during)"
        " FROM record.person_claims p"
        " JOIN record.events a ON a.stream = p.stay AND a.topic = 'stay.admitted'"
    )
    assert len(periods) == len(expected)

    weeks: dict[str, set[timedelta]] = defaultdict(set)
    for stay, admitted, discharged in periods:
        source = expected[stay]
        back = source.admitted.replace(tzinfo=UTC) - admitted
        weeks[source.subject_id].add(back)
        assert source.discharged.replace(tzinfo=UTC) - discharged == back, stay
        assert stretches[stay] == list(moved(source, back)), stay
    for subject, shifts in weeks.items():
        (shift,) = shifts  # one for all stays of a patient
        assert shift % timedelta(weeks=1) == timedelta(0), subject


def moved(stay: Expected, back: timedelta) -> Iterator[tuple[str, datetime, datetime]]:
    for ward, start, end in stay.stretches:
        yield ward, start.replace(tzinfo=UTC) - back, end.replace(tzinfo=UTC) - back


def test_all_lies_between_the_opening_and_the_present(run: Run) -> None:
    ((earliest, latest),) = run.imported.ask(
        "SELECT min(body #>> '{entry,occurred_at}'), max(body #>> '{entry,occurred_at}')"
        " FROM record.events WHERE body #> '{entry,about}' IS NOT NULL"
    )
    assert "2005" < earliest < latest < "2024"


def test_everything_recorded_names_its_row_and_says_why(run: Run) -> None:
    ((without,),) = run.imported.ask(
        "SELECT count(*) FROM record.events WHERE body #>> '{entry,source,system}' <> 'mimic-iv'"
        " OR coalesce(body #>> '{entry,reason}', '') = '' OR body #>> '{entry,source,id}' IS NULL"
    )
    assert without == 0


@pytest.mark.nightly
def test_importing_twice_records_nothing_twice(run: Run, real: Path, tmp_path: Path) -> None:
    before = run.imported.ask("SELECT max(position) FROM record.events")

    import_mimic_iv(run.imported.hospital, real, tmp_path / "again.csv")

    assert run.imported.ask("SELECT max(position) FROM record.events") == before
    assert (tmp_path / "again.csv").read_text() == run.file.read_text()


@pytest.mark.nightly
def test_a_broken_import_of_fewer_patients_ends_as_that_of_all_began(
    run: Run, real: Path, new_hospital: NewHospital, tmp_path: Path
) -> None:
    """Breaking off changes nothing, and neither do patients with higher numbers."""

    def breaks(done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    few, hospital, file = first_patients(real, FEW, tmp_path), new_hospital(), tmp_path / "few.csv"
    with pytest.raises(KeyboardInterrupt):
        import_mimic_iv(hospital.hospital, few, file, breaks)
    broken = len(hospital.log())

    import_mimic_iv(hospital.hospital, few, file)

    log = hospital.log()
    assert 0 < broken < len(log)
    assert log == run.imported.log()[: len(log)]
    assert run.file.read_text().startswith(file.read_text())
