"""Commands about practitioners."""

from datetime import date

from application import lookups
from application.authorization.roles import SYSTEMS
from application.command_group import CommandGroup, command, correction
from application.hospital_days import midnight, today
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.practitioner import Grade, Practitioner
from domain.refusals import AlreadyExists, InvalidInput
from domain.things import Thing


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
        if uow.owner(unique_keys.staff_number(staff_number)) is not None:
            raise AlreadyExists(Thing.STAFF_NUMBER, staff_number, "staff_number")
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

    @correction(roles=SYSTEMS, raises=(AlreadyExists,), own_times=("grade_from",))
    def correct_practitioner(
        self,
        uow: UnitOfWork,
        *,
        staff_number: str,
        new_staff_number: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        grade: Grade | None = None,
        grade_from: date | None = None,
        specialty: str | None = None,
    ) -> None:
        """Correct what always was so. Raises AlreadyExists if the staff number is taken."""
        practitioner = _practitioner(uow, staff_number)
        practitioner.correct(
            uow.entry,
            staff_number=_number(uow, practitioner, new_staff_number, day=None),
            family_name=family_name,
            given_name=given_name,
            grade=grade,
            grade_from=grade_from,
            specialty=specialty,
        )

    @command(roles=SYSTEMS, raises=(AlreadyExists,))
    def change_practitioner(
        self,
        uow: UnitOfWork,
        *,
        staff_number: str,
        new_staff_number: str | None = None,
        family_name: str | None = None,
        given_name: str | None = None,
        grade: Grade | None = None,
        specialty: str | None = None,
        valid_from: date | None = None,
    ) -> None:
        """Change details from a day on (today). Raises AlreadyExists."""
        practitioner = _practitioner(uow, staff_number)
        now = today(uow)
        if new_staff_number and valid_from and valid_from > now:
            raise InvalidInput("valid_from", "a staff number changes on its day, not ahead of it")
        day = valid_from or now
        practitioner.change(
            day,
            midnight(uow, day),
            uow.entry,
            staff_number=_number(uow, practitioner, new_staff_number, day=day),
            family_name=family_name,
            given_name=given_name,
            grade=grade,
            specialty=specialty,
        )

    @correction(roles=SYSTEMS, raises=(AlreadyExists,), own_times=())
    def cancel_practitioner_change(
        self, uow: UnitOfWork, *, staff_number: str, valid_from: date
    ) -> None:
        """Take back what changed from a day on. Raises AlreadyExists."""
        practitioner = _practitioner(uow, staff_number)
        practitioner.cancel_change(valid_from, uow.entry)
        _number(uow, practitioner, practitioner.staff_number, "staff_number", day=None)


def _practitioner(uow: UnitOfWork, staff_number: str) -> Practitioner:
    id = lookups.practitioner(uow, staff_number, "staff_number")
    return uow.one(Practitioner, id, "staff_number")


def _number(
    uow: UnitOfWork,
    practitioner: Practitioner,
    number: str | None,
    field: str = "new_staff_number",
    *,
    day: date | None,
) -> str | None:
    """Return a staff number that nobody else has while this one has it, from a day on (None: always).

    Raises AlreadyExists.
    """
    owner = uow.owner(unique_keys.staff_number(number)) if number else None
    if number and owner not in (None, practitioner.id):
        assert owner is not None
        other = uow.one(Practitioner, owner, field)
        since, until = midnight(uow, day) if day else None, practitioner.number_until(day)
        if until is None or other.has_number(number, since, until):
            raise AlreadyExists(Thing.STAFF_NUMBER, number, field)
    return number
