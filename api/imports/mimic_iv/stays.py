"""Stays: admission, specialties, death and discharge."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from api.imports.account import Ledger
from api.imports.mimic_iv.patient import Row
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling, time_text
from application.command import Recorded
from domain.refusals import ContradictsLaterFacts, PatientDied, Refusal
from domain.stay.events import AdmissionType
from domain.stay.facts import Disposition
from domain.time import Precision

ADMISSION_TYPES = {
    "ELECTIVE": AdmissionType.ELECTIVE,
    "SURGICAL SAME DAY ADMISSION": AdmissionType.ELECTIVE,
    "AMBULATORY OBSERVATION": AdmissionType.DAY_CASE,
}
"""The others are transfers in, if from another hospital, and otherwise emergencies."""

DISPOSITIONS = {
    "HOME": Disposition.HOME,
    "HOME HEALTH CARE": Disposition.HOME,
    "ASSISTED LIVING": Disposition.HOME,
    "AGAINST ADVICE": Disposition.AGAINST_ADVICE,
    "DIED": Disposition.DIED,
    "ACUTE HOSPITAL": Disposition.TRANSFERRED,
    "CHRONIC/LONG TERM ACUTE CARE": Disposition.TRANSFERRED,
    "HEALTHCARE FACILITY": Disposition.TRANSFERRED,
    "HOSPICE": Disposition.TRANSFERRED,
    "OTHER FACILITY": Disposition.TRANSFERRED,
    "PSYCH FACILITY": Disposition.TRANSFERRED,
    "REHAB": Disposition.TRANSFERRED,
    "SKILLED NURSING FACILITY": Disposition.TRANSFERRED,
}
"""A place that is not listed here is OTHER; the source's word is the destination in any case."""

SUSPICIOUS = timedelta(hours=12)
"""Times of two systems for one event that lie further apart than this are remarked upon."""

NO_DISCHARGE = "NoDischarge"
"""Name, in the account, of why a stay could not be ended that has no discharge in the source."""

NOWHERE = "not known: the source has no row of it"
"""The place of a patient who is in the hospital but in none of the source's care units."""


@dataclass(slots=True)
class Stay:
    """A stay as its row in table admissions has it, and what was recorded of it."""

    row: Row
    id: UUID | None = None
    """In the record; None as long as the admission is not recorded (it may be refused)."""
    next_begins: datetime | None = None
    """Arrival for the next stay of the patient: the end of one without a discharge."""
    commands: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    @property
    def begins(self) -> datetime:
        return self.row.at("admittime")

    @property
    def ends(self) -> datetime | None:
        """Return the discharge: at the death of one who died here, if the source has that earlier.

        Such a discharge is a day that lost its time (00:00), and doses were given for hours after.
        Without a discharge it ends with the death, or with the next stay.
        """
        ends = self.row.maybe_at("dischtime") or self.died_at or self.next_begins
        return self.died_at if self.discharge_is_moved else ends

    @property
    def discharge_is_moved(self) -> bool:
        ends, died_at = self.row.maybe_at("dischtime"), self.died_at
        died_here = self.row["discharge_location"] == "DIED"
        return died_here and ends is not None and died_at is not None and ends < died_at

    @property
    def came_at(self) -> datetime:
        """Return the time of arrival: in the emergency department, or else for the admission."""
        return min(self.row.maybe_at("edregtime") or self.begins, self.begins)

    @property
    def died_at(self) -> datetime | None:
        return self.row.maybe_at("deathtime")

    def cares_at(self, moment: datetime) -> bool:
        """Return whether the patient is there at a moment: in the emergency department, or admitted."""
        return self.came_at <= moment and not self.is_over_at(moment)

    def is_over_at(self, moment: datetime) -> bool:
        """Return whether a moment is later than the discharge.

        The discharge is recorded last, since it stops what is prescribed. So the domain cannot
        refuse what lies after it, and this importer has to.
        """
        return self.ends is not None and moment > self.ends

    def note_answer(self, command: str, answer: Recorded | Refusal) -> None:
        """Note, for the account, the answer to one of the commands of this stay's row."""
        if isinstance(answer, Refusal):
            self.remarks.append(f"{command} refused: {answer.code}: {answer.message}")
        else:
            self.commands.append(command)


