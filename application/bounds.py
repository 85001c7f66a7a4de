"""Bounds of the values that a command may say, whichever way it came: moments, numbers, texts, lists.

No value that anybody can send is one that stands for "always" or "never" inside.
"""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from typing import Any

from msgspec import Struct, structs

from domain.refusals import InvalidInput
from domain.time import FIRST_DAY, in_utc

MAX_NUMBER = 2**31 - 1
MAX_TEXT = 20_000
"""Characters of the longest note."""
MAX_ITEMS = 1_000
"""Items of a list in one command."""


def check_bounds(content: Mapping[str, Any], last_day: date) -> None:
    """Check the values of a command's input, those within others too. Raises InvalidInput."""
    for name, value in content.items():
        _check(name, value, last_day)


def _check(name: str, value: Any, last_day: date) -> None:
    match value:
        case datetime():
            _check(name, in_utc(value, name).date(), last_day)
        case date() if not FIRST_DAY <= value <= last_day:
            raise InvalidInput(name, f"it lies before {FIRST_DAY} or after {last_day}")
        case int() if abs(value) > MAX_NUMBER:
            raise InvalidInput(name, f"it is a number beyond {MAX_NUMBER}")
        case str() if len(value) > MAX_TEXT:
            raise InvalidInput(name, f"it has more than {MAX_TEXT} characters; shorten it")
        case tuple() | list():
            if len(value) > MAX_ITEMS:
                raise InvalidInput(name, f"it has more than {MAX_ITEMS} items; send them in parts")
            for item in value:
                _check(name, item, last_day)
        case Struct():
            check_bounds(structs.asdict(value), last_day)
        case _ if is_dataclass(value):
            check_bounds({f.name: getattr(value, f.name) for f in fields(value)}, last_day)


def parameter_of(field: str, content: Mapping[str, Any]) -> str:
    """Return the parameter from which a field of an event comes: a new ward or room by its own."""
    name = "room" if field == "number" else field
    return f"new_{name}" if content.get(f"new_{name}") else name
