"""Two plain models, minute by minute, that the domain is compared with. They share nothing with it.

Slow and simple on purpose: lists of what was said, folded by hand each time anybody asks.
"""

from dataclasses import dataclass, field, replace
from typing import Any

BEDS = ("A", "B", "C")


class Illegal(Exception):
    """A fact that does not follow from those before it."""


# -- a stay --


@dataclass(frozen=True)
class Now:
    """State of a stay in one minute; ``where`` is a bed, another place, or nowhere."""

    status: str
    where: str = ""
    kept: bool = False
    doctor: str = ""
    plan: str = "NONE"
    left: int | None = field(default=None, compare=False)
    here: "Now | None" = field(default=None, compare=False)
    """What was true before the discharge."""


@dataclass(frozen=True)
class Said:
    """A fact about a stay: when, the how-manieth that was recorded, what."""

    minute: int
    order: int
    kind: str
    what: Any = None


def then(now: Now | None, fact: Said) -> Now:
    """Return what is true after a fact."""
    if now is None:
        if fact.kind == "admit":
            return Now("ADMITTED")
        raise Illegal("before the admission")
    if now.status == "DISCHARGED":
        if fact.kind in ("admit", "discharge") or fact.minute != now.left:
            raise Illegal("after the discharge")
        return discharged(then(now.here, fact), fact.minute)
    away = now.status == "ON_LEAVE"
    match fact.kind:
        case "allocate" | "transfer" | "swap" if not away:
            return replace(now, where=fact.what)
        case "leave, keep bed" if not away and now.where in BEDS:
            return replace(now, status="ON_LEAVE", kept=True)
        case "leave, release" if not away:
            return replace(now, status="ON_LEAVE", where="")
        case "return" if away and (fact.what or now.kept):
            return replace(now, status="ADMITTED", kept=False, where=fact.what or now.where)
        case "attending":
            return replace(now, doctor=fact.what)
        case "plan":
            return replace(now, plan=fact.what)
        case "visit":
            return now
        case "discharge":
            return discharged(now, fact.minute)
    raise Illegal(fact.kind)


def discharged(here: Now, minute: int) -> Now:
    """Return what is true once the patient has left."""
    return Now("DISCHARGED", doctor=here.doctor, left=minute, here=here)


def stay_at(facts: list[Said], minute: int | None = None) -> Now | None:
    """Return what is true at the end of a minute (or of all time). Raises Illegal."""
    now = None
    for fact in sorted(facts, key=lambda f: (f.minute, f.order)):
        if minute is None or fact.minute <= minute:
            now = then(now, fact)
    return now


def stay_allows(facts: list[Said], fact: Said) -> bool:
    """Return whether a fact may be added, late or not, to facts that are legal."""
    before = stay_at(facts, fact.minute)
    if fact.kind == "allocate" and before and before.where in BEDS:
        return False
    if fact.kind == "transfer" and before and before.where == fact.what:
        return False
    try:
        stay_at([*facts, fact])
    except Illegal:
        return False
    return True


# -- a prescription --

ENDED = ("STOPPED", "COMPLETED")


@dataclass(frozen=True)
class Told:
    """A change of a prescription, or a dose (``what``: given, marked)."""

    minute: int
    order: int
    kind: str
    what: Any = None


@dataclass(frozen=True)
class Paper:
    """A prescription on paper: when written, from when, until when, and what was noted below."""

    written: int
    start: int
    stop: int | None
    notes: list[Told] = field(default_factory=list)

    @property
    def begin(self) -> int:
        return min(self.written, self.start)

    def at(self, minute: int) -> tuple[str, str, int | None] | None:
        """Status, dose and planned stop at the end of a minute. Raises Illegal."""
        if any(n.minute < self.begin for n in self.notes if n.kind != "dose"):
            raise Illegal("before it was written")
        if minute < self.begin:
            return None
        status, dose, stop = "SCHEDULED", "500 mg", self.stop
        for m in range(self.begin, minute + 1):
            status = self._by_itself(status, stop, m)
            for note in sorted(self.notes, key=lambda n: n.order):
                if note.minute != m or note.kind == "dose":
                    continue
                if note.kind == "change" and status not in ENDED:
                    dose, stop = (
                        note.what[0] or dose,
                        stop if note.what[1] is None else note.what[1],
                    )
                else:
                    status = self._changed(status, note.kind)
                status = self._by_itself(status, stop, m)
        return status, dose, stop

    def _by_itself(self, status: str, stop: int | None, minute: int) -> str:
        """Return what time does: it starts, it has run its course."""
        called_off = stop is not None and stop < self.start
        if status == "SCHEDULED" and minute >= self.start and not called_off:
            status = "ACTIVE"
        if status not in ENDED and stop is not None and minute >= stop:
            status = "STOPPED" if called_off else "COMPLETED"
        return status

    def _changed(self, status: str, kind: str) -> str:
        match kind, status:
            case "hold", "ACTIVE":
                return "HELD"
            case "resume", "HELD":
                return "ACTIVE"
            case "stop", "SCHEDULED" | "ACTIVE" | "HELD":
                return "STOPPED"
            case "complete", "ACTIVE" | "HELD":
                return "COMPLETED"
        raise Illegal(f"{kind} while {status}")

    def allows(self, note: Told, horizon: int) -> bool:
        """Return whether a note may be added, late or not."""
        until = note.what[1] if note.kind == "change" else None
        if until is not None and until < note.minute:
            return False
        return replace(self, notes=[*self.notes, note]).is_legal(horizon)

    def is_legal(self, horizon: int) -> bool:
        """Return whether no note contradicts another."""
        try:
            self.at(horizon)
        except Illegal:
            return False
        return all(self._fits(n) for n in self.notes if n.kind == "dose")

    def _fits(self, dose: Told) -> bool:
        """Return whether a dose is marked, or may be right at some time of its minute."""
        given, marked = dose.what
        before, after = ((self.at(m) or ("",))[0] for m in (dose.minute - 1, dose.minute))
        if marked:
            return True
        if not after or dose.minute < self.start or before in ENDED:
            return False
        return not (given and before == after == "HELD")
