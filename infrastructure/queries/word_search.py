"""Search by words that are typed: by beginnings of words in an array column, through its GIN index."""

from typing import Any

from sqlalchemy import ARRAY, ColumnElement, String, or_

from domain.names import search_words
from infrastructure.queries.compiled import parameter

_MOST_READINGS = 32
"""The readings of what is typed: five words together and apart, as a date and as a number."""

_SIZES = (1, 2, 4, 8, 16, _MOST_READINGS)


def word_filters(beginnings: ColumnElement[Any]) -> dict[str, ColumnElement[bool]]:
    """Return the filters of a statement for what begins words, one for each number of readings."""
    has_words = [
        beginnings.bool_op("@>")(parameter(f"reading_{number}", ARRAY(String)))
        for number in range(_MOST_READINGS)
    ]
    return {f"one_of_{size}": or_(*has_words[:size]) for size in _SIZES}


def word_values(search: str | None) -> dict[str, Any] | None:
    """Return the parameters of `word_filters` for what is typed; None if that has no word.

    Nothing typed, or blanks alone, is no criterion.
    """
    if search is None or not search.strip():
        return {}
    readings = search_words(search)
    if not readings[0]:
        return None
    size = min(size for size in _SIZES if size >= len(readings))
    readings += readings[-1:] * (size - len(readings))
    return {f"one_of_{size}": True, **{f"reading_{i}": words for i, words in enumerate(readings)}}
