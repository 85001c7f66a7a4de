"""Search parameters (https://hl7.org/fhir/R4/search.html): values in a resource, and matching."""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from api.fhir.outcome import FhirError
from api.fhir.values import Json


class Kind(StrEnum):
    """Types of search parameters."""

    TOKEN = "token"
    REFERENCE = "reference"
    DATE = "date"
    STRING = "string"


MODIFIERS = {
    Kind.TOKEN: ("not",),
    Kind.REFERENCE: (),
    Kind.DATE: (),
    Kind.STRING: ("exact", "contains"),
}
"""The modifiers of each type that are understood; of references, names of types beside them."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """A search parameter: its type, the values that it finds in a resource, and what it is for.

    ``targets``: the types that a reference leads to.
    """

    kind: Kind
    values: Callable[[Json], Iterable[Any]]
    documentation: str
    targets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Criterion:
    """A parameter as it was given: of its values one has to match."""

    name: str
    modifier: str | None
    values: tuple[str, ...]

    @property
    def one(self) -> str | None:
        """Return the value where there is one alone."""
        return self.values[0] if len(self.values) == 1 and self.modifier is None else None


_VALUE = re.compile(r"(?:\\.|[^,])+", re.DOTALL)
"""One of the values that commas separate, but for those after a backslash."""

_TOKEN = re.compile(r"((?:\\.|[^\\])*)\|((?:\\.|[^\\|])*)", re.DOTALL)
"""A token with a system: a bar that no backslash precedes, the last of them."""

_ESCAPED = re.compile(r"\\([\\,|$])")
"""Escapes in a value (https://hl7.org/fhir/R4/search.html#escaping)."""


def criterion(name: str, text: str, parameter: Parameter, server: str = "") -> Criterion:
    """Return a parameter as it was given; ``server``: the address of this one.

    Raises FhirError for a modifier that is not understood, and without a value: it would find all.
    """
    base, _, modifier = name.partition(":")
    modifiers = ("missing", *MODIFIERS[parameter.kind], *parameter.targets)
    if modifier and modifier not in modifiers:
        raise FhirError(
            400,
            "not-supported",
            f"The modifier of {base} is not known here; there are: {', '.join(modifiers)}.",
        )
    if modifier == "missing":
        if text not in ("true", "false"):
            raise FhirError(400, "invalid", "The modifier missing takes true or false.")
        return Criterion(base, modifier, (text,))
    values = tuple(value.strip() for value in _VALUE.findall(text) if value.strip())
    if parameter.kind is not Kind.TOKEN:  # of which a bar without a backslash is no part
        values = tuple(_ESCAPED.sub(r"\1", value) for value in values)
    if not values:
        raise FhirError(400, "invalid", f"{base} has no value: give one, or leave it out.")
    if parameter.kind is Kind.REFERENCE:
        types = (modifier,) if modifier else parameter.targets
        values = tuple(_as_reference(value, types, server) for value in values)
        modifier = ""
    if parameter.kind is Kind.DATE:
        for value in values:
            span(value)
    return Criterion(base, modifier or None, values)


def whole_from(text: str) -> int | None:
    """Return the whole number that a text is; None if it is none, or one of too many digits."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else None


def whole_number(name: str, text: str) -> int:
    """Return the whole number that a parameter is. Raises FhirError."""
    digits = text.lstrip("0") or text[-1:]
    number = whole_from(digits[:18] if digits.isascii() and digits.isdecimal() else digits)
    if number is None:
        raise FhirError(400, "invalid", f"{name} is a whole number, 0 or more.")
    return number


def token_parts(text: str) -> tuple[str | None, str]:
    """Return the system and the code of a token; no system where it has no bar, or an escaped one."""
    match = _TOKEN.fullmatch(text)
    system, code = match.groups() if match else (None, text)
    return system and _ESCAPED.sub(r"\1", system), _ESCAPED.sub(r"\1", code)


def _as_reference(text: str, types: Sequence[str], server: str) -> str:
    """Return ``Type/id`` of what may be an id alone, or a whole address. Raises FhirError.

    An address of another server leads to nothing.
    """
    parts = text.rstrip("/").split("/")
    if len(parts) > 1:
        if parts[-2] not in types:
            raise FhirError(400, "invalid", f"This refers to one of: {', '.join(types)}.")
        if "://" in text and _address("/".join(parts[:-2])) != _address(server):
            return f"{types[0]}/{UUID(int=0)}"
        return "/".join(parts[-2:])
    return f"{types[0]}/{text}" if len(types) == 1 else text


def _address(url: str) -> tuple[str | None, str, str]:
    """Return a server's host in small letters, its port if that is no usual one, and its path.

    Whichever scheme it is reached by: a proxy may take HTTPS for it (RFC 3986 6.2.2 and 6.2.3).
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # no host could have this name
        return None, "", url
    _, _, port = parts.netloc.rpartition("@")[2].rpartition("]")[2].partition(":")
    return parts.hostname, port if port not in ("80", "443") else "", parts.path.rstrip("/")


def matches(criterion: Criterion, parameter: Parameter, resource: Json) -> bool:
    """Return whether a resource has one of the values that were given."""
    values = list(parameter.values(resource))
    if criterion.modifier == "missing":
        return criterion.values == (str(not values).lower(),)
    test = _MATCH[parameter.kind]
    is_there = any(
        test(text, criterion.modifier, value) for text in criterion.values for value in values
    )
    return is_there != (criterion.modifier == "not")


def _token(criterion: str, modifier: str | None, value: tuple[str | None, str]) -> bool:
    system, code = value
    asked_system, asked_code = token_parts(criterion)
    if system is BOUND:
        system = asked_system if (asked_system or "").startswith(BOUND) else None
    if asked_system is not None and asked_system != (system or ""):
        return False
    return not asked_code or asked_code == code


def _reference(criterion: str, modifier: str | None, value: str) -> bool:
    return value == criterion or (("/" not in criterion) and value.endswith(f"/{criterion}"))


def _string(criterion: str, modifier: str | None, value: str) -> bool:
    if modifier == "exact":
        return criterion == value
    beginning, text = _fold(criterion), _fold(value)
    if modifier == "contains":
        return beginning in text
    return any(text.startswith(beginning, begin) for begin in _beginnings(text))


def _fold(text: str) -> str:
    """Return a text without case and accents, which strings are compared without."""
    letters = unicodedata.normalize("NFKD", text).casefold()
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _beginnings(text: str) -> list[int]:
    return [0, *(match.end() for match in re.finditer(r"[^\w]+", text))]


def sort_keys(parameter: Parameter, resource: Json) -> list[Any]:
    """Return the sort keys of a resource: codes, references, beginnings of times, texts as compared."""
    values = parameter.values(resource)
    match parameter.kind:
        case Kind.TOKEN:
            return [code for _, code in values]
        case Kind.DATE:
            return [begin for begin, _ in values]
        case Kind.STRING:
            return [_fold(value) for value in values]
    return list(values)


_DATE = re.compile(
    r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d)?)?)?)?"
)
DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)")
Span = tuple[datetime, datetime]
MOMENT = timedelta(microseconds=1)
FIRST, LAST = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)


