"""Words of names, as people type them: by these a person is found.

Folded for case, accents, composed and decomposed letters and apostrophes; a double name has the words of
its halves, and both together.
"""

import re
from datetime import date
from unicodedata import category, normalize

from domain.text import number_key

_APOSTROPHES = re.compile("['`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07]")
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")

_LETTERS = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u0127": "h", "\u0131": "i"}
    | {"\u0167": "t", "\u00e6": "ae", "\u0153": "oe", "\u00fe": "th"}
)
"""Letters that Unicode does not take apart into a letter and its accent."""


def prefixes(family: str | None, given: str | None, mrn: str, birth_date: date | None) -> list[str]:
    """Return the beginnings of all words by which a person is found, in order."""
    words = _words_of(family) | _words_of(given) | _words_of(mrn) | _words_of(number_key(mrn))
    words |= set(re.findall(r"\d+", number_key(mrn)))
    beginnings = {word[:end] for word in words for end in range(1, len(word) + 1)}
    return sorted(beginnings | ({birth_date.isoformat()} if birth_date else set()))


def search_words(text: str) -> list[str]:
    """Return the folded words of a search, each the beginning of a word of who is looked for."""
    dates = set(_DATE.findall(text))
    return sorted(dates | set(_WORD.findall(_fold(_DATE.sub(" ", text)))))


def _words_of(name: str | None) -> set[str]:
    """Return the words of a name, the parts around an apostrophe, and the name in one word."""
    if not name:
        return set()
    words = _WORD.findall(_fold(name))
    parts = _WORD.findall(_fold(_APOSTROPHES.sub(" ", name)))
    return {*words, *parts, "".join(words)} - {""}


def _fold(text: str) -> str:
    letters = normalize("NFKD", _APOSTROPHES.sub("", text)).casefold().translate(_LETTERS)
    return "".join(c for c in normalize("NFKD", letters) if not category(c).startswith(("M", "C")))
