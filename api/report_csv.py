"""A report as CSV: a row for each figure."""

from collections.abc import Collection
from io import StringIO

from api.csv_writer import CsvWriter
from application.reports.definition import Report, Row
from application.reports.formatting import format_value


def report_csv(report: Report, suppressed: Collection[Row] = ()) -> str:
    """Return a report as CSV; the value of a figure that is withheld is ``*``."""
    names = list(dict.fromkeys(name for row in report.rows for name, _ in row.of))
    sheet = StringIO()
    writer = CsvWriter(sheet)
    writer.writerow(["figure", *names, "value", "unit"])
    for row in report.rows:
        of = dict(row.of)
        value = "" if row.value is None else format_value(report.definition, row)
        value = "*" if row in suppressed else value
        writer.writerow([row.figure, *(of.get(name, "") for name in names), value, row.unit])
    return sheet.getvalue()
