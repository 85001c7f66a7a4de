"""Commands about the flags of a patient on the board: fall risk, isolation, nil by mouth, a note."""

from datetime import datetime
from uuid import UUID

from application import imprecise_times, lookups, persons
from application.authorization.roles import CLINICAL
from application.command import STAY_REFUSALS, Rules
from application.command_group import CommandGroup, command, correction
from application.commands.late_entries import entered_in_error_only
from application.unit_of_work import UnitOfWork
from domain.refusals import InvalidInput, MovementNotFound, PatientDied
from domain.stay.aggregate import Stay
from domain.stay.facts import CancellationReason
from domain.text import key


class Flags(CommandGroup):
    """The flags of patients, of the kinds that the house has set. One ends with the stay."""

    @command(roles=CLINICAL, raises=(PatientDied, *STAY_REFUSALS))
    def raise_flag(
        self, uow: UnitOfWork, *, stay_id: UUID, flag_kind: str, note: str | None = None
    ) -> None:
        """Raise a flag on the board. One of each kind is up at a time, of notes as many as there are."""
        stay = lookups.stay(uow, stay_id)
        kind, died_at = kind_of(self.rules, flag_kind), _died_at(uow, stay)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.raise_flag(kind, note, entry, died_at)
        )

    @correction(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def correct_flag(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        flag_id: UUID,
        flag_kind: str | None = None,
        note: str | None = None,
    ) -> None:
        """Correct since when a flag holds (``occurred_at``), what it is or says; absent stays."""
        stay = lookups.stay(uow, stay_id)
        stay.correct_flag(
            flag_id,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            kind_of(self.rules, flag_kind) if flag_kind is not None else None,
            note,
            uow.entry,
            _died_at(uow, stay),
        )

    @command(roles=CLINICAL, raises=(MovementNotFound, *STAY_REFUSALS))
    def cancel_flag(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        flag_id: UUID,
        because: CancellationReason | None = None,
    ) -> None:
        """Cancel a flag that never held; one that is over is lowered."""
        entered_in_error_only(uow, because)
        lookups.stay(uow, stay_id).cancel_flag(flag_id, uow.entry)

    @command(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def lower_flag(self, uow: UnitOfWork, *, stay_id: UUID, flag_id: UUID) -> None:
        """Lower a flag: from ``occurred_at`` on it does not hold any more."""
        stay = lookups.stay(uow, stay_id)
        died_at = _died_at(uow, stay)
        imprecise_times.fit_in_stay(
            uow, stay, lambda entry: stay.lower_flag(flag_id, entry, died_at)
        )

    @correction(roles=CLINICAL, raises=(MovementNotFound, PatientDied, *STAY_REFUSALS))
    def correct_flag_lowering(self, uow: UnitOfWork, *, stay_id: UUID, flag_id: UUID) -> None:
        """Correct when a flag was lowered: at ``occurred_at``."""
        stay = lookups.stay(uow, stay_id)
        stay.correct_flag_lowering(
            flag_id,
            uow.times.corrected_at,
            uow.times.corrected_precision,
            uow.entry,
            _died_at(uow, stay),
        )

    @command(roles=CLINICAL, raises=(MovementNotFound, *STAY_REFUSALS))
    def cancel_flag_lowering(
        self,
        uow: UnitOfWork,
        *,
        stay_id: UUID,
        flag_id: UUID,
        because: CancellationReason | None = None,
    ) -> None:
        """Take back the lowering of a flag: it still holds."""
        entered_in_error_only(uow, because)
        lookups.stay(uow, stay_id).cancel_flag_lowering(flag_id, uow.entry)


def kind_of(rules: Rules, name: str) -> str:
    """Return a kind of flag as the house has set it, however it is typed. Raises InvalidInput."""
    kind = next((kind for kind in rules.board_flags if key(kind) == key(name)), None)
    if kind is None:
        kinds = ", ".join(rules.board_flags) or "none"
        raise InvalidInput("flag_kind", f"there is no such flag in this house; there are: {kinds}")
    return kind


def _died_at(uow: UnitOfWork, stay: Stay) -> datetime | None:
    return persons.died_at(uow, stay.patient)
