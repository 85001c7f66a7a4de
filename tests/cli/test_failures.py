"""Tests of failures of the command line: one sentence and an exit code of the list."""

import os
import re
import socket
import subprocess
import sys
from collections import Counter
from contextlib import closing
from dataclasses import fields
from pathlib import Path

import psycopg
import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from api.cli.demo import House
from api.exit_codes import ExitCode
from infrastructure.postgres.connection_failure import connection_failure
from infrastructure.postgres.database import Database
from infrastructure.settings import DEMO_FILE, Settings, from_environment, variable_name
from tests.cli.conftest import Run
from tests.support.hospital_dsl import rows

NOWHERE = "postgresql://nobody:geheim@127.0.0.1:1/nothing?connect_timeout=1"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ('FATAL:  database "x" does not exist', "no database 'x'"),
        ('FATAL:  password authentication failed for user "x"', "does not take the password"),
        ("fe_sendauth: no password supplied", "does not take the password"),
        ('FATAL:  role "x" does not exist', "no role 'x'"),
        ('FATAL:  permission denied to set role "x"', "may not act as role 'x'"),
        ('FATAL:  no pg_hba.conf entry for host "::1"', "does not admit the login"),
        ("connection failed: Connection refused", "refuses the connection"),
        ("failed to resolve host 'x'", "no such host"),
        ("connection timeout expired", "in time"),
        ("FATAL:  sorry, too many clients already", "no connection left"),
        ("something else\nand more", "It says: something else"),
    ],
)
def test_a_connection_that_fails_says_what_lacks(said: str, expected: str) -> None:
    result = connection_failure(psycopg.OperationalError(said))
    assert expected in result
    assert "WARDBOOK_DATABASE_URL" in result
    assert "\n" not in result


def test_a_database_or_a_login_that_is_not_there_is_named(
    run: Run, server: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", server.sibling("nowhere").owner_url)
    result = run("occupancy")
    assert (result.code, result.err.count("\n")) == (ExitCode.NO_DATABASE, 1)
    assert "There is no database 'nowhere'" in result.err
    stranger = server.owner_url.replace("postgres@", "stranger@")
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", stranger)
    result = run("migrate")
    assert (result.code, result.err.count("\n")) == (ExitCode.NO_DATABASE, 1)
    assert "There is no role 'stranger'" in result.err
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE)
    result = run("migrate")
    assert result.code == ExitCode.NO_DATABASE
    assert "refuses the connection" in result.err


def test_a_login_without_the_right_is_told_that_it_is_not_the_owners(
    run: Run, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", here.app_url)
    result = run("migrate")
    assert (result.code, result.err.count("\n")) == (ExitCode.NO_DATABASE, 1)
    assert "not the owner's" in result.err


@pytest.mark.parametrize(
    "command",
    [("timeline",), ("accesses", "--mrn"), ("accesses", "--subject"), ("occupancy", "--ward")],
    ids=" ".join,
)
def test_a_value_that_is_no_text_is_refused(
    run: Run, here: Database, command: tuple[str, ...]
) -> None:
    result = run(*command, "\udcff")
    assert result.code in (ExitCode.REFUSED, ExitCode.USAGE)
    assert result.err.count("\n") == 1


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("WARDBOOK_DATABASE_URL", "mysql://a:geheim@b/c", "postgresql://"),
        ("WARDBOOK_DATABASE_URL", "postgresql://a:geheim@[b/c", "postgresql://"),
        ("WARDBOOK_APP_URL", "postgresql://a:geheim@b/c?no=1", "postgresql://"),
        ("WARDBOOK_KEYS_URL", "mysql://a:geheim@b/c", "postgresql://"),
        ("WARDBOOK_TIME_ZONE", "Mars/Base", "time zone"),
        ("WARDBOOK_HEALTH_PORT", "70000", "port"),
        ("WARDBOOK_HOME", __file__, "folder"),
        ("OIDC_ISSUER", "login.example", "https"),
        ("OIDC_ISSUER", "http://login.example", "https"),
    ],
)
def test_a_setting_that_cannot_be_is_named_with_what_it_may_be(
    run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str
) -> None:
    monkeypatch.setenv(name, value)
    for command in ("migrate", "doctor"):
        result = run(command)
        assert (result.code, result.err.count("\n")) == (ExitCode.USAGE, 1)
        assert name in result.err
        assert expected in result.err
        assert "geheim" not in result.err


