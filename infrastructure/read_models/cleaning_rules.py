"""Cleaning rules read model: whether a bed is to be cleaned after each patient, by ward and time."""

from uuid import UUID, uuid5

from sqlalchemy import Boolean, Column, MetaData, String, Table, Uuid, select
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.aggregate import Event
from domain.house_rules import CleaningRule, CleaningRules, HouseRules
from domain.text import key
from domain.time import Period
from infrastructure.projections.bitemporal_table import Rows, bitemporal_table
from infrastructure.projections.projection import AggregateProjection
from infrastructure.queries.as_of import AsOf, since
from infrastructure.queries.compiled import CompiledStatement
from infrastructure.queries.row_security import known
from infrastructure.queries.tables_read import reads

metadata = MetaData(schema="cleaning_rules_v1")
cleaning_rules = bitemporal_table(
    "cleaning_rules",
    metadata,
    "rules",
    Column("house", Uuid, nullable=False),
    Column("ward", String),
    Column("applies", Boolean, nullable=False),
    visibility="ward",
    of="house",
    has_valid_time_boundaries=True,
)


class CleaningRulesModel(AggregateProjection[HouseRules]):
    """Projection of the decisions about cleaning: a row for each ward and period."""

    name = "cleaning_rules"
    metadata = metadata
    kind = HouseRules

    def rows(self, house: HouseRules, event: Event) -> dict[Table, Rows]:
        rows: Rows = {}
        rules_of_ward: dict[str | None, list[CleaningRule]] = {}
        for rule in house.cleaning.rules:
            of_ward = rules_of_ward.setdefault(key(rule.ward) if rule.ward else None, [])
            of_ward[:] = [r for r in of_ward if r.since != rule.since] + [rule]
        for ward, rules in rules_of_ward.items():
            rules.sort(key=lambda rule: rule.since)
            id: UUID = uuid5(house.id, ward or "")
            ends = [*(rule.since for rule in rules[1:]), None]
            for rule, end in zip(rules, ends, strict=True):
                values = {"house": house.id, "ward": rule.ward, "applies": rule.applies}
                rows[id, rule.since] = (Period(rule.since, end), values)
        return {cleaning_rules: rows}


_rules = CompiledStatement(
    lambda at: (
        select(since(cleaning_rules), cleaning_rules.c.ward, cleaning_rules.c.applies)
        .where(known(cleaning_rules, at.known))
        .order_by(since(cleaning_rules))
    )
)


@reads(cleaning_rules)
async def rules_known(connection: AsyncConnection, at: AsOf) -> CleaningRules:
    """Return the decisions about cleaning at all times, as known."""
    rows = await _rules.execute(connection, at)
    return CleaningRules(tuple(CleaningRule(r.since, r.ward, r.applies) for r in rows))
