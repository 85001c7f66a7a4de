"""The drug chart that lists a stay's prescriptions.

Each prescription is a stream of its own, so that prescribing and moving do not collide. The drug
chart is what a discharge reads: naming its version, it cannot miss one that is being written.
"""

from uuid import UUID, uuid5

from domain.aggregate import Aggregate, Derived, Event, UnknownEvent
from domain.envelope import Envelope


class DrugChart(Aggregate):
    """The prescriptions of one stay."""

    TOPIC = "drug-chart"

    class PrescriptionCharted(Derived, Event):
        TOPIC = "drug-chart.prescription-charted"
        PUBLIC = None
        DESCRIPTION = "A prescription was added to a stay's drug chart."
        stay: UUID
        prescription: UUID

    def __init__(self) -> None:
        self.prescriptions: tuple[UUID, ...] = ()

    @staticmethod
    def id_for(stay: UUID) -> UUID:
        """Return the stream of a stay's drug chart."""
        return uuid5(stay, "drug-chart")

    def chart(self, stay: UUID, prescription: UUID, envelope: Envelope) -> None:
        """Add a prescription to the chart."""
        self.record(DrugChart.PrescriptionCharted, envelope, stay=stay, prescription=prescription)

    def apply(self, event: Event) -> None:
        match event:
            case DrugChart.PrescriptionCharted():
                self.prescriptions = (*self.prescriptions, event.prescription)
            case _:
                raise UnknownEvent(event)
