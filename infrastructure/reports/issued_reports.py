"""Reports that were given out, how they were restated, and what the facts say that changed them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from sqlalchemy import RowMapping, func, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from application.reports.definition import Report
from application.reports.issued import report_of
from domain.report import Cause, Change, Said, Terms
from infrastructure.event_store.mapper import EventMapper
from infrastructure.queries.as_of import AsOf
from infrastructure.queries.row_security import known
from infrastructure.read_models.issued_reports import issues, restatements
from infrastructure.read_models.timeline.entry import entry_of
from infrastructure.read_models.timeline.projection import entries


@dataclass(frozen=True, slots=True)
class IssueView:
    """A report as it was given out."""

    issue: UUID
    terms: Terms
    report: Report
    recorded_by: dict[str, Any]
    reason: str | None
    issued_at: datetime
    position: int
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class RestatementView:
    """A report as it was said again, and what had changed since it was said before."""

    restatement: UUID
    report: Report
    changes: list[Change]
    causes: list[Cause]
    recorded_by: dict[str, Any]
    reason: str | None
    restated_at: datetime
    checkpoint: str | None


@dataclass(frozen=True, slots=True)
class FactView:
    """A fact as the log keeps it: what it is, of whom, with both its clocks.

    ``occurred_at`` of a correction is when what it corrects happened, as it is held since.
    """

    position: int
    topic: str
    stream: UUID
    entry: UUID
    occurred_at: datetime
    recorded_at: datetime
    recorded_by: dict[str, Any]
    performed_by: str | None
    reason: str | None
    patient: UUID | None
    stay: UUID | None


async def issues_page(
    connection: AsyncConnection, at: AsOf, name: str | None, first: int, before: int | None
) -> list[IssueView]:
    """Return issues, the newest first; ``before`` a position of one."""
    query = select(issues, func.lower(issues.c.during).label("at"))
    query = query.where(known(issues, at.known), at.visible(issues))
    if name is not None:
        query = query.where(issues.c.name == name)
    if before is not None:
        query = query.where(issues.c.position < before)
    rows = await connection.execute(query.order_by(issues.c.position.desc()).limit(first))
    return [_issue(row) for row in rows.mappings()]


async def issues_by_id(
    connection: AsyncConnection, ids: Sequence[UUID], at: AsOf
) -> dict[UUID, IssueView]:
    """Return issues by their ids, as known then."""
    rows = await connection.execute(
        select(issues, func.lower(issues.c.during).label("at")).where(
            issues.c.issue.in_(ids), known(issues, at.known), at.visible(issues)
        )
    )
    return {row["issue"]: _issue(row) for row in rows.mappings()}


async def restatements_of(
    connection: AsyncConnection, issue: IssueView, at: AsOf
) -> list[RestatementView]:
    """Return the restatements of an issue, in their order."""
    rows = await connection.execute(
        select(restatements, func.lower(restatements.c.during).label("at"))
        .where(restatements.c.issue == issue.issue, known(restatements, at.known))
        .order_by(restatements.c.position)
    )
    return [_restatement(row, issue.terms) for row in rows.mappings()]


async def facts_at(connection: AsyncConnection, positions: Sequence[int]) -> dict[int, FactView]:
    """Return the facts at some positions of the log."""
    rows = await connection.execute(
        text(
            "SELECT position, topic, stream, version, recorded_at, body->'entry', own->>'at',"
            " own->>'patient'"
            " FROM record.events WHERE position = ANY(:positions)"
        ),
        {"positions": list(positions)},
    )
    mapper, facts = EventMapper(), {}
    for position, topic, stream, version, recorded_at, entry, at, patient in rows:
        clear_entry = mapper.open_entry(topic, stream, version, entry, {"patient": patient})
        facts[position] = _fact(position, topic, stream, version, recorded_at, clear_entry, at)
    times = await connection.execute(
        select(entries.c.entry, entries.c.occurred_at)
        .distinct()
        .where(entries.c.entry.in_([fact.entry for fact in facts.values()]))
    )
    moments: dict[UUID, datetime] = {row.entry: row.occurred_at for row in times}
    return {
        position: replace(fact, occurred_at=moments.get(fact.entry, fact.occurred_at))
        for position, fact in facts.items()
    }


def _issue(row: RowMapping) -> IssueView:
    terms = msgspec.convert(row["told"]["terms"], Terms)
    result = msgspec.convert(row["told"]["said"], Said)
    return IssueView(
        row["issue"],
        terms,
        report_of(terms, result),
        row["recorded_by"],
        row["reason"],
        row["at"],
        row["position"],
        result.checkpoint,
    )


def _restatement(row: RowMapping, terms: Terms) -> RestatementView:
    record = row["told"]
    result = msgspec.convert(record["said"], Said)
    return RestatementView(
        row["restatement"],
        report_of(terms, result),
        msgspec.convert(record["changes"], list[Change]),
        msgspec.convert(record["causes"], list[Cause]),
        row["recorded_by"],
        row["reason"],
        row["at"],
        result.checkpoint,
    )


def _fact(
    position: int,
    topic: str,
    stream: UUID,
    version: int,
    recorded_at: datetime,
    entry: dict[str, Any],
    corrected_to: str | None,
) -> FactView:
    about = entry.get("about", {})
    return FactView(
        position=position,
        topic=topic,
        stream=stream,
        entry=entry_of(stream, version),
        occurred_at=datetime.fromisoformat(corrected_to or entry["occurred_at"]),
        recorded_at=recorded_at,
        recorded_by=entry["recorded_by"],
        performed_by=entry.get("performed_by"),
        reason=entry.get("reason"),
        patient=UUID(about["patient"]) if about else None,
        stay=UUID(about["stay"]) if about.get("stay") else None,
    )
