"""Evidence by the command line: checkpoints kept elsewhere, proofs checked without a database."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from api.exit_codes import ExitCode
from application.hospital import Hospital
from infrastructure.evidence.checkpoints import sign_now
from infrastructure.evidence.signed_note import SignedNote, VerifierKey
from infrastructure.postgres.database import Database
from tests.cli.conftest import Run
from tests.support.hospital_dsl import admitted, rows

VERIFIER = Path(__file__).parents[2] / "docs" / "verify_proof.py"


@pytest.fixture
def anchor(run: Run, staffed: Hospital, here: Database, home: Path, tmp_path: Path) -> Path:
    """The checkpoint of a house with two patients, in a file."""
    admitted(staffed, "M1")
    admitted(staffed, "M2")
    ended = run("checkpoint", "--sign")
    assert (ended.code, ended.err) == (0, "")
    file = tmp_path / "filed.txt"
    file.write_text(ended.out)
    return file


def stand_alone(*arguments: object) -> tuple[int, str]:
    """Check a proof by the script of the documentation, with nothing of ours."""
    done = subprocess.run(
        [sys.executable, "-I", VERIFIER, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd="/",
    )
    return done.returncode, done.stdout + done.stderr


def test_a_proof_is_checked_without_a_database_and_without_wardbook(
    run: Run, anchor: Path, here: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = run("checkpoint", "--key").out.strip()
    file = tmp_path / "proof.json"
    file.write_text(run("proof", "3").out)
    reading = "SELECT operation, entity, cardinality(patients) FROM audit.accesses"
    assert rows(here, reading) == [("proof", "event 3", 1)]
    stream = rows(here, "SELECT stream, version FROM record.events WHERE position = 3")[0]
    assert json.loads(run("proof", "{}/{}".format(*stream)).out) == json.loads(file.read_text())
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    checked = run("proof", "check", str(file))
    assert (checked.code, checked.err) == (0, "")
    assert checked.out.startswith("The event at position 3 is in the log as it was signed")
    assert stand_alone(file, key)[0] == 0
    monkeypatch.setenv("WARDBOOK_HOME", str(tmp_path / "elsewhere"))
    unknown = run("proof", "check", str(file))
    assert (unknown.code, "give it by --key" in unknown.err) == (2, True)
    assert run("proof", "check", str(file), "--key", key).code == 0
    for old, new in (
        ('"position": "3"', '"position": "4"'),
        ('"issuer"', '"issuers"'),
        ("test", "x"),
    ):
        forged = tmp_path / "forged.json"
        forged.write_text(file.read_text().replace(old, new, 1))
        refusal = run("proof", "check", str(forged), "--key", key)
        assert (refusal.code, stand_alone(forged, key)[0]) == (4, 1), refusal.err
    other = key.split("+")[0] + "+" + "0" * 8 + "+" + key.split("+", 2)[2]
    assert stand_alone(file, other)[0] == 1
    assert run("proof", "check", str(anchor), "--key", key).code == 2


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("proof", "99"), 1, "There is no such event"),
        (("proof", "nonsense"), 2, "no position of this log"),
        (("proof", "check"), 2, "Name the file"),
        (("proof", "3", "x.json"), 2, "Name an event alone"),
        (("verify", "--log", "--checkpoint", "/nowhere"), 1, "cannot be read"),
        (("checkpoint", "--since", "99"), 1, "not of 99"),
    ],
)
def test_what_cannot_be_done_is_said(
    run: Run, anchor: Path, arguments: tuple[str, ...], code: int, told: str
) -> None:
    ended = run(*arguments)
    assert (ended.code, told in ended.err) == (code, True), ended.err


def test_a_file_that_is_no_proof_is_said_to_be_none(
    run: Run, anchor: Path, home: Path, tmp_path: Path
) -> None:
    key, since = run("checkpoint", "--key").out.strip(), run("checkpoint", "--since", "1").json
    nobodys = since["checkpoint"].replace(since["checkpoint"].split("/")[1], "nobody", 1)
    contents = ["", "[" * 100_000, "[1]", "{}", json.dumps(since | {"checkpoint": nobodys})]
    file = tmp_path / "proof.json"
    for content in contents:
        file.write_text(content)
        for command in (("proof", "check"), ("witness",)):
            result = run(*command, str(file), "--key", key)
            assert result.code in (ExitCode.REFUSED, ExitCode.USAGE, ExitCode.CHECK_FAILED)
            assert (result.out, result.err.count("\n")) == ("", 1), content[:99]
    file.write_text(json.dumps(since | {"size": 0}))
    assert run("witness", str(file), "--key", key).code == 0
    size = int(since["checkpoint"].split("\n")[1])
    file.write_text(json.dumps(since | {"size": size, "proof": ["no hash"]}))
    result = run("witness", str(file))
    assert (result.code, result.err.count("\n")) == (ExitCode.REFUSED, 1)


def test_a_log_is_compared_with_a_checkpoint_that_was_filed(
    run: Run, anchor: Path, staffed: Hospital, here: Database, home: Path
) -> None:
    admitted(staffed, "M3")
    assert run("verify", "--log", "--checkpoint", str(anchor)).code == 0
    with psycopg.connect(here.owner_url) as owner:  # by who has the key as well
        owner.execute("DELETE FROM record.checkpoints")
        owner.execute("UPDATE record.stored_events SET subject = 'nobody' WHERE position = 2")
    for kept in home.glob("*.checkpoint"):
        kept.unlink()
    sign_now(here, home)
    assert run("verify", "--log").code == 0, "nothing that is left knows of it"
    ended = run("verify", "--log", "--checkpoint", str(anchor))
    assert ended.code == 4
    assert "the log was rewritten" in ended.out
    assert run("verify", "--no-read-models", "--checkpoint", str(anchor)).code == 4


def test_what_was_not_signed_yet_has_no_proof(run: Run, here: Database, staffed: Hospital) -> None:
    admitted(staffed, "M1")
    for command in (("checkpoint",), ("proof", "1")):
        ended = run(*command)
        assert (ended.code, "No checkpoint" in ended.err) == (1, True)
    missing = run("checkpoint", "--key")
    assert (missing.code, "is missing" in missing.err) == (2, True)


def test_another_house_cosigns_what_goes_on_from_the_last_it_cosigned(
    run: Run, anchor: Path, staffed: Hospital, here: Database, home: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    key = run("checkpoint", "--key").out.strip()

    def asked(since: int) -> Path:
        monkeypatch.setenv("WARDBOOK_HOME", str(home))
        file = tmp_path / f"since{since}.json"
        file.write_text(run("checkpoint", "--since", str(since)).out)
        monkeypatch.setenv("WARDBOOK_HOME", str(tmp_path / "witness"))
        return file

    assert run("witness", str(asked(0))).code == 4, "of whose log nobody knows the key"
    first = run("witness", str(asked(0)), "--key", key)
    assert (first.code, first.err) == (0, "")
    witness = run("witness").out.strip()
    size = int(first.out.split("\n")[1])
    admitted(staffed, "M3")
    sign_now(here, home)
    assert "--since" in run("witness", str(asked(0))).err
    second = run("witness", str(asked(size)))
    assert second.code == 0
    cosigned = SignedNote.parse(second.out)
    assert [cosigned.is_signed_by(VerifierKey.parse(each)) for each in (key, witness)] == [True] * 2
    forged = second.out.replace(f"\n{size + 2}\n", f"\n{size + 3}\n")
    assert not SignedNote.parse(forged).is_signed_by(VerifierKey.parse(witness))
    filed = tmp_path / "cosigned.txt"
    filed.write_text(second.out)
    monkeypatch.setenv("WARDBOOK_HOME", str(home))
    assert run("verify", "--log", "--checkpoint", str(filed)).code == 0
    with psycopg.connect(here.owner_url) as owner:  # by who has the key as well
        owner.execute("DELETE FROM record.checkpoints")
        owner.execute("UPDATE record.stored_events SET subject = 'nobody' WHERE position = 2")
    for kept in home.glob("*.checkpoint"):
        kept.unlink()
    sign_now(here, home)
    refusal = run("witness", str(asked(size + 2)))
    assert (refusal.code, "it was rewritten" in refusal.err) == (4, True), refusal.err


AUTHORITY = """
[tsa]
serial = serial
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
"""
"""A time stamping authority of openssl, which signs what it is asked for with the time."""


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl is not there")
def test_the_time_of_a_checkpoint_is_attested_as_the_documentation_says(
    run: Run, anchor: Path, tmp_path: Path
) -> None:
    page = (VERIFIER.parent / "evidence.md").read_text()
    query, check = re.findall(r"^(openssl ts [^#\n]*?) *(?:#.*)?$", page, re.MULTILINE)
    (tmp_path / "authority.cnf").write_text(AUTHORITY)
    (tmp_path / "serial").write_text("01\n")

    def shell(line: str) -> int:
        return subprocess.run(line.split(), cwd=tmp_path, capture_output=True).returncode

    key = "openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=clock -keyout key.pem"
    assert shell(f"{key} -out service.pem -addext extendedKeyUsage=critical,timeStamping") == 0
    assert shell(query) == 0
    stamp = "openssl ts -reply -config authority.cnf -section tsa -queryfile filed.tsq"
    assert shell(f"{stamp} -signer service.pem -inkey key.pem -out filed.tsr") == 0
    assert shell(check) == 0
    assert run("verify", "--log", "--checkpoint", str(anchor)).code == 0
    anchor.write_text(anchor.read_text() + " ")
    assert shell(check) != 0, "of another text"
