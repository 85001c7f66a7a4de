"""Commands about practitioners."""

from datetime import date

from application.authorization.roles import SYSTEMS
from application.command_group import CommandGroup, command
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.practitioner import Grade, Practitioner
from domain.refusals import AlreadyExists


class Practitioners(CommandGroup):
    """The staff who treat patients."""

    @command(roles=SYSTEMS, raises=(AlreadyExists,))
    def register_practitioner(
        self,
        uow: UnitOfWork,
        *,
        staff_number: str,
        family_name: str | None = None,
        given_name: str | None = None,
        grade: Grade | None = None,
        grade_from: date | None = None,
        specialty: str | None = None,
    ) -> None:
        """Make a practitioner known. Raises AlreadyExists if the staff number is taken."""
        if self.record.owner(*unique_keys.staff_number(staff_number)) is not None:
            raise AlreadyExists("practitioner with staff number", staff_number, "staff_number")
        practitioner = uow.new(Practitioner, "practitioner")
        practitioner.register(
            staff_number,
            family_name,
            given_name,
            grade or Grade.OTHER,
            grade_from,
            specialty,
            uow.entry,
        )
