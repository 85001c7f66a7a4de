"""Words of names: by which people are found, however they are typed."""

from collections.abc import Iterable
from datetime import date
from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.names import (
    are_alike,
    name_letters,
    name_order,
    name_runs,
    prefixes,
    search_words,
)


def finds(typed: str, beginnings: Iterable[str]) -> bool:
    """Return whether one reading of what is typed finds who has these beginnings."""
    return any(set(words) <= set(beginnings) for words in search_words(typed))


LETTERS = "aeouäöüåæøßssnrmlAEØÅ"


@pytest.mark.parametrize(
    "spellings",
    [
        ("Müller", "Mueller", "MUELLER", "Muller", "mu\u0308ller"),
        ("Weiß", "Weiss", "WEISS"),
        ("Sørensen", "Soerensen", "Sorensen"),
        ("Ågård", "Aagaard", "Agard"),
        ("Björnström", "Bjoernstroem", "Bjornstrom"),
        ("Jæger", "Jaeger", "Jäger"),
        ("Œuvrard", "Oeuvrard"),
        ("Łukasz", "Lukasz"),
    ],
)
def test_a_name_is_found_by_each_of_its_spellings(spellings: tuple[str, ...]) -> None:
    for stored in spellings:
        beginnings = set(prefixes(stored, None, "M1", None))
        for typed in spellings:
            assert finds(typed, beginnings), (stored, typed)
    assert len({name_letters(spelling, "Anna") for spelling in spellings}) == 1


@given(st.text(LETTERS, min_size=1, max_size=12), st.data())
def test_every_beginning_that_is_typed_finds_the_name(name: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(name)))
    assert finds(name[:end], prefixes(name, None, "M1", None))


TOGETHER_OR_APART = [
    ("McDonald", "Mc Donald", "MC DONALD", "Mc-Donald"),
    ("O'Brien", "O Brien", "OBrien", "O\u2019 Brien", "o-brien"),
    ("Delacruz", "de la Cruz", "De Lacruz", "Dela Cruz", "de-la-cruz"),
    ("Daeun", "Da Eun", "Da-eun"),
    ("Vandenberg", "van den Berg", "Van Denberg", "vanden berg"),
    ("\u5c71\u7530", "\u5c71 \u7530"),
]


@pytest.mark.parametrize("spellings", TOGETHER_OR_APART)
def test_a_name_is_found_by_its_words_together_and_apart(spellings: tuple[str, ...]) -> None:
    for stored in spellings:
        beginnings = prefixes(stored, "Mary Ann", "M1", None)
        for typed in spellings:
            for given_name in ("mary ann", "Maryann", "Mary-A"):
                assert finds(f"{typed} {given_name}", beginnings), (stored, typed)
                assert finds(f"{given_name} {typed}", beginnings), (stored, typed)
            assert not finds(f"{typed} Joan", beginnings)
    assert len({name_letters(spelling, "Anna") for spelling in spellings}) == 1


words = st.lists(st.text("abeosdmc", min_size=1, max_size=4), min_size=1, max_size=5)
separators = st.sampled_from(["", " ", "-", "'", " - "])


@given(words, st.data())
def test_words_of_a_name_may_be_written_together_or_apart(
    name: list[str], data: st.DataObject
) -> None:
    def written() -> str:
        return "".join(word + data.draw(separators) for word in name)

    stored, typed = written(), written()
    assert finds(typed, prefixes(stored, None, "M1", None))
    end = data.draw(st.integers(1, len(typed)))
    assert finds(typed[:end], prefixes(stored, None, "M1", None))
    assert are_alike((stored, "Anna"), ("Anna", typed))
    assert are_alike((stored, "Anna"), (typed, None))
    assert are_alike((typed, None), (stored, "Anna"))
    assert name_letters(stored, "Anna") == name_letters("Anna", typed)
    assert name_runs(typed, None) & set(prefixes(stored, None, "M1", None))


def test_names_of_other_words_are_not_alike() -> None:
    assert not are_alike(("McDonald", "Anna"), ("Mc", "Anne"))
    assert not are_alike(("Donaldson", None), ("Donald", None))
    assert not are_alike((None, None), ("Donald", "Anna"))
    assert not are_alike((" - ", None), ("Donald", "Anna"))
    assert not are_alike(("Ann Lee", None), ("Lee", "Anna"))


def test_a_long_search_has_few_readings() -> None:
    assert len(search_words(" ".join(f"word{n}" for n in range(40)))) == 16
    assert len(search_words("a 1950-02-03 b c d e f g 1951-02-03 h")) <= 32
    assert search_words("Mc Donald")[0] == ["donald", "mc"]


def test_a_number_is_found_as_it_is_written() -> None:
    assert "aa12" in prefixes(None, None, "AA12", None)
    assert "a12" not in prefixes(None, None, "AA12", None)
    assert search_words("AA12") == [["aa12"]]


@given(st.from_regex(r"[A-Z]{0,2}[0-9]{1,4}([-/. ][0-9]{1,4}){0,3}", fullmatch=True))
def test_a_number_is_found_as_it_was_given_also_if_it_could_be_a_date(mrn: str) -> None:
    assert finds(mrn, prefixes(None, None, mrn, None))


@given(st.dates(date(1850, 1, 1), date(2050, 1, 1)))
def test_a_birth_date_is_found_however_it_is_written(born: date) -> None:
    beginnings = prefixes("Okafor", None, "M1", born)
    year, month, day = f"{born:%Y}", f"{born:%m}", f"{born:%d}"
    of_day = (f"{year}{s}{month}{s}{day}" for s in "-/.\u2010\u2011\u2013")
    of_month = (
        f"{year}-{month}",
        f"{year}/{born.month}",
        f"{month}/{year}",
        f"{born.month}.{year}",
    )
    german = (
        f"{day}.{month}.{year}",
        f"{born.day}.{born.month}.{year}",
        f"{born.day}. {month}. {year}",
    )
    for typed in (*of_day, *of_month, *german, year):
        assert finds(f"okafor {typed}", beginnings), typed
        assert finds(f"{typed}, Okafor", beginnings), typed
        assert not finds(f"okafor {typed}", prefixes("Okafor", None, "M1", None)), typed


def test_a_name_is_listed_by_its_letters_whatever_their_accents_and_case() -> None:
    names = ["Andersson", "Ångström", "Aziz", "de Boer", "O'Neill", "Oneto", "Østby", "Zhao"]
    assert sorted(names, key=lambda name: name_order(name, None)) == names
    assert sorted(["Lee Ann", "Lee"], key=lambda name: name_order(name, "Zoe")) == [
        "Lee",
        "Lee Ann",
    ]


@given(st.text(), st.text())
def test_a_name_is_listed_at_one_place_however_it_is_typed(family: str, given_name: str) -> None:
    place = name_order(family, given_name)
    assert place.count("\n") == 1
    for form in ("NFC", "NFD"):
        assert name_order(normalize(form, family), normalize(form, given_name)) == place
    assert name_order(family.casefold(), given_name.casefold()) == place
