"""The events of a room."""

from uuid import UUID

from domain.aggregate import Cancelling, Correcting, Event, TextsOfPerson
from domain.envelope import Code, Sealed, Text
from domain.room.policies import RoomPolicy
from domain.time import Moment, Precision


class RoomEvents:
    """The events of a room, its beds, and their closures, cleanings and reservations."""

    class Opened(Event):
        TOPIC = "room.opened"
        PUBLIC = "room.opened"
        PUBLIC_FIELDS = {"ward": None, "number": None}
        DESCRIPTION = "A room was opened with its beds."
        CORRECTED_BY = ("correct_room",)
        CANCELLED_BY = ("cancel_bed",)
        ward: Text
        number: Code
        beds: tuple[Code, ...]

    class BedAdded(Event):
        TOPIC = "room.bed-added"
        PUBLIC = "bed.added"
        DESCRIPTION = "A room got another bed."
        CORRECTED_BY = ("correct_bed",)
        CANCELLED_BY = ("cancel_bed",)
        bed: Code

    class PolicySet(Event):
        TOPIC = "room.policy-set"
        PUBLIC = "room.policy-set"
        DESCRIPTION = "A policy of a room was set or lifted."
        CORRECTED_BY = ("correct_room_policy",)
        CANCELLED_BY = ("cancel_room_policy",)
        policy: RoomPolicy
        applies: bool

    class BedClosed(TextsOfPerson, Event):
        """Closed from ``since``, which may be planned, until it is reopened or ``until``."""

        TOPIC = "room.bed-closed"
        PUBLIC = "bed.closed"
        PUBLIC_FIELDS = {"spell": "closure_id", "patient": "about_patient_id"}
        DESCRIPTION = "A bed was closed."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("cancel_bed_state",)
        spell: UUID
        bed: Code
        since: Moment
        until: Moment | None
        why: Sealed
        patient: UUID | None = None

    class BedReopened(TextsOfPerson, Event):
        TOPIC = "room.bed-reopened"
        PUBLIC = "bed.reopened"
        PUBLIC_FIELDS = {"spell": "closure_id", "patient": "about_patient_id"}
        DESCRIPTION = "A bed was opened again."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("correct_bed_state",)
        spell: UUID
        bed: Code
        patient: UUID | None = None

    class CleaningStarted(Event):
        TOPIC = "room.cleaning-started"
        PUBLIC = "bed.cleaning-started"
        PUBLIC_FIELDS = {"spell": "cleaning_id"}
        DESCRIPTION = "A bed is being cleaned."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("cancel_bed_state",)
        spell: UUID
        bed: Code

    class CleaningFinished(Event):
        TOPIC = "room.cleaning-finished"
        PUBLIC = "bed.cleaning-finished"
        PUBLIC_FIELDS = {"spell": "cleaning_id"}
        DESCRIPTION = "A bed is clean."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("correct_bed_state",)
        spell: UUID
        bed: Code

    class BedReserved(TextsOfPerson, Event):
        """Reserved for a patient or a stay; it lapses at ``until``. ``about``: whose that is."""

        TOPIC = "room.bed-reserved"
        PUBLIC = "bed.reserved"
        PUBLIC_FIELDS = {
            "spell": "reservation_id",
            "patient": "for_patient_id",
            "stay": "for_stay_id",
            "about": "about_patient_id",
        }
        ABOUT = "about"
        DESCRIPTION = "A bed was reserved."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("cancel_bed_state",)
        spell: UUID
        bed: Code
        since: Moment
        until: Moment
        patient: UUID | None
        stay: UUID | None
        about: UUID | None = None

    class ReservationReleased(TextsOfPerson, Event):
        TOPIC = "room.reservation-released"
        PUBLIC = "bed.reservation-released"
        PUBLIC_FIELDS = {"spell": "reservation_id", "patient": "about_patient_id"}
        DESCRIPTION = "A reservation was given up."
        CORRECTED_BY = ("correct_bed_state",)
        CANCELLED_BY = ("correct_bed_state",)
        spell: UUID
        bed: Code
        patient: UUID | None = None

    class DetailsCorrected(Correcting, Event):
        """The ward and number were typed wrong, or the room was opened at another time.

        An absent value stays as it was. The beds with which it was opened are there since then.
        """

        TOPIC = "room.details-corrected"
        PUBLIC = "room.details-corrected"
        PUBLIC_FIELDS = {"ward": "right_ward", "number": "right_number"}
        DESCRIPTION = "The ward, the number or the opening of a room was put right."
        ward: Text | None
        number: Code | None
        opened_at: Moment | None
        precision: Precision | None = None

    class DetailsChanged(Event):
        """The room has another ward or number from a time on.

        ``latest_ward``, ``latest_number``: what holds last, where the room was changed later.
        """

        TOPIC = "room.details-changed"
        PUBLIC = "room.details-changed"
        PUBLIC_FIELDS = {"ward": "new_ward", "number": "new_number"}
        DESCRIPTION = "A room has another ward or number from a time on."
        CORRECTED_BY = ("correct_room",)
        CANCELLED_BY = ("cancel_room_change",)
        since: Moment
        ward: Text
        number: Code
        latest_ward: Text | None = None
        latest_number: Code | None = None

    class ChangeCancelled(Cancelling, Event):
        """A change never was; ``ward`` and ``number`` are what holds last without it."""

        TOPIC = "room.change-cancelled"
        PUBLIC = "room.change-cancelled"
        PUBLIC_FIELDS = {"ward": "right_ward", "number": "right_number"}
        DESCRIPTION = "A change of a room's ward or number was taken back."
        since: Moment
        ward: Text
        number: Code

    class BedCorrected(Correcting, Event):
        TOPIC = "room.bed-corrected"
        PUBLIC = "bed.corrected"
        PUBLIC_FIELDS = {"since": "added_at"}
        DESCRIPTION = "A bed was there from another time on."
        bed: Code
        since: Moment
        precision: Precision | None = None

    class BedCancelled(Cancelling, Event):
        TOPIC = "room.bed-cancelled"
        PUBLIC = "bed.cancelled"
        DESCRIPTION = "A bed that was entered in error was never there."
        bed: Code

    class BedsRetired(Event):
        """Out of service for good from ``occurred_at`` on: some beds, or all of the room."""

        TOPIC = "room.beds-retired"
        PUBLIC = "room.beds-retired"
        DESCRIPTION = "Beds were taken out of service for good."
        CORRECTED_BY = ("cancel_retirement",)
        CANCELLED_BY = ("cancel_retirement",)
        beds: tuple[Code, ...]

    class RetirementCancelled(Cancelling, Event):
        TOPIC = "room.retirement-cancelled"
        PUBLIC = "room.retirement-cancelled"
        DESCRIPTION = "Beds were not taken out of service after all."
        beds: tuple[Code, ...]

    class SpellCorrected(Correcting, TextsOfPerson, Event):
        """A closure, cleaning or reservation lasted from ``since`` until ``until``, if it has ended."""

        TOPIC = "room.spell-corrected"
        PUBLIC = "bed.state-corrected"
        PUBLIC_FIELDS = {"spell": "bed_state_id", "patient": "about_patient_id"}
        DESCRIPTION = "The times of a bed's closure, cleaning or reservation were put right."
        spell: UUID
        bed: Code
        since: Moment
        until: Moment | None
        ended: bool
        patient: UUID | None = None
        since_precision: Precision | None = None
        until_precision: Precision | None = None

    class SpellCancelled(Cancelling, TextsOfPerson, Event):
        TOPIC = "room.spell-cancelled"
        PUBLIC = "bed.state-cancelled"
        PUBLIC_FIELDS = {"spell": "bed_state_id", "patient": "about_patient_id"}
        DESCRIPTION = "A bed's closure, cleaning or reservation was taken back."
        spell: UUID
        bed: Code
        patient: UUID | None = None

    class PolicyCorrected(Correcting, Event):
        """A policy was set or lifted at ``since``, not at ``set_at``."""

        TOPIC = "room.policy-corrected"
        PUBLIC = "room.policy-corrected"
        DESCRIPTION = "A room's policy was set or lifted at another time."
        policy: RoomPolicy
        set_at: Moment
        since: Moment
        precision: Precision | None = None

    class PolicyCancelled(Cancelling, Event):
        TOPIC = "room.policy-cancelled"
        PUBLIC = "room.policy-cancelled"
        DESCRIPTION = "Setting or lifting a room's policy was taken back."
        policy: RoomPolicy
        set_at: Moment
