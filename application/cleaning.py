"""Beds that are to be cleaned after a patient, where the house says so."""

from datetime import datetime
from uuid import UUID, uuid5

from application.hospital_days import calendar_id
from application.unit_of_work import UnitOfWork
from domain.house_rules import HouseRules
from domain.refusals import BedNotOpen
from domain.room.aggregate import BedState, Room
from domain.room.occupancy import Claim
from domain.stay.aggregate import Stay
from domain.stay.facts import Move
from domain.stay.history import Stretch
from domain.time import ALWAYS


def rules_id(hospital: str) -> UUID:
    """Return the id of a hospital's rules."""
    return uuid5(calendar_id(hospital), "house-rules")


def rules_of(uow: UnitOfWork) -> HouseRules:
    """Return the rules of the command's hospital."""
    (rules,) = uow.load(HouseRules, rules_id(uow.entry.hospital))
    return rules


def check_clean(
    uow: UnitOfWork, stay: Stay, stretch: Stretch, moved: dict[UUID, Stay], room: Room
) -> None:
    """Refuse a stretch in a bed that its last patient left and nobody has cleaned since.

    Whoever swaps beds, shares one or goes on in it needs no cleaning. Raises BedNotOpen.
    """
    rules = rules_of(uow).cleaning
    if not rules.rules or stretch.shares_bed_of is not None or _swaps(stay, stretch):
        return
    bed, since = stretch.bed.bed, stretch.period.start
    others = [c for c in uow.claims(room.id, ALWAYS) if c.stay not in moved]
    others += [Claim(s.id, theirs) for s in moved.values() for theirs in s.stretches]
    left = _left(others, stretch, stay.id)
    if left is None or not rules.apply_at(left, room.name_at(left).ward):
        return
    cleaned = [
        spell.period.end
        for spell in room.spells
        if spell.bed == bed and spell.state is BedState.CLEANING and spell.ended
    ]
    if not any(end is not None and left <= end <= since for end in cleaned):
        raise BedNotOpen(
            stretch.bed,
            "it is to be cleaned since its last patient left; record `start_cleaning` and"
            " `finish_cleaning` first",
        )


def _left(claims: list[Claim], stretch: Stretch, stay: UUID) -> datetime | None:
    """Return when the bed was left last before a stretch begins; None if that stay only goes on."""
    ends = [
        (claim.stretch.period.end, claim.stay)
        for claim in claims
        if claim.stretch.bed == stretch.bed
        and claim.stretch.period.end is not None
        and claim.stretch.period.end <= stretch.period.start
    ]
    last = max((end for end, _ in ends), default=None)
    goes_on = last == stretch.period.start and (last, stay) in ends
    return None if goes_on else last


def _swaps(stay: Stay, stretch: Stretch) -> bool:
    return any(
        isinstance(fact, Move) and fact.with_stay is not None and fact.at == stretch.period.start
        for fact in stay.history.facts
    )
