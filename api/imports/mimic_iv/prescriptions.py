"""Prescriptions: the rows of one ``pharmacy_id`` are one, with its order and its pharmacy entry."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from api.imports.account import Ledger
from api.imports.mimic_iv.orders import Orders
from api.imports.mimic_iv.patient import PatientRows, Row
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling, time_text
from api.imports.mimic_iv.stays import Stay
from application.command import Recorded
from domain.prescription.events import Medication
from domain.refusals import Refusal

CODES = (("ndc", "NDC"), ("gsn", "GSN"), ("formulary_drug_cd", "formulary"))
"""The columns that may hold a drug's code, the best first, with the coding system."""

NO_CODE = ("", "0")

LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Prescription:
    """A drug (``row``) with what it is dissolved in (``parts``), its order and its pharmacy entry."""

    row: Row
    parts: list[Row]
    order: Row | None
    entry: Row | None
    ends: list[Row]
    """The orders that discontinue its order."""
    id: UUID | None = None
    """In the record; None as long as it is not recorded (it may be refused)."""
    start: datetime | None = None
    """As recorded: the row's, but never before the admission."""

    @property
    def number(self) -> int:
        return _number(self.row["pharmacy_id"])

    @property
    def stop(self) -> datetime | None:
        return self.row.maybe_at("stoptime")

    def cut_at(self, admission: datetime) -> None:
        """Let it start at the admission if it lies across that; one that ended before stays so."""
        self.start = self.row.maybe_at("starttime")
        if self.start and self.start < admission and (not self.stop or self.stop > admission):
            self.start = admission

    def holds_at(self, moment: datetime) -> bool:
        """Return whether a dose at that moment lies inside it."""
        return (self.start is None or self.start <= moment) and (
            self.stop is None or moment < self.stop
        )


class Chart:
    """All prescriptions of one patient: by pharmacy number, by order, and by stay."""

    def __init__(self, rows: PatientRows, orders: Orders) -> None:
        entries = {row.key: row for row in rows["pharmacy"]}
        parts: dict[str, list[Row]] = defaultdict(list)
        for row in rows["prescriptions"]:
            parts[row["pharmacy_id"]].append(row)
        self.by_number = {
            number: _prescription(number, group, orders, entries) for number, group in parts.items()
        }
        self.by_order: dict[str, list[Prescription]] = defaultdict(list)
        self.by_stay: dict[str, list[Prescription]] = defaultdict(list)
        for prescription in self.by_number.values():
            self.by_stay[prescription.row["hadm_id"]].append(prescription)
            if prescription.row["poe_id"]:
                self.by_order[prescription.row["poe_id"]].append(prescription)
        # Orders are rewritten when a patient moves; doses still name the order of their day.
        self.by_order_of_doses = self._by_order_of_doses(rows["emar"])

    def _by_order_of_doses(self, doses: list[Row]) -> dict[str, list[Prescription]]:
        by_order: dict[str, dict[int, Prescription]] = defaultdict(dict)
        for dose in doses:
            prescription = self.by_number.get(dose["pharmacy_id"])
            if prescription and prescription.row["hadm_id"] == dose["hadm_id"]:
                by_order[dose["poe_id"]][prescription.number] = prescription
        return {order: list(by_number.values()) for order, by_number in by_order.items()}


def write_prescriptions(
    stay: Stay | None, prescriptions: Iterable[Prescription], sender: Sender, ledger: Ledger
) -> None:
    """Write a stay's prescriptions in the order of their writing, and judge all rows of them."""
    in_order = sorted(prescriptions, key=lambda p: (_writing(p, stay)[0] or LAST, p.number))
    for prescription in in_order:
        _write(stay, prescription, sender, ledger)
    sender.flush()
    for prescription in in_order:
        row = prescription.row
        for part in prescription.parts:
            if prescription.id:
                ledger.judge_merged(part, "component of a prescription", row)
            else:
                ledger.judge_refused(part, Rule.REFUSED_WITH, parent=row)
        if entry := prescription.entry:
            if prescription.id:
                ledger.judge_merged(entry, "pharmacy entry of a prescription", row)
            else:
                ledger.judge_refused(entry, Rule.REFUSED_WITH, parent=row)


