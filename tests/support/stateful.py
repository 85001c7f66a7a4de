"""Random commands to a real hospital on a real log, each with what the plain model makes of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from hypothesis import event
from hypothesis import strategies as st

from application.command import Recorded, Request
from application.commands.clinical_corrections import InfusionEndCorrection, VisitCorrection
from application.commands.dose_corrections import DoseCorrection
from application.commands.doses import LateDose, LateUnprescribedDose
from application.commands.late_entries import Cancel, Correction, EntryKind, LateEntry
from application.commands.prescription_changes import PrescriptionChangeCorrection
from application.commands.prescription_corrections import PrescriptionCorrection
from application.commands.visits import LateVisit
from application.hospital import Hospital
from domain.clinical_refusals import ClinicalWarning
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Basis
from domain.prescription.events import Medication
from domain.refusals import Refusal
from domain.stay.aggregate import Stay
from domain.stay.events import AdmissionType, VisitKind
from domain.stay.facts import CancellationReason, DischargePlan, Disposition
from tests.support.hospital_dsl import ADA, place
from tests.support.reference_hospital import BEDS, OVER, House, Lines
from tests.support.reference_orders import STEPS as ORDER_STEPS
from tests.support.reference_orders import Note, Orders
from tests.support.reference_stay import SEEN, Said, held, may_be_cancelled

BEGINS = datetime(2026, 3, 2, 6, tzinfo=UTC)
RECORDS, DOCTORS = ("M1", "M2", "M3"), ("D1", "D2")
ERROR, REVERSED = CancellationReason.ENTERED_IN_ERROR, CancellationReason.DECISION_REVERSED

_PLACE = st.sampled_from([*BEDS, *BEDS, "corridor"])
_BED, _RECORD, _NTH = st.sampled_from(BEDS), st.sampled_from(RECORDS), st.integers(0, 7)
_FACT, _MAYBE, _OFF = st.integers(0, 11), st.none() | _PLACE, st.integers(-6, 4)
_BY_ID = st.tuples(
    st.sampled_from(["corrected", "in error", "reversed"]), _FACT, st.none() | _OFF, _MAYBE
)
_START = st.sampled_from([0, 0, 0, -2, 1, 3, 6])
_STOP = st.sampled_from([None, None, None, -1, 2, 5, 9, 14])
"""Minutes from the writing or change of an order until it starts, and is planned to stop."""
_NOTE = st.tuples(st.sampled_from(["note corrected", "note in error"]), _FACT, _OFF, st.none())
_ENTRY = st.tuples(
    st.sampled_from(
        ["transfer", "transfer", "leave, keep bed", "return", "visit", "dose", "given"]
    ),
    _NTH,
    _OFF,
    _PLACE,
)
_WEIGHTS = (
    (6, st.tuples(st.just("admit"), _RECORD, _PLACE)),
    (6, st.tuples(st.just("transfer"), _NTH, _PLACE)),
    (1, st.tuples(st.just("allocate"), _NTH, _BED)),
    (4, st.tuples(st.just("swap"), _NTH, _NTH)),
    (3, st.tuples(st.just("leave, keep bed"), _NTH)),
    (2, st.tuples(st.just("leave, release"), _NTH)),
    (5, st.tuples(st.just("return"), _NTH, _MAYBE)),
    (3, st.tuples(st.just("discharge"), _NTH)),
    (2, st.tuples(st.just("visit"), _NTH)),
    (2, st.tuples(st.just("dose"), _NTH)),
    (4, st.tuples(st.just("order"), _NTH, _START, _STOP)),
    (5, st.tuples(st.just("step"), _NTH, st.sampled_from(ORDER_STEPS), _STOP)),
    (4, st.tuples(st.just("given"), _NTH, st.booleans())),
    (2, st.tuples(st.just("ended"), _NTH)),
    (6, st.tuples(st.just("note corrected"), _FACT, _OFF)),
    (4, st.tuples(st.just("note in error"), _FACT)),
    (2, st.tuples(st.just("attending"), _NTH, st.sampled_from(DOCTORS))),
    (1, st.tuples(st.just("type"), _NTH, st.sampled_from(["DAY_CASE", "EMERGENCY"]))),
    (1, st.tuples(st.just("specialty"), _NTH, st.sampled_from(["surgery", "medicine"]))),
    (1, st.tuples(st.just("death"), _RECORD)),
    (2, st.tuples(st.just("no death"), _RECORD)),
    (1, st.tuples(st.just("plan"), _NTH, st.sampled_from([p.value for p in DischargePlan]))),
    (16, _BY_ID),
    (
        1,
        st.tuples(
            st.just("cancel admission"),
            _NTH,
            st.sampled_from(list(CancellationReason)),
            st.booleans(),
        ),
    ),
    (
        5,
        st.tuples(
            st.just("together"), st.lists(st.one_of(_BY_ID, _ENTRY, _NOTE), min_size=2, max_size=3)
        ),
    ),
    (1, st.tuples(st.just("merge"), _RECORD, _RECORD)),
    (1, st.tuples(st.just("unmerge"), st.integers(0, 2))),
)
COMMANDS = st.sampled_from([s for weight, s in _WEIGHTS for _ in range(weight)]).flatmap(
    lambda s: s
)
BACK = st.sampled_from([0, 0, 0, 0, 0, 1, 2, 4, 9])
STEPS = st.tuples(BACK, COMMANDS)
"""How many minutes late, and what."""


class Machine:
    """The hospital, and the plain house that has to accept just what it accepts."""

    def __init__(self, hospital: Hospital) -> None:
        self.hospital, self.house = hospital, House()
        self.minute = 10
        self.facts: list[UUID] = []
        self.stays: list[UUID] = []
        self.merges: list[UUID] = []
        self.orders: Orders | None = None
        """The orders as a command of several facts leaves them, if it is about any."""
        self.rooms: dict[UUID, str] = {}
        self.steps = self.accepted = 0
        for number, beds in (("1", "ab"), ("2", "cd")):
            opened = self._give("open_room", 0, ward="A", room=number, beds=tuple(beds))
            assert opened
            self.rooms[opened.ids("room")[0]] = number
        for mrn in RECORDS:
            self._give("register_patient", 0, mrn=mrn)
        self.doctors = {}
        for number in DOCTORS:
            answer = self._give("register_practitioner", 0, staff_number=number)
            assert answer
            self.doctors[answer.ids("practitioner")[0]] = number

    def step(self, back: int, what: tuple[Any, ...]) -> None:
        """Give a command; it is accepted just if the plain house allows it."""
        self.minute += 1
        self.steps += 1
        self.command_id = UUID(int=self.minute, version=4)
        self.at = max(10, self.minute - back)
        if what[0] in ("merge", "unmerge"):
            self._link(what)
            return
        if what[0] in ("death", "no death"):
            self._die(what[0] == "death", what[1])
            return
        if what[0] in ORDERING:
            self._treat(what)
            return
        self.orders = None
        asked = self._asked(what)
        if asked is None:
            return
        operation, content, lines, at = asked
        patients = {}
        if operation == "admit_patient":
            patients = {self._id("stay"): content["patient_mrn"]}
        allowed = self._allowed(what, lines, patients, operation == "correct_facts")
        answer = self._give(operation, at, **content)
        assert (answer is not None) == allowed, (answer, self.refusal, operation, content, lines)
        if answer is None:
            return
        self._accepted(operation)
        self.house.patients.update(patients)
        self.stays += patients
        self.house.orders = self.house.orders_after(lines or [], self.orders or self.house.orders)
        if operation == "correct_facts":
            lines = _with_real_ids(lines or [], answer)
            self.house.orders = _with_real_doses(self.house.orders, answer)
        for stay, line in lines or ():
            self.house.said.append((answer.position, stay, line))
            if line.id is not None and line.id not in self.facts:
                self.facts.append(line.id)
        self.house.orders = self.house.orders.settled(self.house.lives())

    def _accepted(self, what: str) -> None:
        self.accepted += 1
        event(f"{what} accepted")

    def _allowed(
        self, what: tuple[Any, ...], lines: Lines | None, patients: dict[Any, str], together: bool
    ) -> bool:
        if lines is None:
            return False
        for stay, line in lines:
            cancels = line.kind == "never admitted" or (
                line.kind == "reversed" and self.house.kind(line.of) == "admit"
            )
            void = what[0] == "cancel admission" and what[3]
            in_error = line.kind == "never admitted"
            if cancels and not may_be_cancelled(self.house.of(stay), BEDS, void, in_error):
                return False
            if cancels and not void and self.house.orders.of(stay):
                return False
        return self.house.allows(lines, patients, together, self.orders)

    def _give(self, operation: str, at: int | None, **content: Any) -> Recorded | None:
        if at == 0:
            self.minute += 1
            self.command_id = UUID(int=self.minute, version=4)
        request = Request(
            command_id=self.command_id,
            by=ADA,
            now=moment(self.minute),
            occurred_at=None if at is None else moment(at),
            reason="it was so",
        )
        self.refusal: Refusal | None = None
        try:
            result: Recorded = self.hospital.command(operation)(request, **content)
        except Refusal as refusal:
            self.refusal = refusal
            return None
        return result

    def _stay(self, nth: int) -> UUID:
        """Rather one whose patient is still here."""
        nows = {stay: self.house.at(stay, self.minute) for stay in self.stays}
        here = [s for s, now in nows.items() if now and now.status not in OVER]
        some = here if here and nth < 7 else self.stays
        return some[nth % len(some)]

    def _fact(self, nth: int) -> UUID:
        """Rather one of the latest."""
        return self.facts[-1 - nth % len(self.facts) if nth < 9 else nth * 5 % len(self.facts)]

    def _id(self, what: str) -> UUID:
        return uuid5(self.command_id, what)

    def _link(self, what: tuple[Any, ...]) -> None:
        if what[0] == "merge":
            allowed = self.house.may_merge(what[1], what[2])
            answer = self._give(
                "merge_patients", self.minute, patient_mrn=what[1], into_mrn=what[2]
            )
            merge, record, into = self._id("merge"), what[1], what[2]
        else:
            if not self.merges:
                return
            merge = self.merges[what[1] % len(self.merges)]
            record, into = self.house.merge_in_force(merge), None
            allowed = record is not None
            answer = self._give("unmerge_patients", self.minute, merge_id=merge)
        assert (answer is not None) == allowed, (self.refusal, what)
        if answer:
            self._accepted(what[0])
            self.merges += [merge] if into else []
            self.house.merges.append((answer.position, merge, record, into))

    def _die(self, died: bool, record: str) -> None:
        """Record a death, or take it back."""
        operation = "record_death" if died else "cancel_death"
        dead = self.house.dead(record)
        allowed = self.house.may_die(record, self.at) if died else bool(dead)
        answer = self._give(operation, self.at, patient_mrn=record)
        assert (answer is not None) == allowed, (self.refusal, operation, record)
        if answer:
            self._accepted(operation)
            for each in dead:
                del self.house.deaths[each]
            if died:
                self.house.deaths[record] = self.at

    def _treat(self, what: tuple[Any, ...]) -> None:
        """Order, change or give a medicine, or put right what was told of one."""
        asked = self._of_order(what)
        if asked is None:
            return
        operation, content, at, orders = asked
        allowed = orders is not None and self.house.allows_orders(orders)
        answer = self._give(operation, at, **content)
        assert (answer is not None) == allowed, (self.refusal, operation, content, at)
        if answer and orders:
            self._accepted(operation)
            self.house.orders = orders.settled(self.house.lives())

    def _of_order(
        self, what: tuple[Any, ...]
    ) -> tuple[str, dict[str, Any], int, Orders | None] | None:
        """Return the operation, its content, when, and the orders after it (None: nonsense)."""
        orders, at = self.house.orders, self.at
        if what[0] == "order":
            if not self.stays:
                return None
            stay, id = self._stay(what[1]), self._id("prescription")
            after = replace(orders, stays={**orders.stays, id: stay})
            start = at + what[2] if what[2] else 0
            stop = None if what[3] is None else at + what[3]
            new = Note(id, id, "order", at, start=start, stop=stop)
            content = {"stay_id": stay, "medication": DRUG, **_planned(new)}
            is_alive = self.house.lives()[stay].died >= max(at, new.starts)
            after = after.with_notes(new)
            return "write_prescription", content, at, after if is_alive else None
        if not orders.notes:
            return None
        if what[0] in ("note corrected", "note in error"):
            note = orders.notes[-1 - what[1] % len(orders.notes)]
            if what[0] == "note in error":
                return self._note_in_error(note)
            when = max(10, min(self.minute, note.minute + what[2]))
            return *_note_corrected(note), when, self._with_corrected(orders, note, when)
        if what[0] == "ended":
            doses = [note for note in orders.notes if note.kind == "given"]
            if not doses:
                return None
            dose = doses[-1 - what[1] % len(doses)]
            id = uuid5(dose.id, f"end {self.command_id}")
            is_over = any(note.of == dose.id for note in orders.notes)
            after = orders.with_notes(Note(dose.order, id, "end", at, of=dose.id))
            is_fine = dose.infusion and not is_over
            return "end_infusion", {"administration_id": dose.id}, at, after if is_fine else None
        written = [note for note in orders.notes if note.kind == "order"]
        order = written[-1 - what[1] % len(written)].order
        if what[0] == "given":
            dose_of = {"prescription_id": order, "given": True, "infusion": what[2], **CONFIRMED}
            id = self._id("administration")
            after = orders.with_notes(Note(order, id, "given", at, infusion=what[2]))
            return "record_administration", dose_of, at, after
        operation, name, details = _STEPS[what[2]]
        id = uuid5(self._id(name), str(order))
        stop = at + what[3] if what[2] == "change" and what[3] is not None else None
        planned = {} if stop is None else {"stop": moment(stop)}
        after = orders.with_notes(Note(order, id, what[2], at, stop=stop))
        return operation, {"prescription_id": order, **details, **planned}, at, after

    def _with_corrected(self, orders: Orders, note: Note, when: int) -> Orders | None:
        """Return the orders with a note at its right minute; None if that can't be said."""
        corrected = replace(note, minute=when)
        if note.kind == "order" and note.start == note.minute:
            corrected = replace(corrected, start=0)  # it begins as it is written, and goes on to
        if note.kind == "order":
            died = self.house.lives()[orders.stays[note.order]].died
            if when == note.minute or max(when, corrected.starts) > died:
                return None
        return orders.with_notes(corrected)

    def _told_in_error(
        self, orders: Orders, note: Note, cancels: list[Cancel], seen: dict[str, list[Any]]
    ) -> Orders | None:
        """Take a note back among other facts; return the orders without it, None if that can't be."""
        if note.kind == "end":
            seen["cancelled_infusion_ends"].append(note.of)
            return orders.without([note.id])
        cancels.append(Cancel(movement_id=note.id, because=ERROR))
        if note.kind == "order":
            return None
        return orders.without(n.id for n in orders.notes if note.id in (n.id, n.of))

    def _note_in_error(self, note: Note) -> tuple[str, dict[str, Any], int, Orders | None]:
        orders, because = self.house.orders, {"because": ERROR}
        of_order = [n for n in orders.notes if n.order == note.order]
        if note.kind == "order":
            is_given = any(n.kind == "given" for n in of_order)
            after = None if is_given else orders.without(n.id for n in of_order)
            named_by = {"prescription_id": note.id, **because}
            return "cancel_prescription", named_by, self.at, after
        gone = [n.id for n in of_order if n.id == note.id or n.of == note.id]
        operation, field = {
            "given": ("cancel_administration", "administration_id"),
            "end": ("cancel_infusion_end", "administration_id"),
        }.get(note.kind, ("cancel_prescription_change", "change_id"))
        return operation, {field: note.of or note.id, **because}, self.at, orders.without(gone)

    # -- each command: what is asked, and what it says --

    def _asked(
        self, what: tuple[Any, ...]
    ) -> tuple[str, dict[str, Any], Lines | None, int | None] | None:
        """The operation, its content, what it says of which stay (None: nonsense), and when."""
        if what[0] == "admit":
            _, record, where = what
            stay, admission, bed = self._id("stay"), self._id("admission"), self._id("allocation")
            lines = [(stay, Said("admit", self.at, admission, where=where))]
            if where in BEDS:
                lines = [
                    (stay, Said("admit", self.at, admission, with_bed=bed)),
                    (stay, Said("allocate", self.at, bed, where=where)),
                ]
            elective = AdmissionType.ELECTIVE
            content = {"patient_mrn": record, "admission_type": elective, **named(where)}
            return "admit_patient", content, lines, self.at
        if not self.stays:
            return None
        if what[0] == "together":
            return self._together(what[1])
        if what[0] in ("corrected", "in error", "reversed"):
            return self._by_id(*what)
        stay = self._stay(what[1])
        if what[0] == "swap":
            return self._swap(stay, self._stay(what[2]))
        if what[0] == "cancel admission":
            because, void = what[2:]
            (admission, *_) = [t.id for t in self.house.of(stay) if t.kind == "admit"]
            content = {"stay_id": stay, "because": because, "void_clinical_facts": void}
            lines = [(stay, Said("visits in error"))] if void else []
            lines.append((stay, self._end(admission, because, self.at)))
            return "cancel_admission", content, lines, self.at
        kind, id, said = what[0], *self._content(what)
        line = Said(kind, self.at, self._id(id), where=None, what=None)
        if kind in ("attending", "plan", "specialty", "type"):
            line = Said(kind, self.at, self._id(id), what=what[2])
        elif len(what) > 2:
            line = Said(kind, self.at, self._id(id), where=what[2])
        return _OPERATION[kind], {"stay_id": stay, **said}, [(stay, line)], self.at

    def _content(self, what: tuple[Any, ...]) -> tuple[str, dict[str, Any]]:
        match what[0]:
            case "transfer":
                return "transfer", named(what[2])
            case "allocate":
                return "allocation", named(what[2])
            case "leave, keep bed":
                return "leave", {"keep_bed": True}
            case "leave, release":
                return "leave", {"keep_bed": False}
            case "return":
                return "return", named(what[2])
            case "attending":
                return "attending", {"attending": what[2]}
            case "type":
                return "admission-type", {"admission_type": AdmissionType(what[2])}
            case "specialty":
                return "specialty", {"specialty": what[2]}
            case "plan":
                return "discharge-plan", {"plan": DischargePlan(what[2])}
            case "visit":
                return "visit", {"practitioner": "D1", "kind": VisitKind.ROUND}
            case "dose":
                return "administration", {"medication": DRUG, "basis": Basis.PROTOCOL, **CONFIRMED}
        return "discharge", {"disposition": Disposition.HOME}

    def _swap(self, one: UUID, other: UUID) -> tuple[str, dict[str, Any], Lines | None, int]:
        nows = [self.house.at(stay, self.at) for stay in (one, other)]
        content = {"stay_id": one, "with_stay_id": other}
        lines: Lines | None = None
        if one != other and all(now and now.where in BEDS for now in nows):
            beds = [now.where for now in nows if now]
            lines = [
                (stay, Said("swap", self.at, self._id("swap"), where=bed))
                for stay, bed in ((one, beds[1]), (other, beds[0]))
            ]
        return "swap_beds", content, lines, self.at

    def _end(
        self, admission: UUID, because: CancellationReason, at: int, id: UUID | None = None
    ) -> Said:
        cancel = id or self._id("cancel")
        if because is ERROR:
            return Said("never admitted", id=cancel, of=admission)
        return Said("reversed", at, cancel, of=admission)

    def _by_id(
        self, what: str, nth: int, off: int | None, where: str | None
    ) -> tuple[str, dict[str, Any], Lines | None, int | None]:
        id = (
            self.facts[nth % len(self.facts)] if nth < 6 else self.facts[-1 - nth % len(self.facts)]
        )
        stays, kind = self.house.with_fact(id), self.house.kind(id)
        if what == "corrected":
            when = None if off is None else max(10, min(self.minute, self._when(id) + off))
            where = None if kind in SEEN else where
            lines = [(stay, Said("corrected", when, of=id, where=where)) for stay in stays]
            if kind in SEEN:
                fields = {_ID[kind]: id, **(CONFIRMED if kind == "dose" else {})}
                return _CORRECTED[kind], fields, (lines or None) if when else None, when
            content = {"movement_id": id, **named(where)}
            return "correct_movement", content, lines or None, when
        because = ERROR if what == "in error" else REVERSED
        if kind in SEEN:
            lines = [(stay, Said("in error", of=id)) for stay in stays if because is ERROR]
            return _CANCELLED[kind], {_ID[kind]: id, "because": because}, lines or None, self.at
        lines = [(s, self._cancelled(id, kind, because, self.at, where)) for s in stays]
        if kind == "admit" and where:
            lines = []
        content = {"movement_id": id, "because": because, **named(where)}
        return "cancel_movement", content, lines or None, self.at

    def _cancelled(
        self,
        id: UUID,
        kind: str,
        because: CancellationReason,
        at: int,
        where: str | None,
        new: Any = None,
    ) -> Said:
        cancel = new or self._id("cancel")
        if kind == "admit":
            return self._end(id, because, at, cancel)
        if because is REVERSED:
            return Said("reversed", at, cancel, of=id, where=where)
        if kind == "discharge":
            return Said("discharge in error", id=cancel, of=id, where=where)
        return Said("in error", of=id, where=where)

    def _when(self, id: UUID) -> int:
        """Return when a fact happened, as far as is held; at any time if it is not held."""
        for stay in self.house.with_fact(id):
            return int(next(f.minute for f in held(self.house.of(stay)) if f.id == id))
        return self.at

    def _together(
        self, acts: list[tuple[Any, ...]]
    ) -> tuple[str, dict[str, Any], Lines | None, int] | None:
        """Several in one command; the ids of what is new are only known when it is recorded."""
        cancels: list[Cancel] = []
        corrections, entries = [], []
        seen: dict[str, list[Any]] = {
            name: []
            for name in ("visits", "cancelled_infusion_ends", *_PART.values(), *_NEW.values())
        }
        lines: dict[str, Lines] = {"cancels": [], "corrections": [], "entries": [], "new": []}
        corrected_ids: set[UUID] = set()
        fine = True
        for nth, (what, which, off, where) in enumerate(acts):
            new = self._id(f"not yet known {nth}")
            if what in ORDERING:
                orders = self.orders or self.house.orders
                known_notes = self.house.orders.notes
                if not known_notes:
                    return None
                note = known_notes[-1 - which % len(known_notes)]
                fine = fine and note.id not in corrected_ids and orders.note(note.id) is not None
                if (
                    what == "note in error"
                ):  # of a dose: its end went with it, and is not told apart
                    fine = fine and not corrected_ids & {
                        n.id for n in known_notes if n.of == note.id
                    }
                corrected_ids.add(note.id)
                when = max(10, min(self.minute, note.minute + off))
                if what == "note in error":
                    after = self._told_in_error(orders, note, cancels, seen)
                else:
                    after = self._with_corrected(orders, note, when)
                    seen[_PART[note.kind]].append(_correction(note, moment(when)))
                self.orders, fine = after or orders, fine and after is not None
                continue
            if what in _ENTRIES:
                stay = self._stay(which)
                at = max(10, min(self.minute, self.at + (off or 0)))
                if what == "given":
                    orders = self.orders or self.house.orders
                    written = [note for note in orders.notes if note.kind == "order"]
                    if not written:
                        return None
                    order = written[-1 - which % len(written)].order
                    self.orders = orders.with_notes(Note(order, new, "given", at))
                    seen["new_doses"].append(
                        LateDose(
                            prescription_id=order, given=True, occurred_at=moment(at), **CONFIRMED
                        )
                    )
                    continue
                if what in SEEN:
                    seen[_NEW[what]].append(_late(what, stay, moment(at)))
                    lines["new"].append((stay, Said(what, at, new)))
                    continue
                there = where if what != "leave, keep bed" else None
                entries.append(
                    LateEntry(
                        stay_id=stay, kind=_ENTRIES[what], occurred_at=moment(at), **named(there)
                    )
                )
                lines["entries"].append((stay, Said(what, at, new, where=there)))
                continue
            id = self._fact(which)
            stays, kind = self.house.with_fact(id), self.house.kind(id)
            if kind == "admit" and what != "corrected":
                return None
            fine = fine and bool(stays) and id not in corrected_ids
            where = None if kind in SEEN else where
            if what == "corrected":
                corrected_ids.add(id)
                at_ = None if off is None else max(10, min(self.minute, self._when(id) + off))
                when = at_ and moment(at_)
                if kind == "visit":
                    seen["visits"].append(VisitCorrection(visit_id=id, occurred_at=when))
                elif kind == "dose":
                    dose = DoseCorrection(administration_id=id, occurred_at=when, **CONFIRMED)
                    seen["doses"].append(dose)
                else:
                    corrections.append(Correction(movement_id=id, occurred_at=when, **named(where)))
                lines["corrections"] += [
                    (s, Said("corrected", at_, of=id, where=where)) for s in stays
                ]
                continue
            because = ERROR if what == "in error" else REVERSED
            fine = fine and not (kind in SEEN and because is REVERSED)
            cancels.append(Cancel(movement_id=id, because=because, **named(where)))
            for stay in stays:
                gone = self._cancelled(id, kind, because, self.at, where, (new, stay))
                lines["cancels"].append((stay, gone))
        content = {"cancels": cancels, "corrections": corrections, "entries": entries, **seen}
        result = [line for each in lines.values() for line in each]
        return "correct_facts", content, result if fine else None, self.at