def test_a_home_in_which_nothing_can_be_made_is_named(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("WARDBOOK_DATABASE_URL", raising=False)
    for home in (f"{__file__}/home", "/proc/nothing/home"):
        monkeypatch.setenv("WARDBOOK_HOME", home)
        for command in ("token", "migrate"):
            result = run(command)
            assert (result.code, result.err.count("\n")) == (ExitCode.USAGE, 1)
            assert home.rsplit("/", 1)[0] in result.err


def test_a_port_that_is_taken_or_is_none_is_wrong_usage(run: Run) -> None:
    assert run("serve", "--port", "65536").code == ExitCode.USAGE
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = str(taken.getsockname()[1])
        result = run("serve", "--port", port)
    assert result.code == ExitCode.USAGE
    assert f"port {port}" in result.err


def test_a_file_that_is_missing_or_is_no_text_is_named(
    run: Run, here: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = str(tmp_path / "missing" / "file")
    commands = [("restore", missing), ("backup", missing), ("hl7", "listen", "--config", missing)]
    for command in [*commands, ("import", "mimic-iv", missing)]:
        result = run(*command)
        assert result.code in (ExitCode.REFUSED, ExitCode.USAGE), command
        assert "missing" in result.err
    latin = tmp_path / "latin.toml"
    latin.write_bytes('name = "Stati\xf3n"'.encode("latin-1"))
    result = run("hl7", "listen", "--config", str(latin))
    assert result.code == ExitCode.USAGE
    assert str(latin) in result.err
    monkeypatch.setenv("WARDBOOK_TRUSTED_DOCUMENTS", str(latin))
    result = run("serve", "--port", "0")
    assert result.code == ExitCode.USAGE
    assert str(latin) in result.err


@pytest.mark.parametrize("command", [("migrate",), ("occupancy",), ("doctor",)], ids=" ".join)
def test_a_database_of_a_newer_program_is_left_alone(
    run: Run, here: Database, command: tuple[str, ...]
) -> None:
    ((newest,),) = rows(here, "SELECT version_num FROM alembic_version")
    with psycopg.connect(here.owner_url) as owner:
        owner.execute("UPDATE alembic_version SET version_num = '9999'")
    try:
        result = run(*command)
    finally:
        with psycopg.connect(here.owner_url) as owner:
            owner.execute("UPDATE alembic_version SET version_num = %s", [newest])
    assert result.code == ExitCode.NO_DATABASE
    assert "9999, which a newer program made" in result.err
    assert "wardbook migrate" not in result.err


SIGNALLED = """
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs ignore it
def hook(event, given):
    if event == "open" and str(given[0]).endswith("token.key"):
        signal.raise_signal(signal.{name})
sys.addaudithook(hook)
sys.argv[1:] = ["token"]
from api.cli import main
{first}
main()"""


def signalled(name: str, first: str = "") -> tuple[int, str, str]:
    """Return how `wardbook token` ends to which a signal comes: exit code, output, errors."""
    code = SIGNALLED.format(name=name, first=first)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


def test_who_interrupts_gets_130_and_no_traceback(home: Path) -> None:
    assert signalled("SIGINT") == (ExitCode.INTERRUPTED, "", "Interrupted.\n")


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_who_ends_a_command_gets_143_and_no_traceback(home: Path, name: str) -> None:
    first = (
        f"signal.signal(signal.{name}, signal.SIG_DFL)"  # whatever these tests ignore themselves
    )
    assert signalled(name, first) == (ExitCode.TERMINATED, "", "Ended by a signal.\n")


def test_a_command_whose_terminal_closes_goes_on_under_nohup(home: Path) -> None:
    code, out, _ = signalled("SIGHUP", "signal.signal(signal.SIGHUP, signal.SIG_IGN)")
    assert (code, out.count(".")) == (0, 2)  # a token


def test_a_setting_of_blanks_alone_is_none(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the name of a blank was made, and events were of a hospital of that name."""
    monkeypatch.chdir(home.parent)
    for field in fields(Settings):
        monkeypatch.setenv(variable_name(field.name), " ")
    monkeypatch.setenv("XDG_DATA_HOME", str(home))
    assert run("token").code == 0
    assert not (home.parent / " ").exists()


@given(st.sampled_from(["", " ", "\t", "\n "]), st.sampled_from(["", " ", "\r\n"]))
def test_blanks_around_a_setting_are_none(before: str, after: str) -> None:
    values = {"HOSPITAL": "north", "HOME": "/srv/ward", "LATE_AFTER_MINUTES": "30"}
    values |= {"TIME_ZONE": "Europe/Berlin", "FAST_EXECUTOR": "off", "KEYS_URL": "postgresql://a"}
    padded = {f"WARDBOOK_{name}": f"{before}{value}{after}" for name, value in values.items()}
    bare = {f"WARDBOOK_{name}": value for name, value in values.items()}
    assert from_environment(padded) == from_environment(bare) != Settings()


def test_one_form_is_asked_for_at_a_time(run: Run, here: Database) -> None:
    result = run("occupancy", "--json", "--csv")
    assert (result.code, result.out) == (ExitCode.USAGE, "")


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("toke",), "Did you mean 'token'"),
        (("hl7", "lisen"), "No such command 'lisen'. Did you mean 'listen'"),
        (("-x",), "No such option: -x. See `wardbook --help`."),
        (("occupancy", "--wrd", "x"), "No such option: --wrd. Did you mean --ward? See"),
        (("serve", "--port", "many"), "Invalid value for '--port'"),
        (("report", "one", "two\nthree"), "two\\x0athree)"),
        (("timeline",), "Missing argument 'mrn'. See `wardbook timeline --help`."),
        (("token", "--role"), "requires an argument. See `wardbook token --help`."),
        (("--version=1",), "does not take a value. See `wardbook --help`."),
        (("[red]\udcff",), "No such command '[red]"),
    ],
    ids=str,
)
def test_wrong_usage_is_one_plain_sentence_and_says_where_to_look(
    run: Run, command: tuple[str, ...], expected: str
) -> None:
    result = run(*command)
    assert (result.code, result.out, result.err.count("\n")) == (ExitCode.USAGE, "", 1)
    assert expected in result.err
    assert result.err.endswith("--help`.\n")
    assert not set("\u2502\u2500\u256d") & set(result.err)


@pytest.mark.parametrize("group", [(), ("hl7",), ("keys",)])
def test_a_group_without_a_command_prints_its_help(run: Run, group: tuple[str, ...]) -> None:
    result = run(*group)
    assert (result.code, result.err) == (ExitCode.USAGE, "")
    assert "Usage: wardbook" in result.out


def wardbook(stdout: int | None, *arguments: str, **environment: str) -> tuple[int, bytes, str]:
    """The exit code of ``wardbook`` as a process, what a pipe got of it, and what it told."""
    done = subprocess.run(
        [sys.executable, "-c", "from api.cli import main; main()", *arguments],
        stdout=subprocess.PIPE if stdout is None else stdout,
        stderr=subprocess.PIPE,
        env={**os.environ, **environment},
    )
    return done.returncode, done.stdout or b"", done.stderr.decode()


@pytest.fixture
def served(home: Path, run: Run) -> None:
    """A home in which a token is printed without a word."""
    run("token")


def test_an_output_that_cannot_be_written_is_told_and_one_that_nobody_reads_is_not(
    served: None,
) -> None:
    with open("/dev/full", "w") as full:
        result = wardbook(full.fileno(), "token")
    assert result[:2] == (ExitCode.REFUSED, b"")
    assert result[2].endswith("No space left on device.\n")
    assert "Errno" not in result[2]
    reader, writer = os.pipe()
    os.close(reader)
    try:
        assert wardbook(writer, "token") == (ExitCode.REFUSED, b"", "")
        assert wardbook(writer, "schema")[::2] == (ExitCode.REFUSED, "")  # more than is kept back
    finally:
        os.close(writer)


def test_a_narrow_terminal_gets_every_letter_of_a_help() -> None:
    wide = wardbook(None, "token", "--help", COLUMNS="200")  # a command that imports no server
    for columns in ("0", "10", "many"):
        narrow = wardbook(None, "token", "--help", COLUMNS=columns, TERMINAL_WIDTH=columns)
        assert (narrow[0], narrow[2]) == (0, ""), columns
        letters = [re.sub(rb"[^\w.]", b"", out) for _, out, _ in (wide, narrow)]
        assert Counter(letters[0]) == Counter(letters[1]), columns


def test_an_output_that_is_closed_is_no_traceback(served: None) -> None:
    command = f"{sys.executable} -c 'from api.cli import main; main()' token >&-"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_a_file_gets_every_letter_whatever_the_terminal_could_show(
    served: None, encoding: str
) -> None:
    address = "http://\u0141\u00f3d\u017a"
    code, out, err = wardbook(
        None, "token", "--link", "--address", address, PYTHONIOENCODING=encoding, PYTHONUTF8="1"
    )
    assert (code, err) == (0, "")
    assert out.decode().startswith(f"{address}/#token=")


def test_a_demo_whose_file_is_damaged_says_how_to_make_another(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / DEMO_FILE).write_text('{"beds": ')
    with pytest.raises(typer.Exit) as ended:
        House.in_home(tmp_path)
    assert ended.value.exit_code == ExitCode.USAGE
    assert "--fresh" in capsys.readouterr().err
