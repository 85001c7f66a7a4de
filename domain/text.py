"""Text as it is stored and compared: codes, lines and notes, each by the declared type of its field.

What is printed the same is the same. A code is NFKC, a line and a note NFC; none has a control
character or one that nobody sees. What differs only in case, in the form of its letters or (in a
number) in blanks has one *key*.
"""

from collections.abc import Callable, Hashable, Iterable
from dataclasses import is_dataclass
from dataclasses import replace as replace_fields
from difflib import get_close_matches
from functools import cache
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints
from unicodedata import category, normalize

from msgspec import Struct
from msgspec.structs import replace

from domain.envelope import Code, Sealed, SealedCode, SealedLine, Text
from domain.refusals import InvalidInput

T = TypeVar("T")

_JOINERS = "\u200c\u200d"
"""Zero-width, and part of how words of some scripts are spelled: kept in names and notes."""

_PRESENTATION = "\ufe0e\ufe0f"
"""Selectors of a sign's form, as text or as a picture: kept in notes."""

_COMPARED = 40
"""Letters by which names like a text are found: however long it is, that takes no longer."""

_UNSEEN = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))
)
"""Letters and marks of other categories that show nothing (Default_Ignorable_Code_Point)."""


def code(text: str) -> str:
    """Return a code as it is stored: NFKC, its blanks single, nothing around it."""
    if text.isascii() and text.isalnum():
        return text
    return _one_line(normalize("NFKC", text), "")


def line(text: str) -> str:
    """Return a name or another text of one line: NFC, its blanks single, nothing around it."""
    return _one_line(normalize("NFC", text), _JOINERS)


def name(text: str) -> str:
    """Return the name of a person as it was typed, in NFC and without control characters."""
    return _without_controls(normalize("NFC", text), _JOINERS)


def note(text: str) -> str:
    """Return a note as it was typed, in NFC, with its lines and tabs but no other control character."""
    lines = normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    return _without_controls(lines, _JOINERS + _PRESENTATION + "\n\t")


BLANK = "it is blank: nothing of it can be seen; leave it out or fill it in"


def is_blank(value: object) -> bool:
    """Return whether a value is a text, or has one, of which nothing can be seen."""
    texts = value if isinstance(value, list | tuple) else [value]
    return any(isinstance(text, str) and text and not code(text) for text in texts)


def key(text: str) -> str:
    """Return the comparison key of a code: the same in another case, or in fullwidth letters."""
    return code(code(text).casefold())


def nearest(text: str, names: Iterable[str], most: int) -> list[str]:
    """Return the names that are most like the beginning of a text, the nearest first."""
    return get_close_matches(text[:_COMPARED], [*names], n=most, cutoff=0)


def number_key(text: str) -> str:
    """Return the `key` of a number of a person or of staff, which people type in groups."""
    return key(key(text).replace(" ", ""))


def clean_texts(value: T, field: str = "") -> T:
    """Return an event's or an input's struct with each text as its declared type says.

    Raises InvalidInput for a code or line in which nothing is left.
    """
    changes = {
        name: new_value
        for name, clean in _cleaners(cast(Hashable, type(value))).items()
        if (new_value := clean(before := getattr(value, name), field or name)) is not before
    }
    if not changes:
        return value
    if isinstance(value, Struct):
        return replace(value, **changes)
    return replace_fields(value, **changes)  # type: ignore[type-var]


def cleaned_fields(event: type, values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of an event's fields, each as its declared type says. Raises InvalidInput."""
    cleaners = _cleaners(event)
    return {
        name: cleaners[name](value, name) if name in cleaners else value
        for name, value in values.items()
    }


Cleaner = Callable[[Any, str], Any]


@cache
def _cleaners(kind: Hashable) -> dict[str, Cleaner]:
    """Return the fields of a class that hold text, each with what it does to a value."""
    hints = get_type_hints(kind, include_extras=True)
    cleaners = {name: _cleaner(hint) for name, hint in hints.items()}
    return {name: cleaner for name, cleaner in cleaners.items() if cleaner is not None}


def _cleaner(hint: Any) -> Cleaner | None:
    if hint in (Code, SealedCode):
        return lambda value, field: _clean_text(code, value, field)
    if hint in (Text, SealedLine):
        return lambda value, field: _clean_text(line, value, field)
    if hint == Sealed:
        return lambda value, field: None if value is None else _SEALED.get(field, note)(value)
    origin = get_origin(hint)
    if origin is Annotated:
        return _cleaner(get_args(hint)[0])
    if origin in (Union, UnionType):
        return next((c for arg in get_args(hint) if (c := _cleaner(arg)) is not None), None)
    if origin is tuple and (item := _cleaner(get_args(hint)[0])) is not None:
        return lambda value, field: _clean_items(item, value, field)
    is_struct = isinstance(hint, type) and (issubclass(hint, Struct) or is_dataclass(hint))
    if is_struct and _cleaners(hint):
        return lambda value, field: None if value is None else clean_texts(value, field)
    return None


_SEALED: dict[str, Callable[[str], str]] = {"family_name": name, "given_name": name}
"""The texts about persons that are of one line."""


def _clean_items(
    item: Cleaner, values: tuple[Any, ...] | None, field: str
) -> tuple[Any, ...] | None:
    if values is None:
        return None
    result = tuple(item(value, field) for value in values)
    return values if result == values else result


def _clean_text(clean: Callable[[str], str], value: str | None, field: str) -> str | None:
    if value is None:
        return None
    result = clean(value)
    if not result and value:
        raise InvalidInput(field, BLANK, is_blank=True)
    return value if result == value else result


def _one_line(text: str, kept_characters: str) -> str:
    return " ".join(_without_controls(text, kept_characters).split())


def _without_controls(text: str, kept_characters: str) -> str:
    """Return text without what nobody sees; line ends and tabs that are not kept become blanks."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_visible(character, kept_characters) for character in text)


def _visible(character: str, kept_characters: str) -> str:
    if character in kept_characters:
        return character
    if character.isspace():
        return " "
    is_hidden = category(character) in ("Cc", "Cf", "Cs") or character in _UNSEEN
    return "" if is_hidden else character
