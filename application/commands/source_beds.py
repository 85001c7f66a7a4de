"""States of beds that other systems tell: the periods of a room as the source has them, in any order."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from uuid import UUID, uuid5

from msgspec.structs import replace

from application import bed_claims, cleaning, lookups, reservations
from application.authorization import scope
from application.bed_consistency import check_bed_consistency
from application.unit_of_work import UnitOfWork
from domain import unique_keys
from domain.bed_ref import BedRef
from domain.refusals import (
    BedNotOpen,
    BedOccupied,
    BedStateBroken,
    InvalidInput,
    NotFound,
    Refusal,
)
from domain.room.aggregate import BedState, Room
from domain.room.state import Spell
from domain.source_beds import BedContext, SpellKey, reported_spells
from domain.source_visit import Pending, SourceKind, SourceMovement, SourceVisit, Version
from domain.things import Thing
from domain.time import TICK, Period

STATES: Mapping[SourceKind, tuple[BedState, ...]] = {
    SourceKind.BED_STATE: (BedState.CLOSED, BedState.CLEANING),
    SourceKind.RESERVATION: (BedState.RESERVED,),
}
"""The states whose periods a report begins; FREE ends them."""


WAITING = (BedOccupied, BedStateBroken, BedNotOpen, NotFound)
"""Refusals that another fact may mend: what met them is pending."""


def bed_subject(uow: UnitOfWork, visit: str, movement: SourceMovement) -> str:
    """Return the name under which the states of a bed are held, of a reservation those for a visit.

    A room is named as it was at the time of the report. Raises InvalidInput, NotFound.
    """
    states = STATES[movement.kind]
    if movement.bed_state not in (*states, BedState.FREE):
        raise InvalidInput("bed_state", "say what the bed is from then on")
    if not (movement.ward and movement.room and movement.bed):
        raise InvalidInput("bed", "name ward, room and bed")
    if movement.bed_state is BedState.RESERVED and movement.expected_at is None:
        raise InvalidInput("expected_at", "say until when the bed is reserved")
    scope.check_ward(uow, movement.ward)
    bed = lookups.bed(uow, movement.ward, movement.room, movement.bed, movement.occurred_at)
    if bed.bed not in uow.one(Room, bed.room, "room").beds:
        raise NotFound(Thing.BED, movement.bed, "bed")
    name = f"bed {bed.room} {bed.bed}"
    return name if movement.kind is SourceKind.BED_STATE else f"{name} for {visit}"


def hold_bed_state(
    uow: UnitOfWork, states: SourceVisit, system: str, name: str, version: Version
) -> None:
    """Hold what a source tells of a bed, and make the periods of the room those that it tells.

    What staff put right stays. What does not fit yet is pending: somebody is in the bed, or the visit
    that it is reserved for has no stay. Raises what closing, cleaning and reserving raise else.
    """
    before = _fitting_before(states)
    states.report(system, name, version, uow.entry)
    _settle(uow, states, before)


def settle_bed_states(uow: UnitOfWork, states: SourceVisit) -> bool:
    """Try what is pending of a bed again. Returns whether anything changed."""
    before = _fitting_before(states)
    with uow.use_entry(replace(uow.entry, reason=f"as reported by {states.system}")):
        return _settle(uow, states, before)


def _fitting_before(states: SourceVisit) -> dict[str, Version]:
    """Return the reports that hold already, by their ids: all but those that are pending."""
    pending_ids = {pending.version.source_id for pending in states.pending}
    return {id: report for id, report in states.held.items() if id not in pending_ids}


def _settle(uow: UnitOfWork, states: SourceVisit, before: Mapping[str, Version]) -> bool:
    """Replace the periods of the room by those that are reported and fit; the rest is pending.

    ``before``: the reports that hold already. Returns whether anything changed.
    """
    before = {id: report for id, report in before.items() if id in states.held}
    waiting = [report for id, report in states.held.items() if id not in before]
    reports_held, refusals = dict(states.held), dict[str, Refusal]()
    uow.is_shortcut = not uow.refresh and not states.pending
    if not uow.is_shortcut:
        reports_held, refusals = _fitting(uow, states, before, sorted(waiting, key=states.turn))
    is_changed = False
    waits_for = {s for refusal in refusals.values() for s in _subjects_of(states, refusal)}
    try:
        bed = _ReportedBed(uow, states)
    except NotFound:
        if uow.is_shortcut:
            raise
    else:
        is_changed = bed.take(before, reports_held)
        states.about = bed.stay.about if bed.stay else None
        waits_for |= bed.departures_awaited()
    pending = tuple(
        Pending(version=states.held[id], why=refusal.code) for id, refusal in refusals.items()
    )
    waits = tuple(sorted(waits_for))
    return states.settle(None, (), pending, waits, uow.entry) or is_changed


def _fitting(
    uow: UnitOfWork, states: SourceVisit, before: Mapping[str, Version], waiting: Sequence[Version]
) -> tuple[dict[str, Version], dict[str, Refusal]]:
    """Return the reports that fit together, and why each other one does not, in the source's order."""
    reports_held, refusals = dict(before), dict[str, Refusal]()
    rest = [*waiting]
    while rest:
        refusals = {}
        for report in rest:
            candidate = {**reports_held, report.source_id: report}
            refusal = _refusal_of(uow, states, before, candidate)
            if refusal is None:
                reports_held = candidate
            else:
                refusals[report.source_id] = refusal
        if len(refusals) == len(rest):
            break
        rest = [report for report in rest if report.source_id in refusals]
    return reports_held, refusals


