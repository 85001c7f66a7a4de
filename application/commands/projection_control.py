"""Commands about read models that could not take in something."""

from uuid import UUID

from application.authorization.roles import ADMINISTRATION
from application.command_group import CommandGroup, command
from application.unit_of_work import UnitOfWork
from domain.projection_control import ProjectionControl
from domain.refusals import NotFound
from domain.things import Thing


class Projections(CommandGroup):
    """Decisions of who runs the record. They are facts, so every rebuild respects them."""

    @command(roles=ADMINISTRATION)
    def skip_command(self, uow: UnitOfWork, *, name: str, skipped: UUID) -> None:
        """Let the read model of that name leave a recorded command out for good.

        Raises ReasonNeeded without a reason, NotFound if no such command was recorded, InvalidInput
        if the read model leaves it out already or never leaves anything out.
        """
        if self.record.preload(skipped).earlier is None:
            raise NotFound(Thing.COMMAND, str(skipped), "skipped")
        (projection,) = uow.load(ProjectionControl, ProjectionControl.id_for(name))
        projection.skip(name, skipped, uow.entry)

    @command(roles=ADMINISTRATION)
    def retry_parked(self, uow: UnitOfWork, *, name: str) -> None:
        """Let the read model of that name take in again what it has parked."""
        (projection,) = uow.load(ProjectionControl, ProjectionControl.id_for(name))
        projection.retry(name, uow.entry)
