"""Read models: one module each with its tables, projection, views and queries.

They are filled from the log and can be deleted at any time.
"""

from domain.aggregate import Event
from domain.break_glass import EmergencyAccess
from domain.hospital_calendar import HospitalCalendar
from domain.prescription.drug_chart import DrugChart
from domain.projection_control import ProjectionControl
from infrastructure.projections.projection import ReadModel, events_of
from infrastructure.read_models.inpatients import Inpatients
from infrastructure.read_models.issued_reports import IssuedReports
from infrastructure.read_models.occupancy import Occupancies
from infrastructure.read_models.patients import Patients
from infrastructure.read_models.practitioners import Practitioners
from infrastructure.read_models.prescriptions import Prescriptions
from infrastructure.read_models.rooms import Rooms
from infrastructure.read_models.source_movements import SourceMovements
from infrastructure.read_models.stays import Stays
from infrastructure.read_models.timeline.projection import Timeline
from infrastructure.read_models.visits import Visits

READ_MODELS: tuple[type[ReadModel], ...] = (
    Patients,
    Practitioners,
    Rooms,
    Stays,
    Inpatients,
    Occupancies,
    Timeline,
    Prescriptions,
    Visits,
    IssuedReports,
    SourceMovements,
)
"""All read models, which the projection runner fills; their order has no meaning."""

ONLY_IN_TIMELINE: frozenset[type[Event]] = events_of(
    EmergencyAccess, HospitalCalendar, DrugChart, ProjectionControl
)
"""Event types that no read model but the timeline handles, or none at all: decisions need them."""
