"""Lookups of what a question names: a ward, room, bed or staff number in whatever spelling it is typed.

Each raises NotFound for what the record has never had: an empty answer would say that nothing is there.
What it has at another moment is known, and the answer as of this one may be empty.
"""

from collections.abc import Iterable

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.refusals import NotFound
from domain.text import code, key, nearest, number_key
from domain.things import Thing
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.practitioners import practitioners
from infrastructure.read_models.rooms import beds, rooms

_NOW = func.upper_inf(rooms.c.known), func.upper_inf(rooms.c.during)
NEAREST = 3
"""The wards that are named in place of an unknown one."""


async def ward_named(connection: AsyncConnection, ward: str, field: str = "ward") -> str:
    """Return the name of a ward as it is stored. Raises NotFound."""
    names = await wards_named(connection, [ward])
    if not names:
        present = select(rooms.c.ward).distinct().where(*_NOW)
        all_names = (await connection.execute(present)).scalars()
        like_it = ", ".join(nearest(ward, all_names, NEAREST))
        raise NotFound(Thing.WARD, ward, field, f"The nearest are: {like_it}." if like_it else "")
    return ward if ward in names else min(names)


async def check_ward_held(connection: AsyncConnection, ward: str, at: AsOf) -> None:
    """Refuse a ward that has another name at a moment, naming that. Raises NotFound."""
    names_of_rooms = rooms.alias()
    rooms_of_ward = select(names_of_rooms.c.room).where(names_of_rooms.c.ward == ward)
    wards_of_rooms = (
        select(rooms.c.ward)
        .distinct()
        .where(rooms.c.room.in_(rooms_of_ward), at.holds_as_filter(rooms))
    )
    names = sorted((await connection.execute(wards_of_rooms)).scalars())
    if names and ward not in names:
        raise NotFound(Thing.WARD, ward, "ward", f"Its rooms are then of {' and '.join(names)}.")


async def check_staff_number_held(
    connection: AsyncConnection, number: str, at: AsOf, field: str
) -> None:
    """Refuse a staff number instead of which its practitioner has another then. Raises NotFound."""
    numbers_of_staff = practitioners.alias()
    practitioners_with_number = select(numbers_of_staff.c.practitioner).where(
        numbers_of_staff.c.staff_number == number
    )
    numbers_then = select(practitioners.c.staff_number).where(
        practitioners.c.practitioner.in_(practitioners_with_number),
        at.holds_as_filter(practitioners),
    )
    numbers = sorted((await connection.execute(numbers_then)).scalars())
    if numbers and number not in numbers:
        hint = f"Whose it was has {' and '.join(numbers)} then."
        raise NotFound(Thing.STAFF_NUMBER, number, field, hint)


async def wards_named(connection: AsyncConnection, wards: Iterable[str]) -> set[str]:
    """Return the stored names that some names of wards stand for, of all times."""
    keys = {key(ward) for ward in wards}
    names = await connection.execute(select(rooms.c.ward).distinct())
    return {name for name in names.scalars() if key(name) in keys}


async def rooms_named(connection: AsyncConnection, ward: str | None, number: str) -> list[str]:
    """Return the spellings of a room's number in a ward, or in all. Raises NotFound."""
    of_ward = select(rooms.c.number).distinct()
    if ward is not None:
        of_ward = of_ward.where(rooms.c.ward == ward)
    return _spellings(number, (await connection.execute(of_ward)).scalars(), Thing.ROOM)


async def beds_named(
    connection: AsyncConnection, ward: str | None, numbers: list[str] | None, bed: str
) -> list[str]:
    """Return the spellings of a bed's code in some rooms, or in all. Raises NotFound."""
    in_rooms = select(beds.c.bed).distinct().join(rooms, rooms.c.room == beds.c.room)
    if ward is not None:
        in_rooms = in_rooms.where(rooms.c.ward == ward)
    if numbers is not None:
        in_rooms = in_rooms.where(rooms.c.number.in_(numbers))
    return _spellings(bed, (await connection.execute(in_rooms)).scalars(), Thing.BED)


async def staff_number_named(connection: AsyncConnection, text: str, field: str) -> str:
    """Return a staff number as it is stored. Raises NotFound."""
    column = practitioners.c.staff_number
    exact = select(column).where(column.in_([text, code(text)])).limit(1)
    staff_number = (await connection.execute(exact)).scalar()
    if staff_number is None:  # in another spelling, or unknown
        numbers = (await connection.execute(select(column).distinct())).scalars()
        staff_number = next((n for n in numbers if number_key(n) == number_key(text)), None)
    if staff_number is None:
        raise NotFound(Thing.STAFF_NUMBER, text, field)
    return str(staff_number)


def _spellings(text: str, names: Iterable[str], thing: Thing) -> list[str]:
    """Return the names that differ from what was typed in spelling only. Raises NotFound."""
    spellings = sorted(name for name in names if key(name) == key(text))
    if not spellings:
        raise NotFound(thing, text, thing.value)
    return spellings
