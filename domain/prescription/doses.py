"""The doses of a prescription, and those that nobody prescribed in writing: how they are told."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Self
from uuid import UUID, uuid5

from msgspec import structs

from domain.clinical_refusals import ClinicalWarning
from domain.envelope import Envelope, as_first_recorded
from domain.prescription.course import Basis, Dose, InfusionEnd, Outside
from domain.prescription.events import Medication, PrescriptionEvents
from domain.prescription.state import PrescriptionState
from domain.problems import Problem
from domain.refusals import (
    InvalidInput,
    MovementNotFound,
    PatientDied,
    PrescriptionStateBroken,
)
from domain.text import note
from domain.things import Thing
from domain.time import Precision, corrected_time


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldDose:
    """A dose with all that is held of it, but for the end of an infusion."""

    entry: Envelope
    given: bool
    dose_given: str | None
    reason_not_given: str | None
    outside: Outside | None
    infusion: bool
    confirmed_warnings: tuple[ClinicalWarning, ...] | None

    @classmethod
    def of(
        cls, event: PrescriptionEvents.AdministrationRecorded | PrescriptionEvents.UnprescribedGiven
    ) -> Self:
        """Return a dose as its event tells it."""
        order = event if isinstance(event, PrescriptionEvents.AdministrationRecorded) else None
        return cls(
            entry=event.entry,
            given=order.given if order else True,
            dose_given=event.dose_given,
            reason_not_given=order.reason_not_given if order else None,
            outside=order.outside_prescription if order else None,
            infusion=event.infusion,
            confirmed_warnings=event.confirmed_warnings,
        )

    def entry_by(self, envelope: Envelope) -> Envelope:
        """Return a command's envelope with when the dose was, and by whom."""
        return as_first_recorded(envelope, self.entry)

    def with_correction(self, right: PrescriptionEvents.AdministrationCorrected) -> Self:
        """Return the dose as a correction says it was; one that was not given has no amount."""
        was_given = self.given if right.given is None else right.given
        return replace(
            self,
            entry=structs.replace(
                self.entry,
                occurred_at=right.at or self.entry.occurred_at,
                precision=right.precision or self.entry.precision,
            ),
            given=was_given,
            dose_given=(right.dose_given or self.dose_given) if was_given else None,
            reason_not_given=None if was_given else right.reason_not_given or self.reason_not_given,
            outside=right.outside_prescription or self.outside,
            confirmed_warnings=right.confirmed_warnings or self.confirmed_warnings,
        )