def _with_real_ids(lines: Lines, told: Recorded) -> Lines:
    """The lines with the ids that the record made; each stay's events are in the order of its lines."""
    made = {(stay, is_dose): [] for stay, _ in lines for is_dose in (False, True)}  # type: dict[Any, list[UUID]]
    for said in told.events:
        if isinstance(said, Prescription.UnprescribedGiven):
            made[said.stay, True].append(said.administration)
        elif isinstance(said, Stay.VisitRecorded):
            made[said.originator_id, False].append(said.visit)
        elif isinstance(said, Stay.MovementCancelled) and said.because is ERROR:
            continue  # nothing takes its place
        elif said.belongs_to(Stay) and not isinstance(said, _WITHOUT_ID):
            made[said.originator_id, False].append(getattr(said, "cancel", None) or said.movement)  # type: ignore[attr-defined]
    real = []
    for stay, line in lines:
        id = made[stay, line.kind == "dose"].pop(0) if line.id is not None else None
        real.append((stay, line if line.id is None else replace(line, id=id)))
    return real


def _with_real_doses(orders: Orders, told: Recorded) -> Orders:
    """Return the orders with the ids that the record gave to the doses told with other facts."""
    made: dict[UUID, list[UUID]] = {}
    for said in told.events:
        if isinstance(said, Prescription.AdministrationRecorded):
            made.setdefault(said.originator_id, []).append(said.administration)
    known = {id for ids in made.values() for id in ids}
    unnamed = {uuid5(told.command_id, f"not yet known {nth}") for nth in range(3)} - known
    notes = [
        replace(note, id=made[note.order].pop(0)) if note.id in unnamed else note
        for note in orders.notes
    ]
    return replace(orders, notes=tuple(notes))


