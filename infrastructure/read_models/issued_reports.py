"""Issued reports read model: the issues of reports, and the restatements of each issue."""

from typing import Any

import msgspec
from sqlalchemy import BigInteger, Column, Date, Integer, MetaData, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB

from domain.aggregate import Event
from domain.report import Report
from domain.time import Period
from infrastructure.projections.bitemporal_table import bitemporal_table
from infrastructure.projections.projection import EventPosition, ReadModel

metadata = MetaData(schema="issued_reports_v1")
issues = bitemporal_table(
    "issues",
    metadata,
    "issue",
    Column("name", String, nullable=False),
    Column("version", Integer, nullable=False),
    Column("first_day", Date, nullable=False),
    Column("last_day", Date, nullable=False),
    Column("ward", String),
    Column("computed_at", BigInteger, nullable=False, comment="the position it is known at"),
    Column("told", JSONB, nullable=False, comment="terms, and what was said"),
    Column("recorded_by", JSONB, nullable=False),
    Column("reason", String),
    visibility="ward",
)
restatements = bitemporal_table(
    "restatements",
    metadata,
    "restatement",
    Column("issue", Uuid, nullable=False),
    Column("computed_at", BigInteger, nullable=False, comment="the position it is known at"),
    Column("told", JSONB, nullable=False, comment="what was said, changes and their causes"),
    Column("recorded_by", JSONB, nullable=False),
    Column("reason", String),
    visibility="everyone",
    find_by=("issue",),
    of="issue",
)


class IssuedReports(ReadModel):
    """Projection of issued reports: one row for each issue and each restatement, as they were issued."""

    name = "issued_reports"
    metadata = metadata
    reads_reasons = True
    handles = frozenset({Report.Issued, Report.Restated})

    def apply(self, event: Event, place: EventPosition) -> None:
        match event:
            case Report.Issued(terms=terms, said=said):
                self.writer(issues).put(
                    event.originator_id,
                    Period(event.entry.occurred_at),
                    {
                        "name": terms.definition,
                        "version": terms.version,
                        "first_day": terms.first,
                        "last_day": terms.last,
                        "ward": terms.ward,
                        "computed_at": said.position,
                        "told": msgspec.to_builtins({"terms": terms, "said": said}),
                        **_recorder_and_reason(event),
                    },
                    known=place.known,
                    position=place.position,
                )
            case Report.Restated(said=said):
                self.writer(restatements).put(
                    event.entry.id_of("restatement"),
                    Period(event.entry.occurred_at),
                    {
                        "issue": event.originator_id,
                        "computed_at": said.position,
                        "told": msgspec.to_builtins(
                            {"said": said, "changes": event.changes, "causes": event.causes}
                        ),
                        **_recorder_and_reason(event),
                    },
                    known=place.known,
                    position=place.position,
                )


def _recorder_and_reason(event: Event) -> dict[str, Any]:
    return {
        "recorded_by": msgspec.to_builtins(event.entry.recorded_by),
        "reason": event.entry.reason,
    }
