"""A prescription takes just what a plain model of it takes, and is in its states at every minute.

Orders with planned starts and stops, their changes, doses and infusions, told late, put right and taken
back, in few minutes, so that they get into each other's way. `make nightly` draws many more.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any
from uuid import UUID, uuid5

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_entry

from domain.envelope import Envelope
from domain.prescription.aggregate import Prescription
from domain.prescription.course import Regimen
from domain.prescription.events import Medication
from domain.refusals import Refusal
from domain.time import Precision
from tests.support.aggregate_dsl import entry
from tests.support.reference_orders import NEVER, STEPS, Life, Note, Orders
from tests.support.stateful import moment

ORDER, STAY, PATIENT = UUID(int=1), UUID(int=2), UUID(int=3)
LIFE = Life(0, ((0, NEVER),), {}, None, NEVER)
NOTHING_ELSE = (None, None, None, None)
EXAMPLES = 50 * int(os.environ.get("WARDBOOK_STORIES", "4"))


class Bedside:
    """A prescription and its plain model."""

    def __init__(self, lot: Random) -> None:
        self.lot, self.commands = lot, 0
        self.prescription = Prescription.empty(ORDER)
        self.orders = Orders(stays={ORDER: STAY})

    def entry(self, at: int) -> Envelope:
        self.commands += 1
        id = UUID(int=1000 + self.commands, version=4)
        return replace_entry(entry("12:00"), occurred_at=moment(at), command_id=id)

    def try_out(self, after: Orders | None, tell: Callable[[], Any]) -> bool:
        """Tell it: it is taken just if the plain model allows what is held then."""
        is_allowed = after is not None and after.are_well({STAY: LIFE})
        try:
            tell()
        except Refusal:
            assert not is_allowed
            return False
        assert is_allowed
        assert after is not None
        self.orders = after
        return True

    def write(self) -> bool:
        at = self.lot.randint(10, 14)
        start = self.lot.choice([0, 0, at - 2, at + 1, at + 3])
        stop = self.lot.choice([None, None, at - 1, at + 2, at + 5, at + 9])
        note = Note(ORDER, ORDER, "order", at, start=start, stop=stop)
        regimen = Regimen(
            moment(start or at), None if stop is None else moment(stop), None, None, None
        )
        drug, envelope = Medication(name="Adrenaline"), self.entry(at)
        return self.try_out(
            self.orders.with_notes(note),
            lambda: self.prescription.write(STAY, PATIENT, drug, regimen, None, envelope),
        )

    def act(self) -> None:
        acts = (self.step, self.step, self.give, self.end, self.correct, self.correct, self.cancel)
        self.lot.choice(acts)(self.lot.randint(9, 24))

    def step(self, at: int) -> None:
        kind, envelope = self.lot.choice(STEPS), self.entry(at)
        stop = self.lot.choice([None, at - 1, at, at + 2, at + 9]) if kind == "change" else None
        plan = (None if stop is None else moment(stop), envelope)
        content = ("2 mg", None, None, *plan) if kind == "change" else (envelope,)
        word = {"stop": "stopped", "change": "changed", "hold": "held"}.get(kind, f"{kind}d")
        note = Note(ORDER, uuid5(envelope.id_of(word), str(ORDER)), kind, at, stop=stop)
        tell = getattr(self.prescription, kind)
        self.try_out(self.orders.with_notes(note), lambda: tell(*content))

    def give(self, at: int) -> None:
        envelope, infusion = self.entry(at), self.lot.random() < 0.5
        note = Note(ORDER, envelope.id_of("administration"), "given", at, infusion=infusion)
        self.try_out(
            self.orders.with_notes(note),
            lambda: self.prescription.record_administration(
                True, None, None, None, envelope, None, infusion
            ),
        )

    def end(self, at: int) -> None:
        doses = [note for note in self.orders.notes if note.kind == "given"]
        if not doses:
            return
        dose, envelope = self.lot.choice(doses), self.entry(at)
        is_over = any(note.of == dose.id for note in self.orders.notes)
        id = uuid5(dose.id, f"end {envelope.command_id}")
        after = self.orders.with_notes(Note(ORDER, id, "end", at, of=dose.id))
        self.try_out(
            after if dose.infusion and not is_over else None,
            lambda: self.prescription.end_infusion(dose.id, envelope),
        )

    def correct(self, minute: int) -> None:
        note, held = self.lot.choice(self.orders.notes), self.prescription
        right, at, envelope = replace(note, minute=minute), moment(minute), self.entry(24)
        if note.kind == "order" and note.start == note.minute:
            right = replace(right, start=0)
        result, plan = (at, Precision.MINUTE), None
        if note.kind == "change" and self.lot.random() < 0.5:
            right = replace(right, stop=minute + self.lot.randint(-2, 9))
            plan = moment(right.stop or 0)
        tell: dict[str, Callable[[], Any]] = {
            "order": lambda: held.rewrite_at(*result, envelope),
            "given": lambda: held.correct_administration(note.id, *result, *NOTHING_ELSE, envelope),
            "end": lambda: held.correct_infusion_end(note.of, *result, envelope),
        }
        is_so_already = note.kind == "order" and note.minute == minute
        self.try_out(
            None if is_so_already else self.orders.with_notes(right),
            tell.get(
                note.kind,
                lambda: held.correct_change(note.id, *result, None, None, None, plan, envelope),
            ),
        )

    def cancel(self, _: int) -> None:
        note, held, envelope = self.lot.choice(self.orders.notes), self.prescription, self.entry(24)
        if note.kind == "order":
            return
        tell: dict[str, Callable[[], Any]] = {
            "given": lambda: held.cancel_administration(note.id, envelope),
            "end": lambda: held.cancel_infusion_end(note.of, envelope),
        }
        gone = [other.id for other in self.orders.notes if note.id in (other.id, other.of)]
        self.try_out(
            self.orders.without(gone),
            tell.get(note.kind, lambda: held.cancel_change(note.id, envelope)),
        )

    def check_states(self) -> None:
        for minute in range(8, 27):
            status = self.prescription.course.status_at(moment(minute))
            expected = self.orders.status(ORDER, LIFE, minute)
            assert (status and status.value) == expected, minute


@settings(max_examples=EXAMPLES)
@given(st.randoms(use_true_random=False))
def test_a_prescription_takes_what_the_plain_model_takes(lot: Random) -> None:
    bedside = Bedside(lot)
    if not bedside.write():
        return
    for _ in range(12):
        bedside.act()
        bedside.check_states()
