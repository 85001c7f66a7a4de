"""The hospital: the facade of all commands, composed of one group for each subject."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from application.command import CommandSpec, Recorded, Request, Rules
from application.command_group import CommandGroup, invocation, specs_of
from application.command_pipeline import CommandPipeline
from application.command_series import execute_series
from application.commands.allergies import Allergies
from application.commands.consults import ConsultRequests
from application.commands.corrections import Corrections
from application.commands.erasure import Erasures
from application.commands.expected_arrivals import ExpectedArrivals
from application.commands.flags import Flags
from application.commands.hospital_calendar import Calendar
from application.commands.misplaced_facts import MisplacedFacts
from application.commands.patient_identity import PatientIdentity
from application.commands.patients import Patients
from application.commands.practitioners import Practitioners
from application.commands.prescriptions import Prescriptions
from application.commands.projection_control import Projections
from application.commands.reports import Reports
from application.commands.rooms import Rooms
from application.commands.source_movements import SourceMovements
from application.commands.stays import Stays
from application.ports import EventStore
from application.reports.service import OpenReportService
from domain.refusals import Refusal

GROUPS: tuple[type[CommandGroup], ...] = (
    Patients,
    PatientIdentity,
    Erasures,
    Allergies,
    Practitioners,
    Calendar,
    Rooms,
    Stays,
    ExpectedArrivals,
    ConsultRequests,
    Flags,
    Corrections,
    MisplacedFacts,
    Prescriptions,
    SourceMovements,
    Reports,
    Projections,
)

COMMANDS: Mapping[str, CommandSpec] = {
    name: spec for group in GROUPS for name, spec in specs_of(group).items()
}
"""The declaration of every command, by the command's name."""


class Hospital:
    """All commands, by subject. Each is recorded whole and once, or refused with a reason.

    ``env`` configures the eventsourcing application, ``open_reports`` opens the report service.
    """

    def __init__(self, env: dict[str, str], rules: Rules, open_reports: OpenReportService) -> None:
        self.pipeline = CommandPipeline(env, rules)
        self.patients = Patients(self.pipeline)
        self.identity = PatientIdentity(self.pipeline)
        self.erasures = Erasures(self.pipeline)
        self.allergies = Allergies(self.pipeline)
        self.practitioners = Practitioners(self.pipeline)
        self.calendar = Calendar(self.pipeline)
        self.rooms = Rooms(self.pipeline)
        self.stays = Stays(self.pipeline)
        self.expected_arrivals = ExpectedArrivals(self.pipeline)
        self.consults = ConsultRequests(self.pipeline)
        self.flags = Flags(self.pipeline)
        self.corrections = Corrections(self.pipeline)
        self.misplaced_facts = MisplacedFacts(self.pipeline)
        self.prescriptions = Prescriptions(self.pipeline)
        self.source_movements = SourceMovements(self.pipeline)
        self.reports = Reports(self.pipeline, open_reports)
        self.projections = Projections(self.pipeline)
        self._commands: dict[str, Callable[..., Recorded]] = {
            name: getattr(group, name)
            for group in vars(self).values()
            if isinstance(group, CommandGroup)
            for name in specs_of(type(group))
        }

    def command(self, name: str) -> Callable[..., Recorded]:
        """Return the command of a name in `COMMANDS`; it takes a `Request` and keyword arguments."""
        return self._commands[name]

    def execute_series(
        self, commands: Sequence[tuple[str, Request, Mapping[str, Any]]]
    ) -> list[Recorded | Refusal]:
        """Execute commands, by name, request and input, in order; return the answer to each.

        Each is recorded whole and once or refused, as by itself; what is recorded becomes durable
        together. Raises VersionConflict if others write the same all the time.
        """
        calls = [
            invocation(self._commands[name].__self__, COMMANDS[name], request, content)  # type: ignore[attr-defined]
            for name, request, content in commands
        ]
        return execute_series(self.pipeline, calls)

    @property
    def record(self) -> EventStore:
        """Return the event store."""
        return self.pipeline.record

    @property
    def rules(self) -> Rules:
        return self.pipeline.rules

    def zone(self) -> ZoneInfo:
        """Return the hospital's time zone today, for showing times."""
        return self.calendar.zone()

    def close(self) -> None:
        """Stop what is done apart and close the connections to the event store."""
        self.source_movements.close()
        self.pipeline.close()
