"""Every event type there is, by its topic: what the store may write and read."""

from domain.aggregate import Aggregate, Event
from domain.drug_chart import DrugChart
from domain.hospital_time import HospitalTime
from domain.occupancy import Occupancy
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription import Prescription
from domain.projection import Projection
from domain.report import Report
from domain.room import Room
from domain.source_visit import SourceVisit
from domain.stay import Stay

AGGREGATES: tuple[type[Aggregate], ...] = (
    HospitalTime,
    Patient,
    Practitioner,
    Room,
    Occupancy,
    Stay,
    Prescription,
    DrugChart,
    SourceVisit,
    Projection,
    Report,
)


def _events_of(aggregate: type[Aggregate]) -> list[type[Event]]:
    nested = (value for name, value in vars(aggregate).items() if name != "Event")
    return [v for v in nested if isinstance(v, type) and issubclass(v, Event)]


EVENTS: dict[str, type[Event]] = {
    event.TOPIC: event for aggregate in AGGREGATES for event in _events_of(aggregate)
}
