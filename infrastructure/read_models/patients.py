"""Patients read model: details, death and merges of the records of patients."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from itertools import chain
from typing import Any
from uuid import UUID

from msgspec import Struct
from sqlalchemy import (
    ARRAY,
    Column,
    Date,
    DateTime,
    Index,
    MetaData,
    Select,
    String,
    Table,
    Uuid,
    case,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.allergies import ALLERGIES
from domain.envelope import REDACTED
from domain.names import name_letters, name_order, prefixes
from domain.patient import Details, Patient
from domain.patient_events import Confidentiality, strictest
from domain.text import code, key, number_key
from domain.time import Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, columns, view
from infrastructure.queries.compiled import CompiledStatement, by_id, equals, is_one_of, parameter
from infrastructure.queries.row_security import held
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="patients_v4")
patients = bitemporal_table(
    "patients",
    metadata,
    "patient",
    Column("mrn", String, nullable=False),
    Column("mrn_authority", String, nullable=False),
    Column("family_name", String),
    Column("given_name", String),
    Column("birth_date", Date),
    Column("sex", String, nullable=False),
    Column("confidentiality", String, nullable=False),
    Column("died_at", DateTime(timezone=True)),
    Column("merged_into", Uuid),
    Column("mrn_key", String, nullable=False),
    Column("former_keys", ARRAY(String), nullable=False),
    Column("prefixes", ARRAY(String), nullable=False),
    Column("name_letters", String),
    Column("name_order", String, nullable=False),
    visibility="patient",
    find_by=("mrn_key", "merged_into", "name_letters", "birth_date"),
    has_valid_time_boundaries=True,
)
FOUND_BY = ("mrn_key", "former_keys", "prefixes", "name_letters", "name_order")
"""Columns by which patients are found and listed, and that no view shows."""

COLUMNS = (
    *columns(patients, *FOUND_BY),
    func.nullif(func.lower(patients.c.during), literal_column("'-infinity'::timestamptz")),
)
"""The columns of a view; the last one is NULL where a patient always was so."""

NAME = (patients.c.name_order, patients.c.patient)
BIRTH = (
    func.coalesce(patients.c.birth_date, literal_column("'2999-12-31'::date", Date)),
    patients.c.patient,
)
"""The order of birth dates; those without one last."""
Index("patients_name", *NAME)
Index("patients_birth", *BIRTH)
Index("patients_prefixes", patients.c.prefixes, postgresql_using="gin")
Index("patients_former_keys", patients.c.former_keys, postgresql_using="gin")


class Patients(AggregateProjection[Patient]):
    """Projection of patients: a row for each period in which neither details nor death changed."""

    name = "patients"
    metadata = metadata
    kind = Patient
    unfolded = ALLERGIES

    def rows(self, patient: Patient, event: Event) -> dict[Table, Rows]:
        rows: Rows = {}
        is_redacted = patient.mrn == REDACTED  # nobody finds who was erased by that word
        for period, details in patient.periods():
            values = {
                "mrn": patient.mrn,
                "mrn_authority": patient.mrn_authority,
                "family_name": details.family_name,
                "given_name": details.given_name,
                "birth_date": details.birth_date,
                "sex": details.sex.value,
                "confidentiality": details.confidentiality.value,
                "died_at": None,
                "merged_into": patient.merged_into,
                "mrn_key": "" if is_redacted else number_key(patient.mrn),
                "former_keys": sorted({_former_key(*number) for number in patient.former_numbers}),
                "prefixes": [] if is_redacted else _prefixes(patient, details),
                "name_letters": None
                if is_redacted
                else name_letters(details.family_name, details.given_name),
                "name_order": name_order(details.family_name, details.given_name),
            }
            death = patient.died_at
            if death is None or death > period.start:
                alive = period if death is None else period.until(death)
                rows[patient.id, alive.start] = (alive, values)
            if death is not None and (period.end is None or death < period.end):
                dead = Period(max(death, period.start), period.end)
                rows[patient.id, dead.start] = (dead, {**values, "died_at": death})
        return {patients: rows}


def _prefixes(patient: Patient, details: Details) -> list[str]:
    """Return the beginnings of the words by which a patient is found, former numbers among them."""
    names, numbers = (details.family_name, details.given_name), [patient.mrn]
    numbers += [number for _, number in patient.former_numbers]
    words = chain(*(prefixes(*names, number, details.birth_date) for number in numbers))
    return sorted(set(words))


class PatientView(Struct, frozen=True):
    """A patient as held at a moment."""

    patient: UUID
    mrn: str
    mrn_authority: str
    family_name: str | None
    given_name: str | None
    birth_date: date | None
    sex: str
    confidentiality: str
    died_at: datetime | None
    merged_into: UUID | None
    since: datetime | None = None


_patients_by_id = by_id(
    lambda at: select(*COLUMNS).where(
        is_one_of(patients.c.patient, "ids"), at.holds_as_filter(patients)
    )
)


@reads(patients)
async def patients_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, PatientView]:
    """Return patients by their ids."""
    rows = await _patients_by_id(connection, ids, at)
    return {row.patient: view(PatientView, row) for row in rows}


_by_mrn = CompiledStatement(
    lambda at: select(*COLUMNS).where(
        equals(patients.c.mrn_key, "mrn_key"), at.holds_as_filter(patients)
    )
)

_by_former_mrn = CompiledStatement(
    lambda at: select(*COLUMNS).where(
        patients.c.former_keys.bool_op("@>")(parameter("former_keys", ARRAY(String))),
        at.holds_as_filter(patients),
    )
)


def _former_key(authority: str, mrn: str) -> str:
    """Return the comparison key of a former number."""
    return f"{key(authority)} {number_key(mrn)}"


@reads(patients)
async def patient_by_mrn(
    connection: AsyncConnection, mrn: str, authority: str, at: AsOf
) -> PatientView | None:
    """Return a patient by the MRN of an authority, in whatever spelling it is typed.

    A former number still names who had it, as long as nobody else has it, or had it too. A log from
    before spellings were compared may have two: the one that is spelled so, or the first.
    """
    rows = await _by_mrn.execute(connection, at, mrn_key=number_key(mrn))
    views = [view(PatientView, row) for row in rows]
    views = [v for v in views if key(v.mrn_authority) == key(authority)]
    if not views:
        former_keys = [_former_key(authority, mrn)]
        former = (await _by_former_mrn.execute(connection, at, former_keys=former_keys)).all()
        return view(PatientView, former[0]) if len(former) == 1 else None
    return min(
        views,
        key=lambda v: (v.mrn != mrn, v.mrn != code(mrn), v.mrn, v.patient),
        default=None,
    )


_linked = by_id(
    lambda at: select(patients.c.patient, patients.c.merged_into).where(
        or_(is_one_of(patients.c.patient, "ids"), is_one_of(patients.c.merged_into, "ids")),
        patients.c.merged_into.is_not(None),
        at.holds_as_filter(patients),
    )
)


@reads(patients)
async def records_of(connection: AsyncConnection, patient: UUID, at: AsOf) -> list[UUID]:
    """Return all records of the person of a record, as the merges were known; itself first."""
    return (await records_of_each(connection, [patient], at))[patient]


@reads(patients)
async def records_of_each(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[UUID]]:
    """Return all records of the persons of some records, by record, each itself first.

    Sends as many statements as the longest chain of merges has steps.
    """
    links: defaultdict[UUID, set[UUID]] = defaultdict(set)
    new = set(ids)
    before: set[UUID] = set()
    while new:
        before |= new
        for record, other in await _linked(connection, list(new), at):
            links[record].add(other)
            links[other].add(record)
        new = links.keys() - before
    return {id: _linked_records(id, links) if links and id in links else [id] for id in ids}


def _linked_records(id: UUID, links: Mapping[UUID, Collection[UUID]]) -> list[UUID]:
    """Return all records that a record is linked with, itself first, always in the same order."""
    records = [id]
    for record in records:  # grows while it is walked
        records += sorted(other for other in links[record] if other not in records)
    return records


def linked_with(records: Select[Any], at: AsOf) -> Select[Any]:
    """Compose all records of the persons of some records (``id``), for a condition of a query."""
    link, person = patients.alias("link"), records.cte("person", recursive=True, nesting=True)
    is_linked = or_(link.c.patient == person.c.id, link.c.merged_into == person.c.id)
    other = case((link.c.patient == person.c.id, link.c.merged_into), else_=link.c.patient)
    others = select(other).where(
        link.c.merged_into.is_not(None), is_linked, held(link, at.as_of, at.known).is_(True)
    )
    person = person.union(others)
    return select(person.c.id).correlate_except(person)


@reads(patients)
async def other_records_of(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, list[PatientView]]:
    """Return the other records of the persons of some records, by record."""
    records = await records_of_each(connection, ids, at)
    others = {id: of_person[1:] for id, of_person in records.items()}
    views = await patients_by_id(connection, list(set(chain(*others.values()))), at)
    return {id: [views[o] for o in of_id if o in views] for id, of_id in others.items()}


@reads(patients, records_of_each)
async def deaths_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, datetime]:
    """Return the times of death of the persons of some records, by record, whichever has the death."""
    records = await records_of_each(connection, ids, at)
    first_deaths = await _deaths(connection, list(set(chain(*records.values()))), at)
    deaths = {row.patient: row.died_at for row in first_deaths}
    times = {id: [deaths[r] for r in of_id if r in deaths] for id, of_id in records.items()}
    return {id: min(moments) for id, moments in times.items() if moments}


@reads(patients, records_of_each)
async def labels_of_persons(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, str]:
    """Return the strictest confidentiality label of the persons of some records, by record."""
    records = await records_of_each(connection, ids, at)
    rows = await _labels(connection, list(set(chain(*records.values()))), at)
    labels = {row.patient: row.confidentiality for row in rows}
    persons = [of_id for of_id in records.values() if len(of_id) > 1]
    for of_id in persons:
        held_labels = [Confidentiality(labels[r]) for r in of_id if r in labels]
        if held_labels:
            labels[of_id[0]] = strictest(held_labels).value
    return {id: labels[id] for id in records if id in labels}


_labels = by_id(
    lambda at: select(patients.c.patient, patients.c.confidentiality).where(
        is_one_of(patients.c.patient, "ids"), at.holds_as_filter(patients)
    )
)

_deaths = by_id(
    lambda at: select(patients.c.patient, patients.c.died_at).where(
        is_one_of(patients.c.patient, "ids"),
        patients.c.died_at.is_not(None),
        at.holds_as_filter(patients),
    )
)
