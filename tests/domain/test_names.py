"""Words of names: by which people are found, however they are typed."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.names import name_key, name_order, prefixes, search_words

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
            assert set(search_words(typed)) <= beginnings, (stored, typed)
    assert len({name_key(spelling, "Anna") for spelling in spellings}) == 1


@given(st.text(LETTERS, min_size=1, max_size=12), st.data())
def test_every_beginning_that_is_typed_finds_the_name(name: str, data: st.DataObject) -> None:
    end = data.draw(st.integers(1, len(name)))
    assert set(search_words(name[:end])) <= set(prefixes(name, None, "M1", None))


def test_a_number_is_found_as_it_is_written() -> None:
    assert "aa12" in prefixes(None, None, "AA12", None)
    assert "a12" not in prefixes(None, None, "AA12", None)
    assert search_words("AA12") == ["aa12"]


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
