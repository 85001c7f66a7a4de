"""Doses: the rows of table emar, each given or withheld at the bedside."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial

from api.imports.account import Ledger
from api.imports.mimic_iv.orders import Orders
from api.imports.mimic_iv.patient import PatientRows, Row
from api.imports.mimic_iv.prescriptions import Chart, Prescription
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling
from api.imports.mimic_iv.stays import Stay
from domain.prescription.course import Basis, Outside
from domain.prescription.events import Medication

GIVEN = frozenset(
    {
        "Administered",
        "Delayed Administered",
        "Partial Administered",
        "Administered in Other Location",
        "Administered Bolus from IV Drip",
        "Started",
        "Delayed Started",
        "Started in Other Location",
        "Restarted",
        "Applied",
        "Applied in Other Location",
        "Removed Existing / Applied New",
        "Flushed",
        "Delayed Flushed",
        "Flushed in Other Location",
    }
)
WITHHELD = frozenset(
    {
        "Not Given",
        "Not Given per Sliding Scale",
        "Hold Dose",
        "Not Started",
        "Not Applied",
        "Not Flushed",
    }
)
"""Words of doses that were not given; other words (a patch removed) are of no dose."""


@dataclass(frozen=True, slots=True)
class Link:
    """The match of a dose with its prescription: by which key, or why there is none."""

    prescription: Prescription | None = None
    how: str = ""
    rule: Rule | None = None
    parent: Row | None = None


def record_doses(
    stay: Stay | None,
    doses: Iterable[Row],
    amounts: Mapping[str, str],
    chart: Chart,
    orders: Orders,
    sender: Sender,
    ledger: Ledger,
) -> None:
    """Record a stay's doses in the order in which they were given, and judge their rows.

    Without a stay none is recorded: the source has doses in stays that are not in its files.
    """
    for row in sorted(doses, key=lambda r: (r.at("charttime"), r["emar_seq"].zfill(9), r.key)):
        _record(stay, row, amounts.get(row.key), chart, orders, sender, ledger)
    sender.flush()


def amounts_of(details: Iterable[Row]) -> dict[str, str]:
    """Return the amount given of each dose, by its row: what several products add up to."""
    sums: dict[str, dict[str, Decimal]] = defaultdict(dict)
    words: dict[str, list[str]] = defaultdict(list)
    for row in details:
        quantity, unit, dose = row["dose_given"], row["dose_given_unit"], row["emar_id"]
        if not quantity.strip("_"):
            continue
        try:
            sums[dose][unit] = sums[dose].get(unit, Decimal(0)) + Decimal(quantity.replace(",", ""))
        except InvalidOperation:
            words[dose].append(f"{quantity} {unit}".strip())
    return {
        dose: " + ".join(
            [f"{amount.normalize():f} {unit}".strip() for unit, amount in sums[dose].items()]
            + words[dose]
        )
        for dose in [*sums, *(dose for dose in words if dose not in sums)]
    }


def judge_amounts(rows: PatientRows, ledger: Ledger) -> None:
    """Merge each amount into its dose; without one it is refused."""
    doses = {row.key: row for row in rows["emar"]}
    for row in rows["emar_detail"]:
        dose = doses.get(row["emar_id"])
        if dose is None:
            ledger.judge_refused(
                row, Rule.REFUSED_WITH, "table emar has no (readable) row of its dose"
            )
        elif ledger.is_recorded(dose):
            ledger.judge_merged(row, "amount of a dose", dose)
        else:
            ledger.judge_refused(row, Rule.REFUSED_WITH, parent=dose)


def _record(
    stay: Stay | None,
    row: Row,
    amount: str | None,
    chart: Chart,
    orders: Orders,
    sender: Sender,
    ledger: Ledger,
) -> None:
    at, words = row.at("charttime"), row["event_txt"]
    if stay is None:
        ledger.judge_refused(row, Rule.NO_STAY)
    elif stay.id is None:
        ledger.judge_refused(row, Rule.REFUSED_WITH, parent=stay.row)
    elif words not in GIVEN | WITHHELD:
        ledger.judge_refused(row, Rule.NOT_A_DOSE, words or "it says nothing")
    elif stay.is_over_at(at):
        ledger.judge_refused(row, Rule.AFTER_DISCHARGE, parent=stay.row)
    else:
        link = _link(row, chart, orders)
        if link.rule and words in GIVEN and row["medication"]:
            _record_unprescribed(stay, row, amount, link, orders, sender, ledger)
            return
        if link.rule:
            ledger.judge_refused(row, link.rule, link.how, link.parent)
            return
        assert link.prescription
        assert link.prescription.id
        reason, distance = _outside_mark(link.prescription, at)
        notes = [f"{words}: {row['medication'] or 'no drug named'}", link.how]
        if reason:
            notes.append(distance)
        sender.queue(
            row,
            sender.hospital.prescriptions.record_administration,
            Telling(
                at,
                tuple(notes),
                recorded_at=row.maybe_at("storetime"),
                performed_by=sender.practitioner(row["enter_provider_id"]),
            ),
            partial(ledger.judge_answer, row, "record_administration", note=distance),
            prescription_id=link.prescription.id,
            given=words in GIVEN,
            dose_given=amount if words in GIVEN else None,
            reason_not_given=words if words in WITHHELD else None,
            outside_prescription=reason,
        )


def _record_unprescribed(
    stay: Stay,
    row: Row,
    amount: str | None,
    link: Link,
    orders: Orders,
    sender: Sender,
    ledger: Ledger,
) -> None:
    """Record a dose that was given, and of which no prescription is recorded in its stay.

    What is known of who ordered it is an order that was not written as a prescription.
    """
    assert stay.id
    order = orders.get(row["poe_id"])
    ordered_by = sender.practitioner(order["order_provider_id"]) if order else None
    basis = Basis.VERBAL_ORDER if ordered_by else Basis.PROTOCOL
    if row.at("charttime") < stay.begins:
        basis = Basis.EMERGENCY_DEPARTMENT
    notes = [f"{row['event_txt']}: {row['medication']}"]
    notes.append(f"order {order.key}" if order else "its order is not known")
    if link.parent:
        notes.append(f"its prescription is not recorded in this stay: {link.parent.key}")
    note = "no prescription of it is recorded"
    sender.queue(
        row,
        sender.hospital.prescriptions.record_unprescribed_dose,
        Telling(
            row.at("charttime"),
            tuple(notes),
            recorded_at=row.maybe_at("storetime"),
            performed_by=sender.practitioner(row["enter_provider_id"]),
        ),
        partial(ledger.judge_answer, row, "record_unprescribed_dose", note=note),
        stay_id=stay.id,
        medication=Medication(name=row["medication"]),
        basis=basis,
        ordered_by=ordered_by,
        dose_given=amount,
    )


def _outside_mark(prescription: Prescription, at: datetime) -> tuple[Outside | None, str]:
    """Return the mark of a dose outside its prescription, and a text of how far outside it lies."""
    start, stop = prescription.start, prescription.stop
    if start and at < start:
        return Outside.EMERGENCY, f"{_hours(start - at)} before the prescription starts"
    if stop and at >= stop:
        return Outside.LATE, f"{_hours(at - stop)} after the prescription stops"
    return None, ""


def _hours(span: timedelta) -> str:
    minutes = round(span.total_seconds() / 60)
    return f"{minutes // 60}:{minutes % 60:02} h"


def _link(row: Row, chart: Chart, orders: Orders) -> Link:
    """Find the prescription of a dose: by its own number, by its order, or by that of other doses."""
    if number := row["pharmacy_id"]:
        candidates = [chart.by_number[number]] if number in chart.by_number else []
        reason = "prescription named by the dose"
    elif candidates := chart.by_order.get(row["poe_id"], []):
        reason = "prescription found by the order"
    else:
        candidates = chart.by_order_of_doses.get(row["poe_id"], [])
        reason = "prescription found by other doses of the order"
    if not candidates:
        order = orders.get(row["poe_id"])
        return Link(None, "" if order else "its order is not known either", Rule.NO_PRESCRIPTION)
    candidates_of_stay = [p for p in candidates if p.row["hadm_id"] == row["hadm_id"]]
    if not candidates_of_stay:
        return Link(None, "", Rule.OTHER_STAY, candidates[0].row)
    recorded_prescriptions = [p for p in candidates_of_stay if p.id]
    if not recorded_prescriptions:
        return Link(None, "", Rule.REFUSED_WITH, candidates_of_stay[0].row)
    if len(recorded_prescriptions) == 1:
        return Link(recorded_prescriptions[0], reason)
    return _choose(recorded_prescriptions, row, reason)


def _choose(several: list[Prescription], row: Row, rule: str) -> Link:
    """Choose of several: one in force then, of the dose's drug, the lowest number; else the nearest."""
    at, drug = row.at("charttime"), row["medication"].lower()
    in_force = [p for p in several if p.holds_at(at)]
    if in_force:
        choice = min(in_force, key=lambda p: (p.row["drug"].lower() != drug, p.number))
        return Link(choice, f"{rule}, {len(in_force)} of {len(several)} in force")
    choice = min(several, key=lambda p: (_distance(p, at), p.number))
    return Link(choice, f"{rule}, the nearest of {len(several)}: none in force")


def _distance(prescription: Prescription, at: datetime) -> timedelta:
    ends = [m for m in (prescription.row.maybe_at("starttime"), prescription.stop) if m]
    return min((abs(m - at) for m in ends), default=timedelta.max)
