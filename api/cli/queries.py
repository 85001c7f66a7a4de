"""The commands ``timeline``, ``occupancy`` and ``accesses``: queries as of two moments."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.imports import fill
from api.cli.terminal import as_json, moment, operator, out, settings, stop, table_of
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from infrastructure.access_log import AccessRecord, AccessView, accesses_page, write
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import check_migrated
from infrastructure.queries import log as log_queries
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.named import ward_named
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import patient_by_mrn, patients_by_id, records_of
from infrastructure.read_models.timeline.queries import EntryView, Reading, place, timeline_page
from infrastructure.settings import Settings

app = typer.Typer()
T = TypeVar("T")

AsOfOption = Annotated[str | None, typer.Option(help="As of this moment (ISO 8601 with offset).")]
KnownAt = Annotated[str | None, typer.Option(help="As known at this moment.")]
For = Annotated[Purpose, typer.Option("--purpose", help="What it is read for; recorded.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]

PAGE = 1_000


@app.command()
def timeline(
    mrn: Annotated[str, typer.Argument(help="The patient's medical record number.")],
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    json: Json = False,
    read: Annotated[
        Reading, typer.Option(help="TRUTH: what is held so. RECORD: in the order of knowing.")
    ] = Reading.ALL,
    doses: Annotated[bool, typer.Option(help="Show single doses too.")] = True,
    purpose: For = Purpose.TREATMENT,
) -> None:
    """List what happened to a patient, in the order in which it happened."""
    configuration = settings()
    zone, database = open_hospital(configuration)

    async def ask(engine: AsyncEngine, at: AsOf) -> list[tuple[EntryView, str]] | None:
        async with engine.connect() as connection:
            patient = await patient_by_mrn(connection, mrn, configuration.mrn_authority, at)
            if patient is None:
                return None
            at.record_access(patient.patient)
            entries: list[EntryView] = []
            records = await records_of(connection, patient.patient, at)
            after: tuple[object, ...] | None = None
            while True:
                page = await timeline_page(
                    connection, at, PAGE, after, reading=read, patients=records
                )
                entries += page
                if len(page) < PAGE:
                    break
                after = place(page[-1], read)
            texts = await summaries(connection, entries, at)
            return [(entry, texts[entry.entry]) for entry in entries]

    summarized = run_query(database, "timeline", purpose, ask, as_of, known_at)
    if summarized is None:
        stop(f"There is no patient with MRN {mrn!r} as known then.")
    if not doses:
        summarized = [e for e in summarized if e[0].kind != "PRESCRIPTION_ADMINISTRATION_RECORDED"]
    if json:
        as_json([{**asdict(entry), "summary": summary} for entry, summary in summarized])
        return
    table = table_of("happened", "recorded", "what", "by", title=f"Timeline of {mrn}")
    for entry, summary in summarized:
        late = " late" if entry.late else ""
        table.add_row(
            _local(entry.occurred_at, zone),
            _local(entry.recorded_at, zone) + late,
            summary + _fate(entry),
            entry.performed_by or entry.recorded_by["subject"],
        )
    out.print(table)


@app.command()
def occupancy(
    ward: Annotated[str | None, typer.Option(help="This ward only.")] = None,
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    json: Json = False,
    purpose: For = Purpose.TREATMENT,
) -> None:
    """List every bed and who lies in it, as of a moment, as known at another."""
    zone, database = open_hospital(settings())

    async def ask(engine: AsyncEngine, at: AsOf) -> list[list[str]]:
        async with engine.connect() as connection:
            name = None if ward is None else await ward_named(connection, ward)
            rooms = await board(connection, at, name)
            patients = [o.patient for room in rooms for bed in room.beds for o in bed.occupants]
            views = await patients_by_id(connection, patients, at)
        for patient in views:
            at.record_access(patient)
        rows = []
        for room in rooms:
            for bed in room.beds:
                occupants = ", ".join(
                    f"{views[o.patient].mrn} {views[o.patient].family_name or '(unknown)'}"
                    for o in bed.occupants
                    if o.patient in views
                )
                since = bed.occupant.since if bed.occupant else bed.spell and bed.spell.since
                reason = (bed.spell and bed.spell.reason) or ""
                place = [room.room.ward, room.room.number, bed.code, bed.state.value]
                rows.append(
                    [
                        *place,
                        occupants or reason,
                        _local(since, zone) if since else "",
                    ]
                )
        return rows

    rows = run_query(database, "occupancy", purpose, ask, as_of, known_at)
    names = ("ward", "room", "bed", "state", "who or why", "since")
    if json:
        as_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = table_of(*names, title="Occupancy")
    for row in rows:
        table.add_row(*row)
    out.print(table)
    beds_in_use = sum(row[3] in ("OCCUPIED", "KEPT") for row in rows)
    out.print(f"{beds_in_use} of {len(rows)} beds are taken.")


@app.command()
def accesses(
    mrn: Annotated[str | None, typer.Option(help="Of this patient's data.")] = None,
    subject: Annotated[str | None, typer.Option(help="By this login.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Not before this moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this moment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 1_000,
    json: Json = False,
) -> None:
    """List who read whose data, the latest first. Of one patient: what may be handed to the patient."""
    configuration = settings()
    zone, database = open_hospital(configuration)

    async def ask(engine: AsyncEngine, at: AsOf) -> list[tuple[AccessView, str]] | None:
        async with engine.connect() as connection:
            records = None
            if mrn is not None:
                patient = await patient_by_mrn(connection, mrn, configuration.mrn_authority, at)
                if patient is None:
                    return None
                records = await records_of(connection, patient.patient, at)
            accesses_read = await accesses_page(
                connection,
                patients=records,
                subject=subject,
                since=moment(since, "--from"),
                until=moment(until, "--to"),
                first=limit,
            )
            views = await patients_by_id(
                connection, list({a.patient for a in accesses_read if a.patient}), at
            )
        for access in accesses_read:
            if access.patient is not None:
                at.record_access(access.patient)
        mrns = {patient: view.mrn for patient, view in views.items()}
        return [(a, mrns.get(a.patient, "?") if a.patient else "") for a in accesses_read]

    rows = run_query(database, "accesses", Purpose.LEGAL, ask)
    if rows is None:
        stop(f"There is no patient with MRN {mrn!r}.")
    if json:
        as_json([{**asdict(access), "mrn": of} for access, of in rows])
        return
    table = table_of("at", "who", "role", "read", "of", "for", "", title="Accesses")
    for access, of in rows:
        login = f"{access.subject} ({access.issuer})"
        glass = "BROKE THE GLASS" if access.broke_glass else ""
        at_local = _local(access.at, zone)
        row = (at_local, login, access.role, access.operation, of, access.purpose, glass)
        table.add_row(*row)
    out.print(table)


def open_hospital(chosen: Settings) -> tuple[ZoneInfo, Database]:
    """Return the hospital's time zone, and its database with read models that are up to date."""
    database = Database.of(chosen)
    if database.is_empty():
        stop("There is no hospital here yet: run wardbook serve, demo or import.")
    check_migrated(database)
    database.open_log()
    fill(database)
    the_hospital = hospital(chosen, database)
    try:
        return the_hospital.zone(), database
    finally:
        the_hospital.close()


