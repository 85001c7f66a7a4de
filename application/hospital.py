"""The hospital: everything that can be recorded, one method per command."""

from application.commands.patient_identity import Identity
from application.commands.prescriptions import Prescriptions
from application.commands.projection_control import Projections
from application.commands.reports import Issuing
from application.commands.rooms import Rooms
from application.commands.source_movements import SourceMovements


class Hospital(Identity, Rooms, Prescriptions, SourceMovements, Projections, Issuing):
    """All commands. Each is recorded whole and once, or refused with a reason (see `command`)."""

    name = "hospital"
