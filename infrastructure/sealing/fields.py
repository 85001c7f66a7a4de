"""Sealed fields of events, by their declared types, and how they are sealed and opened."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, cast, get_args, get_origin, get_type_hints

import msgspec

from domain.envelope import ALTERED, REDACTED
from infrastructure.sealing.key_ring import SEAL

Seal = Callable[[str, str], str]
"""Seals a text, by its field; REDACTED: its key is destroyed."""

Open = Callable[[str, str], str | None]
"""Opens a sealed text, by its field; None: it cannot be opened any more."""

SealField = Callable[[Any, str, Seal], Any]

UNTOLD_VALUES: Mapping[str, str | None] = {"birth_date": None, "sex": "UNKNOWN"}
"""The values of fields that hold no text, once they cannot be opened."""

SEAL_IN_JSON = msgspec.json.encode(SEAL)[1:-2].decode()
"""The control character of a seal as JSON spells it."""


@cache
def sealed_fields(kind: Hashable) -> dict[str, SealField]:
    """Return the fields of a class that are sealed, or have a part that is."""
    hints = get_type_hints(kind, include_extras=True)
    fields = {name: _sealed_field(hint) for name, hint in hints.items()}
    return {name: field for name, field in fields.items() if field is not None}


def _sealed_field(hint: Any) -> SealField | None:
    origin = get_origin(hint)
    if origin is Annotated:
        marks = [mark for mark in get_args(hint)[1:] if isinstance(mark, msgspec.Meta)]
        if any((mark.extra_json_schema or {}).get("x-sealed") for mark in marks):
            return _seal_value
        return _sealed_field(get_args(hint)[0])
    if origin in (Union, UnionType):
        return next((f for arg in get_args(hint) if (f := _sealed_field(arg)) is not None), None)
    if origin is tuple and (item := _sealed_field(get_args(hint)[0])) is not None:
        return lambda values, field, seal: (
            values and [item(value, f"{field}.{n}", seal) for n, value in enumerate(values)]
        )
    is_struct = isinstance(hint, type) and (issubclass(hint, msgspec.Struct) or is_dataclass(hint))
    return _seal_parts if is_struct and sealed_fields(hint) else None


def _seal_value(value: Any, field: str, seal: Seal) -> str | None:
    if value is None:
        return None
    if isinstance(value, Enum):
        text = str(value.value)
    else:
        text = value.isoformat() if isinstance(value, date) else value
    sealed_text = seal(field, text)
    return sealed_text if sealed_text.startswith(SEAL) else redacted_value(field)


def _seal_parts(value: Any, field: str, seal: Seal) -> dict[str, Any] | None:
    if value is None:
        return None
    parts: dict[str, Any] = msgspec.to_builtins(value)
    for name, seal_field in sealed_fields(cast(Hashable, type(value))).items():
        if name in parts:
            parts[name] = seal_field(getattr(value, name), f"{field}.{name}", seal)
    return parts


def open_value(value: Any, open: Open, field: str = "") -> Any:
    """Return decoded JSON with its sealed texts opened, those that cannot be as redacted."""
    if isinstance(value, str):
        if not value.startswith(SEAL):
            return value
        text = open(field, value)
        return redacted_value(field) if text is None else text
    if isinstance(value, dict):
        start = f"{field}." if field else ""
        return {
            name: open_value(part, open, f"{start}{name}") if _may_be_sealed(part) else part
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [
            open_value(part, open, f"{field}.{n}") if _may_be_sealed(part) else part
            for n, part in enumerate(value)
        ]
    return value


def _may_be_sealed(part: Any) -> bool:
    """Return whether a part of decoded JSON is sealed, or may have such parts: most are neither."""
    return part.startswith(SEAL) if isinstance(part, str) else isinstance(part, dict | list)


def redacted_value(field: str) -> str | None:
    """Return the value of a field that cannot be opened any more."""
    return UNTOLD_VALUES.get(field.rpartition(".")[2], REDACTED)


def altered_value(field: str) -> str | None:
    """Return the value of a field that somebody altered."""
    return UNTOLD_VALUES.get(field.rpartition(".")[2], ALTERED)
