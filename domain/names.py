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
_SEPARATOR = "[-/.\u2010-\u2013]"
_YEAR_FIRST = re.compile(rf"\b(\d{{4}}){_SEPARATOR}(\d{{1,2}})(?:{_SEPARATOR}(\d{{1,2}}))?\b")
_YEAR_LAST = re.compile(r"\b(?:(\d{1,2})\. ?)?(\d{1,2})[./] ?(\d{4})\b")

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


def search_words(text: str) -> list[list[str]]:
    """Return the readings of a search: of each its folded words, which begin words of who is looked for.

    What looks like a date (1950-02-03, 1950/2, 3.2.1950, 2/1950) may be a number as well.
    """
    dates: set[str] = set()

    def take(year: str, month: str, day: str | None) -> str:
        dates.add("-".join(part.zfill(2) for part in (year, month, day) if part))
        return " "

    others = _YEAR_LAST.sub(lambda match: take(match[3], match[2], match[1]), text)
    others = _YEAR_FIRST.sub(lambda match: take(match[1], match[2], match[3]), others)
    readings = [sorted(dates | _typed_words(others)), sorted(_typed_words(text))]
    return readings if dates else readings[:1]


def _typed_words(text: str) -> set[str]:
    return set(map(_short, _WORD.findall(_fold(text))))


def name_words(family: str | None, given: str | None) -> frozenset[str]:
    """Return the folded words of a whole name, the same however it is typed."""
    return frozenset(_typed_words(f"{family or ''} {given or ''}"))


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
