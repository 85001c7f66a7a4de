"""Read models: tables that answer questions, filled from the log, deletable at any time."""

from infrastructure.projections.projection import ReadModel
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
