"""Scope of a login: the patients it may act on, by its wards and by the labels of patients.

The rule, the same for commands here and for questions (`infrastructure.queries.row_security`):

- A stay is of the ward of its latest bed; before its first bed it is of every ward.
- A patient is of the wards of the stay they are in, and of those they have been in; who is in no
  stay is of every ward, so that anybody can admit them.
- Staff who have wards see and act on stays and patients of these wards, and on the rooms of these
  wards. Where a patient is sent from there is free.
- A label closes a stay, and a patient with all their stays, to roles that the table of roles does
  not give it to. A person's label is the strictest of those of all their records: which of them was
  merged into which tells nothing about whom it protects.
- A patient who is RESTRICTED is open to the nurses of the ward in one of whose beds they are, for as
  long as they are there, unless the house says otherwise (`restricted_in_own_ward`).
- What somebody has opened by breaking the glass is open to them.

What a command is about is refused with NotAllowed if it is closed, so that the glass can be broken.
Whatever else its input names is answered, if it is closed, as an id that nothing has.
"""

from collections.abc import Collection
from uuid import UUID

from application import persons
from application.authorization.roles import may
from application.unit_of_work import UnitOfWork
from domain.break_glass import EmergencyAccess
from domain.patient import Confidentiality, Patient
from domain.prescription.aggregate import Prescription
from domain.refusals import NotAllowed
from domain.room.aggregate import Room
from domain.stay.aggregate import Stay
from domain.text import key

OWN_WARD = "label:restricted_in_own_ward"
"""The permission to see and treat who is RESTRICTED in a bed of one's own wards."""

RESTRICTED = "The patient's data are restricted; `break_glass` opens them, with a reason"
CLOSED = (
    "This is closed to you, by a label or as of another ward;"
    " `break_glass` opens a patient's data, with a reason"
)
ELSEWHERE = (
    "This is of another ward than yours; `break_glass` opens a patient's data, with a reason"
)


def hidden_labels(role: str) -> frozenset[str]:
    """Return the confidentiality labels that hide data from a role."""
    labels = (Confidentiality.RESTRICTED, Confidentiality.VERY_RESTRICTED)
    return frozenset(c.value for c in labels if not may(role, f"label:{c.value.lower()}"))


def is_of_wards(wards: Collection[str] | None, ward: str | None) -> bool:
    """Tell whether a ward is one of a login's; ``None`` is the whole house.

    A token may spell a ward otherwise than its rooms do.
    """
    return wards is None or (ward is not None and key(ward) in map(key, wards))


def check_ward(uow: UnitOfWork, ward: str | None) -> None:
    """Refuse a ward that is none of the login's; ``None`` is the whole house. Raises NotAllowed."""
    if not is_of_wards(uow.wards, ward):
        raise NotAllowed(ELSEWHERE)


def check_stay(uow: UnitOfWork, stay: Stay) -> None:
    """Refuse a stay that is hidden by a label or of another ward. Raises NotAllowed."""
    if _is_labelled(uow, stay.patient, stay.confidentiality.value):
        _require_emergency_access(uow, stay.patient, RESTRICTED)
    elif not _is_of_wards(uow, stay):
        _require_emergency_access(uow, stay.patient, ELSEWHERE)


def check_patient(uow: UnitOfWork, patient: Patient) -> None:
    """Refuse a patient who is hidden by a label or is in another ward. Raises NotAllowed."""
    if _is_labelled(uow, patient.id):
        _require_emergency_access(uow, patient.id, RESTRICTED)
    elif uow.wards is not None:
        stays = persons.stays_of(uow, persons.person_of(uow, patient.id))
        # To the second, as the questions have it: who was discharged in this minute is in no stay.
        is_in = any(s.history.presence and uow.now in s.history.presence for s in stays)
        if is_in and not any(_is_of_wards(uow, stay) for stay in stays):
            _require_emergency_access(uow, patient.id, ELSEWHERE)


def check_prescription(uow: UnitOfWork, prescription: Prescription) -> None:
    """Refuse a prescription of a stay that is out of scope. Raises NotAllowed."""
    if prescription.stay is not None:
        (stay,) = uow.load(Stay, prescription.stay)
        check_stay(uow, stay)


def is_open(uow: UnitOfWork, subject: Stay | Patient) -> bool:
    """Tell whether a stay or a patient is in the login's scope."""
    try:
        if isinstance(subject, Stay):
            check_stay(uow, subject)
        else:
            check_patient(uow, subject)
    except NotAllowed:
        return False
    return True


def _is_labelled(uow: UnitOfWork, patient: UUID | None, *own: str) -> bool:
    """Tell whether a label closes a person; ``own``: that of the stay which it is about."""
    hidden = hidden_labels(uow.entry.recorded_by.role)
    if not hidden:
        return False
    records = persons.records(uow, patient) if patient else ()
    labels = {label.value for record in records for label in record.labels_from(uow.now)}
    closing = hidden & {*own, *labels}
    if closing == {Confidentiality.RESTRICTED.value} and patient is not None:
        return not _is_treated(uow, patient)
    return bool(closing)


def _is_treated(uow: UnitOfWork, patient: UUID) -> bool:
    """Tell whether a person is in a bed of the own wards of a login whose role that opens them to."""
    if uow.wards is None or not uow.rules.restricted_in_own_ward:
        return False
    if not may(uow.entry.recorded_by.role, OWN_WARD):
        return False
    stays = persons.stays_of(uow, persons.person_of(uow, patient))
    stretches = [s for stay in stays for s in stay.stretches if uow.now in s.period]
    rooms = [uow.one(Room, stretch.bed.room, "room") for stretch in stretches]
    return any(is_of_wards(uow.wards, room.ward) for room in rooms)


def _is_of_wards(uow: UnitOfWork, stay: Stay) -> bool:
    past_stretches = [s for s in stay.stretches if s.period.start <= uow.now]
    if uow.wards is None or not past_stretches:
        return True
    latest = max(past_stretches, key=lambda s: s.period.start)
    return is_of_wards(uow.wards, uow.one(Room, latest.bed.room, "room").ward)


def _require_emergency_access(uow: UnitOfWork, patient: UUID | None, message: str) -> None:
    """Refuse unless the login has opened the patient's data in an emergency. Raises NotAllowed."""
    (access,) = uow.load(EmergencyAccess, EmergencyAccess.id_for(uow.entry.recorded_by))
    records = persons.records(uow, patient) if patient and access.opened else ()
    if not any(access.is_open(record.id, uow.now) for record in records):
        raise NotAllowed(message)
