"""Random cancels and corrections in a busy little hospital."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

from application.command import Recorded
from application.commands.clinical_corrections import InfusionEndCorrection, VisitCorrection
from application.commands.dose_corrections import DoseCorrection
from application.commands.doses import LateDose, LateUnprescribedDose
from application.commands.late_entries import Cancel, Correction, EntryKind, LateEntry
from application.commands.movement_reports import MovementReport, PatientReport
from application.commands.prescription_changes import PrescriptionChangeCorrection
from application.commands.prescription_corrections import PrescriptionCorrection
from application.commands.reports import ReportPeriod
from application.commands.visits import LateVisit
from application.reports.registry import newest_definitions
from domain.envelope import Actor
from domain.prescription.course import Basis
from domain.prescription.events import Medication
from domain.source_visit import SourceKind
from domain.stay.events import VisitKind
from domain.stay.facts import CancellationReason

NAMING = (SourceKind.EXPECT, SourceKind.MOVE_STAY, SourceKind.DETAILS)
"""Kinds of reports that name a patient, beside admissions and those of two numbers."""

WEIGHTS = {
    "cancel_admission": 1.5,
    "cancel_discharge": 4,
    "cancel_movement": 8,
    "correct_movement": 10,
    "correct_facts": 6,
    "amend_visit": 3,
    "cancel_visit": 1,
    "move_stay": 1,
    "cancel_prescription": 1,
    "correct_administration": 4,
    "cancel_administration": 1.5,
    "correct_prescription": 1.5,
    "correct_infusion_end": 1,
    "cancel_infusion_end": 1,
    "correct_patient_details": 2,
    "correct_patient_change": 1,
    "cancel_patient_change": 1,
    "merge_patients": 1.5,
    "unmerge_patients": 2,
    "issue_report": 3,
    "restate_report": 4,
    "record_source_movement": 12,
}


class Mending:
    """The part of `Busy` that mends. It remembers what there is to mend."""

    _lot: Random
    _mrns: list[str]
    _stays: list[UUID]
    _give: Callable[..., Recorded | None]
    _one: Callable[[list[Any]], Any]
    _bed: Callable[[], dict[str, Any]]
    _reader: Actor
    _register_patient: Callable[[], None]
    _record_unprescribed_dose: Callable[..., None]
    _changes: list[UUID]
    now: datetime

    def __init__(self) -> None:
        self._movements: list[UUID] = []
        self._visits: list[UUID] = []
        self._doses: list[UUID] = []
        self._infusions: list[UUID] = []
        self._merges: list[UUID] = []
        self._issues: list[UUID] = []
        self._gone: list[UUID] = []
        self._written: list[UUID] = []

    def _remember(self, recorded: Recorded) -> None:
        self._issues += [id for id in recorded.ids("report") if id not in self._issues]
        for event in recorded.events:
            for name, ids in (
                ("movement", self._movements),
                ("cancel", self._movements),
                ("visit", self._visits),
                ("administration", self._doses),
                ("merge", self._merges),
            ):
                id = getattr(event, name, None)
                if id is not None and id not in ids:
                    ids.append(id)
            if event.TOPIC == "stay.discharged":
                self._gone.append(event.originator_id)
            if event.TOPIC == "prescription.written":
                self._written.append(event.originator_id)

    def _because(self) -> CancellationReason:
        return self._lot.choice(list(CancellationReason))

    def _where_else(self) -> dict[str, Any]:
        return self._lot.choice([{}, {}, self._bed(), {"without_bed": "corridor"}])

    def _mend(self, command: str, **content: Any) -> Recorded | None:
        return self._give(command, because_why="entered wrongly", **content)

    def _cancel_admission(self) -> None:
        void = self._lot.choice([None, True])
        stay = self._one(self._stays)
        self._mend(
            "cancel_admission", stay_id=stay, because=self._because(), void_clinical_facts=void
        )

    def _cancel_discharge(self) -> None:
        stay, place = self._one(self._gone), self._where_else()
        answer = self._mend("cancel_discharge", stay_id=stay, because=self._because(), **place)
        if answer and stay not in self._stays:
            self._stays.append(stay)

    def _cancel_movement(self) -> None:
        because = self._because()
        place = self._where_else() if because is CancellationReason.DECISION_REVERSED else {}
        movement = self._one(self._movements)
        self._mend("cancel_movement", movement_id=movement, because=because, **place)

    def _correct_movement(self) -> None:
        movement, place = self._one(self._movements), self._where_else()
        self._mend("correct_movement", movement_id=movement, **place)

    def _correct_facts(self) -> None:
        right = [
            Correction(movement_id=self._one(self._movements), **self._bed())
            for _ in range(self._lot.randint(1, 2))
        ]
        wrong = [
            Cancel(
                movement_id=self._one(self._movements), because=CancellationReason.ENTERED_IN_ERROR
            )
        ]
        late = LateEntry(
            stay_id=self._one(self._stays),
            kind=self._lot.choice(list(EntryKind)),
            occurred_at=self.now - timedelta(hours=self._lot.randint(1, 30)),
            **self._bed(),
        )
        chosen = self._lot.choice([(right, (), ()), ((), wrong, [late]), (right, wrong, [late])])
        facts_by_part = zip(("corrections", "cancels", "entries"), chosen, strict=True)
        parts = {name: tuple(facts) for name, facts in facts_by_part if facts}
        clinical = self._clinical_parts()
        names = self._lot.sample(list(clinical), self._lot.choice([0, 0, 1, 2, 4]))
        parts |= {name: (clinical[name](),) for name in names}
        if self._lot.random() < 0.3:
            ids = self._lot.choice([self._visits, self._doses, self._changes])
            error = CancellationReason.ENTERED_IN_ERROR
            parts["cancels"] = (
                *parts.get("cancels", ()),
                Cancel(movement_id=self._one(ids), because=error),
            )
        self._mend("correct_facts", **parts)

    def _clinical_parts(self) -> dict[str, Callable[[], Any]]:
        """Return what makes a part of `correct_facts` about visits, doses and prescriptions."""
        at = self.now - timedelta(hours=self._lot.randint(1, 30))
        return {
            "visits": lambda: VisitCorrection(visit_id=self._one(self._visits), occurred_at=at),
            "doses": lambda: DoseCorrection(
                administration_id=self._one(self._doses), occurred_at=at
            ),
            "prescription_changes": lambda: PrescriptionChangeCorrection(
                change_id=self._one(self._changes), occurred_at=at
            ),
            "prescriptions": lambda: PrescriptionCorrection(
                prescription_id=self._one(self._written),
                occurred_at=self._lot.choice([None, at]),
                dose="3 g",
            ),
            "infusion_ends": lambda: InfusionEndCorrection(
                administration_id=self._one(self._infusions), occurred_at=at
            ),
            "cancelled_infusion_ends": lambda: self._one(self._infusions),
            "new_visits": lambda: LateVisit(
                stay_id=self._one(self._stays),
                practitioner="D2",
                kind=VisitKind.ROUND,
                occurred_at=at,
            ),
            "new_doses": lambda: LateDose(
                prescription_id=self._one(self._written), given=True, occurred_at=at
            ),
            "new_unprescribed_doses": lambda: LateUnprescribedDose(
                stay_id=self._one(self._stays),
                medication=Medication(name="Adrenaline"),
                basis=Basis.PROTOCOL,
                occurred_at=at,
            ),
        }

    def _amend_visit(self) -> None:
        visit, note = self._one(self._visits), self._lot.choice([None, "not so well"])
        self._mend("amend_visit", visit_id=visit, practitioner="D2", note=note)

    def _move_stay(self) -> None:
        self._register_patient()
        self._mend("move_stay", stay_id=self._one(self._stays), patient_mrn=self._mrns[-1])

    def _cancel_visit(self) -> None:
        self._mend("cancel_visit", visit_id=self._one(self._visits))

    def _cancel_prescription(self) -> None:
        self._mend("cancel_prescription", prescription_id=self._one(self._written))

    def _correct_administration(self) -> None:
        given = self._lot.choice([None, True, False])
        self._mend(
            "correct_administration",
            administration_id=self._one(self._doses),
            given=given,
            dose_given=None if given is False else "2 g",
            reason_not_given="spat out" if given is False else None,
        )

    def _cancel_administration(self) -> None:
        self._mend("cancel_administration", administration_id=self._one(self._doses))

    def _correct_prescription(self) -> None:
        id = self._one(self._written)
        dose, stop = self._lot.choice(["2 g", None]), self._lot.random() < 0.5
        until = self.now + timedelta(hours=self._lot.randint(1, 48)) if stop else None
        self._mend("correct_prescription", prescription_id=id, dose=dose, stop=until)

    def _ended_infusion(self) -> UUID:
        self._record_unprescribed_dose(infusion=True)
        infusion: UUID = self._one(self._infusions[-1:])
        self._give("end_infusion", administration_id=infusion)
        return infusion

    def _correct_infusion_end(self) -> None:
        self._mend("correct_infusion_end", administration_id=self._ended_infusion())

    def _cancel_infusion_end(self) -> None:
        self._mend("cancel_infusion_end", administration_id=self._ended_infusion())

    def _correct_patient_details(self) -> None:
        since = self._lot.choice([None, date(2026, 3, self._lot.randint(1, 20))])
        name = self._lot.choice(["Okafor", "Bello", "Lindqvist"])
        fields = {"patient_mrn": self._one(self._mrns), "family_name": name, "valid_from": since}
        self._mend("correct_patient_details", **fields)

    def _changed_patient(self) -> dict[str, Any]:
        """Register somebody who has another name from a day on."""
        self._register_patient()
        change = {
            "patient_mrn": self._mrns[-1],
            "valid_from": date(2026, 3, self._lot.randint(1, 20)),
        }
        self._mend("correct_patient_details", family_name="Bello", **change)
        return change

    def _correct_patient_change(self) -> None:
        self._mend("correct_patient_change", family_name="Abara", **self._changed_patient())

    def _cancel_patient_change(self) -> None:
        self._mend("cancel_patient_change", **self._changed_patient())

    def _merge_patients(self) -> None:
        away, into = self._one(self._mrns), self._one(self._mrns)
        self._mend("merge_patients", patient_mrn=away, into_mrn=into)

    def _break_glass(self) -> None:
        self._mend("break_glass", patient_mrn=self._one(self._mrns), by=self._reader)

    def _unmerge_patients(self) -> None:
        self._mend("unmerge_patients", merge_id=self._one(self._merges))

    # -- reports --

    def _issue_report(self) -> None:
        first = self._lot.randint(1, 10)
        period = ReportPeriod(
            (self.now - timedelta(days=first)).date(),
            (self.now - timedelta(days=self._lot.randint(0, first))).date(),
        )
        ward = self._lot.choice([None, "A", "B"])
        self._give(
            "issue_report",
            name=self._lot.choice(newest_definitions()).name,
            period=period,
            ward=ward,
        )

    def _restate_report(self) -> None:
        if self._issues:
            self._give("restate_report", issue_id=self._one(self._issues))

    def _record_source_movement(self) -> None:
        visit, id = self._lot.randint(1, 12), self._lot.randint(1, 4)
        kind = SourceKind.ADMIT if id == 1 else self._lot.choice(list(SourceKind)[1:])
        at = self.now - timedelta(minutes=self._lot.randint(1, 600))
        admits = kind is SourceKind.ADMIT
        renames = kind in (SourceKind.MERGE, SourceKind.CHANGE_MRN)
        names = admits or renames or kind in NAMING
        report = MovementReport(
            kind=kind,
            occurred_at=at,
            patient_mrn=self._one(self._mrns) if names else None,
            former_mrn=self._one(self._mrns) if renames else None,
            patient=PatientReport(family_name=self._lot.choice("NO"))
            if kind is SourceKind.DETAILS
            else None,
            **(self._bed() if admits or kind is SourceKind.TRANSFER else {}),
        )
        cancelled = kind is not SourceKind.DETAILS and self._lot.random() < 0.15
        self._give(
            "record_source_movement",
            system="ADT",
            source_id=f"{visit}.{id}",
            source_visit=str(visit),
            source_recorded_at=at + timedelta(minutes=self._lot.randint(0, 60)),
            cancelled=cancelled or None,
            movement=None if cancelled and self._lot.random() < 0.5 else report,
        )