def _refusal_of(
    uow: UnitOfWork,
    states: SourceVisit,
    before: Mapping[str, Version],
    reports: Mapping[str, Version],
) -> Refusal | None:
    """Return the reason why reports cannot hold together yet, if so. Raises what nothing mends."""
    dry_run = uow.dry_run()
    try:
        _ReportedBed(dry_run, states).take(before, reports)
        check_bed_consistency(dry_run)
    except WAITING as refusal:
        return refusal
    return None


def _subjects_of(states: SourceVisit, refusal: Refusal) -> set[UUID]:
    """Return the subjects that a refused state waits for."""
    room_id, _, visit = _parts_of(states)
    match refusal:
        case BedOccupied():
            return {unique_keys.room_left_by(refusal.by_stay)}
        case NotFound() if visit:
            return {SourceVisit.id_for(states.system, visit)}
    return {room_id}


def _parts_of(states: SourceVisit) -> tuple[UUID, str, str | None]:
    """Return the room, the bed and the visit whose states are held under a name."""
    _, room_id, rest = states.source_visit.split(" ", 2)
    movement = next(iter(states.held.values())).movement
    if movement is None or movement.kind is SourceKind.BED_STATE:
        return UUID(room_id), rest, None
    bed, _, visit = rest.partition(" for ")
    return UUID(room_id), bed, visit


