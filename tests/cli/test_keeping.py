"""Keeping a hospital from the command line: its tables, token, schemas and settings; exit codes."""

import asyncio
import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

import api.cli.schema
from api.auth.local_tokens import LocalTokens
from api.cli.schema import event_schemas
from api.exit_codes import ExitCode
from api.feed.cloudevents import feed_schema
from api.graphql.schema import sdl
from application.authorization.roles import Caller
from application.hospital import Hospital
from domain.envelope import Actor
from infrastructure.postgres.administrator import ADMINISTRATOR_SQL
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import schema_differences
from infrastructure.postgres.migrated import check_migrated
from infrastructure.settings import DEMO_FILE, Settings, variable_name
from tests.cli.conftest import Run
from tests.support.hospital_dsl import request, rows

NOWHERE = "postgresql://nobody@127.0.0.1:1/nothing?connect_timeout=1"


# -- tables --


def test_migrate_makes_all_tables_and_may_be_run_again(run: Run, bare: Database) -> None:
    assert bare.is_empty()
    for _ in range(2):
        result = run("migrate")
        assert (result.code, result.out) == (0, "The database is up to date.\n")
    assert not bare.is_empty()
    check_migrated(bare)
    assert schema_differences(bare) == []


def test_migrate_prints_for_an_administrator_what_the_owner_may_not_do(
    run: Run, bare: Database
) -> None:
    result = run("migrate", "--roles")
    assert (result.code, result.out) == (0, ADMINISTRATOR_SQL)
    assert bare.is_empty()
    page = (Path(__file__).parents[2] / "docs" / "production.md").read_text()
    statements = [line for line in ADMINISTRATOR_SQL.splitlines() if not line.startswith("--")]
    assert "\n".join(statements) in page


def test_migrate_makes_a_read_model_anew_that_was_dropped(run: Run, here: Database) -> None:
    with psycopg.connect(here.owner_url) as owner:
        owner.execute("DROP SCHEMA visits_v1 CASCADE")
    assert run("migrate").code == 0
    assert rows(here, "SELECT count(*) FROM visits_v1.visits") == [(0,)]


@pytest.mark.slow
def test_migrations_and_program_agree(run: Run) -> None:
    result = run("migrate", "--check")
    assert (result.code, result.out) == (0, "Migrations and program agree.\n")


# -- token --


def test_a_token_is_printed_alone_and_its_key_is_its_owners(run: Run, home: Path) -> None:
    assert "No server was started with" in run("token").err
    result = run("token")
    assert result.code == 0
    assert result.err == ""
    assert result.out == f"{result.out.strip()}\n"
    assert whose(home, result.out).actor.role == "admin"
    assert stat.S_IMODE((home / "token.key").stat().st_mode) == 0o600
    assert stat.S_IMODE(home.stat().st_mode) & 0o007 == 0


def test_a_link_opens_the_page_with_a_token(run: Run, home: Path) -> None:
    result = run("token", "--role", "nurse", "--link", "--address", "http://127.0.0.1:9000/")
    address, _, token = result.out.strip().partition("/#token=")
    assert address == "http://127.0.0.1:9000"
    assert whose(home, token).actor.role == "nurse"


def test_a_token_is_for_a_role_a_person_some_wards_and_a_time(run: Run, home: Path) -> None:
    wards = ("--ward", "Surgery", "--ward", "Medicine")
    result = run("token", "--role", "nurse", "--subject", "Ada", *wards, "--hours", "2")
    caller = whose(home, result.out)
    assert caller.actor == Actor(issuer="local", subject="Ada", role="nurse")
    assert caller.wards == frozenset(("Surgery", "Medicine"))
    left = caller.ends - datetime.now(UTC)
    assert timedelta(hours=1.9) < left <= timedelta(hours=2)
    assert run("token", "--role", "matron").code == ExitCode.USAGE


