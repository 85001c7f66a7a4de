"""The commands ``timeline``, ``occupancy`` and ``accesses``: queries as of two moments."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.filling import fill
from api.cli.terminal import (
    Csv,
    Json,
    err,
    moment,
    operator,
    out,
    print_rows,
    settings,
    stop,
)
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from infrastructure.access_log import NOBODY_SHOWN, AccessRecord, AccessView, accesses_page, write
from infrastructure.postgres.database import Database
from infrastructure.postgres.migrated import check_migrated
from infrastructure.queries import log as log_queries
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.hospital_time import zone_of
from infrastructure.queries.named import ward_named
from infrastructure.queries.timeline_summaries import summaries
from infrastructure.read_models.bed_uses import BedView, BoardRoom
from infrastructure.read_models.occupancy import board
from infrastructure.read_models.patients import (
    PatientView,
    patient_by_mrn,
    patients_by_id,
    records_of,
)
from infrastructure.read_models.timeline.queries import (
    EntryView,
    Reading,
    TimelineCriteria,
    place,
    timeline_page,
)
from infrastructure.settings import Settings

app = typer.Typer()
T = TypeVar("T")

AsOfOption = Annotated[str | None, typer.Option(help="As of this moment (ISO 8601 with offset).")]
KnownAt = Annotated[str | None, typer.Option(help="As known at this moment.")]
For = Annotated[Purpose, typer.Option("--purpose", help="What it is read for; recorded.")]

PAGE = 1_000


@app.command(epilog="Example: wardbook timeline 4711 --known-at 2026-03-01T08:00:00+01:00")
def timeline(
    mrn: Annotated[str, typer.Argument(help="The patient's medical record number.")],
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    json: Json = False,
    csv: Csv = False,
    read: Annotated[
        Reading,
        typer.Option(
            help="ALL: with corrections. TRUTH: only what holds. RECORD: in the order of recording."
        ),
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
                    connection, at, PAGE, after, TimelineCriteria(read), patients=records
                )
                entries += page
                if len(page) < PAGE:
                    break
                after = place(page[-1], read)
            texts = await summaries(connection, entries, at, zone)
            return [(entry, texts[entry.entry]) for entry in entries]

    views = run_query(database, "timeline", purpose, ask, as_of, known_at)
    if views is None:
        stop(f"There is no patient with MRN {mrn!r}{' as known then' if known_at else ''}.")
    if not doses:
        views = [e for e in views if e[0].kind != "PRESCRIPTION_ADMINISTRATION_RECORDED"]
    print_rows(
        [_entry(entry, summary) for entry, summary in views],
        {
            "occurredAt": "occurredAt",
            "recordedAt": "recordedAt",
            "late": lambda row: "late" if row["late"] else "",
            "summary": "summary",
            "status": _fate,
            "by": lambda row: row["performedBy"] or row["recordedBy"]["subject"],
        },
        json=json,
        csv=csv,
        title=f"Timeline of {mrn}",
        zone=zone,
    )


@app.command(epilog="Example: wardbook occupancy --ward Surgery --csv")
def occupancy(
    ward: Annotated[str | None, typer.Option(help="This ward only.")] = None,
    as_of: AsOfOption = None,
    known_at: KnownAt = None,
    json: Json = False,
    csv: Csv = False,
    purpose: For = Purpose.TREATMENT,
) -> None:
    """List every bed and who lies in it, as of a moment, as known at another."""
    zone, database = open_hospital(settings())

    async def ask(engine: AsyncEngine, at: AsOf) -> list[dict[str, Any]]:
        async with engine.connect() as connection:
            name = None if ward is None else await ward_named(connection, ward)
            rooms = await board(connection, at, name)
            patients = [o.patient for room in rooms for bed in room.beds for o in bed.occupants]
            views = await patients_by_id(connection, patients, at)
        for patient in views:
            at.record_access(patient)
        return [_bed(room, bed, views) for room in rooms for bed in room.beds]

    rows = run_query(database, "occupancy", purpose, ask, as_of, known_at)
    print_rows(
        rows,
        {
            **{name: name for name in ("ward", "room", "bed", "state")},
            "occupants": lambda row: ", ".join(
                f"{o['mrn']} {o['familyName'] or '(unknown)'}" for o in row["occupants"]
            ),
            "reason": "reason",
            "since": "since",
        },
        json=json,
        csv=csv,
        title="Occupancy",
        zone=zone,
    )
    if not json and not csv:
        beds_in_use = sum(row["state"] in ("OCCUPIED", "KEPT") for row in rows)
        out.print(f"{beds_in_use} of {len(rows)} beds are taken.")


@app.command(epilog="Example: wardbook accesses --mrn 4711 --from 2026-03-01T00:00:00+01:00")
def accesses(
    mrn: Annotated[str | None, typer.Option(help="Of this patient's data.")] = None,
    subject: Annotated[str | None, typer.Option(help="By this login.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="Not before this moment.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="Before this moment.")] = None,
    limit: Annotated[
        int, typer.Option(min=1, max=1_000_000_000, help="The latest so many.")
    ] = 1_000,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """List who read whose data, the latest first. Of one patient: what may be handed to the patient."""
    begin, end = moment(since, "--from"), moment(until, "--to")
    if begin and end and end <= begin:
        stop("--to has to lie after --from.", ExitCode.USAGE)
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
                since=begin,
                until=end,
                first=limit + 1,
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
    if len(rows) > limit:
        err.print(f"There are more than these {limit:,}: name a greater --limit, or a time.")
    print_rows(
        [_access(access, of) for access, of in rows[:limit]],
        {
            "at": "at",
            "who": lambda row: f"{row['subject']} ({row['issuer']})",
            **{name: name for name in ("role", "operation", "mrn", "purpose")},
            "brokeGlass": lambda row: "BROKE THE GLASS" if row["brokeGlass"] else "",
        },
        json=json,
        csv=csv,
        title="Accesses",
        zone=zone,
    )


def open_hospital(chosen: Settings) -> tuple[ZoneInfo, Database]:
    """Return the hospital's time zone, and its database with read models that are up to date."""
    database = Database.of(chosen)
    if database.is_empty():
        stop(
            "There is no hospital here yet: run wardbook serve, simulate or import. The demo's is asked"
            " with wardbook --demo."
        )
    check_migrated(database)
    database.open_log()
    fill(database)
    return zone_of(database, chosen.hospital), database


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
            is_nobody = response is None and not patients and entity is None
            if patients or entity or is_nobody:
                reading = AccessRecord(
                    operator(),
                    f"wardbook {operation}",
                    purpose,
                    patients,
                    entity=NOBODY_SHOWN if is_nobody else entity,
                    resources=at.viewer.flush_resources(),
                    as_of=moment(as_of, "--as-of"),
                    known_at=known_moment,
                )
                await write(engine, [reading])
            return response
        finally:
            await engine.dispose()

    return asyncio.run(run())