_WITHOUT_ID = Stay.MovementCorrected, Stay.VisitAmended, Stay.VisitCancelled
ORDERING = ("order", "step", "given", "ended", "note corrected", "note in error")
_STEPS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "hold": ("hold_prescription", "held", {}),
    "resume": ("resume_prescription", "resumed", {}),
    "stop": ("stop_prescription", "stopped", {}),
    "complete": ("complete_prescription", "completed", {}),
    "change": ("change_prescription", "changed", {"dose": "2 mg"}),
}
"""The command, the word in the id of what it makes, and what it says."""


def _note_corrected(note: Note) -> tuple[str, dict[str, Any]]:
    if note.kind == "order":
        return "correct_prescription", {"prescription_id": note.id}
    if note.kind == "given":
        return "correct_administration", {"administration_id": note.id, **CONFIRMED}
    if note.kind == "end":
        return "correct_infusion_end", {"administration_id": note.of}
    return "correct_prescription_change", {"change_id": note.id}


DRUG = Medication(name="Adrenaline")
CONFIRMED: dict[str, Any] = {"confirmed_warnings": (ClinicalWarning.ON_LEAVE,)}
_ID = {"visit": "visit_id", "dose": "administration_id"}
_CORRECTED = {"visit": "amend_visit", "dose": "correct_administration"}
_CANCELLED = {"visit": "cancel_visit", "dose": "cancel_administration"}
_NEW = {"visit": "new_visits", "dose": "new_unprescribed_doses", "given": "new_doses"}
_PART = {
    "order": "prescriptions",
    **dict.fromkeys(ORDER_STEPS, "prescription_changes"),
    "given": "doses",
    "end": "infusion_ends",
}
"""The part of a command of several facts in which a note is corrected."""


