"""Queries of what every screen begins with: who asks, and in which hospital."""

from datetime import datetime, time
from typing import Annotated

import strawberry
from strawberry import argument
from strawberry.utils.str_converters import to_camel_case

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.extensions.authorization import snake
from api.graphql.types.enums import Purpose, Role
from application.authorization.roles import QUERIES
from application.hospital import COMMANDS
from domain.refusals import NotFound
from domain.things import Thing
from infrastructure.queries.hospital_time import hospital_days


@shows(DataKind.HOUSE)
@strawberry.type(description="The login that asks, and what it may do.")
class Viewer:
    issuer: str = strawberry.field(description="Who issued the login.")
    subject: str = strawberry.field(description="Whose login it is.")
    role: str = strawberry.field(
        description="Its role, as a token has it.", deprecation_reason="Use roleName, an enum."
    )
    role_name: Role = strawberry.field(description="Its role.")
    wards: list[str] | None = strawberry.field(
        description="The wards that it is limited to; absent for the whole house."
    )
    purpose: Purpose = strawberry.field(description="What this is read for, as said.")
    purposes: list[Purpose] = strawberry.field(
        description="What may be said of it: in the header X-Purpose, or as purpose in connection_init."
    )
    until: datetime = strawberry.field(description="When the login ends.")

    @strawberry.field(
        description="Whether its role may give a command, or ask a query. Wards and labels narrow it"
        " further."
    )
    def may(
        self,
        info: Info,
        command: Annotated[
            str, argument(description="The name of a mutation, query or subscription.")
        ],
    ) -> bool:
        if (name := snake(command)) not in {*COMMANDS, *QUERIES}:
            raise NotFound(Thing.COMMAND_OR_QUERY, command, "command")
        return info.context.may(name)

    @strawberry.field(description="The mutations that its role may give, by name.")
    def commands(self, info: Info) -> list[str]:
        return sorted(to_camel_case(name) for name in COMMANDS if info.context.may(name))


@shows(DataKind.HOUSE)
@strawberry.type(description="The hospital: its clock, and what of it a screen needs.")
class Hospital:
    id: strawberry.ID = strawberry.field(description="Its id, which every event carries.")
    name: str = strawberry.field(description="Its name; its id, where none is set.")
    time_zone: str = strawberry.field(description="Its time zone of today, an IANA name.")
    census_time: time = strawberry.field(description="When a hospital day ends, by its clocks.")
    now: datetime = strawberry.field(description="What its clock shows.")
    simulated: bool = strawberry.field(description="Whether all in it is made up.")
    late_after_minutes: int = strawberry.field(
        description="After how many minutes an entry is late and needs a reason."
    )
    clock_tolerance_seconds: int = strawberry.field(
        description="How far ahead of its clock a fact may lie."
    )
    flags: list[str] = strawberry.field(
        description="The kinds of flags that may be raised on the board, in the order of screens."
    )
    mrn_authority: str = strawberry.field(
        description="Who assigns the MRNs that are given without an authority."
    )


@strawberry.type
class HouseQueries:
    @strawberry.field(description="The login that asks.")
    def viewer(self, info: Info) -> Viewer:
        caller = info.context.caller
        return Viewer(
            issuer=caller.actor.issuer,
            subject=caller.actor.subject,
            role=caller.role.value,
            role_name=caller.role,
            wards=None if caller.wards is None else sorted(caller.wards),
            purpose=caller.purpose,
            purposes=list(Purpose),
            until=caller.ends,
        )

    @strawberry.field(description="The hospital, as of now.")
    async def hospital(self, info: Info) -> Hospital:
        state, status = info.context.state, await info.context.log_status()
        settings = state.settings
        days = await info.context.query(hospital_days, settings.hospital, status.recorded)
        today = days.date_of(status.now)
        return Hospital(
            id=strawberry.ID(settings.hospital),
            name=settings.hospital_name or settings.hospital,
            time_zone=days.zone_on(today).key,
            census_time=days.census_time_on(today),
            now=status.now,
            simulated=state.log.is_simulated,
            late_after_minutes=settings.late_after_minutes,
            clock_tolerance_seconds=settings.clock_tolerance_seconds,
            flags=list(settings.board_flags),
            mrn_authority=settings.mrn_authority,
        )
