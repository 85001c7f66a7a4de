"""Words of names, as people type them: by these a person is found.

Folded for case, accents, composed and decomposed letters and apostrophes; an umlaut is the same as the
two letters in its place (Müller, Mueller, Muller; Sørensen, Soerensen; Ågård, Aagaard); a double name
has the words of its halves, and both together.
"""

import re
from datetime import date
from unicodedata import category, normalize

from domain.text import number_key

_APOSTROPHES = re.compile("['`\u00b4\u02b9\u02bb\u02bc\u02bd\u2018\u2019\u201b\u2032\uff07]")
_WORD = re.compile(r"[^\W_]+")
_DATE = re.compile(r"\b\d{4}-\d{2}(?:-\d{2})?\b")
_DAY_FIRST = re.compile(r"\b(\d{1,2})\.(\d{1,2})\.(\d{4})\b")

_LETTERS = str.maketrans(
    {"\u00f8": "o", "\u0142": "l", "\u0111": "d", "\u00f0": "d", "\u0127": "h", "\u0131": "i"}
    | {"\u0167": "t", "\u00e6": "ae", "\u0153": "oe", "\u00fe": "th"}
)
"""Letters that Unicode does not take apart into a letter and its accent."""

_DIGRAPH = re.compile("([aou])e|aa")


def prefixes(family: str | None, given: str | None, mrn: str, birth_date: date | None) -> list[str]:
    """Return the beginnings of all words by which a person is found, in order.

    A number is found without its leading zeros too; typed with them, only one that has them is. A birth
    date is found whole, by its month and by its year.
    """
    words = _words_of(family) | _words_of(given) | _words_of(mrn) | _words_of(number_key(mrn))
    digits = set(re.findall(r"\d+", number_key(mrn)))
    words |= digits | {number.lstrip("0") for number in digits}
    words |= {_short(word) for word in words}
    beginnings = {word[:end] for word in words for end in range(1, len(word) + 1)}
    day = birth_date.isoformat() if birth_date else ""
    return sorted(beginnings | ({day, day[:7], day[:4]} if day else set()))


def search_words(text: str) -> list[str]:
    """Return the folded words of a search, each the beginning of a word of who is looked for."""
    text = _DAY_FIRST.sub(lambda day: f"{day[3]}-{day[2]:0>2}-{day[1]:0>2}", text)
    dates = set(_DATE.findall(text))
    return sorted(dates | set(map(_short, _WORD.findall(_fold(_DATE.sub(" ", text))))))


def name_words(family: str | None, given: str | None) -> frozenset[str]:
    """Return the folded words of a whole name, the same however it is typed."""
    return frozenset(map(_short, _WORD.findall(_fold(f"{family or ''} {given or ''}"))))


def name_key(family: str | None, given: str | None) -> str | None:
    """Return what is the same for all spellings of a name; None without one."""
    return " ".join(sorted(name_words(family, given))) or None


def name_order(family: str | None, given: str | None) -> str:
    """Return what people are listed by: the folded family name, then the given one.

    Accents, case and apostrophes place nobody elsewhere: Ångström is listed among A.
    """
    return f"{folded_name(family or '')}\n{folded_name(given or '')}"


def folded_name(name: str) -> str:
    """Return what is the same for all spellings of a name: its folded words, single blanks between."""
    return " ".join(_WORD.findall(_fold(name)))


def _words_of(name: str | None) -> set[str]:
    """Return the words of a name, the parts around an apostrophe, and the name in one word."""
    if not name:
        return set()
    words = _WORD.findall(_fold(name))
    parts = _WORD.findall(_fold(_APOSTROPHES.sub(" ", name)))
    return {*words, *parts, "".join(words)} - {""}


def _short(word: str) -> str:
    """Return a folded word with one letter for each two that are written for an umlaut.

    The beginning of a word becomes the beginning of its short form. Numbers stay as they are.
    """
    return word if re.search(r"\d", word) else _DIGRAPH.sub(lambda m: m[1] or "a", word)


def _fold(text: str) -> str:
    letters = normalize("NFKD", _APOSTROPHES.sub("", text)).casefold().translate(_LETTERS)
    return "".join(c for c in normalize("NFKD", letters) if not category(c).startswith(("M", "C")))
