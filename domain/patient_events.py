"""The events of a patient."""

from collections.abc import Collection
from typing import Annotated
from uuid import UUID

from msgspec import Struct

from domain.aggregate import Cancelling, Correcting, Derived, Event, NotNeeded
from domain.described_enum import DescribedEnum
from domain.envelope import SEALED, Code, Sealed, SealedCode, SealedDate, Text
from domain.erasure import LegalBasis, proven_text
from domain.time import Moment, Precision


class Sex(DescribedEnum):
    """Administrative sex (HL7 table 0001, FHIR administrative-gender)."""

    FEMALE = "FEMALE", "Female."
    MALE = "MALE", "Male."
    OTHER = "OTHER", "Neither of these."
    UNKNOWN = "UNKNOWN", "Not known."


SealedSex = Annotated[Sex, SEALED]
"""A sex by which a person can be known."""


class Confidentiality(DescribedEnum):
    """Confidentiality label (HL7 v3 Confidentiality: N, R, V)."""

    NORMAL = "NORMAL", "Open to all who may see data of this kind (HL7 v3: N)."
    RESTRICTED = "RESTRICTED", "Open to fewer roles (R)."
    VERY_RESTRICTED = "VERY_RESTRICTED", "Open to very few roles (V)."


def strictest(labels: Collection[Confidentiality]) -> Confidentiality:
    """Return the strictest of some confidentiality labels."""
    return max(labels, key=_STRICTNESS.__getitem__)


_STRICTNESS = {label: rank for rank, label in enumerate(Confidentiality)}


