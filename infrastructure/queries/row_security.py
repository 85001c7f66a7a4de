"""Row security: the rows that a viewer may see, as conditions in every query; and the patients shown.

The rule is that of `application.authorization.scope`, derived for each table from the visibility that it
declares; `AsOf.holds`, `of` and `visible` apply it. Labels are those of the present and those that are
planned, whatever moment a query is about: the strictest closes. Wards are those of that moment; but a
patient who is in a stay of another ward at present is closed to a ward that had no stay of theirs, also
as of a moment at which they were in no stay.
"""

from collections.abc import Hashable, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    DateTime,
    Table,
    Text,
    Uuid,
    and_,
    any_,
    cast,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from domain.patient_events import Confidentiality
from infrastructure.projections.bitemporal_table import TABLES, Visibility

IN_HOUSE = ("ADMITTED", "ON_LEAVE")
RESTRICTED = Confidentiality.RESTRICTED.value

Moment = tuple[datetime, int]
"""A moment of valid time and a position. In place of one, None is the latest of all that is known."""


@dataclass(eq=False, slots=True)
class Viewer:
    """The viewer of one operation: their permissions, and the patients shown; by default all is open."""

    wards: Set[str] | None = None
    hidden: Set[str] = frozenset()
    """The confidentiality labels of data that are closed to the viewer."""
    opened: Set[UUID] = frozenset()
    """The patients whom the viewer has opened by break-glass, with all their records."""
    label_hidden: Set[UUID] = frozenset()
    """The records that are closed by the label of another record of the same person."""
    treated: Set[UUID] = frozenset()
    """The records of persons in a bed of the viewer's wards whom RESTRICTED does not close there."""
    outside_wards: Set[UUID] = frozenset()
    """The records of persons who are, by another record, in a stay of other wards only."""
    just_written: Set[UUID] = frozenset()
    """The stays and patients about which this operation has just recorded something."""
    shown: set[UUID] = field(default_factory=set)
    """The patients whose data the response shows so far."""
    resources: set[UUID] = field(default_factory=set)
    """The stays and prescriptions that it shows so far."""

    @property
    def sees_all(self) -> bool:
        return self.wards is None and not self._hides

    @property
    def cache_key(self) -> Hashable:
        """Return a key that is equal for viewers with the same permissions."""
        return (
            self.wards,
            self.hidden,
            self.opened,
            self.label_hidden,
            self.treated,
            self.outside_wards,
            self.just_written,
        )

    @property
    def _hides(self) -> bool:
        return isinstance(self.hidden, BindParameter) or bool(self.hidden)

    def record_access(self, patient: UUID, *resources: UUID | None) -> None:
        """Note that the response shows data of a patient; called where a view becomes part of it.

        ``resources``: the stays and prescriptions that are shown.
        """
        self.shown.add(patient)
        for resource in resources:
            if resource is not None:
                self.resources.add(resource)

    def flush(self) -> frozenset[UUID]:
        """Return the patients shown since the last call."""
        patients = frozenset(self.shown)
        self.shown.clear()
        return patients

    def flush_resources(self) -> frozenset[UUID]:
        """Return the stays and prescriptions shown since the last call."""
        resources = frozenset(self.resources)
        self.resources.clear()
        return resources

    def predicate(
        self, table: Table, as_of: datetime, known_at_position: int
    ) -> ColumnElement[bool]:
        """Return the condition for the rows of a table that the viewer may see.

        It follows from the ``visibility`` that the table declares.
        """
        visibility: Visibility = table.info["visibility"]
        if self.sees_all or visibility in ("room", "everyone"):
            return true()
        if visibility == "ward":
            return true() if self.wards is None else table.c.ward.in_(self.wards)
        at = as_of, known_at_position
        if visibility == "patient":
            sees_patient = self.sees_patient(table.c.patient, at)
            return (
                or_(table.c.patient.is_(None), sees_patient)
                if table.c.patient.nullable
                else sees_patient
            )
        if "patient" not in table.c:
            stay = TABLES["stays"].alias("its_stay")
            patient = select(stay.c.patient).where(stay.c.stay == table.c.stay).limit(1)
            of_row = patient.correlate_except(stay).scalar_subquery()  # however deep it stands
            return self._sees_stay(table.c.stay, of_row, at)
        sees_patient = self._sees_stay(table.c.stay, table.c.patient, at)
        if not table.c.stay.nullable:
            return sees_patient
        return or_(
            and_(table.c.stay.is_(None), self.sees_patient(table.c.patient, at)),
            and_(table.c.stay.is_not(None), sees_patient),
        )

    def of_wards(self, ward: ColumnElement[Any] | None = None) -> ColumnElement[bool]:
        """Return the condition for the rooms whose occupants the viewer may see, or for a ward."""
        if ward is None:
            ward = TABLES["rooms"].c.ward
        return true() if self.wards is None else _is_one_of(ward, self.wards, Text)

    def _sees_stay(self, stay: ColumnElement[Any], patient: Any, at: Moment) -> ColumnElement[bool]:
        labelled_stays = TABLES["stays"].alias("ever")
        open_ = and_(
            not_(self._has_label(labelled_stays, labelled_stays.c.stay == stay))
            if self._hides
            else true(),
            self._is_unlabelled(patient),
            self._is_of_wards(stay, at),
        )
        return self._or_own(stay, patient, open_)

    def sees_patient(self, patient: ColumnElement[Any], at: Moment) -> ColumnElement[bool]:
        """Return the condition that the viewer may see a patient, as of a moment."""
        if self.sees_all:
            return true()
        open_ = self._is_unlabelled(patient)
        if self.wards is not None:
            then_in, then_theirs = self._is_in_house(patient, at)
            now_in, now_theirs = self._is_in_house(patient, None)
            now_free = and_(not_(now_in), not_(_is_one_of(patient, self.outside_wards, Uuid)))
            open_ = and_(open_, or_(then_theirs, and_(not_(then_in), or_(now_theirs, now_free))))
        return self._or_own(patient, patient, open_)

    def _is_in_house(
        self, patient: ColumnElement[Any], at: Moment | None
    ) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Return two conditions: a patient is in a stay; they are or have been in one of the wards."""
        inside, stays_of_wards = TABLES["stays"].alias(), TABLES["stays"].alias()
        is_in = _is_any(
            inside.c.status.in_(IN_HOUSE),
            inside,
            inside.c.patient == patient,
            _is_held(inside, at),
        )
        has_been = _is_any(
            self._is_of_wards(stays_of_wards.c.stay, at),
            stays_of_wards,
            stays_of_wards.c.patient == patient,
            _is_held(stays_of_wards, at),
        )
        return is_in, has_been

    def _or_own(
        self, condition: ColumnElement[Any], patient: ColumnElement[Any], open_: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        return or_(
            _is_one_of(condition, self.just_written, Uuid),
            _is_one_of(patient, self.opened, Uuid),
            open_,
        )

    def _is_unlabelled(self, patient: Any) -> ColumnElement[bool]:
        """Return the condition that no record has a hidden label, at present or planned."""
        if not self._hides:
            return true()
        record = TABLES["patients"].alias("record")
        has_label = self._has_label(
            record, record.c.patient == patient, _present_or_planned(record)
        )
        return and_(not_(has_label), not_(_is_one_of(patient, self.label_hidden, Uuid)))

    def _has_label(self, rows: Any, *conditions: ColumnElement[bool]) -> ColumnElement[bool]:
        """Return the condition that one of some rows has a hidden label."""
        is_hidden = _is_one_of(rows.c.confidentiality, self.hidden, Text)
        if isinstance(self.treated, BindParameter) or self.treated:
            is_treated = _is_one_of(rows.c.patient, self.treated, Uuid)
            is_hidden &= not_(and_(rows.c.confidentiality == RESTRICTED, is_treated))
        return _is_any(is_hidden, rows, *conditions)

    def _is_of_wards(self, stay: Any, at: Moment | None) -> ColumnElement[bool]:
        if self.wards is None:
            return true()
        stretches, room = TABLES["stretches"].alias("lain"), TABLES["rooms"].alias("there")
        last = (
            select(stretches.c.room)
            .where(stretches.c.stay == stay, _has_begun(stretches, at))
            .order_by(moment_order(func.lower(stretches.c.during)).desc())
            .limit(1)
            .correlate_except(stretches)
            .scalar_subquery()
        )
        ward = (
            select(_is_one_of(room.c.ward, self.wards, Text))
            .where(room.c.room == last, _is_held(room, at))
            .limit(1)
            .correlate_except(room)
            .scalar_subquery()
        )
        return func.coalesce(ward, true())


def held(table: Any, as_of: datetime, position: int) -> ColumnElement[bool]:
    """Return the condition for the rows true at a moment, as known at a position."""
    is_true = table.c.during.op("@>")(cast(value(as_of), DateTime(timezone=True)))
    return and_(is_true, _is_known(table, position))


def held_within(table: Any, start: Any, end: Any, position: int) -> ColumnElement[bool]:
    """Return the condition for the rows true at some moment of a period, as known at a position."""
    overlaps = table.c.during.op("&&")(func.tstzrange(start, end))
    return and_(overlaps, _is_known(table, position))


def known(table: Any, position: int) -> ColumnElement[bool]:
    """Return the condition for the rows of all valid time known at a position.

    Written so that no plan searches the index of the moment by it: it holds for most rows of a log.
    """
    return _is_known(table, position).is_(True)


def _is_known(table: Any, position: int) -> ColumnElement[bool]:
    is_known: ColumnElement[bool] = table.c.known.op("@>")(cast(value(position), BigInteger))
    return is_known


def moment_order(moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """Return a moment by which rows are ordered that no plan reads from an index in this order.

    While a table was empty such an index costs as little as the right one, and the plan is kept.
    """
    return func.greatest(moment)


def value(of: Any) -> ColumnElement[Any]:
    """Return a value as a literal, and a parameter of a compiled statement as it is."""
    return of if isinstance(of, BindParameter) else literal(of)


def _is_one_of(column: ColumnElement[Any], values: Any, kind: Any) -> ColumnElement[bool]:
    """Return the condition that a column has one of some values, in one array parameter."""
    if not isinstance(values, BindParameter):
        values = cast(literal(list(values)), ARRAY(kind))
    return column == any_(values)


def _is_any(
    condition: ColumnElement[bool], rows: Any, *where: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Return the condition that one of some rows meets another.

    An aggregate: for EXISTS the planner expects that nearly every row matches, and reads the table from
    its beginning until one does, or reads all of it once, to look up each patient in that.
    """
    query = select(func.bool_or(condition)).where(*where).correlate_except(rows)
    return func.coalesce(query.scalar_subquery(), false())


def _is_held(table: Any, at: Moment | None) -> ColumnElement[bool]:
    return _latest(table) if at is None else held(table, *at).is_(True)


def _has_begun(table: Any, at: Moment | None) -> ColumnElement[bool]:
    """Return the condition for the rows that had begun by a moment, whether they had ended or not."""
    if at is None:
        return func.upper_inf(table.c.known)
    as_of, position = at
    return and_(known(table, position), func.lower(table.c.during) <= value(as_of))


def _present_or_planned(table: Any) -> ColumnElement[bool]:
    """Return the condition for the rows that hold now or from a later time on."""
    end = func.upper(table.c.during)
    return and_(func.upper_inf(table.c.known), or_(end.is_(None), end > func.now()))


def _latest(table: Any) -> ColumnElement[bool]:
    return and_(func.upper_inf(table.c.known), func.upper_inf(table.c.during))
