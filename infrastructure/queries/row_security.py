"""For whom questions are answered: whose data may be shown, and whose were.

The rule is that of `application.authorization.scope`, as conditions on the rows that
queries select: `AsOf.holds` and `AsOf.visible` put them into every query about patients. Labels are
those of today, whatever moment is asked about; wards are those of that moment, and who is in another
ward today was not free before.
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
    exists,
    false,
    func,
    literal,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import ARRAY

from infrastructure.projections.bitemporal_table import TABLES, Visibility

IN_HOUSE = ("ADMITTED", "ON_LEAVE")

Moment = tuple[datetime, int]
"""As of when, as known where. Where none is given, it is the latest of all that is known."""


@dataclass(eq=False, slots=True)
class Viewer:
    """Who reads, in one operation; by default somebody to whom all is open."""

    wards: Set[str] | None = None
    hidden: Set[str] = frozenset()
    """The confidentiality labels that close data to this reader."""
    opened: Set[UUID] = frozenset()
    """The patients whose glass this reader has broken, under all their records."""
    label_hidden: Set[UUID] = frozenset()
    """The records that a label closes which another record of the same person has."""
    outside_wards: Set[UUID] = frozenset()
    """The records of persons who are in a stay of other wards only, by another of their records."""
    just_written: Set[UUID] = frozenset()
    """The stays and patients of what this operation has just recorded."""
    shown: set[UUID] = field(default_factory=set)
    """The patients whose data the answer shows so far."""

    @property
    def sees_all(self) -> bool:
        return self.wards is None and not self._hides

    @property
    def cache_key(self) -> Hashable:
        """The same for all who are shown the same rows."""
        return (
            self.wards,
            self.hidden,
            self.opened,
            self.label_hidden,
            self.outside_wards,
            self.just_written,
        )

    @property
    def _hides(self) -> bool:
        return isinstance(self.hidden, BindParameter) or bool(self.hidden)

    def record_access(self, patient: UUID) -> None:
        """The answer shows this patient's data: said wherever a view becomes part of an answer."""
        self.shown.add(patient)

    def flush(self) -> frozenset[UUID]:
        """Whose data were shown; begins anew."""
        taken = frozenset(self.shown)
        self.shown.clear()
        return taken

    def predicate(self, table: Table, as_of: datetime, known: int) -> ColumnElement[bool]:
        """Return the condition for the rows of a table that the viewer may see.

        It follows from the ``visibility`` that the table declares.
        """
        visibility: Visibility = table.info["visibility"]
        if self.sees_all or visibility in ("room", "everyone"):
            return true()
        if visibility == "ward":
            return true() if self.wards is None else table.c.ward.in_(self.wards)
        at = as_of, known
        if visibility == "patient":
            seen = self._sees_patient(table.c.patient, at)
            return or_(table.c.patient.is_(None), seen) if table.c.patient.nullable else seen
        if "patient" not in table.c:
            one = TABLES["stays"].alias("its_stay")
            of = select(one.c.patient).where(one.c.stay == table.c.stay).limit(1)
            return self._sees_stay(table.c.stay, of.scalar_subquery(), at)
        seen = self._sees_stay(table.c.stay, table.c.patient, at)
        if not table.c.stay.nullable:
            return seen
        return or_(
            and_(table.c.stay.is_(None), self._sees_patient(table.c.patient, at)),
            and_(table.c.stay.is_not(None), seen),
        )

    def of_wards(self) -> ColumnElement[bool]:
        """The rooms that may be shown with what is in their beds."""
        return true() if self.wards is None else _is_in(TABLES["rooms"].c.ward, self.wards, Text)

    def _sees_stay(self, stay: ColumnElement[Any], patient: Any, at: Moment) -> ColumnElement[bool]:
        ever = TABLES["stays"].alias("ever")
        open_ = and_(
            not_(self._has_label(ever, ever.c.stay == stay)) if self._hides else true(),
            self._is_unlabelled(patient),
            self._is_of_wards(stay, at),
        )
        return self._or_own(stay, patient, open_)

    def _sees_patient(self, patient: ColumnElement[Any], at: Moment) -> ColumnElement[bool]:
        open_ = self._is_unlabelled(patient)
        if self.wards is not None:
            then_in, then_theirs = self._is_in_house(patient, at)
            now_in, now_theirs = self._is_in_house(patient, None)
            now_free = and_(not_(now_in), not_(_is_in(patient, self.outside_wards, Uuid)))
            open_ = and_(open_, or_(then_theirs, and_(not_(then_in), or_(now_theirs, now_free))))
        return self._or_own(patient, patient, open_)

    def _is_in_house(
        self, patient: ColumnElement[Any], at: Moment | None
    ) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
        """Whether a patient is in a stay, and whether they are or have been in one of the wards."""
        inside, theirs = TABLES["stays"].alias(), TABLES["stays"].alias()
        is_in = exists().where(
            inside.c.patient == patient, _held(inside, at), inside.c.status.in_(IN_HOUSE)
        )
        been = exists().where(
            theirs.c.patient == patient, _held(theirs, at), self._is_of_wards(theirs.c.stay, at)
        )
        return is_in, been

    def _or_own(
        self, own: ColumnElement[Any], patient: ColumnElement[Any], open_: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        return or_(_is_in(own, self.just_written, Uuid), _is_in(patient, self.opened, Uuid), open_)

    def _is_unlabelled(self, patient: Any) -> ColumnElement[bool]:
        """By the latest label of the record, and of all others of the same person."""
        if not self._hides:
            return true()
        record = TABLES["patients"].alias("record")
        labelled = self._has_label(record, record.c.patient == patient, _latest(record))
        return and_(not_(labelled), not_(_is_in(patient, self.label_hidden, Uuid)))

    def _has_label(self, rows: Any, *where: ColumnElement[bool]) -> ColumnElement[bool]:
        """Whether one of them has a hidden label.

        Counted over all of them: of EXISTS the database believes that nearly every row will do, and
        reads the table from its beginning until it finds one.
        """
        found = func.bool_or(_is_in(rows.c.confidentiality, self.hidden, Text))
        one = select(found).where(*where).correlate_except(rows).scalar_subquery()
        return func.coalesce(one, false())

    def _is_of_wards(self, stay: Any, at: Moment | None) -> ColumnElement[bool]:
        if self.wards is None:
            return true()
        lain, there = TABLES["stretches"].alias("lain"), TABLES["rooms"].alias("there")
        last = (
            select(lain.c.room)
            .where(lain.c.stay == stay, _begun(lain, at))
            .order_by(func.lower(lain.c.during).desc())
            .limit(1)
            .correlate_except(lain)
            .scalar_subquery()
        )
        ward = (
            select(_is_in(there.c.ward, self.wards, Text))
            .where(there.c.room == last, _held(there, at))
            .limit(1)
            .correlate_except(there)
            .scalar_subquery()
        )
        return func.coalesce(ward, true())


def held(table: Any, as_of: datetime, position: int) -> ColumnElement[bool]:
    """The rows true at a moment, as known at a position."""
    is_true = table.c.during.op("@>")(cast(value(as_of), DateTime(timezone=True)))
    return and_(is_true, known(table, position))


def known(table: Any, position: int) -> ColumnElement[bool]:
    """The rows known at a position, of all valid time."""
    is_known: ColumnElement[bool] = table.c.known.op("@>")(cast(value(position), BigInteger))
    return is_known


def value(given: Any) -> ColumnElement[Any]:
    """A value, or the parameter that stands for it where a statement is made before it is known."""
    return given if isinstance(given, BindParameter) else literal(given)


def _is_in(column: ColumnElement[Any], some: Any, kind: Any) -> ColumnElement[bool]:
    """In one parameter, whatever its length."""
    if not isinstance(some, BindParameter):
        some = cast(literal(list(some)), ARRAY(kind))
    return column == any_(some)


def _held(table: Any, at: Moment | None) -> ColumnElement[bool]:
    return _latest(table) if at is None else held(table, *at).is_(True)


def _begun(table: Any, at: Moment | None) -> ColumnElement[bool]:
    """What had begun by a moment, over or not."""
    if at is None:
        return func.upper_inf(table.c.known)
    as_of, position = at
    return and_(known(table, position).is_(True), func.lower(table.c.during) <= value(as_of))


def _latest(table: Any) -> ColumnElement[bool]:
    return and_(func.upper_inf(table.c.known), func.upper_inf(table.c.during))
