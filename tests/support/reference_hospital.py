"""A plain model of a small house: what was said of each stay and of each patient, and when.

Asked for any minute, as known at any position of the log, it goes through the list of what had been
said by then. It shares nothing with the domain.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from tests.support import reference_stay
from tests.support.reference_orders import Life, Orders
from tests.support.reference_stay import Illegal, Now, Said

BEDS = ("1/a", "1/b", "2/c", "2/d")
OVER = ("DISCHARGED", "CANCELLED")
NEVER = 10_000

Lines = list[tuple[Any, Said]]
"""What is said in one breath: each time of which stay, and what."""


@dataclass
class House:
    """``said`` is all that was accepted: the position, the stay, what."""

    said: list[tuple[int, Any, Said]] = field(default_factory=list)
    patients: dict[Any, str] = field(default_factory=dict)
    merges: list[tuple[int, Any, str, str | None]] = field(default_factory=list)
    """The position, the merge, the record, and into which (None: no more)."""
    deaths: dict[str, int] = field(default_factory=dict)
    """The minute of each death that is held true, by record."""
    orders: Orders = field(default_factory=Orders)

    def of(self, stay: Any, known: int = NEVER) -> list[Said]:
        return [result for position, s, result in self.said if s == stay and position <= known]

    def at(self, stay: Any, minute: int, known: int = NEVER) -> Now | None:
        return reference_stay.at(self.of(stay, known), BEDS, minute)

    def with_fact(self, id: Any) -> list[Any]:
        """The stays in which a fact is held true: two, for a swap."""
        return [s for s in self.patients if id in {f.id for f in reference_stay.held(self.of(s))}]

    def kind(self, id: Any) -> str:
        return next((t.kind for _, _, t in reversed(self.said) if t.id == id), "")

    # -- who is who --

    def into(self, known: int = NEVER) -> dict[str, str]:
        """Return which record is merged into which."""
        result: dict[str, str] = {}
        for position, _, record, into in self.merges:
            if position <= known:
                result.pop(record, None)
                if into:
                    result[record] = into
        return result

    def person(self, record: str, into: dict[str, str]) -> str:
        while record in into:
            record = into[record]
        return record

    def may_merge(self, record: str, into: str) -> bool:
        links = self.into()
        if record == into or record in links or into in links:
            return False
        if len({self.deaths[dead] for of in (record, into) for dead in self.dead(of)}) > 1:
            return False
        return self._all_is_well({**links, record: into}, self._all())

    def merge_in_force(self, merge: Any) -> str | None:
        """The record that a merge holds away, if it does."""
        for _, id, record, into in reversed(self.merges):
            if id == merge and into:
                last = [m for m in self.merges if m[2] == record][-1]
                return record if last[1] == merge and last[3] else None
        return None

    def dead(self, record: str) -> list[str]:
        """The records of a record's person that have a death."""
        links = self.into()
        person = self.person(record, links)
        return [other for other in self.deaths if self.person(other, links) == person]

    def may_die(self, record: str, minute: int) -> bool:
        if self.dead(record):
            return False
        deaths = {**self.deaths, record: minute}
        return self._all_is_well(self.into(), self._all(), deaths=deaths)

    # -- what may be said --

    def allows(
        self,
        lines: Lines,
        patients: dict[Any, str],
        together: bool,
        orders: Orders | None = None,
    ) -> bool:
        """Return whether all this may be said at once; ``together``: only the end has to be right."""
        answer = self._all()
        if together and orders is None and not _changes_anything(answer, lines):
            return False
        for stay, line in lines:
            before = answer.setdefault(stay, [])
            try:
                fine = reference_stay.sayable(before, BEDS, line, together)
            except Illegal:
                return False
            if not fine:
                return False
            before.append(line)
        if not all(reference_stay.legal(said, BEDS) for said in answer.values()):
            return False
        orders = self.orders_after(lines, orders or self.orders)
        return self._all_is_well(self.into(), answer, patients, orders=orders)

    def orders_after(self, lines: Lines, orders: Orders) -> Orders:
        """Return the orders, without those of stays whose visits and doses are void."""
        void = [stay for stay, line in lines if line.kind == "visits in error"]
        return orders.without(note.id for stay in void for note in orders.of(stay))

    def allows_orders(self, orders: Orders) -> bool:
        return self._all_is_well(self.into(), self._all(), orders=orders)

    def lives(self, known: int = NEVER) -> dict[Any, Life]:
        """Return each stay as its orders need it."""
        links = self.into()
        died = self._died(links, self.deaths)
        return {
            stay: _life(self.of(stay), died.get(self.person(record, links), NEVER))
            for stay, record in self.patients.items()
        }

    def _died(self, links: dict[str, str], deaths: dict[str, int]) -> dict[str, int]:
        died: dict[str, int] = {}
        for record, minute in deaths.items():
            person = self.person(record, links)
            died[person] = min(minute, died.get(person, NEVER))
        return died

    def _all(self) -> dict[Any, list[Said]]:
        return {stay: self.of(stay) for stay in self.patients}

    def _all_is_well(
        self,
        links: dict[str, str],
        told: dict[Any, list[Said]],
        patients: dict[Any, str] | None = None,
        deaths: dict[str, int] | None = None,
        orders: Orders | None = None,
    ) -> bool:
        """No two stays in a bed, no person in two stays, nobody alive after a death."""
        records = {**self.patients, **(patients or {})}
        tales = {stay: list(reference_stay.tale(said, BEDS)) for stay, said in told.items()}
        died = self._died(links, self.deaths if deaths is None else deaths)
        lives = {
            stay: _life(said, died.get(self.person(records[stay], links), NEVER))
            for stay, said in told.items()
        }
        if not (orders or self.orders).are_well(lives):
            return False
        for stay, said in told.items():
            end = died.get(self.person(records[stay], links), NEVER)
            facts = reference_stay.held(said)
            if any(f.kind in reference_stay.LIVING and f.minute > end for f in facts):
                return False
        for one, other in combinations(tales, 2):
            if any(_overlap(a, b) for a in _lain(tales[one]) for b in _lain(tales[other])):
                return False
            same = self.person(records[one], links) == self.person(records[other], links)
            if same and _overlap(_present(tales[one]), _present(tales[other])):
                return False
        return True