def run_query(
    database: Database,
    operation: str,
    purpose: Purpose,
    question: Callable[[AsyncEngine, AsOf], Awaitable[T]],
    as_of: str | None = None,
    known_at: str | None = None,
    entity: str | None = None,
) -> T:
    """Return the answer to a question; first record in the access log whose data it shows.

    ``entity``: what is asked, where it is to be recorded though it shows nobody by name.
    """

    async def run() -> T:
        engine = database.async_engine(pool_size=2)
        try:
            log = await log_queries.log_status(engine)
            position = log.position
            known_moment = moment(known_at, "--known-at")
            if known_moment is not None:
                if known_moment > log.now:
                    stop("--known-at lies in the future.", ExitCode.USAGE)
                position = await log_queries.position_at(engine, known_moment)
            at = AsOf(moment(as_of, "--as-of") or log.now, position)
            response = await question(engine, at)
            patients = at.viewer.flush()
            if patients or entity:
                reading = AccessRecord(
                    operator(),
                    f"wardbook {operation}",
                    purpose,
                    patients,
                    entity=entity,
                    resources=at.viewer.flush_resources(),
                    as_of=moment(as_of, "--as-of"),
                    known_at=known_moment,
                )
                await write(engine, [reading])
            return response
        finally:
            await engine.dispose()

    return asyncio.run(run())


def known_position(
    database: Database, known_at: str | None, ward: str | None = None, report: str | None = None
) -> tuple[int, str | None]:
    """Return the log position that a query is answered at, and a ward's name as it is stored.

    ``report``: what is read of it, for the access log.
    """

    async def known(engine: AsyncEngine, at: AsOf) -> tuple[int, str | None]:
        async with engine.connect() as connection:
            return at.known, None if ward is None else await ward_named(connection, ward)

    return run_query(database, "report", Purpose.QUALITY, known, known_at=known_at, entity=report)


def _fate(entry: EntryView) -> str:
    """Return the status of an entry that is not simply true."""
    if entry.status != "TRUE":
        return f" [{entry.status.lower()}]"
    return " [corrected entry]" if entry.corrects else ""


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
