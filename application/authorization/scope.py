"""Whose data somebody may act on: by the wards of their login, and by the patients' labels.

The rule, the same for commands here and for questions (`infrastructure.queries.row_security`):

- A stay is of the ward of its latest bed; before its first bed it is of every ward.
- A patient is of the wards of the stay they are in, and of those they have been in; who is in no
  stay is of every ward, so that anybody can admit them.
- Staff who have wards see and act on stays and patients of these wards, and on the rooms of these
  wards. Where a patient is sent from there is free.
- A label closes a stay, and a patient with all their stays, to roles that the table of roles does
  not give it to. A person's label is the strictest of those of all their records: which of them was
  merged into which tells nothing about whom it protects.
- What somebody has opened by breaking the glass is open to them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from application.authorization.roles import may
from domain.break_glass import EmergencyAccess
from domain.envelope import Actor
from domain.patient import Confidentiality, Patient
from domain.prescription.aggregate import Prescription
from domain.refusals import NotAllowed
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay

if TYPE_CHECKING:
    from application.unit_of_work import UnitOfWork

RESTRICTED = "The patient's data are restricted; breakGlass opens them, with a reason"
CLOSED = (
    "This is closed to you, by a label or as of another ward;"
    " breakGlass opens a patient's data, with a reason"
)
ELSEWHERE = "This is of another ward than yours; breakGlass opens a patient's data, with a reason"


def hidden_labels(role: str) -> frozenset[str]:
    """The confidentiality labels that close data to a role."""
    labels = (Confidentiality.RESTRICTED, Confidentiality.VERY_RESTRICTED)
    return frozenset(c.value for c in labels if not may(role, f"label:{c.value.lower()}"))


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose data one login may act on. Each check raises NotAllowed."""

    by: Actor
    wards: frozenset[str] | None = None

    def check_ward(self, ward: str | None) -> None:
        """``None``: the whole house."""
        if self.wards is not None and ward not in self.wards:
            raise NotAllowed(ELSEWHERE)

    def check_stay(self, uow: "UnitOfWork", stay: Stay) -> None:
        hidden = hidden_labels(self.by.role)
        if stay.confidentiality.value in hidden or self._is_labelled(uow, stay.patient, hidden):
            self._need_glass(uow, stay.patient, RESTRICTED)
        elif not self._is_of_wards(uow, stay):
            self._need_glass(uow, stay.patient, ELSEWHERE)

    def check_patient(self, uow: "UnitOfWork", patient: Patient) -> None:
        if self._is_labelled(uow, patient.id, hidden_labels(self.by.role)):
            self._need_glass(uow, patient.id, RESTRICTED)
        elif self.wards is not None:
            stays = uow.stays_of(uow.person(patient.id))
            is_in = any(s.history.includes(uow.now) for s in stays)
            if is_in and not any(self._is_of_wards(uow, stay) for stay in stays):
                self._need_glass(uow, patient.id, ELSEWHERE)

    def check_prescription(self, uow: "UnitOfWork", prescription: Prescription) -> None:
        if prescription.stay is not None:
            (stay,) = uow.load(Stay, prescription.stay)
            self.check_stay(uow, stay)

    def _is_labelled(self, uow: "UnitOfWork", patient: UUID | None, hidden: frozenset[str]) -> bool:
        if not hidden or patient is None:
            return False
        labels = {record.details[-1][1].confidentiality.value for record in uow.records(patient)}
        return not labels.isdisjoint(hidden)

    def _is_of_wards(self, uow: "UnitOfWork", stay: Stay) -> bool:
        begun = [s for s in stay.stretches if s.period.start <= uow.now]
        if self.wards is None or not begun:
            return True
        latest = max(begun, key=lambda s: s.period.start)
        return uow.one(Room, latest.bed.room, "room", "room").ward in self.wards

    def _need_glass(self, uow: "UnitOfWork", patient: UUID | None, why: str) -> None:
        (glass,) = uow.load(EmergencyAccess, EmergencyAccess.id_for(self.by))
        records = uow.records(patient) if patient and glass.opened else ()
        if not any(glass.is_open(record.id, uow.now) for record in records):
            raise NotAllowed(why)