def _write(stay: Stay | None, prescription: Prescription, sender: Sender, ledger: Ledger) -> None:
    row, stop = prescription.row, prescription.stop
    if stay is None:
        ledger.judge_refused(row, Rule.NO_STAY)
        return
    if stay.id is None:
        ledger.judge_refused(row, Rule.REFUSED_WITH, parent=stay.row)
        return
    at, notes = _writing(prescription, stay)
    if at is None:
        ledger.judge_refused(row, Rule.UNREADABLE, "it has no start, no order, no pharmacy entry")
        return
    prescription.cut_at(stay.begins)
    start = prescription.start or at
    remarks = []
    if start != (row.maybe_at("starttime") or at):
        notes.append(f"its start {time_text(row.at('starttime'))} lies before the admission")
        remarks.append("start cut at the admission")
    if stay.is_over_at(at):  # one that would start later is written, and stopped by the discharge
        ledger.judge_refused(row, Rule.AFTER_DISCHARGE, parent=stay.row)
        return
    if stop == start:
        remarks.append("it stops as it starts")
    notes += _origins(prescription)

    def judge(answer: Recorded | Refusal) -> None:
        ledger.judge_answer(row, "write_prescription", answer, "; ".join(remarks))
        if not isinstance(answer, Refusal):
            prescription.id = answer.ids("prescription")[0]

    sender.queue(
        row,
        sender.hospital.prescriptions.write_prescription,
        Telling(at, tuple(notes), recorded_at=_time(prescription.entry, "entertime")),
        judge,
        stay_id=stay.id,
        medication=_medication(row),
        dose=_dose(prescription),
        route=row["route"] or None,
        frequency=_frequency(prescription.entry),
        start=prescription.start,
        stop=stop,
        prescriber=sender.practitioner(_prescriber(prescription)),
    )


def _writing(prescription: Prescription, stay: Stay | None) -> tuple[datetime | None, list[str]]:
    """Return the time when it was written, and the envelope with the source's own times.

    Orders are written anew when the patient moves, and the prescription then names the newest: the
    pharmacy's entry may be days older, and is nearer to the truth. So it is, too, if the order
    was given before the admission.
    """
    ordered_at, entered_at = (
        _time(prescription.order, "ordertime"),
        _time(prescription.entry, "entertime"),
    )
    if ordered_at is None or entered_at is None:
        if at := ordered_at or entered_at:
            return at, [
                "the source has no order" if ordered_at is None else "not entered in pharmacy"
            ]
        return prescription.row.maybe_at("starttime"), [
            "written when it starts: nothing else is known"
        ]
    if entered_at < ordered_at:
        return entered_at, [f"order rewritten {time_text(ordered_at)}"]
    if stay and ordered_at < stay.begins:
        return entered_at, [f"ordered {time_text(ordered_at)}, before the admission"]
    return ordered_at, []


def _origins(prescription: Prescription) -> list[str]:
    """Return the other rows about it: its order, its end, its pharmacy entry."""
    told_of = [f"order {prescription.order.key}"] if prescription.order else []
    told_of += [f"ended by order {e.key} {time_text(e.at('ordertime'))}" for e in prescription.ends]
    if prescription.entry and prescription.entry["status"]:
        told_of.append(f"in pharmacy: {prescription.entry['status']}")
    if prescription.row["prod_strength"]:
        told_of.append(f"product: {prescription.row['prod_strength']}")
    return told_of


def _prescription(
    number: str, rows: list[Row], orders: Orders, entries: dict[str, Row]
) -> Prescription:
    """Return the drug's row: MAIN, or the fluid (BASE) where that is all."""
    rank = {"MAIN": 0, "BASE": 1}
    drug, *parts = sorted(rows, key=lambda r: (rank.get(r["drug_type"], 2), r.key))
    order = drug["poe_id"]
    return Prescription(drug, parts, orders.get(order), entries.get(number), orders.ends_of(order))


def _medication(row: Row) -> Medication:
    for column, system in CODES:
        if row[column] not in NO_CODE:
            return Medication(name=row["drug"], code=row[column], system=system)
    return Medication(name=row["drug"])


def _dose(prescription: Prescription) -> str | None:
    """Format the dose with what the drug comes in: "1 g in 50 mL Dextrose"."""
    row = prescription.row
    dose = f"{row['dose_val_rx']} {row['dose_unit_rx']}".strip()
    parts = [
        f"{part['dose_val_rx']} {part['dose_unit_rx']} {part['drug']}"
        for part in prescription.parts
    ]
    return " in ".join([dose, " + ".join(parts)] if parts else [dose]).strip() or None


def _frequency(entry: Row | None) -> str | None:
    if entry is None:
        return None
    per_day = entry["doses_per_24_hrs"]
    told_of = [entry["frequency"], f"({per_day} in 24 h)" if per_day else ""]
    return " ".join(filter(None, told_of)) or None


def _prescriber(prescription: Prescription) -> str:
    order = prescription.order
    return prescription.row["order_provider_id"] or (order["order_provider_id"] if order else "")


def _time(row: Row | None, column: str) -> datetime | None:
    return row.maybe_at(column) if row else None


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