def admit(
    stay: Stay,
    sender: Sender,
    ledger: Ledger,
    *,
    first_service: Row | None,
    first_move_at: datetime | None,
    order: Row | None,
) -> bool:
    """Record the admission; return whether it was accepted."""
    row = stay.row
    if (ends := row.maybe_at("dischtime")) and ends < stay.begins:
        ledger.judge_refused(row, Rule.ENDS_BEFORE_IT_BEGINS, f"discharged {time_text(ends)}")
        return False
    notes = [f"{row['admission_type']}, from {row['admission_location'] or 'an unknown place'}"]
    if row["admit_provider_id"]:
        notes.append("attending is who admitted: the source has no attending")
    if order:
        notes.append(f"decision to admit: order {order.key}")
    has_no_bed_yet = first_move_at is None or first_move_at > stay.begins
    answer = sender.send(
        row,
        sender.hospital.stays.admit_patient,
        Telling(stay.begins, tuple(notes)),
        patient_mrn=row["subject_id"],
        admission_type=_admission_type(row),
        attending=sender.practitioner(row["admit_provider_id"]),
        specialty=first_service["curr_service"] if first_service else None,
        decided_to_admit_at=order.at("ordertime") if order else None,
        without_bed=NOWHERE if has_no_bed_yet else None,
    )
    if isinstance(answer, Refusal):
        ledger.judge_refused(row, answer.code, answer.message)
        return False
    stay.note_answer("admit_patient", answer)
    stay.id = answer.ids("stay")[0]
    _record_emergency_care(stay, sender)
    if first_move_at and first_move_at - stay.begins > SUSPICIOUS:
        stay.remarks.append(
            f"first seen in a care unit {time_text(first_move_at)}: admitted a day later?"
        )
    return True


def _record_emergency_care(stay: Stay, sender: Sender) -> None:
    """Record when the patient came to the emergency department and left it, if before the admission."""
    assert stay.id
    arrival, departure = stay.row.maybe_at("edregtime"), stay.row.maybe_at("edouttime")
    if arrival is None or arrival > stay.begins:
        return
    answer = sender.send(
        stay.row,
        sender.hospital.stays.record_emergency_care,
        Telling(arrival),
        stay_id=stay.id,
        departed_at=departure if departure and departure >= arrival else None,
    )
    stay.note_answer("record_emergency_care", answer)


def change_specialties(stay: Stay, services: Sequence[Row], sender: Sender, ledger: Ledger) -> None:
    """Record the changes of specialty: every service but the first, which is the admission's."""
    assert stay.id
    for row in services[:1]:
        ledger.judge_merged(row, "specialty of the admission", stay.row)
    for row in services[1:]:
        at = row.at("transfertime")
        if stay.is_over_at(at):
            ledger.judge_refused(row, Rule.AFTER_DISCHARGE, parent=stay.row)
            continue
        answer = sender.send(
            row,
            sender.hospital.stays.change_specialty,
            Telling(at),
            stay_id=stay.id,
            specialty=row["curr_service"],
        )
        ledger.judge_answer(row, "change_specialty", answer)


def record_death_in_stay(stay: Stay, sender: Sender) -> None:
    """Record the death right after the admission, so that the domain refuses what lies after it."""
    if stay.died_at and not stay.is_over_at(stay.died_at):
        _record_death(stay, stay.died_at, sender)


