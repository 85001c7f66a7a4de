"""Beds that are to be cleaned after a patient, where the house says so."""

from datetime import datetime
from uuid import UUID, uuid5

from application import bed_claims
from application.unit_of_work import UnitOfWork
from domain.bed_ref import BedRef
from domain.hospital_calendar import HospitalCalendar
from domain.house_rules import HouseRules
from domain.refusals import BedNotOpen
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Claim
from domain.stay.aggregate import Stay
from domain.stay.facts import Move
from domain.stay.history import Stretch


def rules_id(hospital: str) -> UUID:
    """Return the id of a hospital's rules."""
    return uuid5(HospitalCalendar.id_for(hospital), "house-rules")


def rules_of(uow: UnitOfWork) -> HouseRules:
    """Return the rules of the command's hospital."""
    (rules,) = uow.load(HouseRules, rules_id(uow.entry.hospital))
    return rules


def check_clean(
    uow: UnitOfWork, stay: Stay, stretch: Stretch, moving_stays: dict[UUID, Stay], room: Room
) -> None:
    """Refuse a stretch in a bed that its last patient left and nobody has cleaned since.

    Whoever swaps beds, shares one or goes on in it needs no cleaning. Raises BedNotOpen.
    """
    if stretch.shares_bed_of is not None or _swaps(stay, stretch):
        return
    if not rules_of(uow).cleaning.rules:
        return
    claims = bed_claims.claims_on(uow, room.id, bed=stretch.bed.bed)
    others = [c for c in claims if c.stay not in moving_stays]
    others += [
        Claim(s.id, other_stretch) for s in moving_stays.values() for other_stretch in s.stretches
    ]
    left_at = _last_departure(others, stretch.bed, stretch.period.start, stay.id)
    if left_at is not None and _is_to_be_cleaned(
        uow, room, stretch.bed.bed, left_at, stretch.period.start
    ):
        raise BedNotOpen(
            stretch.bed,
            "it is to be cleaned since its last patient left; record `start_cleaning` and"
            " `finish_cleaning` first",
            BedState.TO_BE_CLEANED,
        )


def left_uncleaned(uow: UnitOfWork, room: Room, bed: str, at: datetime) -> datetime | None:
    """Return the time since when a bed is to be cleaned; None if it is not, or is taken."""
    at_last = left_at(uow, room, bed, at)
    return at_last if at_last and _is_to_be_cleaned(uow, room, bed, at_last, at) else None


def left_at(uow: UnitOfWork, room: Room, bed: str, at: datetime) -> datetime | None:
    """Return the time when a bed was left last; None if it is taken, or needs no cleaning after that."""
    claims = bed_claims.claims_on(uow, room.id, bed=bed)
    if any(at in claim.stretch.period for claim in claims):
        return None
    departure = _last_departure(claims, BedRef(room.id, bed), at)
    return departure if departure and _cleans_after(uow, room, departure) else None


def left_later_by(uow: UnitOfWork, room: Room, bed: str, at: datetime) -> UUID | None:
    """Return the stay that is in a bed at a moment, and leaves it to be cleaned as far as known."""
    claims = bed_claims.claims_on(uow, room.id, bed=bed)
    stays = (c.stay for c in claims if c.stretch.period.end is None and at in c.stretch.period)
    stay = next(stays, None)
    return stay if stay is not None and _cleans_after(uow, room, at) else None


def _cleans_after(uow: UnitOfWork, room: Room, left_at: datetime) -> bool:
    return rules_of(uow).cleaning.apply_at(left_at, room.name_at(left_at).ward)


def _is_to_be_cleaned(
    uow: UnitOfWork, room: Room, bed: str, left_at: datetime, at: datetime
) -> bool:
    """Return whether the house has a bed cleaned that was left then, and nobody did until a moment."""
    cleanings = [
        spell.period.end
        for spell in room.spells
        if spell.bed == bed and spell.state is BedState.CLEANING and spell.ended
    ]
    return _cleans_after(uow, room, left_at) and not any(
        end is not None and left_at <= end <= at for end in cleanings
    )


def _last_departure(
    claims: list[Claim], bed: BedRef, since: datetime, stay: UUID | None = None
) -> datetime | None:
    """Return the time when a bed was left last before somebody comes; None if that stay only goes on."""
    ends = [
        (claim.stretch.period.end, claim.stay)
        for claim in claims
        if claim.stretch.bed == bed
        and claim.stretch.period.end is not None
        and claim.stretch.period.end <= since
    ]
    last = max((end for end, _ in ends), default=None)
    goes_on = last == since and (last, stay) in ends
    return None if goes_on else last


def _swaps(stay: Stay, stretch: Stretch) -> bool:
    return any(
        isinstance(fact, Move) and fact.with_stay is not None and fact.at == stretch.period.start
        for fact in stay.history.facts
    )
