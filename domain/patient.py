"""A patient: a person, known by a medical record number (MRN) of an assigning authority."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from domain import allergies
from domain.aggregate import Event, UnknownEvent
from domain.allergies import ALLERGIES, PatientAllergies
from domain.envelope import REDACTED, Envelope
from domain.erasure import Erasure, ErasureImpossible, LegalBasis, proven_text
from domain.patient_events import Confidentiality, GroupedDetails, PatientDetail, PatientEvents, Sex
from domain.problems import Problem
from domain.refusals import InvalidInput, MergeImpossible, MovementNotFound, PatientDied
from domain.things import Thing
from domain.time import ALWAYS, Period, Precision

__all__ = ["Confidentiality", "Death", "Details", "Patient", "PatientDetail", "Sex"]


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
    stay: UUID | None = None
    """The stay in which the patient died."""


class Patient(PatientEvents, PatientAllergies):
    """Registration, details, allergies and death of a person."""

    TOPIC = "patient"
    THING = Thing.PATIENT

    def __init__(self) -> None:
        super().__init__()
        self.former_numbers: tuple[tuple[str, str], ...] = ()
        """The MRNs that it had before, each with its authority first."""
        self.merged_into: UUID | None = None
        self.merge: UUID | None = None
        self.details: tuple[tuple[datetime | None, Details], ...] = ()
        """What is held of the person, from each time on; the first always was so."""
        self.recorded: tuple[tuple[datetime | None, dict[str, Any]], ...] = ()
        """The values of each event, and from when on they hold, in the order of recording."""
        self.told_at: dict[str, datetime] = {}
        """When another system recorded each detail that one told, by its own clock."""
        self.birth_date: date | None = None
        self.sex = Sex.UNKNOWN
        self.death: Death | None = None
        self.legal_hold: UUID | None = None
        self.erasure: Erasure | None = None
        """What is requested and not carried out yet."""
        self.is_erased = False

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
        despite_likely_duplicates: tuple[UUID, ...] | None = None,
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
            despite_likely_duplicates=despite_likely_duplicates,
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
        unknown: tuple[PatientDetail, ...] | None = None,
        keeps_number: bool = True,
    ) -> None:
        """Correct details from the beginning (``since`` None), or change them from a time on.

        ``keeps_number``: the number before still names the person."""
        identifiers = {"mrn": mrn, "birth_date": birth_date, "unknown": unknown}
        details = (family_name, given_name, sex, confidentiality)
        if not any(v is not None for v in (*identifiers.values(), *details)):
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
                former_mrn=self.mrn if mrn and keeps_number else None,
                former_mrn_authority=self.mrn_authority if mrn and keeps_number else None,
                unknown=unknown,
            )
            return
        for field, value in identifiers.items():
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

    def correct_change(
        self, since: datetime, to: datetime | None, envelope: Envelope, **right: Any
    ) -> None:
        """Correct what changed from a time on, or since when; None leaves it. Raises InvalidInput."""
        self._must_have_changed(since)
        if to in (None, since) and all(value is None for value in right.values()):
            raise InvalidInput("family_name", "say what was different")
        if to is not None and to != since and any(at == to for at, _ in self.recorded):
            raise InvalidInput("new_valid_from", "another change is told of that day; cancel one")
        self.record(Patient.ChangeCorrected, envelope, since=since, to=to, **right)

    def cancel_change(self, since: datetime, envelope: Envelope) -> None:
        """Take back what changed from a time on. Raises InvalidInput if nothing did."""
        self._must_have_changed(since)
        self.record(Patient.ChangeCancelled, envelope, since=since)

    def _must_have_changed(self, since: datetime) -> None:
        if not any(at == since for at, _ in self.recorded):
            raise InvalidInput("valid_from", "nothing is told to have changed on that day")

    def check_unmerged(self) -> None:
        """Refuse to merge a record that is merged. Raises MergeImpossible."""
        if self.merged_into is not None:
            problem = f"the record is merged already (merge {self.merge}); unmerge it first"
            raise MergeImpossible(Problem.MERGED_ALREADY, problem)

    def merge_into(self, into: UUID, envelope: Envelope) -> None:
        """Link this record to that of the same person."""
        self.check_unmerged()
        self.record(Patient.Merged, envelope, merge=envelope.id_of("merge"), into=into)

    def unmerge(self, merge: UUID, envelope: Envelope) -> None:
        """Take the link back."""
        if self.merge != merge:
            raise MovementNotFound(Thing.MERGE, merge, "merge_id", cancelled=True)
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

    def place_legal_hold(self, envelope: Envelope) -> None:
        """Forbid to erase the person. Raises ErasureImpossible if that is so already."""
        if self.legal_hold is not None:
            raise ErasureImpossible(Problem.LEGAL_HOLD)
        self.record(Patient.LegalHoldPlaced, envelope, hold=envelope.id_of("hold"))

    def lift_legal_hold(self, envelope: Envelope) -> None:
        """End the legal hold. Raises InvalidInput if there is none."""
        if self.legal_hold is None:
            raise InvalidInput("patient_mrn", "this record is under no legal hold")
        self.record(Patient.LegalHoldLifted, envelope, hold=self.legal_hold)

    def request_erasure(self, legal_basis: LegalBasis, envelope: Envelope) -> None:
        """Request the erasure, in place of what was requested before."""
        erasure = envelope.id_of("erasure")
        self.record(Patient.ErasureRequested, envelope, erasure=erasure, legal_basis=legal_basis)

    def withdraw_erasure(self, envelope: Envelope) -> None:
        """End the request. Raises InvalidInput if there is none."""
        if self.erasure is None:
            raise InvalidInput("patient_mrn", "no erasure of this record is requested")
        self.record(Patient.ErasureWithdrawn, envelope, erasure=self.erasure.id)

    def erase(
        self,
        erasure: "Erasure",
        streams: tuple[UUID, ...],
        envelope: Envelope,
        prove: Callable[[str], str],
        grouped: tuple[GroupedDetails, ...] = (),
    ) -> None:
        """Record that the keys of this record and of what belongs to it are destroyed.

        ``prove`` returns the proof of a text; ``grouped`` is what figures go on to rest on."""
        self.record(
            Patient.Erased,
            envelope,
            erasure=erasure.id,
            legal_basis=erasure.legal_basis,
            streams=streams,
            proof=prove(proven_text(self.id, erasure.id, streams, envelope)),
            grouped=grouped,
        )

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
                if event.former_mrn:
                    number = (event.former_mrn_authority or self.mrn_authority, event.former_mrn)
                    self.former_numbers = (*self.former_numbers, number)
                self.mrn = event.mrn or self.mrn
                self.mrn_authority = event.mrn_authority or self.mrn_authority
                self._hold(None, event, event.birth_date, event.unknown or ())
            case Patient.DetailsChanged():
                self._hold(event.since, event)
            case Patient.ChangeCorrected():
                self._hold(event.since, event)
                to = event.to or event.since
                self._fold(tuple((to if at == event.since else at, v) for at, v in self.recorded))
            case Patient.ChangeCancelled():
                self._fold(tuple(r for r in self.recorded if r[0] != event.since))
            case Patient.Merged():
                self.merge, self.merged_into = event.merge, event.into
            case Patient.StayMovedAway():
                pass  # it is told here for those who read this record
            case Patient.Unmerged():
                self.merge = self.merged_into = None
            case Patient.Died():
                entry = event.entry
                self.death = Death(entry.occurred_at, entry.precision, event.discharge, event.stay)
            case Patient.DeathCorrected():
                precision = event.precision or (self.death or Death(event.at)).precision
                self.death = Death(event.at, precision, event.discharge, event.stay)
            case Patient.DeathCancelled():
                self.death = None
            case Patient.LegalHoldPlaced():
                self.legal_hold = event.hold
            case Patient.LegalHoldLifted():
                self.legal_hold = None
            case Patient.ErasureRequested():
                by = event.entry.recorded_by
                self.erasure = Erasure(event.erasure, event.legal_basis, by)
            case Patient.ErasureWithdrawn():
                self.erasure = None
            case Patient.Erased():
                self.is_erased, self.erasure = True, None
                self.mrn, self.former_numbers = REDACTED, ()
                self._fold(
                    tuple((since, _redact_details(values)) for since, values in self.recorded)
                )
            case _ if isinstance(event, ALLERGIES):
                self.allergies = allergies.after(self.allergies, event)
            case _:
                raise UnknownEvent(event)

    def _hold(
        self,
        since: datetime | None,
        event: "Patient.Registered | Patient.DetailsCorrected | Patient.DetailsChanged |"
        " Patient.ChangeCorrected",
        birth_date: date | None = None,
        unknown: tuple[PatientDetail, ...] = (),
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
        held_values: dict[str, Any] = {n: v for n, v in values.items() if v is not None}
        held_values |= {detail.value.lower(): None for detail in unknown}
        source = event.entry.source
        if source and source.recorded_at:
            told_values = dict(held_values)
            if isinstance(event, Patient.Registered) and event.sex is Sex.UNKNOWN:
                del told_values["sex"]  # not that it is unknown: nothing was told of it
            self.told_at = {**self.told_at, **dict.fromkeys(told_values, source.recorded_at)}
        self._fold((*self.recorded, (since, held_values)))

    def _fold(self, entries: tuple[tuple[datetime | None, dict[str, Any]], ...]) -> None:
        self.recorded = entries
        initial_records = [r for r in self.recorded if r[0] is None]
        dated_entries = sorted((r for r in self.recorded if r[0]), key=lambda r: r[0] or _NEVER)
        details = Details()
        for _, changes in initial_records:
            details = replace(details, **changes)
        states: list[tuple[datetime | None, Details]] = [(None, details)]
        for at, changes in dated_entries:
            details = replace(details, **changes)
            if states[-1][0] == at:
                states.pop()
            states.append((at, details))
        self.details = tuple(states)
        self.birth_date, self.sex = details.birth_date, details.sex
        self.confidentiality = details.confidentiality


def _redact_details(values: dict[str, Any]) -> dict[str, Any]:
    """Return details as they read once their key is destroyed: without a birth date and a sex."""
    names: dict[str, Any] = {
        name: REDACTED for name in ("family_name", "given_name") if values.get(name)
    }
    labels = {name: values[name] for name in ("confidentiality",) if name in values}
    return {**labels, **names, **({"sex": Sex.UNKNOWN} if "sex" in values else {})}


_NEVER = datetime.max.replace(tzinfo=UTC)
