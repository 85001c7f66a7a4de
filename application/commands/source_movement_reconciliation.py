"""Reconciliation of stays with what another system reports: retract, amend, enter."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from application import lookups, persons
from application.commands.corrections import (
    cancel_admission_of,
    cancel_discharge_of,
)
from application.commands.misplaced_facts import give_stay
from application.commands.source_movement_facts import (
    details_of,
    envelope_of,
    last_movement,
    moment_of,
    place_of,
    reported_details,
)
from application.commands.source_persons import (
    change_number,
    convert_expected,
    expect_admission,
    link_records,
    patient_named,
    undo,
)
from application.stay_end import check_deferred, discharge_stay
from application.unit_of_work import UnitOfWork
from domain.problems import Problem
from domain.refusals import InvalidInput, NotFound, StayStateBroken
from domain.source_visit import Applied, SourceKind, SourceMovement, SourceVisit, Version
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType
from domain.stay.facts import (
    Admission,
    CancellationReason,
    Discharge,
    Disposition,
    Move,
    Place,
)
from domain.things import Thing
from domain.time import Precision

ENTERED_IN_ERROR = CancellationReason.ENTERED_IN_ERROR


@dataclass(frozen=True, slots=True)
class ReconciliationPlan:
    """The versions that shall be applied to the stay of a visit, by the source's ids, and no others."""

    visit: SourceVisit
    versions: Mapping[str, Version]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The stay of a visit, and what is applied to it, once a plan is carried out."""

    stay: UUID | None
    applied: tuple[Applied, ...]


def reconcile(uow: UnitOfWork, plans: Iterable[ReconciliationPlan]) -> dict[UUID, Outcome]:
    """Carry out plans for several visits and return the outcome of each, by the visit's id.

    The checks are deferred to the end result. Raises the refusal of what does not fit.
    """
    uow.defer_checks()
    outcomes = {plan.visit.id: _VisitReconciler(uow, plan).apply_plan() for plan in plans}
    check_deferred(uow)
    return outcomes


class _VisitReconciler:
    """One visit while its plan is carried out: its stay, and the versions applied to it."""

    def __init__(self, uow: UnitOfWork, plan: ReconciliationPlan) -> None:
        self.uow, self.visit, self.planned = uow, plan.visit, plan.versions
        self.stay = lookups.stay(uow, plan.visit.stay) if plan.visit.stay else None
        self.applied = {a.version.source_id: a for a in plan.visit.applied}
        self._type_before = self._type()

    def apply_plan(self) -> Outcome:
        """Retract what is not planned, put the admission right, and enter what is missing."""
        self._undo_outdated()
        admission = self.visit.admission_among(self.planned.values())
        if self.stay is not None:
            self._retract_outdated(self.stay, admission)
        if self.stay is not None:
            self._give_to_right_patient(self.stay)
        for version in sorted(
            self._missing_versions(), key=lambda v: (v != admission, self.visit.rank(v))
        ):
            self._enter(version)
        self._put_type_right()
        if self.stay is not None:
            plans = [a for a in self.applied.values() if a.version.kind is SourceKind.EXPECT]
            convert_expected(self.uow, [plan.movement for plan in plans], self.stay)
        movements = sorted(self.applied.values(), key=lambda a: self.visit.rank(a.version))
        return Outcome(self.stay.id if self.stay else None, tuple(movements))

    def _type(self) -> AdmissionType | None:
        """Return the admission type that the latest movement names, of those that name one."""
        versions = [application.version for application in self.applied.values()]
        admission = self.visit.admission_among(versions)
        movements = [
            (v.occurred_at, self.visit.turn(v), v.movement.admission_type)
            for v in versions
            if v.movement
            and v.movement.admission_type
            and (v.kind is not SourceKind.CHANGE_TYPE or v == admission)
        ]
        if movements:
            return max(movements, key=lambda n: n[:2])[2]
        return AdmissionType.EMERGENCY if admission else None

    def _put_type_right(self) -> None:
        """Correct the type of the stay where its movements name another one than before."""
        type, stay = self._type(), self.stay
        if stay is None or type in (None, self._type_before) or not stay.history.admission:
            return
        died_at = persons.recorded_death_at(self.uow, stay.patient)
        admission = stay.history.admission.id
        stay.correct_movement(
            admission, None, None, None, self.uow.entry, died_at, admission_type=type
        )

    def _missing_versions(self) -> list[Version]:
        versions = {id: a.version for id, a in self.applied.items()}
        return [version for id, version in self.planned.items() if versions.get(id) != version]

    def _undo_outdated(self) -> None:
        """Take back what is outside the stay and not planned so."""
        for id in list(self.applied):
            application = self.applied[id]
            version = application.version
            if not version.needs_stay and self.planned.get(id) != version:
                del self.applied[id]
                undo(self.uow, self.visit, application, self.applied)

    def _give_to_right_patient(self, stay: Stay) -> None:
        """Give the stay to the person whose the visit is as planned, with all its facts."""
        movement = self.visit.patient_among(self.planned.values())
        if movement is None or movement.patient_mrn is None or stay.patient is None:
            return
        patient = patient_named(self.uow, movement)
        if persons.person_of(self.uow, patient.id) != persons.person_of(self.uow, stay.patient):
            give_stay(self.uow, stay, patient)

    @property
    def _moves_patient(self) -> bool:
        """Return whether a report says, or said until now, that the visit is another patient's."""
        versions = [*self.planned.values(), *(a.version for a in self.visit.applied)]
        return any(version.kind is SourceKind.MOVE_STAY for version in versions)

    def _retract_outdated(self, stay: Stay, planned: Version | None) -> None:
        admission_held = self.visit.admission_among(a.version for a in self.applied.values())
        if admission_held is None or planned is None or not self._is_of_the_patient(stay, planned):
            self._void(stay)
            return
        admission = self.applied[admission_held.source_id]
        missing_versions = self._missing_versions()
        # Another admission may be the earliest now: each takes the other's part.
        if admission_held != planned:
            missing_versions += [admission_held, planned]
        retractions = [
            a
            for id, a in self.applied.items()
            if a is not admission
            and a.version.needs_stay
            and (self.planned.get(id) != a.version or a.version == planned)
        ]
        # Facts of one moment are entered in the source's order: later ones are entered again.
        retractions += [
            a
            for a in self.applied.values()
            if a is not admission
            and a.version.needs_stay
            and a not in retractions
            and self._is_of_a_moment(a, missing_versions)
        ]
        self._retract(stay, retractions)
        if admission_held != planned:
            del self.applied[admission_held.source_id]
            self.applied[planned.source_id] = self._amend_admission(stay, admission, planned)

    def _is_of_the_patient(self, stay: Stay, admission: Version) -> bool:
        """Return whether an admission names the person of the stay, by whichever MRN."""
        movement = admission.movement
        if movement is None or movement.patient_mrn is None or stay.patient is None:
            return True
        if self._moves_patient:
            return True  # the stay is given to the right one, whoever an admission names
        patient = patient_named(self.uow, movement)
        return persons.person_of(self.uow, patient.id) == persons.person_of(self.uow, stay.patient)

    def _is_of_a_moment(self, applied: Applied, versions: Iterable[Version]) -> bool:
        """Return whether one of some versions is of the same moment and ranks before."""
        version, rank = applied.version, self.visit.rank
        return any(
            v.occurred_at == version.occurred_at and rank(v) < rank(version) for v in versions
        )

    def _retract(self, stay: Stay, retractions: Iterable[Applied]) -> None:
        """Cancel movements as entered in error; what the staff has cancelled stays as it is."""
        for movement in retractions:
            for id in movement.also:
                if stay.history.fact(id) is not None:
                    stay.cancel_movement(id, ENTERED_IN_ERROR, None, self.uow.entry)
            fact = stay.history.fact(movement.movement)
            if isinstance(fact, Discharge):
                cancel_discharge_of(self.uow, stay, fact, ENTERED_IN_ERROR, None)
            elif fact is not None and not isinstance(fact, Admission):
                stay.cancel_movement(movement.movement, ENTERED_IN_ERROR, None, self.uow.entry)
            del self.applied[movement.version.source_id]

    def _void(self, stay: Stay) -> None:
        """Cancel the whole stay. Refused if the staff has recorded clinical facts in it."""
        discharges = [a for a in self.applied.values() if a.version.kind is SourceKind.DISCHARGE]
        self._retract(stay, discharges)
        if stay.history.admission:
            cancel_admission_of(self.uow, stay, ENTERED_IN_ERROR, False)
        self.stay = None
        self.applied = {id: a for id, a in self.applied.items() if not a.version.needs_stay}

    def _amend_admission(self, stay: Stay, admission: Applied, amendment: Version) -> Applied:
        """Correct time and place of an admission; what the staff has entered in the stay remains."""
        uow, movement = self.uow, amendment.movement
        assert movement is not None
        died_at = persons.recorded_death_at(uow, stay.patient)
        fact = stay.movement(admission.movement)
        place, bed = place_of(uow, amendment) or Place(), admission.bed
        elsewhere = Place(without_bed=place.without_bed) if place.without_bed else None
        at, precision = moment_of(uow, amendment), movement.precision or Precision.MINUTE
        details = details_of(uow, amendment)
        held_names = reported_details(admission.version)
        changes: dict[str, Any] = {
            name: value
            for name, value in details.items()
            if value is not None or name in held_names
        }
        if elsewhere is not None:
            del changes["without_bed"]
        corrected_fact = fact.with_correction(at, elsewhere, changes)
        if corrected_fact != fact or fact.precision != precision:
            stay.correct_movement(
                admission.movement,
                at,
                precision,
                elsewhere,
                uow.entry,
                died_at,
                **changes,
            )
        if bed and place.bed:
            move = stay.movement(bed)
            if isinstance(move, Move) and (move.place, move.at) != (place, at):
                stay.correct_movement(bed, at, precision, place, uow.entry, died_at)
        elif bed:
            if stay.history.fact(bed):  # or the staff cancelled it before
                stay.cancel_movement(bed, ENTERED_IN_ERROR, None, uow.entry, died_at)
            bed = None
        elif place.bed:
            stay.allocate_room(place.bed, envelope_of(uow, self.visit, amendment))
            bed = last_movement(stay)
        return replace(admission, version=amendment, bed=bed)

    def _enter(self, version: Version) -> None:
        """Enter one reported movement, as the same command by a ward would."""
        assert version.movement is not None
        with self.uow.use_entry(envelope_of(self.uow, self.visit, version)):
            movement = self._apply(version, version.movement)
        self.applied[version.source_id] = movement

    def _apply(self, version: Version, movement: SourceMovement) -> Applied:
        """Apply a report, in a stay or outside one."""
        uow = self.uow
        match movement.kind:
            case SourceKind.ADMIT if self.stay is None:
                return self._admit(version, movement)
            case SourceKind.CHANGE_TYPE if self.stay is None and version.may_admit:
                return self._admit(version, movement)
            case SourceKind.EXPECT:
                fact = expect_admission(uow, self.visit.id, version.source_id, movement)
            case SourceKind.MERGE:
                fact = link_records(uow, movement)
            case SourceKind.CHANGE_MRN:
                fact = change_number(uow, movement)
            case _:
                return self._move(version, movement)
        return Applied(version=version, movement=fact)

    def _move(self, version: Version, movement: SourceMovement) -> Applied:
        uow, stay = self.uow, self.stay
        if stay is None:
            raise NotFound(Thing.ADMISSION_OF_VISIT, self.visit.source_visit, "source_visit")
        place, died_at = place_of(uow, version), persons.recorded_death_at(uow, stay.patient)
        match movement.kind:
            case SourceKind.ADMIT:  # registered before; admitted now, perhaps to a bed
                return self._move_on_admission(stay, version, place)
            case SourceKind.TRANSFER:
                if place is None:
                    raise InvalidInput("bed", "name a bed, or a place without one")
                stay.transfer(place, uow.entry)
            case SourceKind.START_LEAVE:
                stay.start_leave(movement.keep_bed, None, uow.entry, died_at)
            case SourceKind.END_LEAVE:
                stay.end_leave(place, uow.entry, died_at)
            case SourceKind.DISCHARGE:
                discharge_stay(
                    uow, stay, movement.disposition or Disposition.OTHER, movement.destination
                )
                return Applied(version=version, movement=last_movement(stay))
            case SourceKind.CHANGE_TYPE:
                return self._change_type(stay, version, place)
            case SourceKind.UPDATE | SourceKind.MOVE_STAY:
                return self._update(stay, version)
        return self._with_care(stay, Applied(version=version, movement=last_movement(stay)))

    def _with_care(self, stay: Stay, applied: Applied) -> Applied:
        """Enter who is responsible from a movement on, where it says so."""
        movement, care_movements = applied.version.movement, []
        if movement and movement.attending:
            at = moment_of(self.uow, applied.version)
            doctor = lookups.practitioner(self.uow, movement.attending, "attending", at)
            stay.change_attending(doctor, self.uow.entry)
            care_movements.append(last_movement(stay))
        if movement and movement.specialty:
            stay.change_specialty(movement.specialty, self.uow.entry)
            care_movements.append(last_movement(stay))
        return replace(applied, also=tuple(care_movements))

    def _move_on_admission(self, stay: Stay, version: Version, place: Place | None) -> Applied:
        """Move the patient to where a later admission of the visit names a place."""
        if not self._is_of_the_patient(stay, version):
            raise StayStateBroken(Problem.ADMISSION_OF_ANOTHER)
        if place is not None:
            stay.transfer(place, self.uow.entry)
            return self._with_care(stay, Applied(version=version, movement=last_movement(stay)))
        return self._update(stay, version)

    def _change_type(self, stay: Stay, version: Version, place: Place | None) -> Applied:
        """Make the stay one of another type, and move the patient where a place is named."""
        if version.movement is None or version.movement.admission_type is None:
            raise InvalidInput("admission_type", "say of which type the stay is from then on")
        stay.change_admission_type(version.movement.admission_type, self.uow.entry)
        change = self._with_care(stay, Applied(version=version, movement=last_movement(stay)))
        if place is None:
            return change
        stay.transfer(place, self.uow.entry)
        return replace(change, also=(*change.also, last_movement(stay)))

    def _update(self, stay: Stay, version: Version) -> Applied:
        """Hold what a report says that moves nobody; it is found by the admission."""
        if stay.history.admission is None:
            raise StayStateBroken(Problem.ADMISSION_CANCELLED)
        admission = stay.history.admission.id
        return self._with_care(stay, Applied(version=version, movement=admission))

    def _admit(self, version: Version, movement: SourceMovement) -> Applied:
        uow = self.uow
        naming = self.visit.patient_among(self.planned.values()) or movement
        patient = patient_named(uow, naming)
        assert patient.about is not None
        place = place_of(uow, version) or Place()
        subject = f"stay of {self.visit.id}"
        self.stay = stay = uow.new(
            Stay, subject, replace(patient.about, stay=uow.entry.id_of(subject))
        )
        stay.admit(
            patient.id,
            movement.admission_type or AdmissionType.EMERGENCY,
            uow.entry,
            died_at=persons.recorded_death_at(uow, patient.id),
            attending=lookups.practitioner_if_named(
                uow, movement.attending, "attending", moment_of(uow, version)
            ),
            specialty=movement.specialty,
            without_bed=place.without_bed,
            confidentiality=persons.label_of(uow, patient.id),
        )
        self._type_before = stay.admission_type
        admission, bed = last_movement(stay), None
        if place.bed is not None:
            stay.allocate_room(place.bed, uow.entry)
            bed = last_movement(stay)
        return Applied(version=version, movement=admission, bed=bed)
