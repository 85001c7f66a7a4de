"""The importer on a made-up folder in which each rule has its row (tests/imports/sample)."""

import csv
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest

from api.imports.mimic_iv import (
    RULES,
    Account,
    Rule,
    Verdict,
    import_mimic_iv,
    sums_path,
)
from application.command import Request
from domain.envelope import Actor
from tests.imports.conftest import SAMPLE, Imported, NewHospital
from tests.support.hospital_dsl import events

pytestmark = pytest.mark.slow

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

    def body(self, topic: str, source: str) -> dict[str, Any]:
        """The event of a row of the source, read with the keys."""
        (event,) = (
            event
            for *_, event in events(self.imported.database)
            if (event.TOPIC, getattr(event.entry.source, "id", None)) == (topic, source)
        )
        body = {name: value for name, value in vars(event).items() if name != "timestamp"}
        return cast(dict[str, Any], msgspec.to_builtins(body, enc_hook=str))

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
    hospital.hospital.patients.register_patient(someone, mrn="1008")


@pytest.fixture(scope="module")
def run(new_hospital: NewHospital, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The sample, imported once into a hospital that knows an MRN already."""
    hospital = new_hospital()
    known_before(hospital)
    return imported(hospital, SAMPLE, tmp_path_factory.mktemp("account") / "account.csv")


def expected(verdict: str) -> list[tuple[str, str]]:
    """The rows of a verdict, with their commands, the rows they are merged into, or the rule."""
    with (SAMPLE / "verdicts.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    return [(line["row"], line["what"]) for line in lines if line["verdict"] == verdict]


def sums() -> tuple[int, int, int, int]:
    """All rows, recorded, merged, refused."""
    counts = [len(expected(verdict)) for verdict in Verdict]
    return sum(counts), counts[0], counts[1], counts[2]


def test_every_row_of_the_sample_is_expected_once(run: Run) -> None:
    keys = [key for verdict in Verdict for key, _ in expected(verdict)]

    assert sorted(keys) == sorted(run.lines)
    in_files = (len(path.read_text().splitlines()) - 1 for path in SAMPLE.glob("*/*.csv"))
    assert len(keys) == sum(in_files)


@pytest.mark.parametrize(("key", "commands"), expected("recorded"))
def test_a_row_is_recorded_by_its_commands(run: Run, key: str, commands: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["rule"]) == ("recorded", commands)


@pytest.mark.parametrize(("key", "into"), expected("merged"))
def test_a_row_is_merged_into_another(run: Run, key: str, into: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["into"]) == ("merged", into)


@pytest.mark.parametrize(("key", "rule"), expected("refused"))
def test_a_row_is_refused_by_its_rule(run: Run, key: str, rule: str) -> None:
    assert (run.lines[key]["verdict"], run.lines[key]["rule"]) == ("refused", rule)


def test_each_rule_of_the_importer_is_explained_and_has_a_row_in_the_sample() -> None:
    assert set(RULES) == set(Rule)
    assert set(Rule) <= {rule for _, rule in expected("refused")}


def test_the_account_adds_up(run: Run) -> None:
    assert run.account.adds_up
    assert run.account.sums()[-1] == ("all", *sums())
    assert sum(count for *_, count in run.account.totals()) == run.account.rows


def test_a_row_without_a_verdict_is_noticed(run: Run) -> None:
    tables = run.account.tables
    one_more = replace(tables["emar"], rows=tables["emar"].rows + 1)

    assert not Account({**tables, "emar": one_more}).adds_up


def test_verdicts_are_counted_by_command_and_rule(run: Run) -> None:
    emar = run.account.tables["emar"]
    assert emar.total(Verdict.RECORDED) == 15
    assert emar.verdicts[Verdict.REFUSED][Rule.NOT_A_DOSE] == 2


def test_the_sums_are_written_beside_the_account(run: Run) -> None:
    with sums_path(run.file).open(newline="") as file:
        lines = list(csv.reader(file))

    assert ["emar", "refused", "NotADose", "2"] in lines
    assert lines[-1] == ["all", "adds up", "", "True"]


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


def test_patients_with_higher_numbers_change_nothing(
    new_hospital: NewHospital, tmp_path: Path
) -> None:
    few = tmp_path / "few"
    for path in SAMPLE.glob("*/*.csv"):
        header, *lines = csv.reader(path.read_text().splitlines())
        subject = header.index("subject_id")
        (few / path.parent.name).mkdir(parents=True, exist_ok=True)
        with (few / path.parent.name / path.name).open("w", newline="") as file:
            kept = (line for line in lines if int(line[subject]) <= 1003)
            csv.writer(file).writerows([header, *kept])
    hospital, whole = new_hospital(), new_hospital()

    imported(hospital, few, tmp_path / "few.csv")
    imported(whole, SAMPLE, tmp_path / "whole.csv")

    log = hospital.log()
    assert 0 < len(log) < len(whole.log())
    assert log == whole.log()[: len(log)]


def test_progress_counts_the_rows_up_to_all(new_hospital: NewHospital, tmp_path: Path) -> None:
    result: list[tuple[int, int]] = []

    import_mimic_iv(
        new_hospital().hospital,
        SAMPLE,
        tmp_path / "account.csv",
        lambda done, total: result.append((done, total)),
    )

    total = sums()[0]
    assert result[0] == (0, total)
    assert result[-1] == (total, total)
    assert result == sorted(result)