def test_the_demo_has_a_token_of_its_own_and_is_never_served_as_another_hospital(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its home may have stayed in an exported variable: it is the demo's all the same."""
    demo = home / "demo"
    demo.mkdir(parents=True)
    (demo / DEMO_FILE).write_text("{}")
    token = run("--demo", "token").out
    assert whose(demo, token).actor.role == "admin"
    assert not (home / "token.key").exists()

    monkeypatch.setenv("WARDBOOK_HOME", str(demo))
    monkeypatch.delenv("WARDBOOK_DATABASE_URL", raising=False)
    again = run("--demo", "token")
    assert (again.code, again.err) == (0, "")
    assert whose(demo, again.out).actor.role == "admin"
    for command in (("serve",), ("simulate",), ("import", "fhir", str(home))):
        result = run(*command)
        assert (result.code, result.err.count("\n")) == (ExitCode.USAGE, 1)
        assert "is the demo's home" in result.err
    assert [file.name for file in demo.iterdir() if file.is_dir()] == []


def test_local_tokens_are_not_for_other_machines(run: Run) -> None:
    for command in ("serve", "demo"):
        result = run(command, "--host", "0.0.0.0")
        assert result.code == ExitCode.USAGE
        assert "set OIDC_ISSUER and OIDC_AUDIENCE, or listen on 127.0.0.1" in result.err


def test_a_provider_is_named_with_its_audience(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OIDC_ISSUER", "https://login.example")
    result = run("serve", "--port", "0")
    assert result.code == ExitCode.USAGE
    assert "OIDC_AUDIENCE" in result.err


def test_a_server_whose_manifest_is_missing_does_not_start(
    run: Run, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDBOOK_TRUSTED_DOCUMENTS", str(home / "nothing.json"))
    result = run("serve", "--port", "0")
    assert result.code == ExitCode.USAGE
    assert "WARDBOOK_TRUSTED_DOCUMENTS" in result.err


def whose(home: Path, token: str) -> Caller:
    return asyncio.run(LocalTokens.of(home).authenticate(token.strip()))


# -- schemas --


def test_the_schemas_are_printed(run: Run) -> None:
    assert run("schema").out == sdl()
    assert run("schema", "--events").out == event_schemas()
    assert run("schema", "--feed").out == feed_schema()


@pytest.mark.parametrize("option", [(), ("--events",), ("--feed",)])
def test_a_schema_that_differs_from_the_one_that_is_kept_fails_the_check(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: tuple[str, ...]
) -> None:
    monkeypatch.setattr(api.cli.schema, "ROOT", tmp_path)
    for name in ("SDL_FILE", "EVENTS_FILE", "FEED_FILE"):
        monkeypatch.setattr(api.cli.schema, name, tmp_path / name)

    missing = run("schema", "--check", *option)
    assert (missing.code, missing.out) == (ExitCode.CHECK_FAILED, "")
    assert "wardbook schema" in missing.err
    assert run("schema", "--write", *option).code == 0
    assert "released" in run("schema", "--check", *option).err
    assert run("schema", "--release").code == 0
    assert run("schema", "--check", *option).code == 0
    (kept,) = tmp_path.glob("*_FILE")
    kept.write_text(kept.read_text() + "\n")
    assert run("schema", "--check", *option).code == ExitCode.CHECK_FAILED


def test_a_schema_that_breaks_what_was_released_fails_the_check(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api.cli.schema, "ROOT", tmp_path)
    monkeypatch.setattr(api.cli.schema, "SDL_FILE", tmp_path / "schema.graphql")
    monkeypatch.setattr(api.cli.schema, "sdl", lambda: "type Query { bed: Bed } enum Bed { FREE }")
    released = tmp_path / "released" / "schema.graphql"
    released.parent.mkdir()
    run("schema", "--write")

    released.write_text("type Query { bed: Bed ward: String } enum Bed { FREE }")
    result = run("schema", "--check")
    assert result.code == ExitCode.CHECK_FAILED
    assert "Query.ward was removed" in result.err

    released.write_text("type Query { bed: Bed } enum Bed { FREE }")
    assert "stumble" not in run("schema", "--check").out
    monkeypatch.setattr(
        api.cli.schema, "sdl", lambda: "type Query { bed: Bed } enum Bed { FREE KEPT }"
    )
    run("schema", "--write")
    result = run("schema", "--check")
    assert (result.code, "KEPT" in result.out) == (0, True)


# -- doctor --


def test_the_doctor_says_what_is_set_and_what_is_there(run: Run, staffed: Hospital) -> None:
    staffed.patients.register_patient(request(), mrn="M1")
    result = run("doctor", "--json").json
    assert result["wrong"] is None
    assert result["events"] == 1
    assert result["log"] == "real, epoch 1"
    assert result["postgresql"].startswith("18")
    assert result["WARDBOOK_DATABASE_URL"] == "set"
    for name in Settings.__dataclass_fields__:
        assert variable_name(name) in result
    table = run("doctor")
    assert table.code == 0
    assert "WARDBOOK_LATE_AFTER_MINUTES" in table.out


def test_the_doctor_names_what_is_no_setting(
    run: Run, here: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WARDBOOK_TIMEZONE", "Europe/Berlin")
    monkeypatch.setenv("WARDBOOK_TEA", "green")
    result = run("doctor", "--json")
    assert result.code == 0
    assert "WARDBOOK_TIMEZONE is no setting; did you mean WARDBOOK_TIME_ZONE?" in result.err
    assert "WARDBOOK_TEA is no setting." in result.json["warnings"]
    assert result.json["WARDBOOK_LATE_AFTER_MINUTES"] == 60
    assert result.json["lastRecorded"] is result.json["OIDC_ISSUER"] is None


def test_the_doctor_looks_at_the_key_of_local_tokens_and_at_the_issuer(
    run: Run, here: Database, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("doctor")
    assert not (home / "token.key").exists()
    run("token")
    (home / "token.key").chmod(0o644)
    result = run("doctor")
    assert result.code == ExitCode.USAGE
    assert "chmod 600" in result.err
    monkeypatch.setenv("OIDC_ISSUER", "http://127.0.0.1:1")
    monkeypatch.setenv("OIDC_AUDIENCE", "wardbook")
    result = run("doctor", "--csv")
    assert result.code == ExitCode.REFUSED
    assert "cannot be reached" in result.err


def test_the_doctor_tells_no_password(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE.replace("nobody", "nobody:geheim"))
    for options in ((), ("--json",)):
        result = run("doctor", *options)
        assert result.code == ExitCode.NO_DATABASE
        assert "geheim" not in result.out + result.err


def test_the_doctor_says_when_tables_are_missing(run: Run, bare: Database) -> None:
    result = run("doctor", "--json")
    assert result.code == ExitCode.NO_DATABASE
    assert "wardbook migrate" in result.json["wrong"]
    assert "wardbook migrate" in result.err


# -- exit codes --


def test_wrong_usage_ends_with_2(run: Run) -> None:
    for arguments in (("nonsense",), ("token", "--nonsense"), ("timeline",), ("serve", "--port")):
        assert run(*arguments).code == ExitCode.USAGE


def test_help_is_no_failure_and_names_the_exit_codes(run: Run) -> None:
    result = run("--help")
    assert result.code == 0
    for meaning in (
        "0 done",
        "1 refused",
        "2 wrong usage",
        "3 no database",
        "4 a check failed",
        "130",
    ):
        assert meaning in " ".join(result.out.split())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WARDBOOK_CLOCK_TOLERANCE_SECONDS", "a minute"),
        ("WARDBOOK_LATE_AFTER_MINUTES", "1.5"),
        ("WARDBOOK_READ_TIMEOUT_SECONDS", "soon"),
    ],
)
def test_a_setting_that_makes_no_sense_is_wrong_usage_and_named(
    run: Run, here: Database, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    result = run("occupancy")
    assert result.code == ExitCode.USAGE
    assert name in result.err
    assert value in result.err


ASKING = [("timeline", "M1"), ("occupancy",), ("projections", "list"), ("verify",)]
# A port that is free, whatever else runs on the machine.
SERVE = ("serve", "--port", "0")
ALL = [*ASKING, ("projections", "rebuild", "stays"), ("migrate",), SERVE, ("worker",)]


@pytest.mark.parametrize("command", [*ALL, ("doctor",)], ids=" ".join)
def test_without_a_database_every_command_says_so_and_ends_with_3(
    run: Run, monkeypatch: pytest.MonkeyPatch, command: tuple[str, ...]
) -> None:
    monkeypatch.setenv("WARDBOOK_DATABASE_URL", NOWHERE)
    result = run(*command)
    assert result.code == ExitCode.NO_DATABASE
    assert "WARDBOOK_DATABASE_URL" in result.err


@pytest.mark.parametrize("command", ASKING[:2], ids=" ".join)
def test_asking_where_there_is_no_hospital_says_how_to_get_one(
    run: Run, bare: Database, command: tuple[str, ...]
) -> None:
    result = run(*command)
    assert result.code == ExitCode.REFUSED
    assert "wardbook serve" in result.err
    assert bare.is_empty()


def test_tables_of_another_version_are_left_alone(run: Run, here: Database) -> None:
    def revision(number: str) -> None:
        with psycopg.connect(here.owner_url) as owner:
            owner.execute("UPDATE alembic_version SET version_num = %s", [number])

    (newest,) = rows(here, "SELECT version_num FROM alembic_version")[0]
    revision("0001")
    try:
        for command in [c for c in ALL if c != ("migrate",)]:
            result = run(*command)
            assert result.code == ExitCode.NO_DATABASE, command
            assert "0001" in result.err
            assert newest in result.err
    finally:
        revision(str(newest))


def test_an_answer_as_json_goes_to_standard_output_alone(run: Run, here: Database) -> None:
    result = run("occupancy", "--json")
    assert json.loads(result.out) == []
    assert result.err == ""


def test_a_login_is_revoked_with_a_reason_in_words(run: Run, here: Database) -> None:
    assert run("revoke", "--reason", "left", "--subject", "Ada").code == 0
    assert rows(
        here,
        "SELECT issuer, subject, reason FROM audit.revocations WHERE subject = 'Ada'",
    ) == [("local", "Ada", "left")]
    until = ("--until", "2026-03-01T08:00:00+01:00")
    assert run("revoke", "--reason", "left", "--subject", "Bo", *until).code == 0
    moments = rows(here, "SELECT until FROM audit.revocations WHERE subject = 'Bo'")
    assert [at.isoformat() for (at,) in moments] == ["2026-03-01T07:00:00+00:00"]
    result = run("revoke", "--reason", "left", "--subject", "Bo", "--until", "2026-03-01")
    assert (result.code, "an offset" in result.err) == (ExitCode.USAGE, True)
    assert run("revoke", "--reason", " ", "--subject", "Ada").code == ExitCode.USAGE
    assert run("revoke", "--reason", "left").code == ExitCode.USAGE
