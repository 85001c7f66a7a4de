"""Commands about read models that could not take in something."""

from uuid import UUID

from application.command_pipeline import Commands, command
from application.unit_of_work import Decision
from domain.projection_control import Projection
from domain.refusals import NotFound


class Projections(Commands):
    """Decisions of who runs the record. They are facts, so every rebuild respects them."""

    @command
    def skip_command(self, d: Decision, *, name: str, skipped: UUID) -> None:
        """Let the read model of that name leave a recorded command out for good.

        Raises ReasonNeeded without a reason, NotFound if no such command was recorded, InvalidInput
        if the read model leaves it out already or never leaves anything out.
        """
        if self.record.opening(skipped).earlier is None:
            raise NotFound("command", str(skipped), "skipped")
        (projection,) = d.load(Projection, Projection.id_for(name))
        projection.skip(name, skipped, d.entry)

    @command
    def retry_parked(self, d: Decision, *, name: str) -> None:
        """Let the read model of that name take in again what it has parked."""
        (projection,) = d.load(Projection, Projection.id_for(name))
        projection.retry(name, d.entry)
