"""Queries of the record itself: its commands and its projections."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import argument
from strawberry.utils.str_converters import to_camel_case

from api.graphql.context import Info
from api.graphql.declarations import DataKind, shows
from api.graphql.mutations.dispatch import uuid
from api.graphql.scalars import Long, Position
from domain.described_enum import DescribedEnum
from domain.things import Thing
from infrastructure.queries import projection_status
from infrastructure.queries.log import command_by_id


@shows(DataKind.HOUSE)
@strawberry.type(description="What became of a command.")
class CommandOutcome:
    command_id: strawberry.ID = strawberry.field(description="Its id.")
    operation: str = strawberry.field(description="What it was.")
    position: Position = strawberry.field(description="Its place in the log.")
    recorded_at: datetime = strawberry.field(description="When it was recorded.")


@shows(DataKind.HOUSE)
@strawberry.type(description="A command that a read model could not take in.")
class ParkedCommand:
    command_id: strawberry.ID = strawberry.field(description="Its id.")
    operation: str = strawberry.field(description="What it was.")
    position: Position = strawberry.field(description="Its place in the log.")
    error: str = strawberry.field(description="Why, without anything about a patient.")


@strawberry.enum(description="How a read model stands to the log.")
class ProjectionStatus(DescribedEnum):
    FOLLOWING = "FOLLOWING", "It has all that is recorded."
    BEHIND = "BEHIND", "It lacks what was recorded last, and follows."
    PARKED = "PARKED", "It lacks some commands that it could not take in."
    HALTED = "HALTED", "It stands at a command that it could not take in and may not miss."
    REWOUND = "REWOUND", "It is of a log before a restore, and is filled anew."


@shows(DataKind.HOUSE)
@strawberry.type(description="A read model: how far it is.")
class Projection:
    name: str = strawberry.field(description="Its name.")
    position: Position = strawberry.field(description="The place in the log it has reached.")
    lag: Long = strawberry.field(description="How many events it lacks.")
    lag_seconds: float = strawberry.field(
        description="Age of the oldest event it lacks, in seconds."
    )
    status: ProjectionStatus = strawberry.field(description="How it stands to the log.")
    state: str = strawberry.field(
        description="The same as a text.", deprecation_reason="Use status, an enum."
    )
    parked: Long = strawberry.field(description="How many commands it could not take in.")
    parked_commands: list[ParkedCommand] = strawberry.field(
        description="Those commands, in the order of the log."
    )


@strawberry.type
class RecordQueries:
    @strawberry.field(description="What became of a command; null if it was not accepted.")
    async def command(
        self, info: Info, id: Annotated[strawberry.ID, argument(description="The command's id.")]
    ) -> CommandOutcome | None:
        view = await info.context.query(command_by_id, uuid(id, Thing.COMMAND, "id"))
        if view is None:
            return None
        return CommandOutcome(
            command_id=strawberry.ID(str(view.command_id)),
            operation=to_camel_case(view.operation),
            position=info.context.position(view.last_position),
            recorded_at=view.recorded_at,
        )

    @strawberry.field(description="The read models, and how far behind the log they are.")
    async def projections(self, info: Info) -> list[Projection]:
        commands = await info.context.query(projection_status.parked_commands)
        return [
            Projection(
                name=view.name,
                position=info.context.position(view.position),
                lag=Long(view.lag),
                lag_seconds=view.lag_seconds,
                status=ProjectionStatus(view.state),
                state=view.state,
                parked=Long(view.parked),
                parked_commands=[
                    ParkedCommand(
                        command_id=strawberry.ID(str(p.command)),
                        operation=to_camel_case(p.operation),
                        position=info.context.position(p.last_position),
                        error=p.error,
                    )
                    for p in commands
                    if p.model == view.name
                ],
            )
            for view in await info.context.query(projection_status.projections)
        ]
