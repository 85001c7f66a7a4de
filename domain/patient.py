"""A patient: a person, known by a medical record number (MRN) of an assigning authority."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.aggregate import (
    Aggregate,
    Cancelling,
    Correcting,
    Derived,
    Event,
    NotNeeded,
    UnknownEvent,
)
from domain.described_enum import DescribedEnum
from domain.envelope import Code, Envelope, Sealed
from domain.refusals import InvalidInput, MergeImpossible, MovementNotFound, PatientDied
from domain.time import ALWAYS, Moment, Period, Precision


class Sex(DescribedEnum):
    """Administrative sex (HL7 table 0001, FHIR administrative-gender)."""

    FEMALE = "FEMALE", "Female."
    MALE = "MALE", "Male."
    OTHER = "OTHER", "Neither of these."
    UNKNOWN = "UNKNOWN", "Not known."


class Confidentiality(DescribedEnum):
    """Confidentiality label (HL7 v3 Confidentiality: N, R, V)."""

    NORMAL = "NORMAL", "Open to all who may see data of this kind (HL7 v3: N)."
    RESTRICTED = "RESTRICTED", "Open to fewer roles (R)."
    VERY_RESTRICTED = "VERY_RESTRICTED", "Open to very few roles (V)."


class Details(Struct, frozen=True, kw_only=True):
    """The details of a person that hold from a time on."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    confidentiality: Confidentiality = Confidentiality.NORMAL


@dataclass(frozen=True, slots=True)
class Death:
    """A death as held true. ``discharge``: it follows from that discharge; None: told by itself."""

    at: datetime
    precision: Precision = Precision.MINUTE
    discharge: UUID | None = None


