"""The record of reading over the command line: no command shows a patient and leaves no entry."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from api.cli.main import MODULES, load_command
from api.exit_codes import ExitCode
from api.hl7.door import Door
from application.hospital import Hospital
from domain.stay.events import VisitKind
from infrastructure.postgres.database import Database
from tests.cli.conftest import Run
from tests.hl7.test_inbound import adt
from tests.support.hospital_dsl import ago, doctor, readmitted, request, room, rows

Values = Mapping[str, str]

NAME, MRN, NOTE = "Canarywood", "M-77-CANARY", "Whispering canary"

GOING_ON = {"serve", "worker", "demo", "hl7 listen", "hl7 send", "feed", "warehouse"}
"""Commands that go on until they are stopped, or tell other systems; these have tests of their own."""

MAKING = {"simulate", "import mimic-iv", "import fhir"}
"""Commands that fill an empty hospital, and show nothing of what they bring in but numbers."""

WITHOUT_DATA = {
    *("doctor", "token", "migrate", "schema", "restore", "witness", "checkpoint", "verify"),
    *("keys status", "keys abandon", "keys erase-unproven", "keys rotate"),
    "keys backup",
    *("revoke", "new-epoch", "retention"),
    *("projections list", "projections parked", "projections retry", "projections skip"),
    *("projections rebuild", "hl7 parked", "hl7 replay"),
}
"""Commands that show nothing of a patient: they are run, and searched for it."""

ARGUMENTS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "timeline": (("{mrn}",), ("nobody",)),
    "occupancy": ((), ("--json",)),
    "accesses": ((), ("--mrn", "{mrn}")),
    "course": (("--mrn", "{mrn}"), ("--stay", "{stay}", "--format", "json"), ("--mrn", "nobody")),
    "export fhir": (
        ("{file}",),
        ("{file}", "--parquet"),
        ("{file}", "--mrn", "{mrn}"),
        ("{file}", "--mrn", "nobody"),
    ),
    "report": (
        ("inpatient-census", "--from", "{day}", "--to", "{day}"),
        ("bundle", "--from", "{day}", "--out", "{file}.reports"),
    ),
    "restate": (("{issue}",),),
    "query": (("SELECT * FROM stays",), ("SELECT count(*) FROM stays WHERE false",)),
    "proof": (("1",),),
    "hl7 refused": (("--show", "{message}"),),
    "backup": (("{file}.backup",),),
    "keys backup": (("{file}.keys",),),
    "witness": (("{nothing}", "--key", "none"),),
    "restore": (("{nothing}",),),
    "retention": (("--days", "1"), ("--days", "1", "--request"), ("--days", "1", "--erase")),
    "revoke": (("--subject", "nobody", "--reason", "left"),),
    "verify": (("--no-read-models",),),
    "projections skip": (("patients", "00000000-0000-4000-8000-000000000000"),),
    "projections rebuild": (("patients",),),
    "hl7 replay": (("--config", "{nothing}"),),
}
"""What the commands are given, more than once where there are several ways to ask."""


def leaves() -> Iterator[str]:
    """Return the names of all commands, those of groups too."""
    for name in MODULES:
        members = getattr(load_command(name), "commands", {})
        yield from (f"{name} {member}" for member in members)
        if not members:
            yield name


@pytest.fixture
def values(run: Run, home: Path, staffed: Hospital, here: Database, tmp_path: Path) -> Values:
    """A hospital with a patient of whom each command could show something, and its names."""
    room(staffed)
    at = ago(days=3)
    staffed.patients.register_patient(request(at), mrn=MRN, family_name=NAME)
    stay = readmitted(staffed, MRN, "A/1/a", at)
    staffed.stays.record_visit(
        request(), stay_id=stay, practitioner=doctor(staffed), kind=VisitKind.ROUND, note=NOTE
    )
    Door(staffed, [], home).answers(adt("A01", "1").replace(b"Adam", NAME.encode()))
    (message,) = (home / "hl7-refused").iterdir()
    ((patient,),) = rows(here, "SELECT patient FROM record.events WHERE stay = %s LIMIT 1", [stay])
    run("checkpoint", "--sign")
    day = str(ago(days=2).date())
    issued = run("report", "inpatient-census", "--from", day, "--to", day, "--issue")
    return {
        "mrn": MRN,
        "stay": str(stay),
        "patient": str(patient),
        "message": message.name,
        "day": day,
        "issue": issued.err.split()[-1],
        "file": str(tmp_path / "all"),
        "nothing": str(tmp_path / "none"),
    }


def test_no_command_shows_a_patient_and_leaves_no_entry(
    run: Run, here: Database, values: Values
) -> None:
    names = set(leaves())
    assert names >= GOING_ON | MAKING | WITHOUT_DATA, names
    for name in sorted(
        names - GOING_ON - MAKING - WITHOUT_DATA, key=lambda n: (n == "accesses", n)
    ):
        for arguments in ARGUMENTS[name]:
            before = _entries(here)
            ended = run(*name.split(), *(each.format(**values) for each in arguments))
            assert ended.code in (ExitCode.DONE, ExitCode.REFUSED), (name, arguments, ended.err)
            assert _entries(here) - before == 1, (name, arguments, ended.err)


@pytest.mark.slow
def test_the_other_commands_show_nothing_of_a_patient(run: Run, values: Values) -> None:
    canaries = {NAME, MRN, NOTE, values["stay"], values["patient"]}
    for name in sorted(WITHOUT_DATA):
        for arguments in ARGUMENTS.get(name, ((),)):
            ended = run(*name.split(), *(each.format(**values) for each in arguments))
            assert not {each for each in canaries if each in ended.out + ended.err}, name


def _entries(database: Database) -> int:
    return int(rows(database, "SELECT count(*) FROM audit.accesses")[0][0])
