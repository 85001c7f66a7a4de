"""The hospital: everything that can be recorded, one method per command."""

from collections.abc import Mapping

from application.command_pipeline import CommandSpec, specs_of
from application.commands.patient_identity import Identity
from application.commands.prescriptions import Prescriptions
from application.commands.projection_control import Projections
from application.commands.reports import Issuing
from application.commands.rooms import Rooms
from application.commands.source_movements import SourceMovements


class Hospital(Identity, Rooms, Prescriptions, SourceMovements, Projections, Issuing):
    """All commands. Each is recorded whole and once, or refused with a reason (see `command`)."""

    name = "hospital"


COMMANDS: Mapping[str, CommandSpec] = specs_of(Hospital)
"""Every command by its name."""
