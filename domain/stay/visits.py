"""The visits of a stay: how they are amended, taken back, and found to be of another stay."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from msgspec import structs

from domain.envelope import Envelope
from domain.refusals import InvalidInput
from domain.stay.events import StayEvents, VisitKind
from domain.stay.state import StayState
from domain.time import Precision, corrected_time


class StayVisits(StayState):
    """The commands to the visits of a stay, and to the care before it."""

    def record_emergency_care(
        self, departed_at: datetime | None, envelope: Envelope, died_at: datetime | None = None
    ) -> None:
        """Record when the patient came to the emergency department. Raises StayStateBroken."""
        movement = envelope.id_of("emergency-care")
        self._record(
            StayEvents.EmergencyCareRecorded,
            envelope,
            died_at,
            movement=movement,
            departed_at=departed_at,
        )

    def amend_visit(
        self,
        visit: UUID,
        at: datetime | None,
        precision: Precision | None,
        practitioner: UUID | None,
        visit_kind: VisitKind | None,
        note: str | None,
        envelope: Envelope,
        died_at: datetime | None = None,
        consult: UUID | None = None,
    ) -> None:
        """Correct the time, the doctor, the kind or the note of a visit, or what it answers."""
        at = corrected_time(at, precision, self.visit(visit).at)
        if {at, practitioner, visit_kind, note, consult} == {None}:
            raise InvalidInput(
                "note", "say what was different: `occurred_at`, practitioner, kind, note"
            )
        self._record(
            StayEvents.VisitAmended,
            envelope,
            died_at,
            visit=self.visit(visit).id,
            at=at,
            precision=precision,
            practitioner=practitioner,
            visit_kind=visit_kind,
            note=note,
            consult=consult,
        )

    def retime(self, fact: UUID, at: datetime, precision: Precision, envelope: Envelope) -> None:
        self.amend_visit(fact, at, precision, None, None, None, envelope)

    def visit_as_held(self, visit: UUID, events: Iterable[object]) -> StayEvents.VisitRecorded:
        """Return a visit as it is held now, from the events of the stay. Raises MovementNotFound."""
        self.visit(visit)
        visit_event: StayEvents.VisitRecorded | None = None
        for event in events:
            match event:
                case StayEvents.VisitRecorded() if event.visit == visit:
                    visit_event = event
                case StayEvents.VisitAmended() if event.visit == visit and visit_event is not None:
                    visit_event = _with_amendment(visit_event, event)
        assert visit_event is not None
        return visit_event

    def take_visit(
        self, visit: StayEvents.VisitRecorded, envelope: Envelope, died_at: datetime | None
    ) -> None:
        """Record a visit that was recorded in another stay. Raises OutsideStay, PatientDied."""
        self._record(
            StayEvents.VisitRecorded,
            envelope,
            died_at,
            visit=visit.visit,
            practitioner=visit.practitioner,
            visit_kind=visit.visit_kind,
            note=visit.note,
        )

    def cancel_visit(self, visit: UUID, envelope: Envelope) -> None:
        """Take back a visit that never was."""
        self.record(StayEvents.VisitCancelled, envelope, visit=self.visit(visit).id)


def _with_amendment(
    visit: StayEvents.VisitRecorded, right: StayEvents.VisitAmended
) -> StayEvents.VisitRecorded:
    """Return a visit as an amendment says it was."""
    entry = structs.replace(
        visit.entry,
        occurred_at=right.at or visit.entry.occurred_at,
        precision=right.precision or visit.entry.precision,
    )
    details = {
        name: value
        for name in ("practitioner", "visit_kind", "note")
        if (value := getattr(right, name)) is not None
    }
    return replace(visit, entry=entry, **details)  # type: ignore[type-var]
