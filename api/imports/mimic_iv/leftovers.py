"""Rows that no command carries: merged into the facts that they are about, or refused.

They are judged when a patient's facts have been recorded, for their verdicts follow from that.
"""

from collections.abc import Mapping

from api.imports.account import Ledger
from api.imports.mimic_iv.orders import CONSULTS, DISCONTINUES, Orders
from api.imports.mimic_iv.patient import PatientRows, Row
from api.imports.mimic_iv.prescriptions import Chart, Prescription
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.stays import Stay

MEDICINES = ("Medications", "IV therapy", "TPN")
"""The types of orders (``order_type``) that prescriptions come from."""


def judge_leftovers(
    rows: PatientRows, stays: Mapping[str, Stay], orders: Orders, chart: Chart, ledger: Ledger
) -> None:
    """Judge every row that has no verdict yet."""
    decisions = {
        order.key: stay.row
        for stay in stays.values()
        if stay.id and (order := orders.decision_to_admit(stay))
    }
    moves = {row.key: row for row in rows["transfers"]}
    for row in ledger.without_verdict(rows["icustays"]):
        _judge_icu_stay(row, moves.get(row.key), ledger)
    for row in ledger.without_verdict(rows["pharmacy"]):
        ledger.judge_refused(row, Rule.NO_PRESCRIPTION, row["proc_type"])
    _judge_medicine_orders(orders, chart, ledger)
    for row in ledger.without_verdict(rows["poe"]):
        if row["order_type"] == CONSULTS:
            ledger.judge_refused(row, Rule.NO_ORDER, f"it concerns {row['discontinue_of_poe_id']}")
        elif row.key in decisions:
            ledger.judge_merged(row, "decision to admit", decisions[row.key])
        else:
            ledger.judge_refused(row, Rule.NOT_KEPT, f"order: {row['order_type']}")
    for row in ledger.without_verdict(rows["poe_detail"]):
        ledger.judge_refused(row, Rule.NOT_KEPT, f"detail of an order: {row['field_name']}")
    for row in ledger.without_verdict(rows["diagnoses_icd"]):
        ledger.judge_refused(row, Rule.NOT_KEPT, "diagnosis, coded after the stay, without a time")
    for table in ("transfers", "services"):
        for row in ledger.without_verdict(rows[table]):
            ledger.judge_refused(row, Rule.NO_STAY)


def _judge_icu_stay(row: Row, move: Row | None, ledger: Ledger) -> None:
    """Merge a stay in intensive care into the move with its number: it holds nothing besides."""
    if move is None:
        ledger.judge_refused(row, Rule.NO_STAY, "no row of table transfers has its number")
    elif ledger.is_recorded(move):
        ledger.judge_merged(row, "move into intensive care", move)
    else:
        ledger.judge_refused(row, Rule.REFUSED_WITH, parent=move)


def _judge_medicine_orders(orders: Orders, chart: Chart, ledger: Ledger) -> None:
    """Merge an order into the prescriptions that it wrote, its end into those that it ended."""
    medicines = [row for row in orders.in_order if row["order_type"] in MEDICINES]
    sent_by_order: dict[str, list[Prescription]] = {}
    for row in medicines:
        if row["transaction_type"] == DISCONTINUES:
            continue
        ordered_prescriptions = chart.by_order.get(row.key, [])
        prescriptions_reached = ordered_prescriptions or chart.by_order_of_doses.get(row.key, [])
        sent_by_order[row.key] = [p for p in prescriptions_reached if p.id]
        if sent_by_order[row.key]:
            kind = (
                "order of a prescription"
                if ordered_prescriptions
                else "order of a prescription, by its doses"
            )
            ledger.judge_merged(row, kind, *(p.row for p in sent_by_order[row.key]))
        elif ordered_prescriptions:
            ledger.judge_refused(row, Rule.REFUSED_WITH, parent=ordered_prescriptions[0].row)
        else:
            ledger.judge_refused(row, Rule.NO_PRESCRIPTION, row["order_subtype"])
    for row in medicines:
        if row["transaction_type"] != DISCONTINUES:
            continue
        discontinued_order = orders.get(row["discontinue_of_poe_id"])
        if discontinued_order is None:
            ledger.judge_refused(row, Rule.NO_ORDER, f"it ends {row['discontinue_of_poe_id']}")
        elif into := sent_by_order.get(discontinued_order.key):
            ledger.judge_merged(row, "end of a prescription", *(p.row for p in into))
        else:
            ledger.judge_refused(row, Rule.REFUSED_WITH, parent=discontinued_order)
