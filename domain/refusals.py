"""Refusals of commands: one class per reason, with its data.

A refusal is an ordinary answer, not a fault: nothing was recorded, and the message says what to do.
The GraphQL members of the result unions are generated from these classes: same names, the first
line of the docstring as description, and each attribute that is annotated with a description.
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, NewType
from uuid import UUID

from domain.bed_ref import BedRef
from domain.errors import WardbookError
from domain.fact_ref import FactRef
from domain.problems import PROBLEM, Problem
from domain.things import Thing

FieldName = NewType("FieldName", str)
"""The name of an input field, in Python style; each interface writes it in its own."""

BedStateName = NewType("BedStateName", str)
PolicyName = NewType("PolicyName", str)
"""The names of a state of a bed, and of a policy of a room: `domain.room` builds on refusals."""


class Refusal(WardbookError):
    """A command that was understood and not accepted. ``path`` names the input at fault.

    Fields are named in Python style, in a text between backticks; each interface
    writes them in its own style by `text`.
    """

    path: tuple[str, ...] = ()
    patients: frozenset[UUID] = frozenset()
    """The patients of whom it tells something: that telling it is a reading of theirs."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._text = text

    def text(self, name: Callable[[str], str]) -> str:
        """Return the message: what is wrong and what to do. ``name`` writes the names of fields."""
        return _FIELD.sub(lambda field: name(field[1]), self._text)

    def rewrite(self, write: Callable[[str], str]) -> None:
        """Write its text otherwise: without an id, or with other clocks."""
        self._text = write(self._text)

    @property
    def message(self) -> str:
        """Return the text with the names of fields in Python style."""
        return self.text(str)

    def __str__(self) -> str:
        return self.message

    @property
    def code(self) -> str:
        """Return the name of the refusal, for programs: that of its class."""
        return type(self).__name__


_FIELD = re.compile(r"`(\w+)`")


class BedOccupied(Refusal):
    """Somebody else has the bed in that time.

    Another patient lies in it, or it is kept for one who is on leave.
    """

    by_stay: Annotated[UUID, "The stay that has it."]
    bed: Annotated[BedRef, "The bed, as ward/room/bed."]

    path = ("bed",)

    def __init__(self, bed: BedRef, by_stay: UUID) -> None:
        super().__init__(f"Bed {bed.bed} is taken by stay {by_stay}; choose another bed or time.")
        self.bed, self.by_stay = bed, by_stay


class BedNotOpen(Refusal):
    """The bed is closed, being cleaned, reserved, or taken by somebody whom you may not see."""

    reason: Annotated[str, "Why it is not open."]
    state: Annotated[BedStateName | None, "What it is then; null where it is not in service."]
    bed: Annotated[BedRef, "The bed, as ward/room/bed."]

    path = ("bed",)

    def __init__(
        self, bed: BedRef, reason: str, state: str | None = None, *, is_free_text: bool = False
    ) -> None:
        """``is_free_text``: staff wrote the reason, so it is told only to those it concerns."""
        super().__init__(f"Bed {bed.bed} is not open: {reason}; choose another bed or time.")
        self.bed, self.reason, self.is_free_text = bed, reason, is_free_text
        self.state = None if state is None else BedStateName(state)


class RoomPolicyBroken(Refusal):
    """The room's own policy keeps the patient out."""

    policy: Annotated[str, "The policy."]
    room_policy: Annotated[PolicyName, "The policy, as rooms have it."]

    path = ("room",)

    def __init__(self, policy: PolicyName, reason: str) -> None:
        super().__init__(f"The room's policy {policy} forbids it: {reason}; choose another room.")
        self.policy, self.room_policy = str(policy), policy


class BedStateBroken(Refusal):
    """The bed's states do not allow it.

    Examples: reopening an open bed, cleaning a bed twice.
    """

    problem: Annotated[Problem, PROBLEM]
    state: Annotated[BedStateName | None, "The state of beds that it is about, if it is of one."]

    path = ("bed",)

    def __init__(self, problem: Problem, detail: str = "", state: str | None = None) -> None:
        super().__init__(f"The state of the bed does not allow this: {detail or problem.clause}.")
        self.problem, self.state = problem, None if state is None else BedStateName(state)


