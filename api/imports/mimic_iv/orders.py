"""Orders (table poe and its details), and consults, which are the only ones that become facts.

An order for a consult is recorded as the visit, since the source does not say when somebody came, nor
who: time and doctor are those of the asking, and the reason says so.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from api.imports.account import Ledger
from api.imports.mimic_iv.patient import PatientRows, Row
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling, time_text
from api.imports.mimic_iv.stays import Stay
from domain.refusals import Refusal
from domain.stay.events import VisitKind

CONSULTS = "Consults"
DISCONTINUES = "D/C"


@dataclass(slots=True)
class Consult:
    """An order for a consult, with the orders that changed it, and those that called it off."""

    row: Row
    changes: list[Row] = field(default_factory=list)
    ends: list[Row] = field(default_factory=list)


class Orders:
    """The orders of one patient."""

    def __init__(self, rows: PatientRows) -> None:
        self.in_order = sorted(rows["poe"], key=lambda r: (r.at("ordertime"), r.key))
        self._by_number = {row.key: row for row in self.in_order}
        self._details: dict[str, list[Row]] = defaultdict(list)
        for row in rows["poe_detail"]:
            self._details[row["poe_id"]].append(row)
        self._ends: dict[str, list[Row]] = defaultdict(list)
        for row in self.in_order:
            if row["transaction_type"] == DISCONTINUES:
                self._ends[row["discontinue_of_poe_id"]].append(row)
        self._consults: dict[str, list[Consult]] = defaultdict(list)
        for consult in self._find_consults():
            self._consults[consult.row["hadm_id"]].append(consult)

    @property
    def stays(self) -> list[str]:
        """Return the stays in which consults were ordered."""
        return list(self._consults)

    def consults_of(self, stay: str) -> list[Consult]:
        """Return the consults of a stay in order, without those whose first order is not there."""
        return self._consults.get(stay, [])

    def get(self, number: str) -> Row | None:
        return self._by_number.get(number)

    def ends_of(self, number: str) -> list[Row]:
        """Return the orders that discontinue an order."""
        return self._ends.get(number, [])

    def details_of(self, orders: Iterable[Row]) -> list[Row]:
        return [detail for order in orders for detail in self._details.get(order.key, ())]

    def decision_to_admit(self, stay: Stay) -> Row | None:
        """Return the first order to admit, if it came before the admission."""
        for row in self.in_order:
            if (
                row["hadm_id"] == stay.row.key
                and (row["order_type"], row["order_subtype"]) == ("ADT orders", "Admit")
                and row["transaction_type"] == "New"
            ):
                return row if row.at("ordertime") <= stay.begins else None
        return None

    def _find_consults(self) -> list[Consult]:
        orders = [row for row in self.in_order if row["order_type"] == CONSULTS]
        consults_by_key = {
            row.key: Consult(row) for row in orders if row["transaction_type"] == "New"
        }
        for row in orders:
            consult = consults_by_key.get(self._origin(row).key)
            if consult and consult.row is not row:
                ends = row["transaction_type"] == DISCONTINUES
                (consult.ends if ends else consult.changes).append(row)
        return list(consults_by_key.values())

    def _origin(self, row: Row) -> Row:
        """Return the order that a chain of changes began with, as far as the files have it."""
        keys = {row.key}
        while (earlier := self.get(row["discontinue_of_poe_id"])) and earlier.key not in keys:
            keys.add(earlier.key)
            row = earlier
        return row


def record_consult(
    consult: Consult, stay: Stay | None, orders: Orders, sender: Sender, ledger: Ledger
) -> None:
    """Record a consult as a visit, and judge all rows that are about it."""
    row = consult.row
    details = orders.details_of([row, *consult.changes, *consult.ends])
    answer = Rule.NO_STAY if stay is None else _visit(consult, stay, details, sender)
    if answer is None:
        ledger.judge_recorded(row, "record_visit")
        for change in consult.changes:
            ledger.judge_merged(change, "change of a consult", row)
        for detail in details:
            ledger.judge_merged(detail, "note of the visit", row)
        return
    if isinstance(answer, Refusal):
        ledger.judge_refused(row, answer.code, answer.message)
    else:
        parent = stay.row if stay and answer is not Rule.CONSULT_DISCONTINUED else None
        ledger.judge_refused(row, answer, parent=parent)
    for end in consult.ends:
        ledger.judge_merged(end, "end of a consult that is not recorded", row)
    for other in (*consult.changes, *details):
        ledger.judge_refused(other, Rule.REFUSED_WITH, parent=row)


def _visit(
    consult: Consult, stay: Stay, details: list[Row], sender: Sender
) -> Rule | Refusal | None:
    """Record the visit; return the refusal, if it is refused."""
    row, at = consult.row, consult.row.at("ordertime")
    if stay.id is None:
        return Rule.REFUSED_WITH
    if consult.ends:
        return Rule.CONSULT_DISCONTINUED
    if stay.is_over_at(at):
        return Rule.AFTER_DISCHARGE
    doctor = sender.practitioner(row["order_provider_id"])
    if doctor is None:
        return Rule.NO_PROVIDER
    notes = [
        "an order for a consult: time and doctor are those of the asking, "
        "who came is not in the source"
    ]
    notes += [f"changed {time_text(c.at('ordertime'))} by order {c.key}" for c in consult.changes]
    notes = [f"{d['field_name']}: {d['field_value']}" for d in details]
    answer = sender.send(
        row,
        sender.hospital.stays.record_visit,
        Telling(at, tuple(notes), recorded_at=at),
        stay_id=stay.id,
        practitioner=doctor,
        kind=VisitKind.CONSULT,
        note="; ".join([row["order_subtype"], *notes]) or None,
    )
    return answer if isinstance(answer, Refusal) else None