def _correction(note: Note, at: datetime) -> Any:
    match note.kind:
        case "order":
            return PrescriptionCorrection(prescription_id=note.id, occurred_at=at)
        case "given":
            return DoseCorrection(administration_id=note.id, occurred_at=at, **CONFIRMED)
        case "end":
            return InfusionEndCorrection(administration_id=note.of, occurred_at=at)
    return PrescriptionChangeCorrection(change_id=note.id, occurred_at=at)


def _planned(order: Note) -> dict[str, datetime]:
    planned = {"start": order.start or None, "stop": order.stop}
    return {name: moment(minute) for name, minute in planned.items() if minute is not None}


def _late(what: str, stay: UUID, at: datetime) -> LateVisit | LateUnprescribedDose:
    """A visit or a dose as it is told with others."""
    if what == "visit":
        return LateVisit(stay_id=stay, practitioner="D1", kind=VisitKind.ROUND, occurred_at=at)
    return LateUnprescribedDose(
        stay_id=stay, medication=DRUG, basis=Basis.PROTOCOL, occurred_at=at, **CONFIRMED
    )


_OPERATION = {
    "transfer": "transfer_patient",
    "allocate": "allocate_room",
    "leave, keep bed": "start_leave",
    "leave, release": "start_leave",
    "return": "end_leave",
    "attending": "change_attending",
    "plan": "plan_discharge",
    "specialty": "change_specialty",
    "type": "change_admission_type",
    "visit": "record_visit",
    "dose": "record_unprescribed_dose",
    "discharge": "discharge_patient",
}
_ENTRIES = {
    "transfer": EntryKind.TRANSFER,
    "leave, keep bed": EntryKind.START_LEAVE,
    "return": EntryKind.END_LEAVE,
    **dict.fromkeys((*SEEN, "given"), EntryKind.TRANSFER),
}


def moment(minute: int) -> datetime:
    return BEGINS + timedelta(minutes=minute)


def named(where: str | None) -> dict[str, Any]:
    """A place as the commands take it."""
    if where is None:
        return {}
    return place(f"A/{where}") if where in BEDS else {"without_bed": where}


GIVEN = {
    *_OPERATION.values(),
    *("admit_patient", "swap_beds", "cancel_admission", "correct_facts"),
    *("correct_movement", "amend_visit", "cancel_movement", "cancel_visit"),
    *("merge_patients", "unmerge_patients", "record_death", "cancel_death"),
    *("open_room", "register_patient", "register_practitioner"),
    *("write_prescription", "correct_prescription", "cancel_prescription"),
    *("correct_prescription_change", "cancel_prescription_change", "record_administration"),
    *("correct_administration", "cancel_administration"),
    *("end_infusion", "correct_infusion_end", "cancel_infusion_end"),
    *(operation for operation, *_ in _STEPS.values()),
}
"""The commands that the machine gives."""
