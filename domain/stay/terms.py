"""The terms of a stay: its status, type, plan and disposition, and why a fact is taken back."""

from domain.described_enum import DescribedEnum


class Status(DescribedEnum):
    """State of a stay at a moment."""

    ADMITTED = "ADMITTED", "The patient is here."
    ON_LEAVE = "ON_LEAVE", "The patient is away and will come back."
    DISCHARGED = "DISCHARGED", "The patient has left for good."
    CANCELLED = "CANCELLED", "The stay never was."


class AdmissionType(DescribedEnum):
    """Way in which the patient came in."""

    EMERGENCY = "EMERGENCY", "Unplanned, needed at once."
    ELECTIVE = "ELECTIVE", "Planned beforehand."
    MATERNITY = "MATERNITY", "To give birth."
    NEWBORN = (
        "NEWBORN",
        "Born here: may share the mother's bed; the census counts it apart.",
    )
    TRANSFER_IN = "TRANSFER_IN", "From another hospital."
    DAY_CASE = "DAY_CASE", "Planned to leave on the same day: a short stay in FHIR, A07 in HL7."


class DischargePlan(DescribedEnum):
    """State of the plan of a discharge. Planning frees nothing."""

    NONE = "NONE", "Nothing is planned."
    PLANNED = "PLANNED", "A discharge is expected."
    CLEARED = "CLEARED", "The patient may leave as far as medicine is concerned."


class CancellationReason(DescribedEnum):
    """Reason why a fact is taken back, which decides what the past becomes.

    Entered in error: it never was, for all valid time. Decision reversed: it stands until the time
    of the reversal, and from then on what held before it holds again.
    """

    ENTERED_IN_ERROR = "ENTERED_IN_ERROR", "It never was: it is void for all valid time."
    DECISION_REVERSED = (
        "DECISION_REVERSED",
        "It stands until the time of the reversal; from then on what held before it holds again.",
    )


class MovementDetail(DescribedEnum):
    """A detail of a movement that may be unknown, by the name of its field."""

    ATTENDING = "ATTENDING", "Of an admission: the responsible doctor."
    SPECIALTY = "SPECIALTY", "Of an admission: the responsible specialty."
    DECIDED_TO_ADMIT_AT = "DECIDED_TO_ADMIT_AT", "Of an admission: when it was decided."
    WITHOUT_BED = "WITHOUT_BED", "Of an admission: the place without a bed."
    EXPECTED_RETURN = "EXPECTED_RETURN", "Of a leave: when the patient is expected back."
    EXPECTED_AT = "EXPECTED_AT", "Of a discharge plan: when it is expected."
    DESTINATION = "DESTINATION", "Of a discharge: where to, by name."
    DEPARTED_AT = "DEPARTED_AT", "Of emergency care: when the patient left the department."


class Disposition(DescribedEnum):
    """Destination of the patient at discharge, by kind."""

    HOME = "HOME", "To where the patient lives."
    TRANSFERRED = "TRANSFERRED", "To another institution."
    AGAINST_ADVICE = "AGAINST_ADVICE", "Left against advice."
    DIED = "DIED", "Died here."
    OTHER = "OTHER", "Anywhere else."
