"""Commands that take facts back, or put them right: by id, each with its reason.

What is corrected is checked on the whole history with the fact in its new place, like a late entry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from msgspec.structs import replace

from application.command_pipeline import Commands, command, correction, reason_needed, utc
from application.unit_of_work import Decision
from domain.envelope import Entry
from domain.prescription.course import Outside
from domain.refusals import InvalidInput
from domain.stay.aggregate import Stay, VisitKind
from domain.stay.facts import Admission, Because, Discharge, Move, Place
from domain.stay.history import History
from domain.time import Precision, in_utc

ERROR_ONLY = "what was done was done; only what was entered in error can be cancelled here"


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """A movement happened at another time, or in another place; what is absent stays."""

    movement_id: UUID
    occurred_at: datetime | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """A movement is taken back. Reversed at ``occurred_at``, another place may be named."""

    movement_id: UUID
    because: Because
    occurred_at: datetime | None = None
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    without_bed: str | None = None


class EntryKind(StrEnum):
    """What may be entered late together with corrections."""

    TRANSFER = "TRANSFER"
    START_LEAVE = "START_LEAVE"
    END_LEAVE = "END_LEAVE"


@dataclass(frozen=True, slots=True, kw_only=True)
class LateEntry:
    """A movement that was never entered, or in the place of one that is cancelled."""

    stay_id: UUID
    kind: EntryKind = EntryKind.TRANSFER
    occurred_at: datetime
    ward: str | None = None
    room: str | None = None
    bed: str | None = None
    shares_bed_of: UUID | None = None
    without_bed: str | None = None
    keep_bed: bool = True


class Corrections(Commands):
    """What was recorded and was not so."""

    @command
    def cancel_admission(
        self,
        d: Decision,
        *,
        stay_id: UUID,
        because: Because,
        void_clinical_facts: bool | None = None,
    ) -> None:
        """Take a whole stay back; its bed is free in the same act.

        Entered in error it never was; reversed it ends at ``occurred_at``. Clinical facts recorded
        in it stop it (ContradictsLaterFacts lists them), unless they are to be voided too.
        """
        reason_needed(d.entry, "a cancel says why")
        self._cancel_admission(d, d.stay(stay_id), because, bool(void_clinical_facts))

    @command
    def cancel_discharge(
        self,
        d: Decision,
        *,
        stay_id: UUID,
        because: Because,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        without_bed: str | None = None,
    ) -> None:
        """Take a discharge back, naming where the patient is: the old bed may be taken.

        Entered in error, the patient never left and the prescriptions were never stopped. Reversed,
        the patient was away from the discharge until ``occurred_at``; they stay stopped.
        """
        reason_needed(d.entry, "a cancel says why")
        stay = d.stay(stay_id)
        discharge = stay.history.discharge
        if discharge is None:
            raise InvalidInput("stayId", "the stay is not discharged")
        self._cancel_discharge(
            d, stay, discharge, because, d.place(ward, room, bed, None, without_bed)
        )

    @command
    def cancel_movement(
        self,
        d: Decision,
        *,
        movement_id: UUID,
        because: Because,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        without_bed: str | None = None,
    ) -> None:
        """Take back any movement by its id; a swap, in both stays.

        Reversed, the bed before it must be free, or another is named.
        """
        reason_needed(d.entry, "a cancel says why")
        place = d.place(ward, room, bed, None, without_bed)
        self._cancel(d, movement_id, because, place)

    @correction
    def correct_movement(
        self,
        d: Decision,
        *,
        movement_id: UUID,
        ward: str | None = None,
        room: str | None = None,
        bed: str | None = None,
        shares_bed_of: UUID | None = None,
        without_bed: str | None = None,
    ) -> None:
        """A movement happened at another time (``occurred_at``), or in another place.

        A child that was moved along in the mother's bed follows her; the first bed of an admission
        follows its time; the prescriptions that a discharge stopped follow it.
        """
        place = d.place(ward, room, bed, shares_bed_of, without_bed)
        self._correct(d, movement_id, d.corrected_at, d.corrected_precision, place)

    @command
    def correct_facts(
        self,
        d: Decision,
        *,
        corrections: Sequence[Correction] | None = None,
        cancels: Sequence[Cancel] | None = None,
        entries: Sequence[LateEntry] | None = None,
    ) -> None:
        """Several corrections, cancels and late entries, of several stays, decided on the result.

        Two patients entered in each other's beds can only be put right so.
        """
        reason_needed(d.entry, "a correction says why")
        if not (corrections or cancels or entries):
            raise InvalidInput("corrections", "say what to correct, to cancel or to enter")
        d.decide_together()
        for cancel in cancels or ():
            entry, at = d.entry, cancel.occurred_at
            d.entry = self._entry_at(d, at)
            place = d.place(cancel.ward, cancel.room, cancel.bed, None, cancel.without_bed)
            self._cancel(d, cancel.movement_id, cancel.because, place)
            d.entry = entry
        for right in corrections or ():
            at = utc(right.occurred_at, "occurredAt")
            if at is not None:
                self.check_time(at, d.now)
            place = d.place(
                right.ward, right.room, right.bed, right.shares_bed_of, right.without_bed
            )
            self._correct(d, right.movement_id, at, Precision.MINUTE if at else None, place)
        for late in entries or ():
            self._enter(d, late)
        for stay in d.decided_together():
            stay.check_together(d.died_at(stay.patient))

    @correction
    def amend_visit(
        self,
        d: Decision,
        *,
        visit_id: UUID,
        practitioner: str | None = None,
        kind: VisitKind | None = None,
        note: str | None = None,
    ) -> None:
        """Another time (``occurred_at``), doctor, kind or note of a visit; what is absent stays."""
        (stay,) = d.with_movement(visit_id, "visitId")
        stay.amend_visit(
            visit_id,
            d.corrected_at,
            d.corrected_precision,
            d.practitioner(practitioner, "practitioner") if practitioner else None,
            kind,
            note,
            d.entry,
            d.died_at(stay.patient),
        )

    @command
    def cancel_visit(self, d: Decision, *, visit_id: UUID, because: Because | None = None) -> None:
        """The visit never was."""
        self._error_only(d, because)
        (stay,) = d.with_movement(visit_id, "visitId")
        stay.cancel_visit(visit_id, d.entry)

    @command
    def cancel_prescription(
        self, d: Decision, *, prescription_id: UUID, because: Because | None = None
    ) -> None:
        """It was never written. Refused once a dose was given: then it can be stopped."""
        self._error_only(d, because)
        d.prescription(prescription_id).cancel(d.entry)

    @correction
    def correct_administration(
        self,
        d: Decision,
        *,
        administration_id: UUID,
        given: bool | None = None,
        dose_given: str | None = None,
        reason_not_given: str | None = None,
        outside_prescription: Outside | None = None,
    ) -> None:
        """Another time (``occurred_at``) or amount of a dose, or that it was not given."""
        prescription = d.with_dose(administration_id)
        assert prescription.stay is not None
        at = prescription.correct_administration(
            administration_id,
            d.corrected_at,
            d.corrected_precision,
            given,
            dose_given,
            reason_not_given,
            outside_prescription,
            d.entry,
            d.died_at(prescription.patient),
        )
        d.one(Stay, prescription.stay, "stay", "administrationId").must_include(at, "The dose")

    @command
    def cancel_administration(
        self, d: Decision, *, administration_id: UUID, because: Because | None = None
    ) -> None:
        """The dose never was."""
        self._error_only(d, because)
        d.with_dose(administration_id).cancel_administration(administration_id, d.entry)

    # -- what they share --

    def _cancel(self, d: Decision, movement: UUID, because: Because, place: Place | None) -> None:
        for stay in d.with_movement(movement):
            fact = stay.movement(movement)
            if isinstance(fact, Admission):
                if place is not None:
                    raise InvalidInput("bed", "a cancelled admission leads nowhere; leave it out")
                self._cancel_admission(d, stay, because, False)
            elif isinstance(fact, Discharge):
                self._cancel_discharge(d, stay, fact, because, place)
            else:
                died_at = d.died_at(stay.patient)
                stay.cancel_movement(movement, because, place, d.entry, died_at)

    def _cancel_admission(
        self, d: Decision, stay: Stay, because: Because, void_clinical_facts: bool
    ) -> None:
        prescriptions = d.prescriptions_of(stay)
        stay.cancel_admission(
            because,
            void_clinical_facts,
            d.entry,
            d.died_at(stay.patient),
            [fact for p in prescriptions for fact in p.facts()],
        )
        for prescription in prescriptions:
            prescription.void(d.entry)

    def _cancel_discharge(
        self,
        d: Decision,
        stay: Stay,
        discharge: Discharge,
        because: Because,
        place: Place | None,
    ) -> None:
        before = stay.history
        stay.cancel_discharge(discharge, because, place, d.entry, d.died_at(stay.patient))
        self._let_prescriptions_follow(d, stay, before)

    def _correct(
        self,
        d: Decision,
        movement: UUID,
        at: datetime | None,
        precision: Precision | None,
        place: Place | None,
    ) -> None:
        stays = d.with_movement(movement)
        moved = {stay.id for stay in stays}
        if place is not None and len([s for s in stays if not _shares(s, movement, moved)]) > 1:
            raise InvalidInput(
                "bed", "several patients were moved in that act; cancel it and enter what happened"
            )
        for stay in stays:
            before, there = stay.history, place
            if place is not None and _shares(stay, movement, moved):
                there = Place(place.bed, _mother(stay, movement), place.without_bed)
            stay.correct_movement(movement, at, precision, there, d.entry, d.died_at(stay.patient))
            self._let_prescriptions_follow(d, stay, before)

    def _enter(self, d: Decision, late: LateEntry) -> None:
        stay = d.stay(late.stay_id)
        entry = self._entry_at(d, late.occurred_at)
        place = d.place(late.ward, late.room, late.bed, late.shares_bed_of, late.without_bed)
        died_at = d.died_at(stay.patient)
        match late.kind:
            case EntryKind.TRANSFER:
                if place is None:
                    raise InvalidInput("bed", "name a bed, or a place without one")
                stay.transfer(place, entry)
            case EntryKind.START_LEAVE:
                stay.start_leave(late.keep_bed, None, entry, died_at)
            case EntryKind.END_LEAVE:
                stay.end_leave(place, entry, died_at)

    def _let_prescriptions_follow(self, d: Decision, stay: Stay, before: History) -> None:
        """What a discharge stopped is stopped when it is, and not at all if it never was."""
        for was in before.facts:
            now = stay.history.fact(was.id)
            if isinstance(was, Discharge) and now != was:
                for prescription in d.prescriptions_of(stay):
                    prescription.correct_stop(was.id, now.at if now else None, d.entry)

    def _error_only(self, d: Decision, because: Because | None) -> None:
        reason_needed(d.entry, "a cancel says why")
        if because is Because.DECISION_REVERSED:
            raise InvalidInput("because", ERROR_ONLY)

    def _entry_at(self, d: Decision, at: datetime | None) -> Entry:
        """The command's entry, at the time of one of its several facts."""
        if at is None:
            return d.entry
        moment = in_utc(at, "occurredAt")
        self.check_time(moment, d.now)
        return replace(d.entry, occurred_at=moment)


def _shares(stay: Stay, movement: UUID, moved: set[UUID]) -> bool:
    """Whether a child was moved along in the bed of its mother, in one act with her."""
    fact = stay.movement(movement)
    return isinstance(fact, Move) and fact.place.shares_bed_of in moved


def _mother(stay: Stay, movement: UUID) -> UUID | None:
    fact = stay.movement(movement)
    return fact.place.shares_bed_of if isinstance(fact, Move) else None
