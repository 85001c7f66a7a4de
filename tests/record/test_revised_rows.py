"""Facts corrected, corrected again and cancelled give the same rows however they fall into batches."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

import infrastructure.projections.batch
from application.command import Recorded
from application.hospital import Hospital
from domain.prescription.course import Outside
from domain.prescription.events import Medication
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import CancellationReason, Disposition
from infrastructure.integrity.check import verify
from infrastructure.postgres.database import Database
from tests.support.hospital_dsl import ADA, place, request
from tests.support.shared_history import Dump, catch_up, dump, forget

pytestmark = pytest.mark.nightly

ERROR, REVERSED = CancellationReason.ENTERED_IN_ERROR, CancellationReason.DECISION_REVERSED
BEGINS = datetime(2026, 3, 2, 6, tzinfo=UTC)


class Day:
    """A day with many mistakes, by the clock of a simulated log; each is said an hour later."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.hour = hospital, 0

    def execute(self, operation: str, at: float | None = None, **content: Any) -> Recorded:
        self.hour += 1
        command_request = request(
            now=BEGINS + timedelta(hours=self.hour),
            occurred_at=None if at is None else BEGINS + timedelta(hours=at),
            reason="it was so",
            by=ADA,
        )
        result: Recorded = self.hospital.command(operation)(command_request, **content)
        return result

    def id(self, what: str, operation: str, at: float | None = None, **content: Any) -> UUID:
        """The id that the entry of a command made."""
        return self.execute(operation, at, **content).entry.id_of(what)

    def pass_by(self) -> None:
        self.execute("open_room", ward="A", room="1", beds=("a", "b"))
        self.execute("register_patient", mrn="M4")
        self.execute("register_practitioner", staff_number="D1")
        self.execute("register_practitioner", staff_number="D2")
        stays = []
        for mrn, bed in (("M1", "A/1/a"), ("M2", "A/1/b"), ("M3", None)):
            self.execute("register_patient", mrn=mrn, family_name="Mayer")
            where = place(bed) if bed else {"without_bed": "corridor"}
            kind = AdmissionType.ELECTIVE
            answer = self.execute("admit_patient", patient_mrn=mrn, admission_type=kind, **where)
            stays += answer.ids("stay")
        one, other, third = stays
        self._people()
        self._visits(one, third)
        drug = self._doses(one)
        swap = self.id("swap", "swap_beds", stay_id=one, with_stay_id=other)
        self.execute("correct_movement", self.hour - 0.5, movement_id=swap)
        self.execute("cancel_movement", movement_id=swap, because=ERROR)
        corridor: dict[str, Any] = {"without_bed": "corridor"}
        moved = self.id("transfer", "transfer_patient", stay_id=one, **corridor)
        self.execute("correct_movement", movement_id=moved, without_bed="trolley")
        self.execute("correct_movement", self.hour - 1.25, movement_id=moved)
        self.execute("cancel_movement", movement_id=moved, because=REVERSED)
        self._discharges(one)
        self.execute("cancel_admission", stay_id=third, because=ERROR, void_clinical_facts=True)
        self.execute("cancel_admission", stay_id=other, because=REVERSED)
        self.execute("change_prescription", prescription_id=drug, dose="3 g")

    def _people(self) -> None:
        for name in ("Meyer", "Maier"):
            self.execute("correct_patient_details", patient_mrn="M1", family_name=name)
        since = date(2026, 3, 3)
        self.execute(
            "correct_patient_details", patient_mrn="M1", family_name="Li", valid_from=since
        )
        self.execute("correct_patient_details", patient_mrn="M1", given_name="Ada", mrn="M11")
        merge = self.id("merge", "merge_patients", patient_mrn="M11", into_mrn="M4")
        self.execute("unmerge_patients", merge_id=merge)
        self.execute("merge_patients", patient_mrn="M4", into_mrn="M11")

    def _visits(self, one: UUID, third: UUID) -> None:
        for stay in (one, third):
            kind = VisitKind.ROUND
            id = self.id("visit", "record_visit", stay_id=stay, practitioner="D1", kind=kind)
            self.execute("amend_visit", visit_id=id, note="better")
            self.execute("amend_visit", self.hour - 1, visit_id=id, practitioner="D2")
            self.execute("amend_visit", self.hour - 0.5, visit_id=id, kind=VisitKind.CONSULT)
        self.execute("record_visit", stay_id=third, practitioner="D1", kind=VisitKind.ROUND)
        self.execute("cancel_visit", visit_id=id, because=ERROR)

    def _doses(self, stay: UUID) -> UUID:
        heparin = Medication(name="Heparin")
        (drug,) = self.execute("write_prescription", stay_id=stay, medication=heparin).ids(
            "prescription"
        )
        for _ in range(2):
            fields: dict[str, Any] = {"prescription_id": drug, "given": True, "dose_given": "1 g"}
            id = self.id("administration", "record_administration", **fields)
            self.execute("correct_administration", self.hour - 0.5, administration_id=id)
            self.execute("correct_administration", administration_id=id, dose_given="2 g")
            why: dict[str, Any] = {"given": False, "reason_not_given": "asleep"}
            self.execute("correct_administration", administration_id=id, **why)
            late = Outside.LATE
            self.execute("correct_administration", administration_id=id, outside_prescription=late)
        self.execute("cancel_administration", administration_id=id, because=ERROR)
        never = self.execute("write_prescription", stay_id=stay, medication=heparin)
        (never_was,) = never.ids("prescription")
        refusal: dict[str, Any] = {"prescription_id": never_was, "given": False}
        self.execute("record_administration", **refusal, reason_not_given="asleep")
        self.execute("cancel_prescription", prescription_id=never_was, because=ERROR)
        return drug

    def _discharges(self, stay: UUID) -> None:
        home: dict[str, Any] = {"stay_id": stay, "disposition": Disposition.HOME}
        gone = self.id("discharge", "discharge_patient", **home)
        self.execute("correct_movement", self.hour - 0.5, movement_id=gone)
        self.execute("cancel_discharge", stay_id=stay, because=ERROR)
        gone = self.id("discharge", "discharge_patient", **home)
        self.execute("correct_movement", self.hour - 0.25, movement_id=gone)
        back = self.id(
            "cancel", "cancel_discharge", stay_id=stay, because=REVERSED, without_bed="corridor"
        )
        self.execute("correct_movement", movement_id=back, without_bed="trolley")
        self.execute("cancel_movement", movement_id=back, because=ERROR)
        self.execute("cancel_discharge", stay_id=stay, because=ERROR, without_bed="trolley")


def test_rows_are_the_same_in_batches_of_every_size(
    simulated_hospital: Hospital, simulated: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Day(simulated_hospital).pass_by()
    result: dict[int, Dump] = {}
    for size in (1, 2, 3, 5, 1_000):
        monkeypatch.setattr(infrastructure.projections.batch, "BATCH", size)
        forget(simulated)
        catch_up(simulated)
        result[size] = dump(simulated)
    for size, rows in result.items():
        assert rows == result[1_000], size
    assert [c for c in verify(simulated) if c.broken] == []
