"""Words of names, as people type them: by these a person is found.

Folded for case, accents, composed and decomposed letters and apostrophes; an umlaut is the same as the
two letters in its place (Müller, Mueller, Muller; Sørensen, Soerensen; Ågård, Aagaard); words next to
each other are the same together and apart (McDonald, Mc Donald; O'Brien, O Brien; Jean-Luc, Jeanluc).
"""

import re
from collections.abc import Iterator
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

Name = tuple[str | None, str | None]
"""A family name and a given name."""

MOST_TOGETHER = 5
"""The words next to each other that are read as one word too, at most."""


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

    What looks like a date (1950-02-03, 1950/2, 3.2.1950, 2/1950) may be a number as well; words may be
    written together in the name, or apart. The first reading is as typed.
    """
    dates: set[str] = set()

    def take(year: str, month: str, day: str | None) -> str:
        dates.add("-".join(part.zfill(2) for part in (year, month, day) if part))
        return " "

    others = _YEAR_LAST.sub(lambda match: take(match[3], match[2], match[1]), text)
    others = _YEAR_FIRST.sub(lambda match: take(match[1], match[2], match[3]), others)
    readings = [{*dates, *words} for words in _typed_words(others)]
    readings += _typed_words(text) if dates else []
    return list(map(list, dict.fromkeys(tuple(sorted(words)) for words in readings)))


def _typed_words(text: str) -> list[set[str]]:
    words = _WORD.findall(_fold(text))
    others = words[MOST_TOGETHER:]
    ways = _ways_of_writing(words[:MOST_TOGETHER])
    return [set(map(_short, [*way, *others])) for way in ways]


def _ways_of_writing(words: list[str]) -> Iterator[list[str]]:
    """Yield words as they are, then in all ways in which some are written together with the next."""
    if len(words) < 2:
        yield words
        return
    for others in _ways_of_writing(words[1:]):
        yield [words[0], *others]
        yield [words[0] + others[0], *others[1:]]


def name_runs(family: str | None, given: str | None) -> frozenset[str]:
    """Return the words of a whole name, and those next to each other in one, however they are typed."""
    runs = (_runs(words) for words in _names(family, given))
    return frozenset(_short(run) for of_name in runs for run in of_name)


def are_alike(name: Name, other: Name) -> bool:
    """Return whether all words of one name are in the other, in any order, together or apart.

    A person without a name is like nobody.
    """
    return _is_within(name, other) or _is_within(other, name)


def _is_within(name: Name, other: Name) -> bool:
    words, runs = _names(*name), name_runs(*other)
    return bool(words) and all(_is_made_of(of_name, runs) for of_name in words)


def name_letters(family: str | None, given: str | None) -> str | None:
    """Return the letters of a name in alphabetical order; None without one.

    The same for all spellings of a name, in whatever order and however its words are written together;
    so without the letters that some spellings leave out. Other names may have the same.
    """
    letters = "".join(word for words in _names(family, given) for word in words)
    return "".join(sorted(letters.translate(_LEFT_OUT))) if letters else None


_LEFT_OUT = str.maketrans("", "", "ae")


def name_order(family: str | None, given: str | None) -> str:
    """Return the sort key of a person: the folded family name, then the given one.

    Accents, case and apostrophes place nobody elsewhere: Ångström is listed among A.
    """
    return f"{folded_name(family or '')}\n{folded_name(given or '')}"


def folded_name(name: str) -> str:
    """Return the comparison key of a name: its folded words, single blanks between."""
    return " ".join(_WORD.findall(_fold(name)))


def _words_of(name: str | None) -> set[str]:
    """Return words whose beginnings are all words of a name, its parts around an apostrophe among them.

    Of each on, the words that follow are in one with it.
    """
    words = _WORD.findall(_fold(_APOSTROPHES.sub(" ", name or "")))
    return {"".join(words[i : i + MOST_TOGETHER]) for i in range(len(words))}


def _names(family: str | None, given: str | None) -> list[list[str]]:
    """Return the folded words of the family name and of the given name, without one that has none."""
    names = (_WORD.findall(_fold(name)) for name in (family, given) if name)
    return [words for words in names if words]


def _runs(words: list[str]) -> set[str]:
    """Return words, and those next to each other in one."""
    ends = range(1, MOST_TOGETHER + 1)
    return {"".join(words[i : i + end]) for i in range(len(words)) for end in ends}


def _is_made_of(words: list[str], runs: frozenset[str]) -> bool:
    """Return whether words, some of them together with the next, are all among others."""
    ends = {0}
    for end in range(1, len(words) + 1):
        if any(_short("".join(words[start:end])) in runs for start in ends):
            ends.add(end)
    return len(words) in ends


def _short(word: str) -> str:
    """Return a folded word with one letter for each two that are written for an umlaut.

    The beginning of a word becomes the beginning of its short form. Numbers stay as they are.
    """
    return word if re.search(r"\d", word) else _DIGRAPH.sub(lambda m: m[1] or "a", word)


def _fold(text: str) -> str:
    letters = normalize("NFKD", _APOSTROPHES.sub("", text)).casefold().translate(_LETTERS)
    return "".join(c for c in normalize("NFKD", letters) if not category(c).startswith(("M", "C")))
