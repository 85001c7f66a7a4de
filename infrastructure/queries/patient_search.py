"""Search of patients: by words, birth date, sex and presence, and for those who are likely the same."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Date,
    Integer,
    Select,
    String,
    and_,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.described_enum import DescribedEnum
from domain.names import are_alike, name_letters, name_runs
from domain.patient import Sex
from infrastructure.queries.as_of import AsOf, view
from infrastructure.queries.compiled import CompiledStatement, equals, literal_values, parameter
from infrastructure.queries.keyset import KeysetOrder, Place
from infrastructure.queries.row_security import held
from infrastructure.queries.tables_read import reads
from infrastructure.queries.word_search import word_filters, word_values
from infrastructure.read_models.patients import (
    BIRTH,
    COLUMNS,
    NAME,
    PatientView,
    linked_with,
    patients,
)
from infrastructure.read_models.stays import OPEN, stays

CANDIDATES = 500
"""Records that are compared with a name, at most."""

FEW = 1_000
"""Matches of a search that are sorted at once."""

SHORT = 3
"""Letters or digits of a word that is expected to find more than that."""

PASSED = 4_000
"""Rows of a list that are passed through before more matches than that are sorted."""

LIKELY_DUPLICATES = 20
"""Records that are told to be likely of one person, at most."""


@dataclass(frozen=True, slots=True)
class PatientCriteria:
    """Criteria for a list of patients; without any, all of them."""

    search: str | None = None
    born_from: date | None = None
    born_until: date | None = None
    sex: str | None = None
    in_house: bool = False


class PatientOrder(DescribedEnum):
    """The order of patients."""

    NAME = "NAME", "By family name, then given name; accents and case place nobody elsewhere."
    BIRTH_DATE = "BIRTH_DATE", "The eldest first; those without a birth date last."
    MRN = "MRN", "By medical record number, compared as text without leading zeros."


ORDERS = {
    PatientOrder.NAME: KeysetOrder(*NAME),
    PatientOrder.BIRTH_DATE: KeysetOrder(*BIRTH),
    PatientOrder.MRN: KeysetOrder(patients.c.mrn_key, patients.c.patient),
}


@dataclass(frozen=True, slots=True)
class ListedPatient:
    """A patient with its place in a list."""

    patient: PatientView
    place: Place


@cache
def _page(in_house: bool, by: PatientOrder, is_search: bool) -> CompiledStatement:
    """Return the statement for a page of all that matches, found by its words or by who is in the house.

    Of a search nothing is found by its order: what matches a rare word lies far apart in it.
    """
    order = ORDERS[by]
    return CompiledStatement(
        lambda at: (
            select(*COLUMNS, *order.keys)
            .where(at.unscoped.holds_as_filter(patients), *([_is_in_house(at)] if in_house else []))
            .order_by(*order.order)
        ),
        **_filters(patients.c),
        after=order.after.is_(True) if is_search else order.after,
    ).enclose(_first_visible)


@cache
def _begun(by: PatientOrder, continues: bool) -> CompiledStatement:
    """Return the statement for the part of a page that is among the next `PASSED` rows of the list."""
    order = ORDERS[by]
    keys = [key.label(f"key_{number}") for number, key in enumerate(order.keys)]
    hidden = (patients.c.prefixes, patients.c.during, patients.c.known)
    next_rows = (
        select(*COLUMNS[:-1], COLUMNS[-1].label("since"), *keys, *hidden)
        .where(*([order.after] if continues else []))
        .order_by(*order.order)
        .limit(literal_column(str(PASSED), Integer))
        .subquery("next_rows")
    )
    view_columns = [column for column in next_rows.c if column.name not in {c.name for c in hidden}]
    return CompiledStatement(
        lambda at: (
            select(*view_columns)
            .where(held(next_rows, at.as_of, at.known), at.sees(next_rows.c.patient))
            .order_by(*(next_rows.c[key.name] for key in keys))
            .limit(parameter("first", Integer))
        ),
        **_filters(next_rows.c),
    )


_some = CompiledStatement(
    lambda at: select(patients.c.patient).limit(literal_column(str(FEW + 1), Integer)),
    **word_filters(patients.c.prefixes),
).enclose(lambda query, at: select(func.count()).select_from(query.subquery()))


async def _are_many(connection: AsyncConnection, at: AsOf, words: dict[str, Any]) -> bool:
    """Return whether more rows of all time than `FEW` have the words, or so many must be expected.

    To count what a letter or two find takes longer than to fill a page with it.
    """
    search_terms = [word for value in words.values() if isinstance(value, list) for word in value]
    if all(len(word) <= SHORT for word in search_terms):
        return True
    return int((await _some.execute(connection, at, **words)).scalar_one()) > FEW


def _filters(columns: Any) -> dict[str, ColumnElement[bool]]:
    """Return the filters of a statement on the columns of patients."""
    return {
        **word_filters(columns.prefixes),
        "born_from": columns.birth_date >= parameter("born_from", Date),
        "born_until": columns.birth_date <= parameter("born_until", Date),
        "sex": equals(columns.sex, "sex"),
    }


def _first_visible(query: Select[Any], at: AsOf) -> Select[Any]:
    """Return the first rows, in their order, of the patients whom the viewer may see.

    With an OFFSET the planner does not look who may be seen before it sorts: for a ward's staff that
    takes longer than all else, and a short word finds thousands.
    """
    matches = query.offset(literal_column("0", Integer)).subquery()
    return select(matches).where(at.sees(matches.c.patient)).limit(parameter("first", Integer))


def _is_in_house(at: AsOf) -> ColumnElement[bool]:
    """Return the condition that the person of a record has an open stay, under whichever record."""
    is_open = stays.c.status.in_(literal_values("open", OPEN))
    inpatients = select(stays.c.patient.label("id")).where(is_open, at.holds(stays))
    return patients.c.patient.in_(linked_with(inpatients, at))


@reads(patients, stays)
async def patients_page(
    connection: AsyncConnection,
    criteria: PatientCriteria,
    at: AsOf,
    first: int,
    after: Place | None,
    order: PatientOrder = PatientOrder.NAME,
) -> list[ListedPatient]:
    """Return a page of patients in an order.

    ``search``: the beginnings of words of a name, in any order, or of an MRN; a birth date, its month or
    its year. What may be a date or a number is looked for as either, words together and apart.

    Few matches are sorted. What many share fills a page from the next rows of the list; where it does
    not, because they lie together elsewhere in it, all are sorted.
    """
    words = word_values(criteria.search)
    if words is None:
        return []
    values = {
        **words,
        "born_from": criteria.born_from,
        "born_until": criteria.born_until,
        "sex": criteria.sex,
        "first": first,
        **ORDERS[order].values(after),
    }
    rows: Sequence[Any] = ()
    if not criteria.in_house and await _are_many(connection, at, words):
        rows = (await _begun(order, after is not None).execute(connection, at, **values)).all()
    if len(rows) < first:
        page = _page(criteria.in_house, order, bool(words))
        rows = (await page.execute(connection, at, **values)).all()
    end = -len(ORDERS[order].keys)
    return [ListedPatient(view(PatientView, row[:end]), tuple(row[end:])) for row in rows]


def _in_order_of_names(query: Select[Any], at: AsOf) -> Select[Any]:
    """Return the first matches that the viewer may see, found by what they have in common.

    With an OFFSET the planner does not go through the whole list in the order of names for them.
    """
    matches = query.offset(literal_column("0", Integer)).subquery()
    view_columns = [column for column in matches.c if column.name != "name_order"]
    return (
        select(*view_columns)
        .where(at.sees(matches.c.patient))
        .order_by(matches.c.name_order, matches.c.patient)
        .limit(CANDIDATES)
    )


_candidates = CompiledStatement(
    lambda at: select(*COLUMNS, patients.c.name_order).where(
        or_(
            and_(
                patients.c.birth_date == parameter("birth_date", Date),
                patients.c.prefixes.bool_op("&&")(parameter("words", ARRAY(String))),
            ),
            and_(
                equals(patients.c.name_letters, "name_letters"),
                or_(patients.c.birth_date.is_(None), parameter("birth_date", Date).is_(None)),
            ),
        ),
        at.unscoped.holds_as_filter(patients),
    )
).enclose(_in_order_of_names)


@reads(patients)
async def likely_duplicates(
    connection: AsyncConnection,
    family_name: str | None,
    given_name: str | None,
    birth_date: date | None,
    sex: str | None,
    at: AsOf,
    excluded: Collection[UUID] = (),
) -> list[PatientView]:
    """Return the records that are likely of the same person, in the order of their names.

    Of the same birth date all words of one name are in the other; where a birth date is missing they are
    the same words. Words may be written together or apart. Sex does not differ, as far as it is known.
    ``excluded``: these are known not to be.
    """
    name = family_name, given_name
    letters = name_letters(*name)
    if letters is None:
        return []
    rows = await _candidates.execute(
        connection,
        at,
        birth_date=birth_date,
        words=sorted(name_runs(*name)),
        name_letters=letters,
    )
    views = [view(PatientView, row) for row in rows]
    unknown = (Sex.UNKNOWN.value, None)
    return [
        candidate
        for candidate in views
        if candidate.patient not in excluded
        and (candidate.sex == sex or candidate.sex in unknown or sex in unknown)
        and are_alike(name, (candidate.family_name, candidate.given_name))
    ][:LIKELY_DUPLICATES]
