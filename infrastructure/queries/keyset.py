"""Keyset order of a list: total, so that its pages leave nothing out and show nothing twice."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, tuple_

from infrastructure.queries.compiled import parameter

Place = tuple[Any, ...]
"""The values of an entry's keys: its place in the list."""


class KeysetOrder:
    """Order of a list by keys that are never NULL, of which the last are one entry's alone."""

    def __init__(self, *keys: ColumnElement[Any], descends: bool = False) -> None:
        self.keys, self._descends = keys, descends
        self._names = [f"place_{number}" for number in range(len(keys))]

    @property
    def types(self) -> list[type[Any]]:
        """Return the types of the keys, as a cursor has them."""
        return [key.type.python_type for key in self.keys]

    @property
    def order(self) -> list[ColumnElement[Any]]:
        """Return the terms of ORDER BY."""
        return [key.desc() if self._descends else key for key in self.keys]

    @property
    def after(self) -> ColumnElement[bool]:
        """Return the condition for the entries after a place."""
        keys = tuple_(*self.keys)
        place = tuple_(*(parameter(n, k.type) for n, k in zip(self._names, self.keys, strict=True)))
        return keys < place if self._descends else keys > place

    def values(self, place: Sequence[Any] | None) -> dict[str, Any]:
        """Return the parameters of `after` for a place; ``after`` is None at the beginning."""
        if place is None:
            return {"after": None}
        return {"after": True, **dict(zip(self._names, place, strict=True))}
