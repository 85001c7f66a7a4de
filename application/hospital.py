"""The hospital: everything that can be recorded, one method per command."""

from application.identity import Identity
from application.issuing import Issuing
from application.prescriptions import Prescriptions
from application.projections import Projections
from application.rooms import Rooms
from application.source_movements import SourceMovements


class Hospital(Identity, Rooms, Prescriptions, SourceMovements, Projections, Issuing):
    """All commands. Each is recorded whole and once, or refused with a reason (see `command`)."""

    name = "hospital"
