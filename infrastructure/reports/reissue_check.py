"""Check of issued reports: the same definition at the same position gives the same bytes."""

from collections.abc import Iterator
from uuid import UUID

from psycopg import Connection
from psycopg.rows import TupleRow

from application.reports import definition
from application.reports.issued import explained_by, report_of
from application.reports.service import ReportService
from domain.report import Report, Said
from infrastructure.event_store.mapper import EVENT_COLUMNS, EventMapper
from infrastructure.reports.report_data import ReadModelReportData


def reissue_differences(connection: Connection[TupleRow]) -> Iterator[tuple[UUID, list[str]]]:
    """Yield each issue and restatement with what of it does not come out again.

    ``connection`` is a `report_connection`: all is read in one snapshot.
    """
    mapper = EventMapper()
    for event in connection.execute(
        f"SELECT {EVENT_COLUMNS} FROM record.events WHERE topic LIKE %s ORDER BY stream, version",
        [f"{Report.TOPIC}.%"],
    ).fetchall():
        match mapper.event(event):
            case Report.Issued() as issued:
                reports = ReportService(ReadModelReportData(connection, issued.entry.hospital))
                terms, last = issued.terms, report_of(issued.terms, issued.said)
                report = reports.compute(last.definition, last.question, last.position)
                yield issued.originator_id, _differences(report, last, issued.said)
            case Report.Restated() as restated:
                stored_report = report_of(terms, restated.said)
                recomputation = reports.restate(last, stored_report.position, check_all=True)
                differences = _differences(recomputation.report, stored_report, restated.said)
                if explained_by(recomputation.changes, recomputation.facts) != (
                    list(restated.changes),
                    list(restated.causes),
                ):
                    differences.append(
                        "other changes or causes"
                        f" from position {last.position} to {stored_report.position}"
                    )
                yield restated.originator_id, differences
                last = stored_report


def _differences(
    report: definition.Report, stored_report: definition.Report, result: Said
) -> list[str]:
    differences = []
    if report.canonical() != stored_report.canonical():
        differences.append(f"other figures at position {result.position}")
    if stored_report.digest != result.digest:
        differences.append(f"the digest is not of the figures at position {result.position}")
    return differences