def record_reading(database: Database, readings: Sequence[AccessRecord]) -> None:
    """Record what the operator reads, before it is shown."""

    async def run() -> None:
        engine = database.async_engine(pool_size=1)
        try:
            await write(engine, readings)
        finally:
            await engine.dispose()

    asyncio.run(run())


def record_publication(database: Database, command: str, entity: str) -> None:
    """Record that the operator has a command tell another system of all patients."""
    by = operator()
    record_reading(database, [AccessRecord(by, command, Purpose.ADMINISTRATION, (), entity=entity)])


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


def _entry(entry: EntryView, summary: str) -> dict[str, Any]:
    """Return an entry of a timeline with the names of GraphQL."""
    fields = asdict(entry)
    names = {
        "id": fields.pop("entry"),
        **{f"{name}_id": fields.pop(name) for name in ("patient", "stay", "subject", "movement")},
        "occurred_at_precision": fields.pop("precision"),
        "position": fields.pop("recorded_position"),
    }
    fields.pop("first_position")
    data = fields.pop("data")
    return {**_camel({**fields, **names}), "summary": summary, "data": data}


def _bed(room: BoardRoom, bed: BedView, patients: Mapping[UUID, PatientView]) -> dict[str, Any]:
    spell, occupant = bed.spell, bed.occupant
    return {
        "ward": room.room.ward,
        "room": room.room.number,
        "bed": bed.code,
        "state": bed.state.value,
        "since": occupant.since if occupant else spell and spell.since,
        "reason": None if occupant or not spell else spell.reason,
        "occupants": [
            {
                "mrn": patients[o.patient].mrn,
                "familyName": patients[o.patient].family_name,
                "stayId": o.stay,
                "since": o.since,
            }
            for o in bed.occupants
            if o.patient in patients
        ],
    }


def _access(access: AccessView, mrn: str) -> dict[str, Any]:
    """Return an access with the names of GraphQL."""
    fields = asdict(access)
    names = {"patient_id": fields.pop("patient"), "patients_shown": fields.pop("shown")}
    return {**_camel({**fields, **names}), "mrn": mrn or None}


def _camel(value: Any) -> Any:
    """Return objects with the names of their fields in camelCase."""
    if isinstance(value, dict):
        return {_camel_case(name): _camel(member) for name, member in value.items()}
    return value


def _camel_case(name: str) -> str:
    """Return a field's name in GraphQL; GraphQL itself is not imported for it."""
    first, *others = name.split("_")
    return first + "".join(other.capitalize() for other in others)


def _fate(entry: Mapping[str, Any]) -> str:
    """Return the status of an entry that is not simply true."""
    if entry["status"] != "TRUE":
        return str(entry["status"]).lower()
    return "corrected entry" if entry["corrects"] else ""
