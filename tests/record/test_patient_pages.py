"""Pages of patients among thousands: found by a rare word, by one that many share, here or there."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from domain.names import name_letters, name_order, prefixes
from domain.text import number_key
from infrastructure.postgres.database import Database
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.patient_search import (
    FEW,
    PASSED,
    PatientCriteria,
    PatientOrder,
    patients_page,
)
from infrastructure.queries.row_security import Viewer
from infrastructure.read_models.patients import patients
from tests.conftest import empty

Person = dict[str, Any]

COUNT = PASSED + FEW + 500
"""Of these the last in the order of names are more than a page passes, and more than few."""

NOW = datetime(2026, 3, 1, tzinfo=UTC)
VIEWERS = {"all": Viewer(), "unlabelled": Viewer(hidden=frozenset({"RESTRICTED"}))}
SEARCHES = ["mar", "maria", "zimmer", "xu", "zimmer maria", "00000017", "nobody", None]
ORDERS = {
    PatientOrder.NAME: lambda p: (p["name_order"], p["patient"]),
    PatientOrder.BIRTH_DATE: lambda p: (p["birth_date"] or date(2999, 12, 31), p["patient"]),
    PatientOrder.MRN: lambda p: (p["mrn_key"], p["patient"]),
}


def person(number: int, known: str = "[1,)") -> Person:
    """Return the row of a patient; those who are called Zimmer come last in the order of names."""
    family = f"Zimmer{number}" if number > COUNT - FEW - 300 else f"Adams{number * 7919 % COUNT:05}"
    given = "Maria" if number % 3 == 0 else "Xu" if number % 977 == 0 else "Paul"
    born = None if number % 50 == 0 else date(1930, 1, 1) + timedelta(days=number * 31 % 20_000)
    mrn = f"{number:08}"
    return {
        "patient": UUID(int=number * 7919 % COUNT),
        "mrn": mrn,
        "mrn_authority": "main",
        "family_name": family,
        "given_name": given,
        "birth_date": born,
        "sex": "MALE" if number % 2 else "FEMALE",
        "confidentiality": "RESTRICTED" if number % 5 == 0 else "NORMAL",
        "mrn_key": number_key(mrn),
        "former_keys": [],
        "prefixes": prefixes(family, given, mrn, born),
        "name_letters": name_letters(family, given),
        "name_order": name_order(family, given),
        "during": "[,)",
        "known": known,
        "position": 1,
    }


@pytest.fixture(scope="module")
def people(own: Database) -> Iterator[list[Person]]:
    empty(own)
    now = [person(number) for number in range(1, COUNT + 1)]
    former = [{**person(number, "[1,5)"), "given_name": "Maria"} for number in range(1, 200)]
    names = ", ".join(now[0])
    with (
        psycopg.connect(own.owner_url, autocommit=True) as owner,
        owner.cursor().copy(f"COPY {patients} ({names}) FROM STDIN".encode()) as copy,
    ):
        for row in [*({**row, "known": "[5,)"} for row in now[:199]), *now[199:], *former]:
            copy.write_row([*row.values()])
    yield now
    empty(own)


@pytest.mark.parametrize(
    ("order", "viewer"), [*((order, "all") for order in ORDERS), (PatientOrder.NAME, "unlabelled")]
)
@pytest.mark.parametrize("search", SEARCHES)
def test_pages_are_all_that_match_in_their_order(
    own: Database, people: list[Person], search: str | None, order: PatientOrder, viewer: str
) -> None:
    words = (search or "").split()
    expected = [
        row["patient"]
        for row in sorted(people, key=ORDERS[order])
        if all(word in row["prefixes"] for word in words)
        and (row["confidentiality"] == "NORMAL" or viewer == "all")
    ]
    at = AsOf(NOW, 9, VIEWERS[viewer])
    assert asyncio.run(_pages(own, PatientCriteria(search), at, order)) == expected


@pytest.mark.parametrize("search", ["mar", "zimmer", None])
def test_pages_of_those_born_in_a_period_and_of_a_sex(
    own: Database, people: list[Person], search: str | None
) -> None:
    criteria = PatientCriteria(search, date(1950, 1, 1), date(1959, 12, 31), "MALE")
    expected = [
        row["patient"]
        for row in sorted(people, key=ORDERS[PatientOrder.NAME])
        if (search is None or search in row["prefixes"])
        and row["sex"] == "MALE"
        and row["birth_date"]
        and 1950 <= row["birth_date"].year <= 1959
    ]
    assert expected
    assert asyncio.run(_pages(own, criteria, AsOf(NOW, 9), PatientOrder.NAME)) == expected


async def _pages(
    database: Database, criteria: PatientCriteria, at: AsOf, order: PatientOrder
) -> list[UUID]:
    """Return whom all pages show, the first of them short."""
    engine = database.async_engine(1)
    found, after, first = [], None, 7
    async with engine.connect() as connection:
        while page := await patients_page(connection, criteria, at, first, after, order):
            found += [listed.patient.patient for listed in page]
            after, first = page[-1].place, 900
    await engine.dispose()
    return found
