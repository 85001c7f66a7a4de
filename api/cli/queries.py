"""Commands that ask: timeline, occupancy, and who read whose data."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, TypeVar
from zoneinfo import ZoneInfo

import typer
from rich.table import Table
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.imports import fill
from api.cli.terminal import as_json, moment, operator, out, settings, stop
from api.errors import ExitCode
from application.authorization.roles import Purpose
from infrastructure.access_log import AccessRecord, AccessView, accesses_page, write
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrate import check_migrated
from infrastructure.queries import log as moments
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import patient_by_mrn, patients_by_id, records_of
from infrastructure.read_models.timeline.queries import EntryView, Reading, timeline_page
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
    """What happened to a patient, in the order in which it happened."""
    chosen = settings()
    zone, database = opened(chosen)

    async def ask(engine: AsyncEngine, at: AsOf) -> list[tuple[EntryView, str]] | None:
        async with engine.connect() as connection:
            who = await patient_by_mrn(connection, mrn, chosen.mrn_authority, at)
            if who is None:
                return None
            at.record_access(who.patient)
            entries: list[EntryView] = []
            records = await records_of(connection, who.patient, at)
            after: tuple[object, int] | None = None
            while True:
                page = await timeline_page(
                    connection, at, PAGE, after, reading=read, patients=records
                )
                entries += page
                if len(page) < PAGE:
                    break
                last = page[-1]
                told_at = last.recorded_position if read is Reading.RECORD else last.occurred_at
                after = told_at, last.position
            words = await summaries(connection, entries, at)
            return [(entry, words[entry.entry]) for entry in entries]

    told = answered(database, "timeline", purpose, ask, as_of, known_at)
    if told is None:
        stop(f"There is no patient with MRN {mrn!r} as known then.")
    if not doses:
        told = [t for t in told if t[0].kind != "PRESCRIPTION_ADMINISTRATION_RECORDED"]
    if json:
        as_json([{**asdict(entry), "summary": summary} for entry, summary in told])
        return
    table = Table("happened", "recorded", "what", "by", title=f"Timeline of {mrn}")
    for entry, summary in told:
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
    """Who lies where: every bed, as of a moment, as known at another."""
    zone, database = opened(settings())

    async def ask(engine: AsyncEngine, at: AsOf) -> list[list[str]]:
        async with engine.connect() as connection:
            rooms = await board(connection, at, ward)
            lying = [o.patient for room in rooms for bed in room.beds for o in bed.occupants]
            people = await patients_by_id(connection, lying, at)
        for patient in people:
            at.record_access(patient)
        rows = []
        for room in rooms:
            for bed in room.beds:
                who = ", ".join(
                    f"{people[o.patient].mrn} {people[o.patient].family_name or '(unknown)'}"
                    for o in bed.occupants
                    if o.patient in people
                )
                since = bed.occupant.since if bed.occupant else bed.spell and bed.spell.since
                reason = (bed.spell and bed.spell.reason) or ""
                where = [room.room.ward, room.room.number, bed.code, bed.state.value]
                rows.append([*where, who or reason, _local(since, zone) if since else ""])
        return rows

    rows = answered(database, "occupancy", purpose, ask, as_of, known_at)
    names = ("ward", "room", "bed", "state", "who or why", "since")
    if json:
        as_json([dict(zip(names, row, strict=True)) for row in rows])
        return
    table = Table(*names, title="Occupancy")
    for row in rows:
        table.add_row(*row)
    out.print(table)
    taken = sum(row[3] in ("OCCUPIED", "KEPT") for row in rows)
    out.print(f"{taken} of {len(rows)} beds are taken.")


@app.command()
def accesses(
    mrn: Annotated[str | None, typer.Option(help="Of this patient's data.")] = None,
    subject: Annotated[str | None, typer.Option(help="By this login.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Not before this moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this moment.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The latest so many.")] = 1_000,
    json: Json = False,
) -> None:
    """Who read whose data, the latest first. Of one patient: what may be handed to the patient."""
    chosen = settings()
    zone, database = opened(chosen)

    async def ask(engine: AsyncEngine, at: AsOf) -> list[tuple[AccessView, str]] | None:
        async with engine.connect() as connection:
            records = None
            if mrn is not None:
                who = await patient_by_mrn(connection, mrn, chosen.mrn_authority, at)
                if who is None:
                    return None
                records = await records_of(connection, who.patient, at)
            found = await accesses_page(
                connection,
                patients=records,
                subject=subject,
                since=moment(since, "--from"),
                until=moment(until, "--to"),
                first=limit,
            )
            people = await patients_by_id(connection, list({a.patient for a in found}), at)
        for access in found:
            at.record_access(access.patient)
        return [(a, people[a.patient].mrn if a.patient in people else "?") for a in found]

    told = answered(database, "accesses", Purpose.LEGAL, ask)
    if told is None:
        stop(f"There is no patient with MRN {mrn!r}.")
    if json:
        as_json([{**asdict(access), "mrn": of} for access, of in told])
        return
    table = Table("at", "who", "role", "read", "of", "for", "", title="Accesses")
    for access, of in told:
        who_read = f"{access.subject} ({access.issuer})"
        glass = "BROKE THE GLASS" if access.broke_glass else ""
        at_local = _local(access.at, zone)
        row = (at_local, who_read, access.role, access.operation, of, access.purpose, glass)
        table.add_row(*row)
    out.print(table)


def opened(chosen: Settings) -> tuple[ZoneInfo, Database]:
    """The hospital's time zone, and its database with read models that are up to date."""
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


def answered(
    database: Database,
    operation: str,
    purpose: Purpose,
    question: Callable[[AsyncEngine, AsOf], Awaitable[T]],
    as_of: str | None = None,
    known_at: str | None = None,
) -> T:
    """The answer to a question. Whose data it shows is recorded first."""

    async def run() -> T:
        engine = database.async_engine(pool_size=2)
        try:
            here = await moments.log_status(engine)
            known = here.position
            asked = moment(known_at, "--known-at")
            if asked is not None:
                if asked > here.now:
                    stop("--known-at lies in the future.", ExitCode.USAGE)
                known = await moments.position_at(engine, asked)
            at = AsOf(moment(as_of, "--as-of") or here.now, known)
            told = await question(engine, at)
            if shown := at.viewer.flush():
                await write(
                    engine, [AccessRecord(operator(), f"wardbook {operation}", purpose, shown)]
                )
            return told
        finally:
            await engine.dispose()

    return asyncio.run(run())


def known_position(database: Database, known_at: str | None) -> int:
    """The log position at which the record is asked."""

    async def known(engine: AsyncEngine, at: AsOf) -> int:
        return at.known

    return answered(database, "report", Purpose.QUALITY, known, known_at=known_at)


def _fate(entry: EntryView) -> str:
    """What became of a fact, where it is not simply held true."""
    if entry.status != "TRUE":
        return f" [{entry.status.lower()}]"
    return " [corrected entry]" if entry.corrects else ""


def _local(at: datetime, zone: ZoneInfo) -> str:
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M")
