"""Text as it is stored and compared: codes, lines, names and notes."""

from unicodedata import normalize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.prescription.events import Medication
from domain.refusals import InvalidInput
from domain.text import clean_texts, code, key, line, name, note, number_key

SPELLINGS = [" AB1", "AB1\n", "\tAB1 ", "AB\u200b1", "AB\u20601", "\ufeffAB1", "\uff21\uff22\uff11"]
"""Spellings of AB1 that are printed as it is."""

CLEANERS = [code, line, name, note, key, number_key]


@pytest.mark.parametrize("spelling", [*SPELLINGS, "A\x00B\x1b1", "A\u202eB\u202c1", "AB\ufe0f1"])
def test_a_code_is_stored_as_it_is_printed(spelling: str) -> None:
    assert code(spelling) == "AB1"


def test_blanks_are_one_blank_and_case_is_kept() -> None:
    assert code("Emergency\u00a0 \t Unit") == line("Emergency\u3000Unit ") == "Emergency Unit"


def test_a_key_is_of_no_case_and_a_number_of_no_blanks() -> None:
    assert key("STRASSE \u00c9") == key("stra\u00dfe e\u0301") == "strasse \u00e9"
    assert number_key("943 476\u00a05919") == "9434765919"
    assert key("Ward 1 1") != key("Ward 11")


def test_a_note_keeps_its_lines_and_a_name_what_was_typed() -> None:
    assert note("one\r\ntwo\x1b[31m\x07\tthree") == "one\ntwo[31m\tthree"
    assert name("Van  Kirk\n\u202e") == "Van  Kirk "
    assert (
        name("\u0646\u0627\u0645\u0647\u200c\u0647\u0627")
        == "\u0646\u0627\u0645\u0647\u200c\u0647\u0627"
    )


def test_texts_of_a_struct_are_cleaned_and_a_blank_one_is_refused() -> None:
    assert clean_texts(Medication(name=" A  b", code="x ")) == Medication(name="A b", code="x")
    with pytest.raises(InvalidInput, match="medication"):
        clean_texts(Medication(name="\u200b "), "medication")


@given(st.text())
def test_what_is_clean_stays_as_it_is(text: str) -> None:
    for clean in CLEANERS:
        once = clean(text)
        assert clean(once) == once
        assert not any((c < " " and c not in "\n\t") or "\x7f" <= c < "\xa0" for c in once)


@given(st.text())
def test_composed_and_decomposed_text_is_one(text: str) -> None:
    for clean in CLEANERS:
        assert clean(normalize("NFD", text)) == clean(text)