class GroupedDetails(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Groups that figures know of a person who was erased: sex and age, for a version and time.

    ``version`` of the record's stream from which on it was held; ``since`` when it was true (None:
    always, until the next). ``birth_date`` is no birth date: one with the same age groups at each
    admission. Both are sealed by a key of the house's own, so that a copy of the log tells nobody.
    """

    version: int
    since: Moment | None
    birth_date: SealedDate | None
    sex: SealedSex


class PatientDetail(DescribedEnum):
    """A detail of a person that may be unknown."""

    FAMILY_NAME = "FAMILY_NAME", "The family name."
    GIVEN_NAME = "GIVEN_NAME", "The given name."
    BIRTH_DATE = "BIRTH_DATE", "The birth date."


class PatientEvents:
    """The events of a patient, which `Patient` inherits: they are read as ``Patient.Died``."""

    class Registered(Event):
        """Names and birth date are absent for a patient who is not identified yet."""

        TOPIC = "patient.registered"
        PUBLIC = "patient.registered"
        DESCRIPTION = "A patient was registered."
        CORRECTED_BY = ("correct_patient_details",)
        CANCELLED_BY = NotNeeded("a second record of a person is merged: `merge_patients`")
        mrn: SealedCode
        mrn_authority: Code
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: SealedDate | None
        sex: SealedSex
        confidentiality: Confidentiality
        despite_likely_duplicates: tuple[UUID, ...] | None = None
        """The records that were shown as likely of the same person, and are of another."""

    class Died(Event):
        """The death, a fact with its own time. ``stay`` where it occurred in the hospital.

        ``discharge``: it was not told by itself, but follows from that discharge as DIED.
        """

        TOPIC = "patient.died"
        PUBLIC = "patient.died"
        DESCRIPTION = "A patient died."
        CORRECTED_BY = ("correct_death",)
        CANCELLED_BY = ("cancel_death",)
        stay: UUID | None
        discharge: UUID | None = None

    class DeathCorrected(Correcting, Event):
        """The death was at another time; ``discharge``: it is that of a discharge as DIED."""

        TOPIC = "patient.death-corrected"
        PUBLIC = "patient.death-corrected"
        PUBLIC_FIELDS = {"at": "died_at"}
        DESCRIPTION = "The time of a death was put right."
        at: Moment
        precision: Precision | None
        stay: UUID | None
        discharge: UUID | None

    class DeathCancelled(Cancelling, Event):
        """The patient did not die; ``discharge``: the discharge as DIED that never was."""

        TOPIC = "patient.death-cancelled"
        PUBLIC = "patient.death-cancelled"
        DESCRIPTION = "A death was taken back."
        discharge: UUID | None

    class DetailsCorrected(Correcting, Event):
        """The details were wrong from the beginning; an absent value stays as it was.

        ``unknown``: the details of which a wrong value was told, and that nobody knows.
        """

        TOPIC = "patient.details-corrected"
        PUBLIC = "patient.details-corrected"
        DESCRIPTION = "What was known of a person was wrong, and was put right."
        mrn: SealedCode | None
        mrn_authority: Code | None
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: SealedDate | None
        sex: SealedSex | None
        confidentiality: Confidentiality | None
        former_mrn: SealedCode | None = None
        former_mrn_authority: Code | None = None
        """The number that another one takes the place of, by which others may still name the person."""
        unknown: tuple[PatientDetail, ...] | None = None

    class DetailsChanged(Event):
        """The details hold from a time on (a marriage); an absent value stays as it was."""

        TOPIC = "patient.details-changed"
        PUBLIC = "patient.details-changed"
        DESCRIPTION = "What is known of a person changed from a time on."
        CORRECTED_BY = ("correct_patient_change",)
        CANCELLED_BY = ("cancel_patient_change",)
        since: Moment
        family_name: Sealed | None
        given_name: Sealed | None
        sex: SealedSex | None
        confidentiality: Confidentiality | None

    class ChangeCorrected(Correcting, Event):
        """A change from ``since`` on was one from ``to`` on, or another; absent stays."""

        TOPIC = "patient.change-corrected"
        PUBLIC = "patient.change-corrected"
        DESCRIPTION = "A change of what is known of a person was put right."
        since: Moment
        to: Moment | None
        family_name: Sealed | None
        given_name: Sealed | None
        sex: SealedSex | None
        confidentiality: Confidentiality | None

    class ChangeCancelled(Cancelling, Event):
        """A change that was told from ``since`` on never was."""

        TOPIC = "patient.change-cancelled"
        PUBLIC = "patient.change-cancelled"
        DESCRIPTION = "A change of what is known of a person was taken back."
        since: Moment

    class Merged(Event):
        """This record and ``into`` are one person: reading follows the link, nothing is moved."""

        TOPIC = "patient.merged"
        PUBLIC = "patient.merged"
        PUBLIC_FIELDS = {"into": "into_patient_id"}
        DESCRIPTION = "Two records turned out to be of one person."
        CORRECTED_BY = NotNeeded("unmerge the records, and merge the right ones")
        CANCELLED_BY = ("unmerge_patients",)
        merge: UUID
        into: UUID

    class StayMovedAway(Derived, Event):
        """A stay that was recorded under this patient turned out to be another's."""

        TOPIC = "patient.stay-moved-away"
        PUBLIC = None
        DESCRIPTION = "A stay that was recorded under this patient went to another."
        stay: UUID

    class Unmerged(Event):
        """The two records are not one person: the merge is taken back."""

        TOPIC = "patient.unmerged"
        PUBLIC = "patient.unmerged"
        DESCRIPTION = "Two records turned out to be of two persons after all."
        CORRECTED_BY = NotNeeded("it says no more than that the merge was wrong")
        CANCELLED_BY = ("merge_patients",)
        merge: UUID

    class LegalHoldPlaced(Event):
        """A legal hold (a lawsuit, an inquiry): while one holds, nothing of the person may be erased."""

        TOPIC = "patient.legal-hold-placed"
        PUBLIC = "patient.legal-hold-placed"
        DESCRIPTION = "The data of a person must not be erased."
        CORRECTED_BY = NotNeeded("the hold is lifted, and the right one placed")
        CANCELLED_BY = ("lift_legal_hold",)
        hold: UUID

    class LegalHoldLifted(Event):
        """All holds of this record are lifted."""

        TOPIC = "patient.legal-hold-lifted"
        PUBLIC = "patient.legal-hold-lifted"
        DESCRIPTION = "A legal hold was lifted."
        CORRECTED_BY = NotNeeded("it says no more than that the hold has ended")
        CANCELLED_BY = ("place_legal_hold",)
        hold: UUID

    class ErasureRequested(Event):
        """Somebody asks for the person to be erased; another one has to approve it."""

        TOPIC = "patient.erasure-requested"
        PUBLIC = "patient.erasure-requested"
        DESCRIPTION = "The erasure of a person was requested."
        CORRECTED_BY = ("request_erasure",)
        CANCELLED_BY = ("withdraw_erasure",)
        erasure: UUID
        legal_basis: LegalBasis

    class ErasureWithdrawn(Event):
        """The request is not to be carried out."""

        TOPIC = "patient.erasure-withdrawn"
        PUBLIC = "patient.erasure-withdrawn"
        DESCRIPTION = "The request to erase a person was withdrawn, or turned down."
        CORRECTED_BY = NotNeeded("it says no more than that the request has ended")
        CANCELLED_BY = ("request_erasure",)
        erasure: UUID

    class Erased(Event):
        """The keys of the record and of its ``streams`` are destroyed: what is sealed is gone.

        One for each record of the person. What tells nobody who it was stays: movements, doses, times.
        ``proof``: that a command recorded it, by a key that the database does not have; without it no
        key is destroyed. Logs from before have none. ``grouped``: what figures by age and sex rest on.
        """

        TOPIC = "patient.erased"
        PUBLIC = "patient.erased"
        PUBLIC_FIELDS = {"streams": None, "proof": None, "grouped": None}
        DESCRIPTION = (
            "A person was erased: whoever has copies of what is said of them erases these."
        )
        CORRECTED_BY = NotNeeded("nothing is left that could be put right")
        CANCELLED_BY = NotNeeded("what is destroyed does not come back")
        erasure: UUID
        legal_basis: LegalBasis
        streams: tuple[UUID, ...]
        proof: Text | None = None
        grouped: tuple[GroupedDetails, ...] = ()

        @property
        def proven(self) -> str:
            """Return the text that its proof is of."""
            return proven_text(self.originator_id, self.erasure, self.streams, self.entry)

        @property
        def keyed(self) -> tuple[UUID, ...]:
            """Return all whose keys are destroyed: the record itself and its streams."""
            return self.originator_id, *self.streams
