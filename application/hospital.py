"""The hospital: everything that can be recorded, one method per command."""

from application.feeds import Feeds
from application.identity import Identity
from application.issuing import Issuing
from application.prescriptions import Prescriptions
from application.projections import Projections
from application.rooms import Rooms


class Hospital(Identity, Rooms, Prescriptions, Feeds, Projections, Issuing):
    """All commands. Each is recorded whole and once, or refused with a reason (see `command`)."""

    name = "hospital"
