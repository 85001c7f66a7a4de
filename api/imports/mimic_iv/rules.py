"""The importer's own rules: why a row is refused that no command can carry."""

from collections.abc import Mapping
from enum import StrEnum


class Rule(StrEnum):
    """Rules by which the importer refuses a row: no command can carry it, or its parent was refused.

    All other rules in an account are the domain's own refusals, by their names.
    """

    NO_PATIENT = "NoPatient"
    NO_STAY = "NoStay"
    NO_WARD = "NoWard"
    NO_PROVIDER = "NoProvider"
    NO_ORDER = "NoOrder"
    NO_PRESCRIPTION = "NoPrescription"
    NOT_A_DOSE = "NotADose"
    NOT_KEPT = "NotKept"
    OTHER_STAY = "OtherStay"
    AFTER_DISCHARGE = "AfterDischarge"
    ENDS_BEFORE_IT_BEGINS = "EndsBeforeItBegins"
    CONSULT_DISCONTINUED = "ConsultDiscontinued"
    REFUSED_WITH = "RefusedWith"
    UNREADABLE = "Unreadable"
    REPEATED_KEY = "RepeatedKey"


RULES: Mapping[str, str] = {
    Rule.NO_PATIENT: "table patients has no (readable) row of this patient",
    Rule.NO_STAY: "it names no stay, or one that table admissions has not",
    Rule.NO_WARD: "the row names no care unit",
    Rule.NO_PROVIDER: "a visit needs a practitioner, and the order names none",
    Rule.NO_ORDER: "the order that it changes or ends is not in the files",
    Rule.NO_PRESCRIPTION: "table prescriptions has no row that it belongs to",
    Rule.NOT_A_DOSE: "a dose was neither given nor withheld",
    Rule.NOT_KEPT: "the record has no fact of this kind",
    Rule.OTHER_STAY: "its prescription belongs to another stay of the patient",
    Rule.AFTER_DISCHARGE: "it lies after the discharge (or is a move at that very moment)",
    Rule.ENDS_BEFORE_IT_BEGINS: "its end lies before its beginning",
    Rule.CONSULT_DISCONTINUED: "the consult was called off: nobody came",
    Rule.REFUSED_WITH: "what it belongs to was refused",
    Rule.UNREADABLE: "a value that is needed is missing or cannot be read",
    Rule.REPEATED_KEY: "another row of the table has the same key",
}
"""Descriptions of the importer's own rules, for people."""
