"""The command ``course``: a stay, or all stays of a patient, as a document."""

import sys
from datetime import datetime
from enum import StrEnum
from json import loads
from typing import Annotated
from uuid import UUID

import typer
from msgspec.structs import asdict
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.queries import AsOfOption, For, KnownAt, open_hospital, run_query
from api.cli.terminal import (
    Csv,
    Json,
    as_json,
    chosen_format,
    moment,
    now,
    operator,
    settings,
    stop,
)
from api.course.document import CourseFormat, render
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.course import course_of_person, course_of_stay
from infrastructure.queries.course_parts import Course, Imprint, Login
from infrastructure.read_models.patients import patient_by_mrn

app = typer.Typer()


class Format(StrEnum):
    """The formats, as they are typed."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


@app.command(epilog="Example: wardbook course --mrn 4711 --as-of 2026-03-01T08:00:00+01:00")
def course(
    stay: Annotated[str | None, typer.Option(help="Of the stay with this id.")] = None,
    mrn: Annotated[str | None, typer.Option(help="Of all stays of this patient.")] = None,
    format: Annotated[Format, typer.Option(help="HTML for print, JSON or CSV.")] = Format.HTML,
    json: Json = False,
    csv: Csv = False,
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    purpose: For = Purpose.TREATMENT,
) -> None:
    """Print the course of a stay, or of all stays of a patient, as a document."""
    if (stay is None) == (mrn is None):
        stop("Name a stay by --stay or a patient by --mrn.", ExitCode.USAGE)
    format = chosen_format(format, json=json, csv=csv)
    known_moment = moment(known_at, "--known-at")
    configuration = settings()
    zone, database = open_hospital(configuration)

    def imprint(at: AsOf, printed_at: datetime) -> Imprint:
        return Imprint(
            hospital=configuration.hospital_name or configuration.hospital,
            time_zone=zone.key,
            as_of=at.as_of,
            known_at=known_moment or printed_at,
            printed_at=printed_at,
            printed_by=Login.of(asdict(operator())),
            purpose=purpose.value,
        )

    async def ask(engine: AsyncEngine, at: AsOf) -> Course | None:
        head = imprint(at, now())
        async with engine.connect() as connection:
            if stay is not None:
                document = await course_of_stay(connection, _id(stay), at, head)
            else:
                authority = configuration.mrn_authority
                patient = await patient_by_mrn(connection, mrn or "", authority, at)
                if patient is None:
                    return None
                document = await course_of_person(connection, patient.patient, at, head)
        if document is not None:
            document.record_access(at)
        return document

    answer = run_query(database, "course", purpose, ask, as_of, known_at)
    if answer is None:
        subject = f"stay {stay!r}" if stay is not None else f"patient with MRN {mrn!r}"
        stop(f"There is no {subject}{' then' if as_of or known_at else ''}.")
    text = render(answer, CourseFormat(format.upper()))
    if format is Format.JSON:
        as_json(loads(text))
        return
    sys.stdout.write(text)


def _id(text: str) -> UUID:
    """Return an id, or one that names nothing."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