class Patient(Aggregate):
    """Registration, details and death of a person."""

    TOPIC = "patient"

    class Registered(Event):
        """Names and birth date are absent for a patient who is not identified yet."""

        TOPIC = "patient.registered"
        PUBLIC = "patient.registered"
        DESCRIPTION = "A patient was registered."
        CORRECTED_BY = ("correct_patient_details",)
        CANCELLED_BY = NotNeeded("a second record of a person is merged: `merge_patients`")
        mrn: Code
        mrn_authority: Code
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: date | None
        sex: Sex
        confidentiality: Confidentiality

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
        """The details were wrong from the beginning; an absent value stays as it was."""

        TOPIC = "patient.details-corrected"
        PUBLIC = "patient.details-corrected"
        DESCRIPTION = "What was known of a person was wrong, and was put right."
        mrn: Code | None
        mrn_authority: Code | None
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: date | None
        sex: Sex | None
        confidentiality: Confidentiality | None
        former_mrn: Code | None = None
        former_mrn_authority: Code | None = None
        """The number that another one takes the place of, by which others may still name the person."""

    class DetailsChanged(Event):
        """The details hold from a time on (a marriage); an absent value stays as it was."""

        TOPIC = "patient.details-changed"
        PUBLIC = "patient.details-changed"
        DESCRIPTION = "What is known of a person changed from a time on."
        CORRECTED_BY = ()
        CANCELLED_BY = ()
        since: Moment
        family_name: Sealed | None
        given_name: Sealed | None
        sex: Sex | None
        confidentiality: Confidentiality | None

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

    def __init__(self) -> None:
        self.merged_into: UUID | None = None
        self.merge: UUID | None = None
        self.details: tuple[tuple[datetime | None, Details], ...] = ()
        """What is held of the person, from each time on; the first always was so."""
        self.recorded: tuple[tuple[datetime | None, dict[str, Any]], ...] = ()
        """The values of each event, and from when on they hold, in the order of recording."""
        self.birth_date: date | None = None
        self.sex = Sex.UNKNOWN
        self.death: Death | None = None

    # -- decide --

    def register(
        self,
        mrn: str,
        mrn_authority: str,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: Sex,
        confidentiality: Confidentiality,
        envelope: Envelope,
    ) -> None:
        """Register the person."""
        self.record(
            Patient.Registered,
            envelope,
            mrn=mrn,
            mrn_authority=mrn_authority,
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            sex=sex,
            confidentiality=confidentiality,
        )

    def correct_details(
        self,
        since: datetime | None,
        envelope: Envelope,
        *,
        mrn: str | None = None,
        mrn_authority: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
        confidentiality: Confidentiality | None = None,
    ) -> None:
        """Correct details from the beginning (``since`` None), or change them from a time on."""
        fixed = {"mrn": mrn, "birth_date": birth_date}
        changed = (family_name, given_name, sex, confidentiality)
        if not any(v is not None for v in (*fixed.values(), *changed)):
            raise InvalidInput("family_name", "say which details are different")
        if since is None:
            self.record(
                Patient.DetailsCorrected,
                envelope,
                mrn=mrn,
                mrn_authority=mrn_authority,
                family_name=family_name,
                given_name=given_name,
                birth_date=birth_date,
                sex=sex,
                confidentiality=confidentiality,
                former_mrn=self.mrn if mrn else None,
                former_mrn_authority=self.mrn_authority if mrn else None,
            )
            return
        for field, value in fixed.items():
            if value is not None:
                raise InvalidInput(
                    field, "it does not change from a day on; leave out `valid_from` to correct it"
                )
        self.record(
            Patient.DetailsChanged,
            envelope,
            since=since,
            family_name=family_name,
            given_name=given_name,
            sex=sex,
            confidentiality=confidentiality,
        )

    def merge_into(self, into: UUID, envelope: Envelope) -> None:
        """Link this record to that of the same person."""
        if self.merged_into is not None:
            raise MergeImpossible(f"the record is merged already (merge {self.merge})")
        self.record(Patient.Merged, envelope, merge=envelope.id_of("merge"), into=into)

    def unmerge(self, merge: UUID, envelope: Envelope) -> None:
        """Take the link back."""
        if self.merge != merge:
            raise MovementNotFound("merge", merge, "merge_id", cancelled=True)
        self.record(Patient.Unmerged, envelope, merge=merge)

    def die(self, stay: UUID | None, envelope: Envelope, discharge: UUID | None = None) -> None:
        """Record the death, told by itself or by a discharge. Raises PatientDied if there is one."""
        if self.death is not None:
            raise PatientDied(self.death.at)
        self.record(Patient.Died, envelope, stay=stay, discharge=discharge)

    def correct_death(
        self,
        at: datetime,
        precision: Precision | None,
        stay: UUID | None,
        envelope: Envelope,
        discharge: UUID | None = None,
    ) -> None:
        """Record that the death was at another time."""
        self.record(
            Patient.DeathCorrected,
            envelope,
            at=at,
            precision=precision,
            stay=stay,
            discharge=discharge,
        )

    def cancel_death(self, envelope: Envelope) -> None:
        """Take the death back."""
        assert self.death is not None
        self.record(Patient.DeathCancelled, envelope, discharge=self.death.discharge)

    # -- state --

    def periods(self) -> list[tuple[Period, Details]]:
        """Return the details in order, each with the period (UTC) in which they hold."""
        starts = [since or ALWAYS.start for since, _ in self.details]
        ends = [*starts[1:], None]
        return [
            (Period(start, end), details)
            for start, end, (_, details) in zip(starts, ends, self.details, strict=True)
        ]

    def labels_from(self, now: datetime) -> set[Confidentiality]:
        """Return the confidentiality labels that hold at a moment (UTC) or from a later time on."""
        return {
            details.confidentiality
            for period, details in self.periods()
            if period.end is None or period.end > now
        }

    @property
    def died_at(self) -> datetime | None:
        """The time of death, as far as this record has it."""
        return self.death.at if self.death else None

    # -- evolve --

    def apply(self, event: Event) -> None:
        match event:
            case Patient.Registered():
                self.mrn, self.mrn_authority = event.mrn, event.mrn_authority
                self._hold(None, event, birth_date=event.birth_date)
            case Patient.DetailsCorrected():
                self.mrn = event.mrn or self.mrn
                self.mrn_authority = event.mrn_authority or self.mrn_authority
                self._hold(None, event, birth_date=event.birth_date)
            case Patient.DetailsChanged():
                self._hold(event.since, event)
            case Patient.Merged():
                self.merge, self.merged_into = event.merge, event.into
            case Patient.StayMovedAway():
                pass  # it is told here for those who read this record
            case Patient.Unmerged():
                self.merge = self.merged_into = None
            case Patient.Died():
                entry = event.entry
                self.death = Death(entry.occurred_at, entry.precision, event.discharge)
            case Patient.DeathCorrected():
                precision = event.precision or (self.death or Death(event.at)).precision
                self.death = Death(event.at, precision, event.discharge)
            case Patient.DeathCancelled():
                self.death = None
            case _:
                raise UnknownEvent(event)

    def _hold(
        self,
        since: datetime | None,
        event: "Patient.Registered | Patient.DetailsCorrected | Patient.DetailsChanged",
        birth_date: date | None = None,
    ) -> None:
        """Hold an event's details true from ``since`` on (None: always), until the next that differ."""
        values = {
            "family_name": event.family_name,
            "given_name": event.given_name,
            "birth_date": birth_date,
            "sex": event.sex,
            "confidentiality": event.confidentiality,
        }
        if since == ALWAYS.start:  # an old log may have it; no command can say it any more
            since = None
        present = {name: value for name, value in values.items() if value is not None}
        self.recorded = (*self.recorded, (since, present))
        always = [r for r in self.recorded if r[0] is None]
        dated = sorted((r for r in self.recorded if r[0]), key=lambda r: r[0] or _NEVER)
        details = Details()
        for _, changes in always:
            details = replace(details, **changes)
        states: list[tuple[datetime | None, Details]] = [(None, details)]
        for at, changes in dated:
            details = replace(details, **changes)
            if states[-1][0] == at:
                states.pop()
            states.append((at, details))
        self.details = tuple(states)
        self.birth_date, self.sex = details.birth_date, details.sex
        self.confidentiality = details.confidentiality


_NEVER = datetime.max.replace(tzinfo=UTC)
