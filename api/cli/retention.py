"""The command ``retention``: persons whose time to be kept has ended, erased by two logins."""

import asyncio
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import typer

from api.auth.authentication import NotLoggedIn, check_not_revoked
from api.auth.oidc import OidcAuthenticator
from api.cli.queries import record_reading
from api.cli.terminal import Csv, Json, err, now, operator, print_rows, settings, stop
from api.exit_codes import ExitCode
from application.aggregate_cache import current
from application.authorization.roles import Caller, Purpose
from application.command import Recorded, Request
from application.hospital import Hospital
from domain.erasure import LegalBasis
from domain.patient import Patient
from domain.refusals import Refusal
from infrastructure.access_log import AccessRecord
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.queries.retention import DuePerson, due_persons
from infrastructure.settings import Settings
from infrastructure.tokens.revocations import Revocations

app = typer.Typer()


@app.command(epilog="Example: wardbook retention --days 3650")
def retention(
    days: Annotated[
        int | None,
        typer.Option(
            min=1, max=36_525, help="Days since the last fact; by default WARDBOOK_RETENTION_DAYS."
        ),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--request", help="Request the erasure of each who is due.")
    ] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase those whom another login requested to erase.")
    ] = False,
    token_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with a token of the provider: its login acts, not that of this machine."
        ),
    ] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """List persons of whom nothing was recorded for so long; it changes nothing.

    Nobody is due with an open stay, a planned admission, or a legal hold. To erase takes two logins, of
    this machine or by their tokens: one runs --request, another --erase. Ids are shown, no names.
    """
    configuration = settings()
    kept_days = days or configuration.retention_days
    if not kept_days:
        stop("Say --days, or set WARDBOOK_RETENTION_DAYS.", ExitCode.USAGE)
    if ask and erase:
        stop("Give --request or --erase: each is for another login.", ExitCode.USAGE)
    database = Database.of(configuration)
    check_migrated(database)
    persons = due_persons(database, now() - timedelta(days=kept_days))
    states = {person: _state(person) for person in persons}
    caller = None
    if ask or erase:
        caller = _caller(configuration, database, token_file) if token_file else None
        reason = f"kept for {kept_days} days after the last fact"
        with closing(hospital(configuration, database)) as house:
            for person in persons:
                if states[person] == ("requested" if erase else "due"):
                    states[person] = _carry_out(house, person, reason, caller, erase=erase)
    reading = AccessRecord(
        caller.actor if caller else operator(),
        "wardbook retention",
        Purpose.ADMINISTRATION,
        [record for person in persons for record in person.records],
        entity=f"persons of whom nothing was recorded for {kept_days} days",
    )
    record_reading(database, [reading])
    rows = [
        {
            "patientId": str(person.records[0]),
            "records": len(person.records),
            "lastFactAt": person.last_fact_at,
            "state": state,
        }
        for person, state in states.items()
    ]
    print_rows(rows, ("patientId", "records", "lastFactAt", "state"), json=json, csv=csv)
    refusals = [state for state in states.values() if state.startswith("refused")]
    if refusals:
        stop(f"{len(refusals)} of {len(rows)} were refused.", ExitCode.REFUSED)
    if not (ask or erase) and err.is_terminal:
        err.print("Nothing was changed. --request asks to erase those who are due.")


def _state(person: DuePerson) -> str:
    if person.is_held:
        return "legal hold"
    return "requested" if person.is_requested else "due"


def _caller(configuration: Settings, database: Database, file: Path) -> Caller:
    """Return the login that a token of the provider names; end if it names none."""
    if configuration.oidc_issuer is None:
        # Whoever is at this machine can make local tokens, in anybody's name.
        stop(
            "A token tells who somebody is if a provider signed it: set OIDC_ISSUER.",
            ExitCode.USAGE,
        )

    async def authenticate(token: str) -> Caller:
        caller = await OidcAuthenticator(configuration).authenticate(token)
        engine = database.async_engine(1)
        try:
            await check_not_revoked(caller, Revocations(engine))
        finally:
            await engine.dispose()
        return caller

    try:
        return asyncio.run(authenticate(file.read_text().strip()))
    except OSError:
        stop(f"{file} cannot be read.", ExitCode.USAGE)
    except NotLoggedIn as error:
        stop(str(error), ExitCode.REFUSED)


def _carry_out(
    house: Hospital, person: DuePerson, reason: str, caller: Caller | None, *, erase: bool
) -> str:
    """Request the erasure of a person, or erase; return what became of it."""
    by, wards = (caller.actor, caller.wards) if caller else (operator(), None)
    request = Request(command_id=uuid4(), by=by, wards=wards, reason=reason)
    patient = current(house.record, Patient.empty(person.records[0]))
    number: dict[str, Any] = {
        "patient_mrn": patient.mrn,
        "mrn_authority": patient.mrn_authority,
    }
    command: Callable[[], Recorded] = (
        (lambda: house.erasures.erase_patient(request, **number))
        if erase
        else lambda: house.erasures.request_erasure(
            request, legal_basis=LegalBasis.NO_LONGER_NECESSARY, **number
        )
    )
    try:
        command()
    except Refusal as refusal:
        return f"refused: {refusal}"
    return "erased" if erase else "requested"
