"""Serializer of rows for COPY: JSON, which is CSV with another way to escape.

A row of JSON values without its brackets is a line of ``FORMAT csv, NULL 'null', ESCAPE '\\'``. So one
call in C serializes all values of a batch; value by value, that took a third of a rebuild. Within a
pipeline, where no COPY can be, the same rows are the JSON of one parameter of an INSERT.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder()

_PERHAPS_CONTROL = re.compile(rb'\\[^"\\]')
_ESCAPED = re.compile(rb'\\(?:["\\bfnrt]|u00[01][0-9a-f])')
_CONTROL = {
    rb"\b": b"\b",
    rb"\f": b"\f",
    rb"\n": b"\n",
    rb"\r": b"\r",
    rb"\t": b"\t",
    **{rb"\u%04x" % n: bytes([n]) for n in range(1, 32)},
}
"""JSON's escapes of control characters; in CSV these stand between quotes as they are."""


def objects(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Serialize rows as an array of JSON objects; JSON and arrays as they are."""
    return _ENCODER.encode([dict(zip(columns, row, strict=True)) for row in rows]).decode()


def lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Serialize rows of at least one value each. JSON and arrays must be text: `json`, `array`."""
    text = _ENCODER.encode_lines(rows).replace(b"]\n[", b"\n")[1:-2]  # no line break within a row
    if _PERHAPS_CONTROL.search(text):
        text = _ESCAPED.sub(lambda match: _CONTROL.get(match[0], match[0]), text)
    return text


def json(value: Any) -> str | None:
    """Serialize a value of a JSON column."""
    return None if value is None else _ENCODER.encode(value).decode()


def array(value: Iterable[str]) -> str:
    """Serialize a value of a column of texts."""
    elements = (v.replace("\\", "\\\\").replace('"', '\\"') for v in value)
    return "{" + ",".join(f'"{v}"' for v in elements) + "}"
