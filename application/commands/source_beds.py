"""States of beds that other systems tell: the periods of a room as the source has them, in any order."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import cleaning, lookups, reservations
from application.unit_of_work import UnitOfWork
from domain.refusals import InvalidInput, NotFound
from domain.room.aggregate import BedState, Room
from domain.room.state import Spell
from domain.source_beds import BedContext, SpellKey, spells_told
from domain.source_visit import SourceKind, SourceMovement, SourceVisit, Version
from domain.time import ALWAYS, TICK, Period

STATES: Mapping[SourceKind, tuple[BedState, ...]] = {
    SourceKind.BED_STATE: (BedState.CLOSED, BedState.CLEANING),
    SourceKind.RESERVATION: (BedState.RESERVED,),
}
"""The states whose periods a report begins; FREE ends them."""


def bed_subject(uow: UnitOfWork, visit: str, movement: SourceMovement) -> str:
    """Return the name under which the states of a bed are held, of a reservation those for a visit.

    Raises InvalidInput, NotFound.
    """
    states = STATES[movement.kind]
    if movement.bed_state not in (*states, BedState.FREE):
        raise InvalidInput("bed_state", "say what the bed is from then on")
    if not (movement.ward and movement.room and movement.bed):
        raise InvalidInput("bed", "name ward, room and bed")
    if movement.bed_state is BedState.RESERVED and movement.expected_at is None:
        raise InvalidInput("expected_at", "say until when the bed is reserved")
    room = lookups.room(uow, movement.ward, movement.room)
    code = room.code_of(movement.bed)
    if code not in room.beds:
        raise NotFound("bed", movement.bed, "bed")
    name = f"bed {room.id} {code}"
    return name if movement.kind is SourceKind.BED_STATE else f"{name} for {visit}"


def hold_bed_state(
    uow: UnitOfWork, states: SourceVisit, system: str, visit: str, name: str, version: Version
) -> None:
    """Hold what a source tells of a bed, and make the periods of the room those that it tells.

    What staff put right stays. ``visit``: the one that a reservation is for. Raises NotFound while it
    has no stay, and what closing, cleaning and reserving raise.
    """
    assert version.movement is not None
    bed = _ToldBed(uow, states, version.movement, SourceVisit.id_for(system, visit))
    bed.check_left(version)
    before = bed.periods()
    states.about = bed.stay.about if bed.stay else None
    states.report(system, name, version, uow.entry)
    states.settle(None, (), (), (), uow.entry)  # of whose stay a reservation is
    if version.movement.bed_state is BedState.FREE:
        bed.end_others(version)
    bed.change(before, bed.periods())


class _ToldBed:
    """A bed while what another system tells of it is carried out."""

    def __init__(
        self, uow: UnitOfWork, told: SourceVisit, movement: SourceMovement, of_visit: UUID
    ) -> None:
        assert movement.ward
        assert movement.room
        assert movement.bed
        self.uow, self.told, self.states = uow, told, STATES[movement.kind]
        self.room: Room = lookups.room(uow, movement.ward, movement.room)
        self.code = self.room.code_of(movement.bed)
        self.stay = None
        if movement.kind is SourceKind.RESERVATION:
            (visit,) = uow.load(SourceVisit, of_visit)
            if visit.stay is None:
                raise NotFound("stay of visit", visit.source_visit, "source_visit")
            self.stay = lookups.stay(uow, visit.stay)

    def id_of(self, key: SpellKey) -> UUID:
        state, id = key
        return uuid5(self.told.id, f"{state.value} {id}")

    def periods(self) -> dict[SpellKey, Period]:
        """Return the periods as they are told by now."""
        told_keys = self._told_spells()
        others = [
            spell
            for spell in self._spells()
            if spell.id not in told_keys
            or spell.period.start != self._start_of(told_keys[spell.id])
        ]
        free_at = {v.occurred_at for v in self.told.held.values()}
        ends_by_staff = [
            (spell.state, spell.period.end)
            for spell in self._spells()
            if spell.id in told_keys and spell.ended and spell.period.end not in free_at
        ]
        if self.stay is not None:
            early = reservations.early_ends(self.uow, self.room, self.code)
            ends_by_staff += [
                (BedState.RESERVED, at) for id, at in early.items() if id in told_keys
            ]
        ends = [(state, at) for state, at in ends_by_staff if at is not None]

        left_at = partial(cleaning.left_at, self.uow, self.room, self.code)
        context = BedContext(others, ends, left_at)
        return spells_told(self.told.held.values(), self.states, context)

    def check_left(self, version: Version) -> None:
        """Refuse that a bed is clean while somebody is in it who is to leave it to be cleaned.

        The departure has not come yet: after it, this says that the bed was cleaned. Raises NotFound.
        """
        movement, at = version.movement, version.occurred_at
        if movement is None or movement.kind is not SourceKind.BED_STATE:
            return
        if movement.bed_state is BedState.FREE and cleaning.is_left_later(
            self.uow, self.room, self.code, at
        ):
            raise NotFound("movement", f"out of bed {self.code}", "bed")

    def end_others(self, version: Version) -> None:
        """End what is not of the source and is in force as the bed is told to be free.

        A planned one is not, nor what staff have ended since.
        """
        told_keys, at = self._told_spells(), version.occurred_at
        free_at = {v.occurred_at for v in self.told.held.values() if v is not version}
        for spell in self._spells():
            if spell.id in told_keys or at not in spell.period:
                continue
            if not spell.ended or spell.period.end not in free_at:
                self._end(spell, at)
            elif at > spell.period.start:
                self._correct(spell.id, Period(spell.period.start, at))

    def _end(self, spell: Spell, at: datetime) -> None:
        """End a period as it is told that it has ended. Raises BedStateBroken."""
        entry = replace(self.uow.entry, occurred_at=at)
        match spell.state:
            case BedState.CLOSED:
                self.room.reopen_bed(self.code, entry)
            case BedState.CLEANING:
                self.room.finish_cleaning(self.code, entry)
            case _:
                self.room.release_reservation(spell.id, entry)

    def change(self, old: Mapping[SpellKey, Period], new: Mapping[SpellKey, Period]) -> None:
        """Make the periods that were told the new ones; what staff have put right stays as it is."""
        spells = {spell.id: spell for spell in self.room.spells}
        keys_in_force = [
            key
            for key, period in old.items()
            if (spell := spells.get(self.id_of(key))) and spell.period == period
        ]
        for key in keys_in_force:
            if key not in new:
                self.room.cancel_spell(self.id_of(key), self.uow.entry)
        changed_keys = [key for key in keys_in_force if key in new and new[key] != old[key]]
        for key in sorted(changed_keys, key=lambda key: not _shrinks(old[key], new[key])):
            spell, end = spells[self.id_of(key)], new[key].end
            if end is not None and not spell.ended and _shrinks(old[key], new[key]):
                self._end(spell, end)
            else:
                self._correct(spell.id, new[key])
        for key, period in new.items():
            if key not in old:
                self._begin(key, period)

    def _correct(self, id: UUID, period: Period) -> None:
        self.room.correct_spell(
            id,
            None,
            period.end,
            period.end is None,
            self.uow.claims(self.room.id, ALWAYS),
            self.uow.now,
            replace(self.uow.entry, occurred_at=period.start),
        )

    def _begin(self, key: SpellKey, period: Period) -> None:
        uow, id, end = self.uow, self.id_of(key), period.end
        claims = uow.claims(self.room.id, ALWAYS)
        with uow.use_entry(replace(uow.entry, occurred_at=period.start)):
            entry = uow.entry
            match key[0]:
                case BedState.CLOSED:
                    reason, is_over = entry.reason or "", end is not None
                    self.room.close_bed(
                        self.code, period, reason, claims, uow.now, entry, id=id, is_over=is_over
                    )
                case BedState.CLEANING:
                    self.room.start_cleaning(self.code, claims, uow.now, entry, id=id, until=end)
                case _:
                    reservations.reserve(uow, self.room, self.code, period, None, self.stay, id)

    def _told_spells(self) -> dict[UUID, SpellKey]:
        """Return the periods that reports may have begun, by their ids in the room."""
        keys = [(state, id) for state in self.states for id in self.told.held]
        return {self.id_of(key): key for key in keys}

    def _start_of(self, key: SpellKey) -> datetime:
        report = self.told.held[key[1]]
        is_free = report.movement is not None and report.movement.bed_state is BedState.FREE
        return report.occurred_at - TICK if is_free else report.occurred_at

    def _spells(self) -> list[Spell]:
        return [
            spell
            for spell in self.room.spells
            if spell.bed == self.code
            and spell.state in self.states
            and not spell.period.is_empty
            and (self.stay is None or spell.stay == self.stay.id)
        ]


def _shrinks(old: Period, new: Period) -> bool:
    return new.end is not None and (old.end is None or new.end < old.end)