def _changes_anything(told: dict[Any, list[Said]], lines: Lines) -> bool:
    """Return whether something is new: corrections may say what is so already, but not all of them.

    One of a visit or a dose is told anew in any case.
    """
    seen = {t.id for said in told.values() for t in said if t.kind in reference_stay.SEEN}
    if any(line.kind != "corrected" or line.of in seen for _, line in lines):
        return True
    after = {stay: [*told[stay], *(line for s, line in lines if s == stay)] for stay, _ in lines}
    return any(
        reference_stay.held(said) != reference_stay.held(told[s]) for s, said in after.items()
    )


def _life(said: list[Said], died: int) -> Life:
    tale = list(reference_stay.tale(said, BEDS))
    facts = reference_stay.held(said)
    admitted = next((fact.id for fact in facts if fact.kind == "admit"), None)
    ends = {
        fact.id: fact.minute
        for fact in facts
        if fact.kind == "discharge" or (fact.kind == "reversed" and fact.of == admitted)
    }
    if admitted is None:
        return Life(-1, (), {}, None, died)
    untils = [minute for minute, _ in tale[1:]] + [NEVER]
    stretches = [
        (minute, minute if now.status in OVER else max(minute, until - 1))
        for (minute, now), until in zip(tale, untils, strict=True)
    ]
    ended_by = list(ends)[-1] if tale[-1][1].status in OVER else None
    return Life(tale[0][0], tuple(stretches), ends, ended_by, died)


def _lain(tale: list[tuple[int, Now]]) -> Iterator[tuple[str, int, int]]:
    ends = [minute for minute, _ in tale[1:]] + [NEVER]
    for (begin, now), end in zip(tale, ends, strict=True):
        if now.where in BEDS:
            yield now.where, begin, end


def _present(tale: list[tuple[int, Now]]) -> tuple[str, int, int]:
    """From the admission to the end of all; a time away in between belongs to it."""
    begin = tale[0][0]
    end = NEVER
    for minute, now in tale:
        end = NEVER if now.status not in OVER else min(end, minute)
    return ("", -1, -1) if tale[0][1].status == "CANCELLED" else ("", begin, end)


def _overlap(one: tuple[str, int, int], other: tuple[str, int, int]) -> bool:
    """Return whether two stretches in one place overlap; one may be of no duration."""
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]