class _ReportedBed:
    """A bed while what another system tells of it is carried out."""

    def __init__(self, uow: UnitOfWork, source_visit: SourceVisit) -> None:
        """Find the room, and the stay of a reservation. Raises NotFound while the visit has none."""
        room_id, self.code, of_visit = _parts_of(source_visit)
        kind = SourceKind.RESERVATION if of_visit else SourceKind.BED_STATE
        self.uow, self.source_visit, self.states = uow, source_visit, STATES[kind]
        self.reports: Mapping[str, Version] = {}
        self.room: Room = uow.one(Room, room_id, "room")
        self.stay = None
        if of_visit:
            (visit,) = uow.load(SourceVisit, SourceVisit.id_for(source_visit.system, of_visit))
            if visit.stay is None:
                raise NotFound(Thing.STAY_OF_VISIT, of_visit, "source_visit")
            self.stay = lookups.stay(uow, visit.stay)

    def take(self, before: Mapping[str, Version], reports: Mapping[str, Version]) -> bool:
        """Make the periods of the bed those that reports tell. Returns whether any changed."""
        self.reports, version = before, self.room.version
        new_reports = [report for id, report in reports.items() if id not in before]
        for report in new_reports:
            self.check_left(report)
        old_periods = self.periods()
        self.reports = reports
        for report in new_reports:
            if report.movement and report.movement.bed_state is BedState.FREE:
                self.end_others(report)
        self.change(old_periods, self.periods())
        return self.room.version != version

    def departures_awaited(self) -> set[UUID]:
        """Return the departures to wait for, if the bed was reported free after one."""
        is_free = any(
            r.movement and r.movement.bed_state is BedState.FREE for r in self.reports.values()
        )
        if self.stay is not None or not is_free or not cleaning.rules_of(self.uow).cleaning.rules:
            return set()
        return {unique_keys.departures_from(self.room.id, self.code)}

    def id_of(self, key: SpellKey) -> UUID:
        state, id = key
        return uuid5(self.source_visit.id, f"{state.value} {id}")

    def periods(self) -> dict[SpellKey, Period]:
        """Return the periods as reported by now."""
        reported_keys = self._reported_spells()
        others = [
            spell
            for spell in self._spells()
            if spell.id not in reported_keys
            or spell.period.start != self._start_of(reported_keys[spell.id])
        ]
        free_at = {v.occurred_at for v in self.reports.values()}
        ends_by_staff = [
            (spell.state, spell.period.end)
            for spell in self._spells()
            if spell.id in reported_keys and spell.ended and spell.period.end not in free_at
        ]
        if self.stay is not None:
            early = reservations.early_ends(self.uow, self.room, self.code)
            ends_by_staff += [
                (BedState.RESERVED, at) for id, at in early.items() if id in reported_keys
            ]
        ends = [(state, at) for state, at in ends_by_staff if at is not None]

        left_at = partial(cleaning.left_at, self.uow, self.room, self.code)
        context = BedContext(others, ends, left_at)
        return reported_spells(self.reports.values(), self.states, context)

    def check_left(self, version: Version) -> None:
        """Refuse that a bed is clean while somebody is in it who is to leave it to be cleaned.

        The departure has not come yet: after it, this says that the bed was cleaned. Raises BedOccupied.
        """
        if self.stay is not None or not version.movement:
            return
        if version.movement.bed_state is BedState.FREE:
            stay = cleaning.left_later_by(self.uow, self.room, self.code, version.occurred_at)
            if stay is not None:
                raise BedOccupied(BedRef(self.room.id, self.code), stay)

    def end_others(self, version: Version) -> None:
        """End what is not of the source and is in force as the bed is reported free.

        A planned one is not, nor what staff have ended since.
        """
        reported_keys, at = self._reported_spells(), version.occurred_at
        free_at = {v.occurred_at for v in self.reports.values() if v is not version}
        for spell in self._spells():
            if spell.id in reported_keys or at not in spell.period:
                continue
            if not spell.ended or spell.period.end not in free_at:
                self._end(spell, at)
            elif at > spell.period.start:
                self._correct(spell.id, Period(spell.period.start, at))

    def _end(self, spell: Spell, at: datetime) -> None:
        """End a period that is reported to have ended. Raises BedStateBroken."""
        entry = replace(self.uow.entry, occurred_at=at)
        match spell.state:
            case BedState.CLOSED:
                self.room.reopen_bed(self.code, entry)
            case BedState.CLEANING:
                self.room.finish_cleaning(self.code, entry)
            case _:
                self.room.release_reservation(spell.id, entry)

    def change(self, old: Mapping[SpellKey, Period], new: Mapping[SpellKey, Period]) -> None:
        """Replace the reported periods by the new ones; what staff have put right stays as it is."""
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
            if key not in old or self.id_of(key) not in spells:
                self._begin(key, period)

    def _correct(self, id: UUID, period: Period) -> None:
        self.room.correct_spell(
            id,
            None,
            period.end,
            period.end is None,
            bed_claims.claims_on(self.uow, self.room.id),
            self.uow.now,
            replace(self.uow.entry, occurred_at=period.start),
        )

    def _begin(self, key: SpellKey, period: Period) -> None:
        uow, id, end = self.uow, self.id_of(key), period.end
        claims = bed_claims.claims_on(uow, self.room.id)
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

    def _reported_spells(self) -> dict[UUID, SpellKey]:
        """Return the periods that reports may have begun, by their ids in the room."""
        keys = [(state, id) for state in self.states for id in self.source_visit.held]
        return {self.id_of(key): key for key in keys}

    def _start_of(self, key: SpellKey) -> datetime:
        report = self.source_visit.held[key[1]]
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
