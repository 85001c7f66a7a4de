"""The command ``retention``: persons whose time to be kept has ended, erased by two logins."""

from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from typing import Annotated

import typer

from api.cli.terminal import Csv, Json, err, now, print_rows, request, settings, stop
from api.exit_codes import ExitCode
from application.aggregate_cache import current
from application.command import Recorded
from application.hospital import Hospital
from domain.erasure import LegalBasis
from domain.patient import Patient
from domain.refusals import Refusal
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.queries.retention import DuePerson, due_persons

app = typer.Typer()


@app.command(epilog="Example: wardbook retention --days 3650")
def retention(
    days: Annotated[
        int | None,
        typer.Option(min=1, help="Days since the last fact; by default WARDBOOK_RETENTION_DAYS."),
    ] = None,
    ask: Annotated[
        bool, typer.Option("--request", help="Request the erasure of each who is due.")
    ] = False,
    erase: Annotated[
        bool, typer.Option("--erase", help="Erase those whom another login requested to erase.")
    ] = False,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """List persons of whom nothing was recorded for so long; it changes nothing.

    Nobody is due with an open stay, a planned admission, or a legal hold. To erase takes two logins of
    this machine: one runs --request, another --erase. Ids are shown, no names.
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
    if ask or erase:
        reason = f"kept for {kept_days} days after the last fact"
        with closing(hospital(configuration, database)) as house:
            for person in persons:
                if states[person] == ("requested" if erase else "due"):
                    states[person] = _carry_out(house, person, reason, erase=erase)
    rows = [
        {
            "patient": str(person.records[0]),
            "records": len(person.records),
            "lastFactAt": person.last_fact_at,
            "state": state,
        }
        for person, state in states.items()
    ]
    print_rows(rows, ("patient", "records", "lastFactAt", "state"), json=json, csv=csv)
    refusals = [state for state in states.values() if state.startswith("refused")]
    if refusals:
        stop(f"{len(refusals)} of {len(rows)} were refused.", ExitCode.REFUSED)
    if not (ask or erase) and err.is_terminal:
        err.print("Nothing was changed. --request asks to erase those who are due.")


def _state(person: DuePerson) -> str:
    if person.is_held:
        return "legal hold"
    return "requested" if person.is_requested else "due"


def _carry_out(house: Hospital, person: DuePerson, reason: str, *, erase: bool) -> str:
    """Request the erasure of a person, or erase; return what became of it."""
    patient = current(house.record, Patient.empty(person.records[0]))
    number = {"patient_mrn": patient.mrn, "mrn_authority": patient.mrn_authority}
    command: Callable[[], Recorded] = (
        (lambda: house.erasures.erase_patient(request(reason), **number))
        if erase
        else lambda: house.erasures.request_erasure(
            request(reason), legal_basis=LegalBasis.NO_LONGER_NECESSARY, **number
        )
    )
    try:
        command()
    except Refusal as refusal:
        return f"refused: {refusal}"
    return "erased" if erase else "requested"
