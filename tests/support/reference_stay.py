"""A plain model of a stay and of what is put right about it. It shares nothing with the domain.

A list of what was said, in the order in which it was said. Whoever asks goes through it from the
beginning: first what is held to have happened, then what that comes to. Slow and simple on purpose.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any


class Illegal(Exception):
    """A fact does not follow from what is held."""


@dataclass(frozen=True)
class Said:
    """Something that was said: that a thing happened, or that what was said before was not so.

    ``minute`` may be anything that has an order; ``where`` is a bed or another place.
    """

    kind: str
    minute: Any = None
    id: Any = None
    of: Any = None
    where: str | None = None
    what: Any = None
    order: int = 0
    with_bed: Any = None
    """Of an admission: the id of the allocation that was said in the same breath."""


@dataclass(frozen=True)
class Now:
    """State of a stay in one minute; ``where`` is a bed, another place, or nowhere."""

    status: str
    where: str = ""
    kept: bool = False
    doctor: str = ""
    plan: str = "NONE"
    specialty: str = ""
    type: str = "ELECTIVE"


MOVES = ("allocate", "transfer", "swap")
PLACES = (*MOVES, "leave, keep bed", "leave, release", "return", "discharge")
SEEN = ("visit", "dose")
"""What changes nothing, and lies within the stay."""
LIVING = ("admit", "leave, keep bed", "leave, release", "return", *SEEN, "discharge")
"""What only the living do; the body may be moved."""
PUT = ("put", "keep there")
"""What a reversal that names a place comes to; it cannot be reversed itself."""


def held(said: Sequence[Said]) -> list[Said]:
    """Return what is held to have happened, in the order in which it happened."""
    finding: dict[Any, Said] = {}
    for order, result in enumerate(said):
        of = finding.get(result.of)
        if result.of is not None and (of is None or of.kind == "never admitted"):
            raise Illegal("it is not held true")
        match result.kind:
            case "in error":
                del finding[result.of]
            case "never admitted":
                was = finding[result.of]
                finding = {result.id: replace(result, minute=was.minute, what=was.what, of=None)}
            case "visits in error":
                finding = {id: fact for id, fact in finding.items() if fact.kind not in SEEN}
            case "discharge in error":
                gone = finding.pop(result.of)
                if result.where:
                    finding[result.id] = replace(
                        gone, kind="transfer", id=result.id, where=result.where
                    )
            case "corrected":
                was = finding[result.of]
                finding[result.of] = _right(was, result)
                bed = finding.get(was.with_bed)
                if bed and result.minute is not None and bed.minute == was.minute:
                    finding[was.with_bed] = replace(bed, minute=result.minute)
            case _:
                finding[result.id] = replace(result, order=order)
    return sorted(finding.values(), key=lambda fact: (fact.minute, fact.order))


def _right(was: Said, told: Said) -> Said:
    minute = was.minute if told.minute is None else told.minute
    return replace(was, minute=minute, where=told.where or was.where)


def tale(said: Sequence[Said], beds: Sequence[str]) -> Iterator[tuple[Any, Now]]:
    """Return the state after each fact, with its minute. Raises Illegal at the first that cannot be."""
    admitted: Said | None = None
    over: Said | None = None
    stands: dict[str, list[Said]] = {"place": [], "attending": [], "plan": [], "specialty": []}
    stands["type"] = []
    for fact in held(said):
        if fact.kind == "never admitted":
            admitted = over = fact
        elif fact.kind == "admit":
            if admitted:
                raise Illegal("admitted twice")
            admitted = fact
        elif admitted is None:
            raise Illegal("before the admission")
        elif fact.kind in SEEN:
            if over and (over.minute != fact.minute or over.kind == "never admitted"):
                raise Illegal("a visit after the end")
        elif fact.kind == "reversed" and fact.of == admitted.id:
            if over or fact.where:
                raise Illegal("it is over already, or leads nowhere")
            over = fact
        elif fact.kind == "reversed":
            _take_back(fact, stands, over)
            over = None
        elif over and over.kind == "discharge" and over.minute == fact.minute:
            if fact.kind == "discharge":
                raise Illegal("discharged twice")
            of_kind = stands["place" if fact.kind in PLACES else fact.kind]
            of_kind.insert(of_kind.index(over) if over in of_kind else len(of_kind), fact)
        elif over:
            raise Illegal("after the end")
        else:
            stands["place" if fact.kind in PLACES else fact.kind].append(fact)
            over = fact if fact.kind == "discharge" else None
        yield fact.minute, _now(admitted, stands, over, beds)


def _take_back(reversal: Said, stands: dict[str, list[Said]], over: Said | None) -> None:
    """Return what was said last of its kind stands no longer."""
    for facts in stands.values():
        *_, last = [Said("nothing"), *(f for f in facts if f.kind not in PUT)]
        if last.id == reversal.of:
            break
    else:
        raise Illegal("it is not in force")
    if over and over != last:
        raise Illegal("after the end")
    if reversal.where and last.kind not in PLACES:
        raise Illegal("it has no place")
    del facts[facts.index(last) :]
    if reversal.where:
        put = "keep there" if last.kind == "return" else "put"
        facts.append(Said(put, where=reversal.where))


def _now(
    admitted: Said, stands: dict[str, list[Said]], over: Said | None, beds: Sequence[str]
) -> Now:
    now = Now("ADMITTED", where=admitted.where or "")
    for fact in stands["place"]:
        now = _moved(now, fact, beds)
    if over and over.kind != "discharge":
        now = Now("CANCELLED")
    doctor = ([admitted.what or ""] + [f.what for f in stands["attending"]])[-1]
    plan = (["NONE"] + [f.what for f in stands["plan"]])[-1]
    specialty = ([""] + [f.what for f in stands["specialty"]])[-1]
    type = (["ELECTIVE"] + [f.what for f in stands["type"]])[-1]
    plan = "NONE" if now.status == "DISCHARGED" else plan
    return replace(now, doctor=doctor, plan=plan, specialty=specialty, type=type)


def _moved(now: Now, fact: Said, beds: Sequence[str]) -> Now:
    away = now.status == "ON_LEAVE"
    where = fact.where or ""
    match fact.kind:
        case "allocate" | "transfer" | "swap" if not away:
            return replace(now, where=where)
        case "leave, keep bed" if not away and now.where in beds:
            return replace(now, status="ON_LEAVE", kept=True)
        case "leave, release" if not away:
            return replace(now, status="ON_LEAVE", where="")
        case "return" if away and (where or now.kept):
            return Now("ADMITTED", where or now.where)
        case "put":
            return Now("ADMITTED", where)
        case "keep there" if now.kept and where in beds:
            return replace(now, where=where)
        case "discharge":
            return Now("DISCHARGED")
    raise Illegal(fact.kind)


def at(said: Sequence[Said], beds: Sequence[str], minute: Any) -> Now | None:
    """Return what is true at the end of a minute, of what is legal."""
    now = None
    for when, then in tale(said, beds):
        if when <= minute:
            now = then
    return now


def legal(said: Sequence[Said], beds: Sequence[str]) -> bool:
    """Return whether all that is held can have happened."""
    try:
        list(tale(said, beds))
    except Illegal:
        return False
    return True


def allows(said: Sequence[Said], beds: Sequence[str], told: Said) -> bool:
    """Return whether something may be said next, late or not."""
    try:
        return sayable(said, beds, told) and legal([*said, told], beds)
    except Illegal:
        return False


def sayable(said: Sequence[Said], beds: Sequence[str], told: Said, together: bool = False) -> bool:
    """Return whether it makes sense to say it; ``together``: with other things, in whatever order."""
    before, after = held(said), held([*said, told])
    of = next((fact for fact in before if fact.id == told.of), None)
    then = at(said, beds, told.minute) if told.kind in MOVES and not together else None
    match told.kind:
        case "allocate" if then and then.where in beds:
            return False
        case "transfer" if then and then.where == told.where:
            return False
        case "corrected" if of:
            if of.kind in SEEN:  # of which more can be said than its time
                return told.minute is not None
            return _may_be_corrected(of, told, beds) and (together or before != after)
        case "in error" if of:
            return not told.where and of.kind not in ("admit", "discharge")
        case "discharge in error" if of:
            return of.kind == "discharge"
        case "reversed" if of:
            return of.kind != "discharge" or told.where is not None
    return True


def _may_be_corrected(of: Said, told: Said, beds: Sequence[str]) -> bool:
    if told.where is None:
        return True
    if of.kind == "admit":
        return told.where not in beds
    return of.kind in ("allocate", "transfer", "return", "reversed")


def may_be_cancelled(said: Sequence[Said], beds: Sequence[str], void: bool, in_error: bool) -> bool:
    """Return whether the admission may be taken back: the stay is open, nobody was there to see it.

    One that was reversed may be found to have been entered in error.
    """
    result = list(tale(said, beds))
    visited = any(fact.kind in SEEN for fact in held(said))
    statuses = {"ADMITTED", "ON_LEAVE"} | ({"CANCELLED"} if in_error else set())
    return result[-1][1].status in statuses and (void or not visited)
