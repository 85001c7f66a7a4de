"""Read models that fail for some commands, as one does that somebody made in a hurry."""

from uuid import UUID

from domain.aggregate import Event
from infrastructure.postgres.database import Database
from infrastructure.projections.batch import LIVE
from infrastructure.projections.dead_letters import ProjectionTarget
from infrastructure.projections.projection import EventPosition, ReadModel
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.read_models import READ_MODELS
from tests.support.shared_history import Dump, dead_letters

PARKING = [model for model in READ_MODELS if not model.halts]
NAMES = [model.name for model in PARKING]


def quiet(done: int, total: int) -> None:
    """Tell nobody how far it is."""


def failing(
    model: type[ReadModel], *commands: UUID, says: str = "Name of a patient"
) -> type[ReadModel]:
    """The same read model, made by somebody who did not think of these commands."""

    class Failing(model):  # type: ignore[misc, valid-type]
        name = model.name

        def apply(self, event: Event, place: EventPosition) -> None:
            if event.entry.command_id in commands and self.concerns(event.TOPIC):
                raise KeyError(says)
            super().apply(event, place)

    return Failing


def with_a_failing(
    name: str, *commands: UUID, says: str = "Name of a patient"
) -> tuple[ProjectionTarget, ...]:
    """All read models, one of which fails for these commands."""
    return tuple(
        ProjectionTarget(failing(t.model, *commands, says=says), t.schema)
        if t.model.name == name
        else t
        for t in LIVE
    )


def alone(name: str, *commands: UUID) -> tuple[ProjectionTarget, ...]:
    """One read model without the others, which fails for these commands."""
    return tuple(t for t in with_a_failing(name, *commands) if t.model.name == name)


def fill(database: Database, *targets: ProjectionTarget) -> None:
    """Fill the read models up to the end of the log."""
    ProjectionRunner(database.app_url, targets=targets).catch_up()


def parked(database: Database, name: str) -> list[tuple[UUID, str]]:
    return [
        (command, error)
        for command, error in dead_letters(
            database, str(model(name).metadata.schema), "command, error"
        )
    ]


def model(name: str) -> type[ReadModel]:
    return next(m for m in READ_MODELS if m.name == name)


def of(told: Dump, name: str, *, parts: bool = True) -> Dump:
    return {
        table: lines
        for table, lines in told.items()
        if table.startswith(f"{model(name).metadata.schema}.") is parts
    }
