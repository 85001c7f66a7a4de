"""A patient: a person, known by a medical record number (MRN) of an assigning authority."""

from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain.aggregate import Aggregate, Event, event
from domain.envelope import Code, Envelope, Sealed
from domain.refusals import InvalidInput, MergeImpossible, MovementNotFound, PatientDied
from domain.time import Moment


class Sex(StrEnum):
    """Administrative sex (HL7 table 0001, FHIR administrative-gender)."""

    FEMALE = "FEMALE"
    MALE = "MALE"
    OTHER = "OTHER"
    UNKNOWN = "UNKNOWN"


class Confidentiality(StrEnum):
    """Confidentiality label (HL7 v3 Confidentiality: N, R, V)."""

    NORMAL = "NORMAL"
    RESTRICTED = "RESTRICTED"
    VERY_RESTRICTED = "VERY_RESTRICTED"


class Details(Struct, frozen=True, kw_only=True):
    """What is known of a person from a time on."""

    family_name: str | None = None
    given_name: str | None = None
    birth_date: date | None = None
    sex: Sex = Sex.UNKNOWN
    confidentiality: Confidentiality = Confidentiality.NORMAL


class Patient(Aggregate):
    """Registration, details and death of a person."""

    TOPIC = "patient"

    class Registered(Event):
        """Names and birth date are absent for a patient who is not identified yet."""

        TOPIC = "patient.registered"
        mrn: Code
        mrn_authority: Code
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: date | None
        sex: Sex
        confidentiality: Confidentiality

    class Died(Event):
        """The death, a fact with its own time. ``stay`` where it occurred in the hospital."""

        TOPIC = "patient.died"
        stay: UUID | None

    class DetailsCorrected(Event):
        """They always were so; what is absent stays as it was."""

        TOPIC = "patient.details-corrected"
        mrn: Code | None
        mrn_authority: Code | None
        family_name: Sealed | None
        given_name: Sealed | None
        birth_date: date | None
        sex: Sex | None
        confidentiality: Confidentiality | None

    class DetailsChanged(Event):
        """They are so from a time on (a marriage); what is absent stays as it was."""

        TOPIC = "patient.details-changed"
        since: Moment
        family_name: Sealed | None
        given_name: Sealed | None
        sex: Sex | None
        confidentiality: Confidentiality | None

    class Merged(Event):
        """This record and ``into`` are one person: reading follows the link, nothing is moved."""

        TOPIC = "patient.merged"
        merge: UUID
        into: UUID

    class Unmerged(Event):
        """They are not: the merge is taken back."""

        TOPIC = "patient.unmerged"
        merge: UUID

    def __init__(self) -> None:
        self.merged_into: UUID | None = None
        self.merge: UUID | None = None
        self.details: tuple[tuple[datetime | None, Details], ...] = ()
        """What is held of the person, from each time on; the first always was so."""
        self.said: tuple[tuple[datetime | None, dict[str, Any]], ...] = ()
        self.birth_date: date | None = None
        self.sex = Sex.UNKNOWN
        self.died_at: datetime | None = None

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
        entry: Envelope,
    ) -> None:
        self._registered(
            mrn=mrn,
            mrn_authority=mrn_authority,
            family_name=family_name,
            given_name=given_name,
            birth_date=birth_date,
            sex=sex,
            confidentiality=confidentiality,
            entry=entry,
        )

    def correct_details(
        self,
        since: datetime | None,
        entry: Envelope,
        *,
        mrn: str | None = None,
        mrn_authority: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        birth_date: date | None = None,
        sex: Sex | None = None,
        confidentiality: Confidentiality | None = None,
    ) -> None:
        """Details always were so (``since`` None), or are so from a time on."""
        fixed = {"mrn": mrn, "birthDate": birth_date}
        changed = (family_name, given_name, sex, confidentiality)
        if not any(v is not None for v in (*fixed.values(), *changed)):
            raise InvalidInput("familyName", "say which details are different")
        if since is None:
            self._details_corrected(
                mrn=mrn,
                mrn_authority=mrn_authority,
                family_name=family_name,
                given_name=given_name,
                birth_date=birth_date,
                sex=sex,
                confidentiality=confidentiality,
                entry=entry,
            )
            return
        for field, value in fixed.items():
            if value is not None:
                raise InvalidInput(
                    field, "it does not change from a day on; leave out validFrom to correct it"
                )
        self._details_changed(
            since=since,
            family_name=family_name,
            given_name=given_name,
            sex=sex,
            confidentiality=confidentiality,
            entry=entry,
        )

    def merge_into(self, into: UUID, entry: Envelope) -> None:
        """Link this record to that of the same person."""
        if self.merged_into is not None:
            raise MergeImpossible(f"the record is merged already (merge {self.merge})")
        self._merged(merge=entry.id_of("merge"), into=into, entry=entry)

    def unmerge(self, merge: UUID, entry: Envelope) -> None:
        """Take the link back."""
        if self.merge != merge:
            raise MovementNotFound("merge", merge, "mergeId", cancelled=True)
        self._unmerged(merge=merge, entry=entry)

    def die(self, stay: UUID | None, entry: Envelope) -> None:
        if self.died_at is not None:
            raise PatientDied(self.died_at)
        self._died(stay=stay, entry=entry)

    # -- evolve --

    @event(Registered)
    def _registered(
        self,
        mrn: str,
        mrn_authority: str,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: Sex,
        confidentiality: Confidentiality,
        entry: Envelope,
    ) -> None:
        self.mrn, self.mrn_authority = mrn, mrn_authority
        self._held(
            None,
            {
                "family_name": family_name,
                "given_name": given_name,
                "birth_date": birth_date,
                "sex": sex,
                "confidentiality": confidentiality,
            },
        )

    @event(DetailsCorrected)
    def _details_corrected(
        self,
        mrn: str | None,
        mrn_authority: str | None,
        family_name: str | None,
        given_name: str | None,
        birth_date: date | None,
        sex: Sex | None,
        confidentiality: Confidentiality | None,
        entry: Envelope,
    ) -> None:
        self.mrn = mrn or self.mrn
        self.mrn_authority = mrn_authority or self.mrn_authority
        self._held(
            None,
            {
                "family_name": family_name,
                "given_name": given_name,
                "birth_date": birth_date,
                "sex": sex,
                "confidentiality": confidentiality,
            },
        )

    @event(DetailsChanged)
    def _details_changed(
        self,
        since: datetime,
        family_name: str | None,
        given_name: str | None,
        sex: Sex | None,
        confidentiality: Confidentiality | None,
        entry: Envelope,
    ) -> None:
        self._held(
            since,
            {
                "family_name": family_name,
                "given_name": given_name,
                "sex": sex,
                "confidentiality": confidentiality,
            },
        )

    @event(Merged)
    def _merged(self, merge: UUID, into: UUID, entry: Envelope) -> None:
        self.merge, self.merged_into = merge, into

    @event(Unmerged)
    def _unmerged(self, merge: UUID, entry: Envelope) -> None:
        self.merge = self.merged_into = None

    @event(Died)
    def _died(self, stay: UUID | None, entry: Envelope) -> None:
        self.died_at = entry.occurred_at

    def _held(self, since: datetime | None, said: dict[str, Any]) -> None:
        """``said`` holds from ``since`` on (None: always), until something later says otherwise."""
        self.said = (*self.said, (since, {k: v for k, v in said.items() if v is not None}))
        always = [s for s in self.said if s[0] is None]
        dated = sorted((s for s in self.said if s[0] is not None), key=lambda s: s[0] or _NEVER)
        held = Details()
        for _, values in always:
            held = replace(held, **values)
        found: list[tuple[datetime | None, Details]] = [(None, held)]
        for at, values in dated:
            held = replace(held, **values)
            if found[-1][0] == at:
                found.pop()
            found.append((at, held))
        self.details = tuple(found)
        self.birth_date, self.sex = held.birth_date, held.sex
        self.confidentiality = held.confidentiality


_NEVER = datetime.max.replace(tzinfo=UTC)
