"""Scalars: stricter than the usual ones; positions and cursors."""

import base64
import binascii
import re
from datetime import UTC, date, datetime, time
from typing import Any, NewType, TypeVar
from uuid import UUID

import msgspec
import strawberry
from graphql import GraphQLError
from strawberry.types.scalar import ScalarDefinition

from domain.refusals import InvalidInput
from domain.time import FIRST_DAY, LAST_DAY, is_nameable

D = TypeVar("D", date, datetime)

Position = NewType("Position", str)
Long = NewType("Long", int)
JSON = NewType("JSON", object)

_DATE_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?([Zz]|[+-]\d{2}:\d{2})"
)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TIME = re.compile(r"\d{2}:\d{2}(:00)?")


def _parse_date_time(value: Any) -> datetime:
    if not isinstance(value, str) or not _DATE_TIME.fullmatch(value):
        raise GraphQLError(
            "DateTime needs ISO 8601 with an offset and at most six decimals,"
            " for example 2026-03-01T08:00:00+01:00."
        )
    try:
        return _nameable(datetime.fromisoformat(value.upper()).astimezone(UTC), "DateTime")
    except (ValueError, OverflowError):
        raise GraphQLError("There is no such DateTime.") from None


def _parse_date(value: Any) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise GraphQLError("Date needs ISO 8601, for example 1961-12-24.")
    try:
        return _nameable(date.fromisoformat(value), "Date")
    except ValueError:
        raise GraphQLError("There is no such Date.") from None


def _nameable(value: D, scalar: str) -> D:
    if not is_nameable(value):
        raise GraphQLError(f"{scalar} lies between {FIRST_DAY} and {LAST_DAY}.")
    return value


def _parse_time(value: Any) -> time:
    if not isinstance(value, str) or not _TIME.fullmatch(value):
        raise GraphQLError("Time needs hours and minutes, for example 23:59.")
    try:
        return time.fromisoformat(value)
    except ValueError:
        raise GraphQLError("There is no such Time.") from None


def _parse_long(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > 2**63 - 1:
        raise GraphQLError("Long needs a whole number of at most 64 bits.")
    return value


def _parse_position(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise GraphQLError("Position needs a string that was given out before.")
    return value


def _refuse_json(value: Any) -> object:
    raise GraphQLError("JSON is given out only.")


def iso_moment(value: datetime) -> str:
    """Return a moment as ISO 8601 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment from 1850 to 2999: ISO 8601 with an offset. Answers are in UTC.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=iso_moment,
        parse_value=_parse_date_time,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A calendar day from 1850 to 2999, ISO 8601: 1961-12-24.",
        serialize=date.isoformat,
        parse_value=_parse_date,
    ),
    time: strawberry.scalar(
        name="Time",
        description="A local time of day, to the minute: 23:59.",
        serialize=lambda value: value.isoformat("minutes"),
        parse_value=_parse_time,
    ),
    Position: strawberry.scalar(
        name="Position",
        description="A place in the log. Opaque: keep it, give it back, do not look inside.",
        serialize=str,
        parse_value=_parse_position,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A whole number of up to 64 bits.",
        serialize=int,
        parse_value=_parse_long,
    ),
    JSON: strawberry.scalar(
        name="JSON",
        description="What a fact says beside its envelope, as recorded.",
        serialize=lambda value: value,
        parse_value=_refuse_json,
    ),
}


def encode_position(log_id: UUID, epoch: int, position: int) -> Position:
    """Return a position with the log and epoch that it belongs to, opaque."""
    return Position(_pack(["p", log_id.hex[:12], epoch, position]))


def decode_position(given: str, log_id: UUID, epoch: int, field: str) -> int:
    """Return the position within this log. Raises InvalidInput for another log's, or for none."""
    parts = _unpack(given, field)
    if len(parts) != 4 or parts[0] != "p" or not all(isinstance(p, int) for p in parts[2:]):
        raise InvalidInput(
            field, "this is no position: give one that was given out, or leave it out"
        )
    if parts[1] != log_id.hex[:12] or parts[2] != epoch:
        raise InvalidInput(
            field,
            "this position belongs to another log, or to one before a restore: leave it out and read"
            " anew from the beginning",
        )
    return int(parts[3])


def encode_cursor(kind: str, *place: Any) -> str:
    """Return the cursor of a place in the order of a kind of list, opaque."""
    return _pack([kind, *place])


def decode_cursor(given: str | None, kind: str, *types: type[Any]) -> tuple[Any, ...] | None:
    """Return the place of a cursor. Raises InvalidInput for a cursor of another list, or for none."""
    if given is None:
        return None
    parts = _unpack(given, "after")
    try:
        if parts[0] != kind or len(parts) != len(types) + 1:
            raise ValueError
        return tuple(msgspec.convert(p, t) for p, t in zip(parts[1:], types, strict=True))
    except (ValueError, IndexError, msgspec.ValidationError):
        raise InvalidInput(
            "after", "this is no cursor of this list: give its endCursor, or leave it out"
        ) from None


def _pack(parts: list[Any]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(parts)).decode().rstrip("=")


def _unpack(given: str, field: str) -> list[Any]:
    try:
        data = base64.urlsafe_b64decode(given + "=" * (-len(given) % 4))
        parts = msgspec.json.decode(data)
    except (binascii.Error, ValueError, msgspec.DecodeError, RecursionError):
        raise InvalidInput(
            field, "this was not given out by this server: give what was, or leave it out"
        ) from None
    return parts if isinstance(parts, list) else []


def optional_id(id: UUID | str | None) -> strawberry.ID | None:
    """Return an id as clients get it; None for none."""
    return strawberry.ID(str(id)) if id else None


def id_of(id: str | None) -> UUID:
    """Return the id, or one that names nothing."""
    try:
        return UUID(id or "")
    except ValueError:
        return UUID(int=0)