def discharge(stay: Stay, bed_system: Sequence[Row], sender: Sender, ledger: Ledger) -> None:
    """Close the stay, and judge its row. ``bed_system``: its discharge as table transfers has it."""
    assert stay.id
    row, at = stay.row, stay.ends
    has_discharge = row.maybe_at("dischtime") is not None
    if not has_discharge:
        ledger.account.not_ended[NO_DISCHARGE] += 1
        stay.remarks.append(
            f"no discharge in the source: {'still open' if at is None else 'ended with what followed'}"
        )
    if at is not None:
        precision = None if has_discharge else Precision.ESTIMATED
        notes = [] if has_discharge else ["the source has no discharge"]
        if stay.discharge_is_moved:
            precision = Precision.ESTIMATED
            notes.append(
                f"the source's discharge {time_text(row.at('dischtime'))} lies before the death: "
                "it is taken for a day without a time"
            )
            stay.remarks.append("discharge moved to the death")
        for other in bed_system:
            notes.append(f"the bed system's discharge: {time_text(other.at('intime'))}")
            if other.at("intime") - at > SUSPICIOUS:
                stay.remarks.append(f"in the bed system discharged {time_text(other.at('intime'))}")
        answer = _send_discharge(stay, sender, Telling(at, tuple(notes), precision))
        stay.note_answer("discharge_patient", answer)
        if isinstance(answer, Refusal):
            ledger.account.not_ended[answer.code] += 1
            if isinstance(answer, ContradictsLaterFacts):
                _end_after(stay, at, answer, sender)
            elif isinstance(answer, PatientDied):
                _end_of_dead(stay, at, sender)
    if stay.died_at and stay.is_over_at(stay.died_at):
        _record_death(stay, stay.died_at, sender)
    for other in bed_system:
        if "discharge_patient" in stay.commands:
            ledger.judge_merged(other, "discharge", row)
        else:
            ledger.judge_refused(other, Rule.REFUSED_WITH, parent=row)
    ledger.judge_recorded(row, ", ".join(stay.commands), "; ".join(stay.remarks))


def _send_discharge(
    stay: Stay, sender: Sender, telling: Telling, disposition: Disposition | None = None
) -> Recorded | Refusal:
    assert stay.id
    location = stay.row["discharge_location"]
    return sender.send(
        stay.row,
        sender.hospital.stays.discharge_patient,
        telling,
        stay_id=stay.id,
        disposition=disposition or DISPOSITIONS.get(location, Disposition.OTHER),
        destination=location or None,
    )


def _end_after(stay: Stay, at: datetime, refusal: ContradictsLaterFacts, sender: Sender) -> None:
    """End a stay after the facts that contradict its discharge, so that the next ones follow."""
    last = max(fact.occurred_at for fact in refusal.facts)
    notes = (f"discharged {time_text(at)}, but something is recorded at {time_text(last)}",)
    over = last if last > at else at + timedelta(minutes=1)
    answer = _send_discharge(stay, sender, Telling(over, notes, Precision.ESTIMATED))
    stay.note_answer("discharge_patient", answer)
    if not isinstance(answer, Refusal):
        stay.remarks.append("ended with the last fact of the stay")


def _end_of_dead(stay: Stay, at: datetime, sender: Sender) -> None:
    """End a stay as DIED whose patient the source has dead before a discharge alive."""
    notes = (
        f"discharged to {stay.row['discharge_location'] or 'an unknown place'} after the death",
    )
    answer = _send_discharge(stay, sender, Telling(at, notes), Disposition.DIED)
    stay.note_answer("discharge_patient", answer)
    if not isinstance(answer, Refusal):
        stay.remarks.append("ended as of one who died")


def _record_death(stay: Stay, at: datetime, sender: Sender) -> None:
    answer = sender.send(
        stay.row, sender.hospital.patients.record_death, Telling(at), stay_id=stay.id
    )
    stay.note_answer("record_death", answer)


def _admission_type(row: Row) -> AdmissionType:
    if admission_type := ADMISSION_TYPES.get(row["admission_type"]):
        return admission_type
    if row["admission_location"] == "TRANSFER FROM HOSPITAL":
        return AdmissionType.TRANSFER_IN
    return AdmissionType.EMERGENCY
