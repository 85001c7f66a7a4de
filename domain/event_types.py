"""Registry of the aggregates, and of the event types by topic: what the store may write and read."""

from domain.aggregate import Aggregate, Event
from domain.break_glass import EmergencyAccess
from domain.expected_arrival import ExpectedArrival
from domain.hospital_calendar import HospitalCalendar
from domain.house_rules import HouseRules
from domain.patient import Patient
from domain.practitioner import Practitioner
from domain.prescription.aggregate import Prescription
from domain.prescription.drug_chart import DrugChart
from domain.projection_control import ProjectionControl
from domain.report import Report
from domain.room.aggregate import Room
from domain.room.occupancy import Occupancy
from domain.source_visit import SourceVisit
from domain.stay.aggregate import Stay

AGGREGATES: tuple[type[Aggregate], ...] = (
    HospitalCalendar,
    HouseRules,
    Patient,
    Practitioner,
    Room,
    Occupancy,
    Stay,
    Prescription,
    DrugChart,
    SourceVisit,
    ProjectionControl,
    EmergencyAccess,
    Report,
    ExpectedArrival,
)


def _events_of(aggregate: type[Aggregate]) -> list[type[Event]]:
    members = (value for base in reversed(aggregate.__mro__) for value in vars(base).values())
    return [v for v in members if isinstance(v, type) and issubclass(v, Event)]


EVENTS: dict[str, type[Event]] = {
    event.TOPIC: event for aggregate in AGGREGATES for event in _events_of(aggregate)
}