class StayNotOpen(Refusal):
    """The stay has ended at the time of the fact."""

    stay: UUID
    ended_at: Annotated[datetime, "When it ended."]

    path = ("stay_id",)

    def __init__(self, stay: UUID, ended_at: datetime) -> None:
        super().__init__(
            f"Stay {stay} ended at {ended_at.isoformat()}; "
            "give an earlier `occurred_at`, or cancel the discharge first."
        )
        self.stay, self.ended_at = stay, ended_at


class StayStateBroken(Refusal):
    """The stay's state does not allow it.

    Examples: a leave in a leave, a return without a leave.
    """

    problem: Annotated[Problem, PROBLEM]

    path = ("stay_id",)

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(f"The state of the stay does not allow this: {detail or problem.clause}.")
        self.problem = problem


class MovementNotFound(Refusal):
    """No movement, visit, dose or merge of that id is held true."""

    what: Annotated[str, "What was looked for, by a fixed name: movement, visit, dose."]
    thing: Annotated[Thing, "What was looked for."]
    cancelled: Annotated[bool, "Whether it was recorded, and was cancelled."]
    id: UUID
    field: FieldName

    def __init__(self, thing: Thing, id: UUID, field: str, cancelled: bool = False) -> None:
        cancellation = " any more: it was cancelled" if cancelled else ""
        super().__init__(f"There is no {thing} {id}{cancellation}.")
        self.what, self.thing, self.id = thing.value, thing, id
        self.field, self.path, self.cancelled = FieldName(field), (field,), cancelled


class MergeImpossible(Refusal):
    """The two records cannot be one person, or are linked already."""

    stays: Annotated[tuple[UUID, ...], "The stays that the person would be in at once."]
    problem: Annotated[Problem, PROBLEM]

    path = ("into_mrn",)

    def __init__(self, problem: Problem, detail: str = "", stays: tuple[UUID, ...] = ()) -> None:
        super().__init__(f"The records cannot be merged: {detail or problem.clause}.")
        self.problem = problem
        self.stays = stays


class OutsideStay(Refusal):
    """The fact lies before the admission or after the discharge."""

    stay: UUID

    path = ("occurred_at",)

    def __init__(self, stay: UUID, what: str) -> None:
        super().__init__(f"{what} lies outside stay {stay}; facts lie from admission to discharge.")
        self.stay = stay


class PatientAlreadyAdmitted(Refusal):
    """The patient has another stay in that time."""

    stay: Annotated[UUID, "The other stay."]

    path = ("patient_mrn",)

    def __init__(self, stay: UUID) -> None:
        super().__init__(f"The patient has stay {stay} then: go on with it, or correct its times.")
        self.stay = stay


class PatientDied(Refusal):
    """The fact lies after the patient's death."""

    died_at: Annotated[datetime, "When the patient died."]

    path = ("occurred_at",)

    def __init__(self, died_at: datetime, why: str = "this contradicts it: correct either") -> None:
        super().__init__(f"The patient died at {died_at.isoformat()}; {why}.")
        self.died_at = died_at


class ContradictsLaterFacts(Refusal):
    """The fact would make recorded facts untrue.

    It fits by itself, but later facts build on what it changes.
    """

    facts: Annotated[tuple[FactRef, ...], "Those facts."]

    path = ("occurred_at",)

    def __init__(self, facts: tuple[FactRef, ...], *, untold: bool = False) -> None:
        """``untold``: there are others, which the caller may not see."""
        parts = [f"{f.kind} at {f.occurred_at.isoformat()}" for f in facts[:5]]
        parts += [f"{len(facts) - 5} more"] if len(facts) > 5 else []
        parts += ["facts that you may not see"] if untold else []
        text = f"This would contradict what is recorded: {', '.join(parts)}"
        super().__init__(f"{text}; correct that first, or together with this.")
        self.facts = facts


