"""Commands about the hospital's calendar: its time zone and its census time."""

from datetime import UTC, date, datetime, time
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from application.authorization.roles import ADMINISTRATION
from application.command_group import CommandGroup, command
from application.unit_of_work import UnitOfWork
from domain.hospital_calendar import CENSUS_TIME, HospitalCalendar

NAMESPACE = UUID("0b5c1f1e-5f0d-5e0e-9a55-0d9f6a1f6c11")
"""The namespace of the ids of calendars, one for each hospital."""


def calendar_id(hospital: str) -> UUID:
    """Return the id of a hospital's calendar."""
    return uuid5(NAMESPACE, hospital)


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
        calendar_of(uow).set_time(time_zone, census_time or CENSUS_TIME, valid_from, uow.entry)

    def zone(self) -> ZoneInfo:
        """Return the hospital's time zone today, outside of a command."""
        calendar = HospitalCalendar.empty(calendar_id(self.rules.hospital))
        for event in self.record.streams({calendar.id: 0}).get(calendar.id, ()):
            event.mutate(calendar)
        return calendar.zone_on(self.record.preload(calendar.id).now.date())


def calendar_of(uow: UnitOfWork) -> HospitalCalendar:
    """Return the calendar of the command's hospital."""
    (calendar,) = uow.load(HospitalCalendar, calendar_id(uow.entry.hospital))
    return calendar


def today(uow: UnitOfWork) -> date:
    """Return the current day in the hospital's time zone."""
    zone = calendar_of(uow).zone_on(uow.now.date())
    return uow.now.astimezone(zone).date()


def midnight(uow: UnitOfWork, day: date) -> datetime:
    """Return the beginning of a day of the hospital's calendar, in UTC."""
    zone = calendar_of(uow).zone_on(day)
    return datetime.combine(day, time(), zone).astimezone(UTC)
