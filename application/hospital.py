"""The hospital: everything that can be recorded, one method per command."""

from application.prescriptions import Prescriptions
from application.projections import Projections
from application.registry import Registry
from application.rooms import Rooms
from application.stays import Stays


class Hospital(Registry, Rooms, Stays, Prescriptions, Projections):
    """All commands. Each is recorded whole and once, or refused with a reason (see `command`)."""

    name = "hospital"
