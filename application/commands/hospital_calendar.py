"""Commands about the hospital's calendar: its time zone and its census time."""

from datetime import date, time
from zoneinfo import ZoneInfo

from application.aggregate_cache import current
from application.authorization import scope
from application.authorization.roles import ADMINISTRATION
from application.command_group import CommandGroup, command
from application.unit_of_work import UnitOfWork
from domain.hospital_calendar import CENSUS_TIME, HospitalCalendar


class Calendar(CommandGroup):
    """The time zone and the census time of the hospital."""

    @command(roles=ADMINISTRATION)
    def set_hospital_time(
        self,
        uow: UnitOfWork,
        *,
        time_zone: str,
        census_time: time | None = None,
        valid_from: date | None = None,
    ) -> None:
        """Set the hospital's time zone (IANA name) and census time (local; default 23:59).

        ``valid_from`` is a local date and may lie ahead; absent: always was so.
        """
        scope.check_ward(uow, None)
        uow.calendar.set_time(time_zone, census_time or CENSUS_TIME, valid_from, uow.entry)

    def zone(self) -> ZoneInfo:
        """Return the hospital's time zone today, outside of a command."""
        calendar = HospitalCalendar.empty(HospitalCalendar.id_for(self.rules.hospital))
        days = current(self.record, calendar).days
        return days.zone_on(days.date_of(self.record.preload(calendar.id).now))
