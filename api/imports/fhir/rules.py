"""The importer's own rules: why a resource is refused that no command can carry."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

from api.imports.account import Ledger, Row


class Rule(StrEnum):
    """Rules by which the importer refuses a resource; all others in an account are the domain's."""

    ENTERED_IN_ERROR = "EnteredInError"
    NOT_A_STAY = "NotAStay"
    NOT_HELD = "NotHeld"
    NOT_KEPT = "NotKept"
    NOT_THERE = "NotThere"
    NO_PATIENT = "NoPatient"
    NO_PRESCRIPTION = "NoPrescription"
    NO_STAY = "NoStay"
    REFUSED_WITH = "RefusedWith"
    REPEATED_ID = "RepeatedId"
    UNREADABLE = "Unreadable"


RULES: Mapping[str, str] = {
    Rule.ENTERED_IN_ERROR: "its status says that it never was",
    Rule.NOT_A_STAY: "an Encounter of a class that is no stay in the house, or one that is planned",
    Rule.NOT_HELD: "it is over, and does not say when it began and ended; or says that there is none",
    Rule.NOT_KEPT: "the record has no fact of this kind",
    Rule.NOT_THERE: "a place without beds",
    Rule.NO_PATIENT: "it names no patient, or one that is not in the files",
    Rule.NO_PRESCRIPTION: "a dose that was not given has no request",
    Rule.NO_STAY: "it names no stay, or one that is not in the files",
    Rule.REFUSED_WITH: "what it belongs to was refused",
    Rule.REPEATED_ID: "another resource of the type has the same id, and says something else",
    Rule.UNREADABLE: "it is no resource, or a value that is needed is missing or cannot be read",
}
"""Descriptions of the importer's own rules, for people."""

ODD_FORMS = (
    *(AttributeError, LookupError, TypeError, ValueError),
    *(ArithmeticError, RecursionError),
)
"""Errors that a value gives that has another form than in FHIR: a text for a list."""


def odd_form(error: Exception) -> str:
    """Return the words of an account for a value of another form than in FHIR."""
    return f"a value has another form than in FHIR: {type(error).__name__}"


@contextmanager
def readable(resource: Row, ledger: Ledger) -> Iterator[None]:
    """Refuse a resource in which a value has another form than in FHIR: a text for a list."""
    try:
        yield
    except ODD_FORMS as error:
        for row in ledger.without_verdict([resource]):
            ledger.judge_refused(row, Rule.UNREADABLE, odd_form(error))