def span(date_text: str) -> tuple[str, Span]:
    """Return the prefix of a date and what it spans; UTC where it has no offset. Raises FhirError."""
    match = _DATE.fullmatch(date_text.replace(" ", "+"))
    try:
        if not match:
            raise ValueError
        prefix, year, month, day, hour, minute, second, fraction, zone = match.groups()
        text = f"{year}-{month or '01'}-{day or '01'}T{hour or '00'}:{minute or '00'}"
        begin = datetime.fromisoformat(
            f"{text}:{second or '00'}{(fraction or '')[:7]}{zone or '+00:00'}"
        ).astimezone(UTC)
        if day is None:
            then = begin.replace(day=28) + timedelta(days=4 if month else 340)
            end = then.replace(day=1)
            if month is None:
                end = begin.replace(year=begin.year + 1)
        elif hour is None:
            end = begin + timedelta(days=1)
        else:
            end = begin + (_width(fraction) if second else timedelta(minutes=1))
    except (ValueError, OverflowError):
        raise FhirError(
            400,
            "invalid",
            "A date is like 2026-03-01 or 2026-03-01T08:00:00+01:00, after one of eq, ne, gt, lt, ge,"
            " le, sa, eb, ap.",
        ) from None
    return prefix or "eq", (begin, end)


