"""Problems: what exactly a refusal is about, for programs that say it in their own words."""

from domain.described_enum import DescribedEnum

PROBLEM = "What exactly is wrong, for programs."


class Problem(DescribedEnum):
    """Problem type (RFC 9457): what exactly is wrong, where the code names but its kind."""

    # of a bed
    BED_IN_STATE = "BED_IN_STATE", "The bed is in that state in that time."
    BED_NOT_IN_STATE = "BED_NOT_IN_STATE", "The bed is not in that state then."
    BED_STATE_ENDED = "BED_STATE_ENDED", "The end of that state is recorded already."
    RESERVATION_ENDED = "RESERVATION_ENDED", "The reservation has ended before that time."
    RESERVATION_RELEASED = (
        "RESERVATION_RELEASED",
        "The reservation was released before it began.",
    )
    BEDS_RETIRED = "BEDS_RETIRED", "All of its beds are retired."
    BED_NOT_RETIRED = "BED_NOT_RETIRED", "None of its beds is retired."
    # of a stay
    ADMITTED_BEFORE = "ADMITTED_BEFORE", "It was admitted before."
    ADMISSION_CANCELLED = "ADMISSION_CANCELLED", "The admission was cancelled."
    ADMISSION_OF_ANOTHER = (
        "ADMISSION_OF_ANOTHER",
        "An earlier admission of the visit names another patient.",
    )
    HAS_BED = "HAS_BED", "The patient already has a bed then; transfer instead."
    IN_THAT_PLACE = "IN_THAT_PLACE", "The patient is in that place then already."
    WITHOUT_BED = "WITHOUT_BED", "Both patients need a bed then to exchange them."
    ON_LEAVE = "ON_LEAVE", "The patient is already on leave then."
    ABSENT = "ABSENT", "It needs the patient here, and the patient is on leave then."
    NOT_ON_LEAVE = "NOT_ON_LEAVE", "The patient is not on leave then."
    NO_BED_TO_KEEP = "NO_BED_TO_KEEP", "There is no bed to keep during the leave."
    BED_RELEASED = "BED_RELEASED", "The bed was released for the leave; name a bed to return to."
    NOT_IN_FORCE = (
        "NOT_IN_FORCE",
        "Only what is in force then can be reversed; if it was entered in error, say so.",
    )
    EMERGENCY_CARE_AFTER_ADMISSION = (
        "EMERGENCY_CARE_AFTER_ADMISSION",
        "The patient came to the emergency department after the admission.",
    )
    EMERGENCY_CARE_RECORDED = (
        "EMERGENCY_CARE_RECORDED",
        "There is emergency care in this stay already; correct that.",
    )
    EMERGENCY_CARE_REVERSED = (
        "EMERGENCY_CARE_REVERSED",
        "The patient left the emergency department before coming there.",
    )
    FLAG_UP = "FLAG_UP", "A flag of that kind is up then already."
    FLAG_LOWERED = "FLAG_LOWERED", "The flag was lowered already; correct when."
    FLAG_NOT_LOWERED = "FLAG_NOT_LOWERED", "The flag was not lowered."
    CONSULT_ANSWERED = "CONSULT_ANSWERED", "The consult took place: a visit answers it."
    CONSULT_WITHDRAWN = (
        "CONSULT_WITHDRAWN",
        "The consult was withdrawn; if it was not, cancel that.",
    )
    CONSULT_NOT_WITHDRAWN = "CONSULT_NOT_WITHDRAWN", "The consult was not withdrawn."
    # of a prescription, its doses and infusions
    PRESCRIPTION_CANCELLED = (
        "PRESCRIPTION_CANCELLED",
        "It was cancelled: it was entered in error.",
    )
    PRESCRIPTION_ENDED = "PRESCRIPTION_ENDED", "It has ended then."
    PRESCRIPTION_NOT_ACTIVE = (
        "PRESCRIPTION_NOT_ACTIVE",
        "Only an active prescription can be held.",
    )
    PRESCRIPTION_NOT_HELD = "PRESCRIPTION_NOT_HELD", "Only a held prescription can be resumed."
    PRESCRIPTION_NOT_STARTED = "PRESCRIPTION_NOT_STARTED", "It has not started then."
    PRESCRIPTION_NOT_WRITTEN = "PRESCRIPTION_NOT_WRITTEN", "It is not written then."
    PRESCRIPTION_HELD = "PRESCRIPTION_HELD", "It is held then."
    STOPPED_BY_DISCHARGE = (
        "STOPPED_BY_DISCHARGE",
        "The end of the stay stopped it: correct or cancel that, and the stop follows.",
    )
    DOSE_GIVEN = (
        "DOSE_GIVEN",
        "A dose was given; stop the prescription, or cancel the dose first.",
    )
    DOSE_OUTSIDE = "DOSE_OUTSIDE", "The dose lies outside the prescription."
    DOSE_PRESCRIBED = (
        "DOSE_PRESCRIBED",
        "It was prescribed: name the prescription it was given under.",
    )
    DOSE_NOT_PRESCRIBED = "DOSE_NOT_PRESCRIBED", "It is one dose without a prescription."
    NO_INFUSION = "NO_INFUSION", "The dose is no infusion: it has no end."
    INFUSION_ENDED = (
        "INFUSION_ENDED",
        "The end of the infusion is recorded already: correct it.",
    )
    INFUSION_NOT_ENDED = "INFUSION_NOT_ENDED", "No end of that infusion is recorded."
    INFUSION_AFTER_END = "INFUSION_AFTER_END", "The prescription ended before the infusion did."
    # of an allergy
    ALLERGY_ENDED = "ALLERGY_ENDED", "It has ended already; correct when."
    ALLERGY_NOT_ENDED = "ALLERGY_NOT_ENDED", "No end of it is recorded."
    # of the records of a person
    MERGED_ALREADY = "MERGED_ALREADY", "The record is merged already; unmerge it first."
    MERGED_INTO_ANOTHER = (
        "MERGED_INTO_ANOTHER",
        "The record to merge into is merged into another; name that one.",
    )
    TWO_STAYS_AT_ONCE = (
        "TWO_STAYS_AT_ONCE",
        "The person would be in two stays at once; correct when one of them was.",
    )
    DEATHS_DIFFER = (
        "DEATHS_DIFFER",
        "The two have different times of death; correct the one that is wrong.",
    )
    OUTSIDE_LIFE = "OUTSIDE_LIFE", "The person would be here before the birth, or after the death."
    BED_NOT_SHARED = "BED_NOT_SHARED", "A child would share a bed that it may not; move it first."
    LEGAL_HOLD = "LEGAL_HOLD", "There is a legal hold; lift it first."
    ERASURE_NOT_REQUESTED = "ERASURE_NOT_REQUESTED", "Nobody has requested it; request it first."
    SAME_LOGIN = "SAME_LOGIN", "Another login has to approve it than requested it."
    STAY_OPEN = "STAY_OPEN", "A stay is open; discharge the patient first."
    # of what has to say why
    LATE_ENTRY = "LATE_ENTRY", "The entry is late."
    CORRECTION = "CORRECTION", "A correction says why."
    CANCEL = "CANCEL", "A cancel says why."
    MERGE = "MERGE", "A merge says why."
    UNMERGE = "UNMERGE", "An unmerge says why."
    CLOSURE = "CLOSURE", "Say why the bed is closed."
    CONFIRMED_WARNING = "CONFIRMED_WARNING", "Who goes on in spite of a warning says why."
    EMERGENCY_ACCESS = (
        "EMERGENCY_ACCESS",
        "Say in words why the patient's data have to be opened.",
    )
    HOLD = "HOLD", "A legal hold says why."
    HOLD_END = "HOLD_END", "The end of a legal hold says why."
    ERASURE = "ERASURE", "A request to erase says why."
    SKIPPED_COMMAND = "SKIPPED_COMMAND", "Say why the read model may leave the command out."

    @property
    def clause(self) -> str:
        """Return the description as the last clause of a sentence."""
        return self.description[0].lower() + self.description[1:].rstrip(".")
