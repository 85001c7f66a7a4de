"""Read models: one module each with its tables, projection, views and queries.

They are filled from the log and can be deleted at any time.
"""

from importlib import import_module
from pkgutil import walk_packages

from domain.aggregate import Event
from domain.break_glass import EmergencyAccess
from domain.hospital_calendar import HospitalCalendar
from domain.prescription.drug_chart import DrugChart
from domain.projection_control import ProjectionControl
from infrastructure.projections.projection import ReadModel, events_of

for _module in walk_packages(__path__, f"{__name__}."):
    import_module(_module.name)


def _defined_here(base: type[ReadModel]) -> list[type[ReadModel]]:
    """Return the subclasses of a base that modules of this package define."""
    subclasses = base.__subclasses__()
    below = [model for subclass in subclasses for model in _defined_here(subclass)]
    return [model for model in subclasses if model.__module__.startswith(f"{__name__}.")] + below


READ_MODELS: tuple[type[ReadModel], ...] = tuple(
    sorted(_defined_here(ReadModel), key=lambda model: model.name)
)
"""All read models, which the projection runner fills: found, not listed; the order has no meaning."""

ONLY_IN_TIMELINE: frozenset[type[Event]] = events_of(
    EmergencyAccess, HospitalCalendar, DrugChart, ProjectionControl
)
"""Event types that no read model but the timeline handles, or none at all: decisions need them."""