class PrescriptionDoses(PrescriptionState):
    """The commands to the doses of a prescription."""

    def record_administration(
        self,
        given: bool,
        dose_given: str | None,
        reason_not_given: str | None,
        outside: Outside | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        infusion: bool = False,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> UUID:
        """Record a dose given, or not given and why; return its id.

        Raises PrescriptionStateBroken, PatientDied.
        """
        if self.basis is not None:
            raise PrescriptionStateBroken(
                Problem.DOSE_NOT_PRESCRIBED,
                "one dose was given without a prescription; record another one as that was",
            )
        if given and reason_not_given:
            raise InvalidInput("reason_not_given", "the dose was given; leave this out")
        if not given and not note(reason_not_given or "").strip():
            raise InvalidInput("reason_not_given", "say why the dose was not given")
        if not given and dose_given:
            raise InvalidInput("dose_given", "the dose was not given; leave this out")
        if infusion and not given:
            raise InvalidInput("infusion", "the dose was not given; leave this out")
        id = envelope.id_of("administration")
        dose = Dose(
            id if self.deferred is None else uuid5(id, f"{self.id} {self.version}"),
            envelope.occurred_at,
            given,
            outside,
            envelope.precision,
            infusion,
        )
        self._check_dose(dose, died_at)
        self.record(
            PrescriptionEvents.AdministrationRecorded,
            envelope,
            administration=dose.id,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside,
            infusion=infusion,
            confirmed_warnings=confirmed_warnings,
        )
        return dose.id

    def give_unprescribed(
        self,
        stay: UUID,
        patient: UUID,
        medication: Medication,
        basis: Basis,
        dose_given: str | None,
        route: str | None,
        ordered_by: UUID | None,
        infusion: bool,
        envelope: Envelope,
        died_at: datetime | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
        administration: UUID | None = None,
    ) -> UUID:
        """Record a dose that nobody prescribed in writing; return its id. Raises PatientDied.

        ``administration``: the id that it has, where it was recorded in another stay.
        """
        id = administration or envelope.id_of("administration")
        dose = Dose(id, envelope.occurred_at, True, None, envelope.precision)
        if self.deferred is not None:
            self.deferred.add(id)
        elif died_at is not None and self.earliest(dose) > died_at:
            raise PatientDied(died_at)
        self.record(
            PrescriptionEvents.UnprescribedGiven,
            envelope,
            administration=id,
            stay=stay,
            patient=patient,
            medication=medication,
            basis=basis,
            dose_given=dose_given,
            route=route,
            ordered_by=ordered_by,
            infusion=infusion,
            confirmed_warnings=confirmed_warnings,
        )
        return id

    def correct_administration(
        self,
        administration: UUID,
        at: datetime | None,
        precision: Precision | None,
        given: bool | None,
        dose_given: str | None,
        reason_not_given: str | None,
        outside: Outside | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        medication: Medication | None = None,
        basis: Basis | None = None,
        route: str | None = None,
        ordered_by: UUID | None = None,
        confirmed_warnings: tuple[ClinicalWarning, ...] | None = None,
    ) -> Dose:
        """Correct a dose. Returns it as held now."""
        dose = self._dose(administration)
        at = corrected_time(at, precision, dose.at)
        order = {
            "medication": medication,
            "basis": basis,
            "route": route,
            "ordered_by": ordered_by,
        }
        if {at, given, dose_given, reason_not_given, outside, *order.values()} == {None}:
            raise InvalidInput(
                "dose_given",
                "say what was different: `occurred_at`, given, `dose_given`, `reason_not_given`",
            )
        if self.basis is None:
            for name in (name for name, value in order.items() if value is not None):
                raise InvalidInput(name, "the prescription says it; correct that")
        elif given is False or outside is not None:
            name = "given" if given is False else "outside_prescription"
            raise InvalidInput(name, "nothing was prescribed; if it was not given, cancel the dose")
        was_given = dose.given if given is None else given
        if was_given and reason_not_given:
            raise InvalidInput("reason_not_given", "the dose was given; leave this out")
        if not was_given and dose_given:
            raise InvalidInput("dose_given", "the dose was not given; leave this out")
        is_unexplained = reason_not_given is not None and not note(reason_not_given).strip()
        if is_unexplained or (dose.given and not was_given and reason_not_given is None):
            raise InvalidInput("reason_not_given", "say why the dose was not given")
        if dose.end and not was_given:
            raise InvalidInput("given", "the end of the infusion is recorded; cancel that first")
        new_dose = replace(
            dose,
            at=at or dose.at,
            given=was_given,
            outside=outside or dose.outside,
            precision=precision or dose.precision,
        )
        if dose.end and self.deferred is None:
            self._check_order(new_dose, dose.end)
        self._check_dose(new_dose, died_at)
        self.record(
            PrescriptionEvents.AdministrationCorrected,
            envelope,
            administration=administration,
            at=at,
            precision=precision,
            given=given,
            dose_given=dose_given,
            reason_not_given=reason_not_given,
            outside_prescription=outside,
            confirmed_warnings=confirmed_warnings,
            **order,
        )
        return new_dose

    def dose_as_held(self, administration: UUID, events: Iterable[object]) -> "HeldDose":
        """Return a dose as it is held now, from the events of its stream. Raises MovementNotFound."""
        self._dose(administration)
        dose: HeldDose | None = None
        for event in events:
            match event:
                case (
                    PrescriptionEvents.AdministrationRecorded()
                    | PrescriptionEvents.UnprescribedGiven()
                ) if event.administration == administration:
                    dose = HeldDose.of(event)
                case PrescriptionEvents.AdministrationCorrected() if (
                    event.administration == administration and dose is not None
                ):
                    dose = dose.with_correction(event)
        assert dose is not None
        return dose

    def take_dose(
        self, administration: UUID, dose: "HeldDose", envelope: Envelope, died_at: datetime | None
    ) -> None:
        """Record a dose that was recorded under another prescription, with its id.

        Raises PrescriptionStateBroken, PatientDied.
        """
        if self.basis is not None:
            raise PrescriptionStateBroken(Problem.DOSE_NOT_PRESCRIBED)
        at, precision = dose.entry.occurred_at, dose.entry.precision
        new_dose = Dose(administration, at, dose.given, dose.outside, precision, dose.infusion)
        self._check_dose(new_dose, died_at)
        self.record(
            PrescriptionEvents.AdministrationRecorded,
            dose.entry_by(envelope),
            administration=administration,
            given=dose.given,
            dose_given=dose.dose_given,
            reason_not_given=dose.reason_not_given,
            outside_prescription=dose.outside,
            infusion=dose.infusion,
            confirmed_warnings=dose.confirmed_warnings,
        )

    def cancel_administration(self, administration: UUID, envelope: Envelope) -> None:
        """Take back a dose that was entered in error, and the end of its infusion."""
        dose = self._dose(administration)
        if dose.end:
            self.cancel_infusion_end(administration, envelope)
        self.record(
            PrescriptionEvents.AdministrationCancelled, envelope, administration=administration
        )

    def end_infusion(
        self, administration: UUID, envelope: Envelope, died_at: datetime | None = None
    ) -> None:
        """End an infusion. Raises PrescriptionStateBroken, PatientDied."""
        dose = self._dose(administration)
        if not dose.infusion:
            raise PrescriptionStateBroken(Problem.NO_INFUSION)
        if dose.end:
            raise PrescriptionStateBroken(Problem.INFUSION_ENDED)
        id = uuid5(administration, f"end {envelope.command_id}")
        end = InfusionEnd(id, envelope.occurred_at, envelope.precision)
        self._check_end(dose, end, died_at)
        self.record(
            PrescriptionEvents.InfusionEnded, envelope, end=end.id, administration=administration
        )

    def correct_infusion_end(
        self,
        administration: UUID,
        at: datetime | None,
        precision: Precision | None,
        envelope: Envelope,
        died_at: datetime | None = None,
    ) -> None:
        """Correct when an infusion ended. Raises PrescriptionStateBroken, PatientDied."""
        dose, end = self._dose_with_end(administration)
        at = corrected_time(at, precision, end.at)
        if at is None:
            raise InvalidInput("occurred_at", "say when the infusion really ended")
        corrected_end = InfusionEnd(end.id, at, precision or end.precision)
        self._check_end(dose, corrected_end, died_at)
        self.record(
            PrescriptionEvents.InfusionEndCorrected,
            envelope,
            end=end.id,
            administration=administration,
            at=at,
            precision=corrected_end.precision,
        )

    def cancel_infusion_end(self, administration: UUID, envelope: Envelope) -> None:
        """Take back the end of an infusion. Raises PrescriptionStateBroken."""
        _, end = self._dose_with_end(administration)
        self.record(
            PrescriptionEvents.InfusionEndCancelled,
            envelope,
            end=end.id,
            administration=administration,
        )

    def _dose(self, id: UUID) -> Dose:
        dose = self.course.dose(id)
        if dose is None:
            raise MovementNotFound(Thing.DOSE, id, "administration_id", cancelled=True)
        return dose

    def _dose_with_end(self, administration: UUID) -> tuple[Dose, InfusionEnd]:
        dose = self._dose(administration)
        if dose.end is None:
            raise PrescriptionStateBroken(Problem.INFUSION_NOT_ENDED)
        return dose, dose.end

    def _check_dose(self, dose: Dose, died_at: datetime | None) -> None:
        """Refuse a dose that lies outside the prescription and is not marked so."""
        if self.deferred is not None:
            self.deferred.add(dose.id)
            return
        if died_at is not None and self.earliest(dose) > died_at:
            raise PatientDied(died_at)
        self._must_not_be_cancelled()
        if (
            self.basis is not None
            or dose.outside is not None
            or self.course.allows(dose, self.span_of)
        ):
            return
        if not self.course.contains(dose, self.span_of):
            raise PrescriptionStateBroken(
                Problem.DOSE_OUTSIDE,
                "the dose lies outside the prescription; mark it with `outside_prescription`",
            )
        if self.course.allows(replace(dose, end=None), self.span_of):
            raise PrescriptionStateBroken(Problem.INFUSION_AFTER_END)
        raise PrescriptionStateBroken(
            Problem.PRESCRIPTION_HELD,
            "it is held then; mark a dose given all the same with `outside_prescription`",
        )

    def _check_end(self, dose: Dose, end: InfusionEnd, died_at: datetime | None) -> None:
        """Refuse an end before the beginning, after a death, or after the order's own end."""
        if self.deferred is not None:
            self.deferred.add(dose.id)
            return
        self._check_order(dose, end)
        if died_at is not None and self.earliest(end) > died_at:
            raise PatientDied(died_at)
        self._check_dose(replace(dose, end=end), None)

    def _must_not_be_cancelled(self) -> None:
        if self.course.cancelled:
            raise PrescriptionStateBroken(Problem.PRESCRIPTION_CANCELLED)

    def _check_order(self, dose: Dose, end: InfusionEnd) -> None:
        if self.earliest(dose) > self.latest(end):
            raise InvalidInput("occurred_at", "it has to be after the infusion begins")
