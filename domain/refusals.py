"""Why a command is refused: one type per reason, carrying its data.

A refusal is an ordinary answer, not a fault: nothing was recorded, and the message says what to do.
The same names appear in the GraphQL schema as members of each mutation's result union.
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from domain.errors import WardbookError


@dataclass(frozen=True, slots=True)
class BedRef:
    """A bed, by its room's id and its code within the room."""

    room: UUID
    bed: str


@dataclass(frozen=True, slots=True)
class FactRef:
    """A recorded fact that stands in the way: what it is, when it occurred, of which stay."""

    id: UUID
    kind: str
    occurred_at: datetime
    stay: UUID | None = None


class Refusal(WardbookError):
    """A command that was understood and not accepted. ``path`` names the input at fault."""

    path: tuple[str, ...] = ()

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message

    @property
    def code(self) -> str:
        return type(self).__name__


class BedOccupied(Refusal):
    """Somebody else lies in the bed, or it is kept for somebody on leave, in that time."""

    path = ("bed",)

    def __init__(self, bed: BedRef, by_stay: UUID) -> None:
        super().__init__(f"Bed {bed.bed} is taken by stay {by_stay}; choose another bed or time.")
        self.bed, self.by_stay = bed, by_stay


class BedNotOpen(Refusal):
    """The bed is closed, being cleaned, or reserved for somebody else in that time."""

    path = ("bed",)

    def __init__(self, bed: BedRef, reason: str) -> None:
        super().__init__(f"Bed {bed.bed} is not open: {reason}.")
        self.bed, self.reason = bed, reason


class RoomPolicyBroken(Refusal):
    """The room's own policy (isolation, one sex only, children only) keeps the patient out."""

    path = ("room",)

    def __init__(self, policy: str, why: str) -> None:
        super().__init__(f"The room's policy {policy} is broken: {why}.")
        self.policy = policy


class BedStateBroken(Refusal):
    """The bed's states do not allow it: reopening an open bed, cleaning a bed twice."""

    path = ("bed",)

    def __init__(self, why: str) -> None:
        super().__init__(f"The state of the bed does not allow this: {why}.")


class StayNotOpen(Refusal):
    """The stay has ended at the time of the fact."""

    path = ("stayId",)

    def __init__(self, stay: UUID, ended_at: datetime) -> None:
        super().__init__(
            f"Stay {stay} ended at {ended_at.isoformat()}; "
            "give an earlier occurredAt, or cancel the discharge first."
        )
        self.stay, self.ended_at = stay, ended_at


class StayStateBroken(Refusal):
    """The stay's state does not allow it: a leave in a leave, a return without a leave."""

    path = ("stayId",)

    def __init__(self, why: str) -> None:
        super().__init__(f"The state of the stay does not allow this: {why}.")


class MovementNotFound(Refusal):
    """No movement, visit or dose of that id is held true: it never was, or it was cancelled."""

    def __init__(self, what: str, id: UUID, field: str, cancelled: bool = False) -> None:
        why = " any more: it was cancelled" if cancelled else ""
        super().__init__(f"There is no {what} {id}{why}.")
        self.what, self.id, self.field = what, id, field
        self.path = (field,)


class MergeImpossible(Refusal):
    """The two records cannot be one person, or are linked already."""

    path = ("intoMrn",)

    def __init__(self, why: str, stays: tuple[UUID, ...] = ()) -> None:
        super().__init__(f"The records cannot be merged: {why}.")
        self.stays = stays


class OutsideStay(Refusal):
    """The fact lies before the admission or after the discharge."""

    path = ("occurredAt",)

    def __init__(self, stay: UUID, what: str) -> None:
        super().__init__(f"{what} lies outside stay {stay}; facts lie from admission to discharge.")
        self.stay = stay


class PatientAlreadyAdmitted(Refusal):
    """A person has at most one stay at any time, and this one has another then."""

    path = ("patientMrn",)

    def __init__(self, stay: UUID) -> None:
        super().__init__(f"The patient is in the hospital with stay {stay} at that time.")
        self.stay = stay


class PatientDied(Refusal):
    """Nothing clinical occurs after the death."""

    path = ("occurredAt",)

    def __init__(self, died_at: datetime) -> None:
        super().__init__(f"The patient died at {died_at.isoformat()}; this would lie after it.")
        self.died_at = died_at


class ContradictsLaterFacts(Refusal):
    """The fact fits by itself but would make facts untrue that are already recorded."""

    path = ("occurredAt",)

    def __init__(self, facts: tuple[FactRef, ...]) -> None:
        listed = ", ".join(f"{f.kind} at {f.occurred_at.isoformat()}" for f in facts[:5])
        more = f" and {len(facts) - 5} more" if len(facts) > 5 else ""
        super().__init__(f"This would contradict what is recorded: {listed}{more}.")
        self.facts = facts


class SharersUnplaced(Refusal):
    """A newborn shares the bed that would be left; the command must say where the child goes."""

    path = ("sharers",)

    def __init__(self, stays: tuple[UUID, ...]) -> None:
        super().__init__(
            "The bed is shared by "
            + ", ".join(str(s) for s in stays)
            + "; say in 'sharers' where each child goes, or move or discharge the child first."
        )
        self.stays = stays


class PrescriptionStateBroken(Refusal):
    """The prescription's state does not allow it: resuming what is not held, a dose after stop."""

    path = ("prescriptionId",)

    def __init__(self, why: str) -> None:
        super().__init__(f"The state of the prescription does not allow this: {why}.")


class InFuture(Refusal):
    """A fact cannot have happened later than now (a small tolerance for clocks is configurable)."""

    path = ("occurredAt",)

    def __init__(self, occurred_at: datetime, now: datetime) -> None:
        super().__init__(
            f"{occurred_at.isoformat()} is later than now ({now.isoformat()}); "
            "a fact is recorded once it has happened."
        )
        self.occurred_at, self.now = occurred_at, now


class ReasonNeeded(Refusal):
    """Late entries, cancels and corrections say why."""

    path = ("reason",)

    def __init__(self, why: str) -> None:
        super().__init__(f"A reason is needed: {why}.")


class NotFound(Refusal):
    """Nothing of that kind has that id, number or MRN."""

    def __init__(self, what: str, key: str, field: str) -> None:
        super().__init__(f"There is no {what} {key!r}.")
        self.what, self.key, self.field = what, key, field
        self.path = (field,)


class AlreadyExists(Refusal):
    """The MRN, room number, bed code or staff number is taken."""

    def __init__(self, what: str, key: str, field: str) -> None:
        super().__init__(f"There is already a {what} {key!r}.")
        self.what, self.key, self.field = what, key, field
        self.path = (field,)


class InvalidInput(Refusal):
    """A value makes no sense by itself; ``field`` names it."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}.")
        self.field = field
        self.path = (field,)


class NotAllowed(Refusal):
    """The role, or the wards, of who asks do not go so far, or the patient's data are restricted."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}.")


class CommandIdReused(Refusal):
    """The command id was used for a command with another content."""

    path = ("commandId",)

    def __init__(self, command_id: UUID) -> None:
        super().__init__(
            f"Command id {command_id} was used before with another content; make a new id."
        )


class VersionConflict(Refusal):
    """What the client read has changed since (or too many others write the same at once)."""

    path = ("expectedVersion",)

    def __init__(self, expected: int | None, actual: int | None) -> None:
        super().__init__(
            f"Expected version {expected}, found {actual}; read again and decide anew."
            if expected is not None
            else "Others are writing the same at this moment; try again with the same commandId."
        )
        self.expected, self.actual = expected, actual
