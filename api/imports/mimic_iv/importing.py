"""The import: patient by patient, each stay from its admission to its discharge."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

from api.imports.account import Account, Ledger, Progress, TableAccount
from api.imports.mimic_iv.beds import Allotment
from api.imports.mimic_iv.doses import amounts_of, judge_amounts, record_doses
from api.imports.mimic_iv.leftovers import judge_leftovers
from api.imports.mimic_iv.moves import planned_moves, record_moves
from api.imports.mimic_iv.orders import Orders, record_consult
from api.imports.mimic_iv.patient import (
    PatientRows,
    Row,
    middle_of_anchor_years,
    patient_rows,
)
from api.imports.mimic_iv.prescriptions import Chart, write_prescriptions
from api.imports.mimic_iv.rules import Rule
from api.imports.mimic_iv.sending import Sender, Telling
from api.imports.mimic_iv.stays import (
    Stay,
    admit,
    change_specialties,
    discharge,
    record_death_in_stay,
)
from api.imports.mimic_iv.tables import TABLES, why_not_read
from api.imports.tables import Spool
from application.command import Recorded
from application.hospital import Hospital
from domain.patient import Sex
from domain.refusals import Refusal
from domain.time import Precision

SEXES = {"F": Sex.FEMALE, "M": Sex.MALE}


def import_mimic_iv(
    hospital: Hospital,
    directory: Path,
    account: Path,
    progress: Progress = lambda done, total: None,
) -> Account:
    """Record the patients of a MIMIC-IV folder, and write to ``account`` what became of every row.

    Doing it again records nothing twice, and one that was broken off goes on where it was: every
    command's id and content follow from the files alone.

    Raises BadTable if a table that is needed is missing, or one cannot be read: then nothing was
    recorded. Other exceptions (the database went away) break the import off between two commands.
    """
    spool = Spool(directory, TABLES)
    try:
        tables = {name: TableAccount(rows) for name, rows in spool.counts.items()}
        rows_account = Account(
            tables,
            not_read={file: (why_not_read(file), n) for file, n in spool.unread.items()},
            missing={table.name: table.carries for table in spool.missing},
        )
        with Ledger(account, rows_account, progress) as ledger:
            sender = Sender(hospital, ledger.account.opened)
            beds = Allotment()
            for subject in spool.subjects():
                PatientImport(patient_rows(spool, subject), sender, beds, ledger).run()
                sender.flush()
                ledger.next_patient()
            return ledger.account
    finally:
        spool.close()


@dataclass(slots=True)
class PatientImport:
    """Import of one patient."""

    rows: PatientRows
    sender: Sender
    beds: Allotment
    ledger: Ledger
    orders: Orders = field(init=False)
    chart: Chart = field(init=False)
    stays: dict[str, Stay] = field(init=False)
    amounts: dict[str, str] = field(init=False)
    """The amounts of doses by the rows of table emar."""

    def __post_init__(self) -> None:
        self.orders = Orders(self.rows)
        self.chart = Chart(self.rows, self.orders)
        self.amounts = amounts_of(self.rows["emar_detail"])
        self.stays = {row.key: Stay(row) for row in self.rows["admissions"]}
        in_order = sorted(self.stays.values(), key=lambda s: (s.begins, s.row.key))
        for stay, next_stay in pairwise(in_order):
            stay.next_begins = max(next_stay.came_at, stay.begins)

    def run(self) -> None:
        """Record what can be recorded, and judge every row."""
        for row in self.rows.unusable:
            self.ledger.judge_refused(row.row, row.rule, row.why)
        for patient in self.rows["patients"]:
            answer = self._register(patient)
            if isinstance(answer, Refusal):
                self._refuse_all(patient, answer)
                return
            self._record_stays()
            self._record_death_after_stays(patient)
            judge_amounts(self.rows, self.ledger)
            judge_leftovers(self.rows, self.stays, self.orders, self.chart, self.ledger)

    def _register(self, patient: Row) -> Recorded | Refusal:
        middle = middle_of_anchor_years(patient)
        first = min(self.rows.times(), default=datetime(middle, 1, 1, tzinfo=UTC))
        return self.sender.send(
            patient,
            self.sender.hospital.patients.register_patient,
            Telling(first, (f"{patient['anchor_age']} years old in {middle}",)),
            mrn=patient.key,
            sex=SEXES.get(patient["gender"]),
        )

    def _refuse_all(self, patient: Row, refusal: Refusal) -> None:
        self.ledger.judge_refused(patient, refusal.code, refusal.message)
        for row in self.ledger.without_verdict(self.rows):
            self.ledger.judge_refused(row, Rule.REFUSED_WITH, parent=patient)

    def _record_stays(self) -> None:
        transfers, services, doses = (
            self.rows.of_stay(table) for table in ("transfers", "services", "emar")
        )
        without_stay = doses.pop("", [])
        for stay in sorted(self.stays.values(), key=lambda s: (s.begins, s.row.key)):
            key = stay.row.key
            self._record_moves(stay, transfers[key], services[key])
            rows_of_stay = [row for row in without_stay if stay.cares_at(row.at("charttime"))]
            without_stay = [row for row in without_stay if row not in rows_of_stay]
            self._record_clinical_facts(key, stay, [*doses.pop(key, []), *rows_of_stay])
            if stay.id:
                bed_system = [row for row in transfers[key] if row["eventtype"] == "discharge"]
                discharge(stay, bed_system, self.sender, self.ledger)
        doses[""] = without_stay
        others = dict.fromkeys([*doses, *self.chart.by_stay, *self.orders.stays])
        for key in others:
            if key not in self.stays:
                self._record_clinical_facts(key, None, doses.get(key, []))

    def _record_moves(self, stay: Stay, transfers: list[Row], services: list[Row]) -> None:
        """Record the admission, and all that follows from the beds and specialties."""
        services = sorted(services, key=lambda r: r.at("transfertime"))
        moves = planned_moves(
            stay, [row for row in transfers if row["eventtype"] != "discharge"], self.ledger
        )
        is_admitted = admit(
            stay,
            self.sender,
            self.ledger,
            first_service=services[0] if services else None,
            first_move_at=min((m.start for m in moves if m.start >= stay.begins), default=None),
            order=self.orders.decision_to_admit(stay),
        )
        if is_admitted:
            record_death_in_stay(stay, self.sender)
            record_moves(stay, moves, self.beds, self.sender, self.ledger)
            change_specialties(stay, services, self.sender, self.ledger)
        else:
            for row in self.ledger.without_verdict([*transfers, *services]):
                self.ledger.judge_refused(row, Rule.REFUSED_WITH, parent=stay.row)

    def _record_clinical_facts(self, key: str, stay: Stay | None, doses: list[Row]) -> None:
        for consult in self.orders.consults_of(key):
            record_consult(consult, stay, self.orders, self.sender, self.ledger)
        prescriptions = self.chart.by_stay.get(key, [])
        write_prescriptions(stay, prescriptions, self.sender, self.ledger)
        record_doses(stay, doses, self.amounts, self.chart, self.orders, self.sender, self.ledger)

    def _record_death_after_stays(self, patient: Row) -> None:
        """Record the day of a death outside the hospital, and judge the patient's row."""
        commands, note = "register_patient", ""
        day = patient.maybe_at("dod")
        if day and any("record_death" in stay.commands for stay in self.stays.values()):
            note = "the day of death is that of the death in the stay"
        elif day:
            ends = [stay.ends for stay in self.stays.values() if stay.ends]
            # A day without a time: not before the discharge, if that was on the same day.
            at = max([day, *(end for end in ends if end.date() == day.date())])
            answer = self.sender.send(
                patient,
                self.sender.hospital.patients.record_death,
                Telling(at, ("the source has the day alone",), Precision.DAY),
                patient_mrn=patient.key,
            )
            if isinstance(answer, Refusal):
                note = f"record_death refused: {answer.code}: {answer.message}"
            else:
                commands = "register_patient, record_death"
        self.ledger.judge_recorded(patient, commands, note)
