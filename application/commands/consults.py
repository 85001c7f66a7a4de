"""Commands about consults: what is asked of another specialty, before anybody came."""

from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.authorization.roles import CLINICAL
from application.command import STAY_REFUSALS, utc
from application.command_group import CommandGroup, command, correction
from application.commands.late_entries import entered_in_error_only
from application.unit_of_work import UnitOfWork
from domain.refusals import MovementNotFound, PatientDied
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason


class ConsultRequests(CommandGroup):
    """Commands for consults of other specialties. A visit that names the consult answers it."""

    @command(roles=CLINICAL, raises=(PatientDied, *STAY_REFUSALS))
    def request_consult(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        specialty: str | None = None,
        practitioner: str | None = None,
        requested_by: str | None = None,
        question: str | None = None,
    ) -> None:
        """Ask for a consult of a specialty or a practitioner. It is no visit until one answers it."""
        stay = lookups.stay(uow, stay_id)
        addressee = lookups.practitioner_if_named(uow, practitioner, "practitioner")
        by, died_at = (
            lookups.practitioner_if_named(uow, requested_by, "requested_by"),
            _died_at(uow, stay),
        )
        imprecise_times.fit_in_stay(
            uow,
            stay,
            lambda entry: stay.request_consult(specialty, addressee, by, question, entry, died_at),
        )

    @correction(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def correct_consult(
        self,
        uow: UnitOfWork,
        *,
        consult_id: UUID,
        specialty: str | None = None,
        practitioner: str | None = None,
        requested_by: str | None = None,
        question: str | None = None,
        source_recorded_at: datetime | None = None,
        source_sequence: int | None = None,
    ) -> None:
        """Correct the time (``occurred_at``) or content of a consult that was asked for."""
        stay = lookups.stay_with_consult(uow, consult_id)
        stay.correct_consult(
            consult_id,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            uow.entry,
            _died_at(uow, stay),
            utc(source_recorded_at, "source_recorded_at"),
            source_sequence,
            specialty=specialty,
            asked=lookups.practitioner_if_named(uow, practitioner, "practitioner"),
            requested_by=lookups.practitioner_if_named(uow, requested_by, "requested_by"),
            question=question,
        )

    @command(roles=CLINICAL, raises=(MovementNotFound, *STAY_REFUSALS))
    def cancel_consult(
        self, uow: UnitOfWork, *, consult_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Cancel a consult that was never asked for; one not wanted any more is withdrawn."""
        entered_in_error_only(uow, because)
        lookups.stay_with_consult(uow, consult_id).cancel_consult(consult_id, uow.entry)

    @command(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def withdraw_consult(self, uow: UnitOfWork, *, consult_id: UUID) -> None:
        """Withdraw a consult that has not taken place: it is not wanted any more."""
        stay = lookups.stay_with_consult(uow, consult_id)
        died_at = _died_at(uow, stay)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.withdraw_consult(consult_id, entry, died_at)
        )

    @correction(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def correct_consult_withdrawal(self, uow: UnitOfWork, *, consult_id: UUID) -> None:
        """Correct when a consult was withdrawn: at ``occurred_at``."""
        stay = lookups.stay_with_consult(uow, consult_id)
        stay.correct_consult_withdrawal(
            consult_id,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            uow.entry,
            _died_at(uow, stay),
        )

    @command(roles=CLINICAL, raises=(MovementNotFound, *STAY_REFUSALS))
    def cancel_consult_withdrawal(
        self, uow: UnitOfWork, *, consult_id: UUID, because: CancellationReason | None = None
    ) -> None:
        """Take back the withdrawal of a consult: it is still wanted."""
        entered_in_error_only(uow, because)
        stay = lookups.stay_with_consult(uow, consult_id)
        stay.cancel_consult_withdrawal(consult_id, uow.entry)


def _died_at(uow: UnitOfWork, stay: Stay) -> datetime | None:
    return persons.died_at(uow, stay.patient)