def _width(fraction: str | None) -> timedelta:
    """Return the span of a time to the second: with a fraction, as much as its last digit."""
    return timedelta(microseconds=10 ** max(0, 7 - len(fraction or ".")))


def _date(criterion: str, modifier: str | None, value: Span) -> bool:
    prefix, (low, high) = span(criterion)
    begin, end = value
    if prefix == "ap":  # within a tenth of the time from now, as the specification recommends
        margin = abs(datetime.now(UTC) - low) / 10
        low, high = max(low, FIRST + margin) - margin, min(high, LAST - margin) + margin
    match prefix:
        case "eq":
            return low <= begin and end <= high
        case "ne":
            return not (low <= begin and end <= high)
        case "gt":
            return end > high
        case "lt":
            return begin < low
        case "ge":
            return end > low
        case "le":
            return begin < high
        case "sa":
            return begin >= high
        case "eb":
            return end <= low
    return begin < high and low < end


_MATCH: dict[Kind, Callable[[str, str | None, Any], bool]] = {
    Kind.TOKEN: _token,
    Kind.REFERENCE: _reference,
    Kind.DATE: _date,
    Kind.STRING: _string,
}


# -- what is found in a resource --

BOUND = "http://hl7.org/fhir/"
"""Beginning of the systems of codes that are told without one: each is bound to one of FHIR's own."""


def at(*path: str) -> Callable[[Json], Iterator[Any]]:
    """Return a function that finds all values at a path; lists are looked through."""

    def find(node: Any, names: Sequence[str]) -> Iterator[Any]:
        if isinstance(node, list):
            for item in node:
                yield from find(item, names)
        elif not names:
            if node is not None:
                yield node
        elif isinstance(node, dict) and names[0] in node:
            yield from find(node[names[0]], names[1:])

    return lambda resource: find(resource, path)


def references(*path: str) -> Callable[[Json], Iterator[str]]:
    return at(*path, "reference")


def codes(*path: str) -> Callable[[Json], Iterator[tuple[str | None, str]]]:
    """Find codes, codings and identifiers as tokens."""

    def find(resource: Json) -> Iterator[tuple[str | None, str]]:
        for value in at(*path)(resource):
            if isinstance(value, dict):
                if "coding" in value:
                    yield from ((c.get("system"), c["code"]) for c in value["coding"])
                elif "code" in value or "value" in value:
                    yield value.get("system"), value.get("code") or value["value"]
            else:
                yield BOUND, str(value).lower() if isinstance(value, bool) else str(value)

    return find


def spans(*paths: tuple[str, ...]) -> Callable[[Json], Iterator[Span]]:
    """Find dates, moments and periods as what they span."""

    def find(resource: Json) -> Iterator[Span]:
        for path in paths:
            for value in at(*path)(resource):
                if isinstance(value, dict):
                    start, end = value.get("start"), value.get("end")
                    yield (
                        _span_of(start)[0] if start else FIRST,
                        _span_of(end)[1] if end else LAST,
                    )
                else:
                    yield _span_of(value)

    return find


def _span_of(value: str) -> Span:
    """Return the span of a resource's time: a day, or a moment to its microsecond."""
    begin, end = span(value)[1]
    return begin, begin + MOMENT if "T" in value else end


def token(path: tuple[str, ...], documentation: str) -> Parameter:
    return Parameter(Kind.TOKEN, codes(*path), documentation)


def date(*paths: tuple[str, ...], documentation: str) -> Parameter:
    return Parameter(Kind.DATE, spans(*paths), documentation)


def to(*targets: str, path: tuple[str, ...], documentation: str) -> Parameter:
    """Return the parameter of a reference."""

    def find(resource: Json) -> Iterator[str]:
        return (r for r in references(*path)(resource) if r.partition("/")[0] in targets)

    return Parameter(Kind.REFERENCE, find, documentation, targets)


def string(*paths: tuple[str, ...], documentation: str) -> Parameter:
    def find(resource: Json) -> Iterator[str]:
        for path in paths:
            yield from at(*path)(resource)

    return Parameter(Kind.STRING, find, documentation)


COMMON = {
    "_id": token(("id",), "The logical id."),
    "_lastUpdated": date(("meta", "lastUpdated"), documentation="When it was last recorded."),
}
