"""Name, opening and beds of a room: changed and corrected."""

from collections.abc import Iterable
from datetime import UTC, datetime

from domain.bed_ref import BedRef
from domain.envelope import Envelope
from domain.fact_ref import FactKind, FactRef
from domain.problems import Problem
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    ContradictsLaterFacts,
    InvalidInput,
    NotFound,
)
from domain.room.occupancy import Claim
from domain.room.state import RENAMING, RoomState
from domain.things import Thing
from domain.time import Period, Precision, corrected_time


class RoomDetails(RoomState):
    """The commands about a room's ward, number and opening, and about its beds as things."""

    def correct(
        self,
        ward: str | None,
        number: str | None,
        opened_at: datetime | None,
        claims: Iterable[Claim],
        envelope: Envelope,
        precision: Precision | None = None,
    ) -> None:
        """Correct the ward and number as the room is named last, or when it was opened.

        Raises InvalidInput if nothing is different or a bed was added before, ContradictsLaterFacts.
        """
        name = (ward or self.ward, number or self.number)
        is_renamed = name != (self.ward, self.number)
        if self.opened_at is not None:
            opened_at = corrected_time(opened_at, precision, self.opened_at)
        if (opened_at, precision or Precision.MINUTE) == (
            self.opened_at,
            self.precision_of(self.id),
        ):
            opened_at = None
        if not is_renamed and opened_at is None:
            raise InvalidInput(
                "new_room", "say what is different: ward, room, or when it was opened"
            )
        if opened_at is not None:
            for bed, since in self.beds.items():
                if bed not in self.opened_with and since < opened_at:
                    raise InvalidInput(
                        "occurred_at", f"bed {bed} was added before; correct it first"
                    )
            for bed in self.opened_with:
                self._must_be_unused(bed, Period(self.beds[bed], opened_at), claims)
        ward, number = name if is_renamed else (None, None)
        self.record(
            RoomDetails.DetailsCorrected,
            envelope,
            ward=ward,
            number=number,
            opened_at=opened_at,
            precision=precision if opened_at else None,
        )

    def begin_of_change(self, since: datetime) -> datetime:
        """Return the time when a change of name from a moment on is held to begin.

        In logs of before, one of the day of the opening is held at the opening, and replaced there.
        """
        opened_at = self.opened_at
        if opened_at is None or not since < opened_at <= self.span_of(since, Precision.DAY)[1]:
            return since
        return opened_at if any(c.since == opened_at for c in self.named.changes) else since

    def change(
        self, ward: str | None, number: str | None, since: datetime, envelope: Envelope
    ) -> None:
        """Give the room another ward or number from a time on, until it was changed later.

        It is so from the day of its opening, at the earliest; a ward may have been renamed before.
        Raises InvalidInput.
        """
        name = self.name_at(since)
        ward, number = ward or name.ward, number or name.number
        if (ward, number) == (name.ward, name.number):
            raise InvalidInput("new_room", "say what is different: the ward or the room's number")
        if self.opened_at is not None and envelope.operation != RENAMING:
            day = self.span_of(self.opened_at, Precision.DAY)
            self._must_be_open(
                max(since, self.opened_at) if since >= day[0] else since, "valid_from"
            )
        last = self.named.with_change(since, ward, number).names[-1]
        is_last = last.since == since
        self.record(
            RoomDetails.DetailsChanged,
            envelope,
            since=since,
            ward=ward,
            number=number,
            latest_ward=None if is_last else last.ward,
            latest_number=None if is_last else last.number,
        )

    def cancel_change(self, envelope: Envelope, during: Period | None = None) -> None:
        """Take a change of ward or number back: the last, or that of a period. Raises InvalidInput."""
        changes = self.names[1:]
        if not changes:
            raise InvalidInput("room", "its ward and number never changed; `correct_room` corrects")
        if during is not None:
            changes = tuple(name for name in changes if name.since in during)
            if not changes:
                raise InvalidInput("valid_from", "its ward and number did not change on that day")
        since = changes[-1].since
        held_name = self.named.without(since).names[-1]
        self.record(
            RoomDetails.ChangeCancelled,
            envelope,
            since=since,
            ward=held_name.ward,
            number=held_name.number,
        )

    def correct_bed(
        self,
        bed: str,
        since: datetime | None,
        claims: Iterable[Claim],
        envelope: Envelope,
        precision: Precision | None = None,
    ) -> None:
        """Correct since when a bed is there. Raises NotFound, InvalidInput, ContradictsLaterFacts."""
        bed = self.code_of(bed)
        if bed not in self.beds:
            raise NotFound(Thing.BED, bed, "bed")
        since = corrected_time(since, precision, self.beds[bed])
        held_precision = self.precision_of(self.adding_of(bed))
        if since is None or (since, precision or Precision.MINUTE) == (
            self.beds[bed],
            held_precision,
        ):
            raise InvalidInput("occurred_at", "say since when the bed is there")
        self._must_be_open(since)
        if since >= self.retired.get(bed, datetime.max.replace(tzinfo=UTC)):
            raise InvalidInput("occurred_at", "the bed was retired before")
        self._must_be_unused(bed, Period(self.beds[bed], since), claims)
        self.record(RoomDetails.BedCorrected, envelope, bed=bed, since=since, precision=precision)

    def cancel_bed(self, bed: str, claims: Iterable[Claim], envelope: Envelope) -> None:
        """Take a bed back that was entered in error. Raises NotFound, ContradictsLaterFacts."""
        bed = self.code_of(bed)
        if bed not in self.beds:
            raise NotFound(Thing.BED, bed, "bed")
        uses = [_use(claim) for claim in claims if claim.stretch.bed.bed == bed]
        if uses:
            raise ContradictsLaterFacts(tuple(uses))
        self.record(RoomDetails.BedCancelled, envelope, bed=bed)

    def retire(self, beds: Iterable[str], claims: Iterable[Claim], envelope: Envelope) -> None:
        """Take beds out of service for good. Raises BedStateBroken, BedOccupied."""
        at, beds = envelope.occurred_at, tuple(map(self.code_of, beds))
        for bed in beds:
            self._must_have(bed, at)
            for claim in claims:
                claimed_stretch = claim.stretch
                if claimed_stretch.bed.bed == bed and (
                    claimed_stretch.period.end is None or claimed_stretch.period.end > at
                ):
                    raise BedOccupied(claimed_stretch.bed, claim.stay)
        self.record(RoomDetails.BedsRetired, envelope, beds=beds)

    def cancel_retirement(self, beds: Iterable[str], envelope: Envelope) -> None:
        """Put beds back into service that were not retired after all. Raises BedStateBroken."""
        beds = tuple(map(self.code_of, beds))
        for bed in beds:
            if bed not in self.beds:
                raise NotFound(Thing.BED, bed, "bed")
            if bed not in self.retired:
                raise BedStateBroken(Problem.BED_NOT_RETIRED, f"bed {bed} is not retired")
        self.record(RoomDetails.RetirementCancelled, envelope, beds=beds)

    def _must_have(self, bed: str, at: datetime) -> None:
        if bed not in self.beds:
            raise NotFound(Thing.BED, bed, "bed")
        if at < self.beds[bed]:
            raise BedNotOpen(
                BedRef(self.id, bed), f"it exists only from {self.beds[bed].isoformat()}"
            )
        if bed in self.retired and at >= self.retired[bed]:
            raise BedNotOpen(
                BedRef(self.id, bed), f"it is out of service since {self.retired[bed].isoformat()}"
            )

    def _must_be_open(self, at: datetime, field: str = "occurred_at") -> None:
        if self.opened_at is not None and at < self.opened_at:
            raise InvalidInput(
                field,
                f"the room was opened at {self.opened_at.isoformat()}; `correct_room` corrects that",
            )

    def _must_be_unused(self, bed: str, period: Period, claims: Iterable[Claim]) -> None:
        """Refuse if anything was told of the bed in a period in which it is not there after all."""
        if period.is_empty:
            return
        uses = [
            _use(claim)
            for claim in claims
            if claim.stretch.bed.bed == bed
            and period.end
            and claim.stretch.period.start < period.end
        ]
        uses += [
            FactRef(
                spell.id,
                FactKind.BED_STATE,
                spell.period.start,
                words=f"bed {bed} {spell.state.value.lower()}",
            )
            for spell in self.spells
            if spell.bed == bed and not spell.period.is_empty and spell.period.start in period
        ]
        if uses:
            raise ContradictsLaterFacts(tuple(sorted(uses, key=lambda fact: fact.occurred_at)))


def _use(claim: Claim) -> FactRef:
    return FactRef(
        claim.stay,
        FactKind.BED_USE,
        claim.stretch.period.start,
        claim.stay,
        f"stay in bed {claim.stretch.bed.bed}",
    )
