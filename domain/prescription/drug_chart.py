"""The drug chart that lists a stay's prescriptions.

Each prescription is a stream of its own, so that prescribing and moving do not collide. The drug
chart is what a discharge reads: naming its version, it cannot miss one that is being written.
"""

from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Event, event
from domain.envelope import Envelope


class DrugChart(Aggregate):
    """Which prescriptions a stay has."""

    TOPIC = "drug-chart"

    class PrescriptionCharted(Event):
        TOPIC = "drug-chart.prescription-charted"
        stay: UUID
        prescription: UUID

    def __init__(self) -> None:
        self.prescriptions: tuple[UUID, ...] = ()

    @staticmethod
    def id_for(stay: UUID) -> UUID:
        return uuid5(stay, "drug-chart")

    def chart(self, stay: UUID, prescription: UUID, entry: Envelope) -> None:
        self._charted(stay=stay, prescription=prescription, entry=entry)

    @event(PrescriptionCharted)
    def _charted(self, stay: UUID, prescription: UUID, entry: Envelope) -> None:
        self.prescriptions = (*self.prescriptions, prescription)