class SharersUnplaced(Refusal):
    """The bed that would be left is shared by a child.

    The command has to name where each child goes.
    """

    stays: Annotated[tuple[UUID, ...], "The children's stays."]

    path = ("sharers",)

    def __init__(self, stays: tuple[UUID, ...], *, untold: bool = False) -> None:
        """``untold``: there are others, which the caller may not see."""
        super().__init__(
            "The bed is shared by "
            + ", ".join([*map(str, stays), *(["a stay that is closed to you"] if untold else [])])
            + "; say in `sharers` where each child goes, or move or discharge the child first."
        )
        self.stays = stays


class PrescriptionStateBroken(Refusal):
    """The prescription's state does not allow it.

    Examples: resuming what is not held, a dose after the stop.
    """

    problem: Annotated[Problem, PROBLEM]

    path = ("prescription_id",)

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(
            f"The state of the prescription does not allow this: {detail or problem.clause}."
        )
        self.problem = problem


class InFuture(Refusal):
    """A fact cannot have happened in the future."""

    occurred_at: Annotated[datetime, "When it would have happened."]
    now: Annotated[datetime, "What time it is."]

    path = ("occurred_at",)

    def __init__(self, occurred_at: datetime, now: datetime) -> None:
        super().__init__(
            f"{occurred_at.isoformat()} is later than now ({now.isoformat()}); "
            "a fact is recorded once it has happened."
        )
        self.occurred_at, self.now = occurred_at, now


class ReasonNeeded(Refusal):
    """A late entry, a closure or a correction says why."""

    problem: Annotated[Problem, PROBLEM]

    path = ("reason",)

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(f"A reason is needed: {detail or problem.clause}.")
        self.problem = problem


class NotFound(Refusal):
    """Nothing of that kind has that id, number or MRN."""

    without_key = property(lambda self: self.thing.without_key())
    what: Annotated[str, "What was looked for, by a fixed name: patient, stay, ward."]
    thing: Annotated[Thing, "What was looked for."]
    key: str
    field: FieldName

    def __init__(self, thing: Thing, key: str, field: str, hint: str = "") -> None:
        self.hint = hint and f" {hint}"
        super().__init__(f"There is no {thing} {key!r}.{self.hint}")
        self.what, self.thing, self.key, self.field = thing.value, thing, key, FieldName(field)
        self.path = (field,)


class AlreadyExists(Refusal):
    """The MRN, number or code is taken."""

    without_key = property(lambda self: self.thing.without_key("a "))
    what: Annotated[str, "What there is already, by a fixed name: patient with MRN, room."]
    thing: Annotated[Thing, "What there is already."]
    key: str
    field: FieldName

    def __init__(self, thing: Thing, key: str, field: str) -> None:
        super().__init__(f"There is already a {thing} {key!r}.")
        self.what, self.thing, self.key, self.field = thing.value, thing, key, FieldName(field)
        self.path = (field,)


class InvalidInput(Refusal):
    """A value makes no sense by itself."""

    field: Annotated[FieldName, "The input field."]

    def __init__(self, field: str, reason: str, *, is_blank: bool = False) -> None:
        super().__init__(f"`{field}`: {reason}.")
        self.field, self.path, self.is_blank = FieldName(field), (field,), is_blank


class NotAllowed(Refusal):
    """The role or the wards of who asks do not go so far.

    Or the patient's data are restricted.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"{reason}.")


class CommandIdReused(Refusal):
    """The command id was used before with another content."""

    path = ("command_id",)

    def __init__(self, command_id: UUID) -> None:
        super().__init__(
            f"Command id {command_id} was used before with another content; make a new id."
        )


class VersionConflict(Refusal):
    """The version that the client read is no longer the last.

    Or too many others write the same at once: ``expected`` is None then.
    """

    expected: Annotated[int | None, "The version the client expected."]
    actual: Annotated[int | None, "The version found."]

    path = ("expected_version",)

    def __init__(self, expected: int | None, actual: int | None) -> None:
        super().__init__(
            f"Expected version {expected}, found {actual}; read again and decide anew."
            if expected is not None
            else "Others are writing the same at this moment; try again with the same `command_id`."
        )
        self.expected, self.actual = expected, actual
