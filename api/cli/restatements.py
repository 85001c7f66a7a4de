"""The command ``restate``: an issued report again as known now, and why its figures changed."""

from contextlib import closing
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.queries import open_hospital, run_query
from api.cli.terminal import Csv, Json, as_json, out, print_rows, progress, request, settings, stop
from api.exit_codes import ExitCode
from application.authorization.roles import Purpose
from application.reports.definition import Definition, Row
from application.reports.formatting import format_value
from application.reports.issued import question_of, value_of
from domain.report import Change, Exact, Report
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.queries.as_of import AsOf
from infrastructure.reports.issued_reports import FactView, IssueView, facts_at, issues_page

app = typer.Typer()

LISTED = 1000
"""Issues that are listed, the newest first."""

ISSUE_COLUMNS = ("issue", "report", "first", "last", "ward", "issuedAt", "issuedBy", "reason")
FIGURE_COLUMNS = ("figure", "of", "old", "new", "causes")
FACT_COLUMNS = (
    *("subject", "id", "position", "kind", "stayId"),
    *("occurredAt", "recordedAt", "recordedBy", "reason"),
)
CAUSE_COLUMNS = ("cause", "of", "what", "occurredAt", "recordedAt", "by", "why")


@app.command(
    epilog="Example: wardbook restate 1a3cce59-8007-5d42-99a0-e26bdbc414fa --reason closed"
)
def restate(
    issue: Annotated[
        UUID | None,
        typer.Argument(help="The id of an issued report; without it, the latest are listed."),
    ] = None,
    reason: Annotated[str | None, typer.Option(help="Why it is restated.")] = None,
    json: Json = False,
    csv: Csv = False,
) -> None:
    """Compute an issued report again, and record what changed; alone, list them.

    Each figure with its old and new value, and with all facts about those whose contribution to it
    changed: what happened when, when the record learned of it, from whom, and why. CSV has a row for
    each fact of each figure.
    """
    configuration = settings()
    zone, database = open_hospital(configuration)
    if issue is None:
        if reason is not None:
            stop("Name the issued report; alone, the command lists them.", ExitCode.USAGE)
        print_rows(_issues(database), ISSUE_COLUMNS, json=json, csv=csv, zone=zone)
        return
    with (
        reduced_garbage_collection(),
        closing(hospital(configuration, database)) as house,
        progress("Restating") as tell,
    ):
        tell(0, 1)
        (event,) = house.reports.restate_report(request(reason), issue_id=issue).events
        assert isinstance(event, Report.Restated)
        (issue_event, *_) = house.record.streams({issue: 0})[issue]
        tell(1, 1)
    assert isinstance(issue_event, Report.Issued)
    definition, _ = question_of(issue_event.terms)
    facts = _facts(database, issue, sorted({p for cause in event.causes for p in cause.facts}))
    if csv:
        rows = [
            row for change in event.changes for row in _csv_rows(definition, change, event, facts)
        ]
        print_rows(rows, (*FIGURE_COLUMNS, *FACT_COLUMNS), json=json, csv=csv, zone=zone)
    elif json:
        as_json(_to_dict(event, facts))
    else:
        _print_figures(definition, event)
        if event.changes:
            _print_causes(event, facts, zone)


def _issues(database: Database) -> list[dict[str, Any]]:
    """Return the latest issues, the newest first."""

    async def ask(engine: AsyncEngine, at: AsOf) -> list[IssueView]:
        async with engine.connect() as connection:
            return await issues_page(connection, at, None, LISTED, None)

    issues = run_query(database, "restate", Purpose.QUALITY, ask, entity="issued reports")
    return [
        {
            "issue": str(view.issue),
            "report": view.terms.definition,
            "first": str(view.terms.first),
            "last": str(view.terms.last),
            "ward": view.terms.ward,
            "issuedAt": view.issued_at,
            "issuedBy": view.recorded_by["subject"],
            "reason": view.reason,
        }
        for view in issues
    ]


def _facts(database: Database, issue: UUID, positions: list[int]) -> dict[int, FactView]:
    """Return facts by their positions, once the reading of whom they are about is recorded."""

    async def ask(engine: AsyncEngine, at: AsOf) -> dict[int, FactView]:
        async with engine.connect() as connection:
            facts = await facts_at(connection, positions)
        for fact in facts.values():
            if fact.patient is not None:
                at.record_access(fact.patient, fact.stay)
        return facts

    return run_query(database, "restate", Purpose.QUALITY, ask, entity=f"issue {issue}")


def _to_dict(event: Report.Restated, facts: dict[int, FactView]) -> dict[str, Any]:
    return {
        "issueId": event.originator_id,
        "position": event.said.position,
        "digest": event.said.digest,
        "changes": [
            {
                "name": change.name,
                "of": dict(change.of),
                "unit": change.unit,
                "old": change.old,
                "new": change.new,
                "causes": change.causes,
            }
            for change in event.changes
        ],
        "causes": [
            {
                "subject": cause.kind,
                "id": cause.id,
                "facts": [_fact(facts[position]) for position in cause.facts],
            }
            for cause in event.causes
        ],
    }


def _fact(fact: FactView) -> dict[str, Any]:
    return {
        "position": fact.position,
        "kind": fact.topic,
        "stayId": fact.stay,
        "occurredAt": fact.occurred_at,
        "recordedAt": fact.recorded_at,
        "recordedBy": fact.recorded_by["subject"],
        "reason": fact.reason,
    }


def _print_figures(held: Definition, event: Report.Restated) -> None:
    if not event.changes:
        out.print(f"Nothing changed up to position {event.said.position}.")
        return
    rows = [_figure(held, change) for change in event.changes]
    print_rows(rows, FIGURE_COLUMNS, title=f"{held.title}, restated")


def _figure(held: Definition, change: Change) -> dict[str, Any]:
    return {
        "figure": change.name,
        "of": ", ".join(value for _, value in change.of),
        "old": _format(held, change, change.old),
        "new": _format(held, change, change.new),
        "causes": ", ".join(str(number + 1) for number in change.causes),
    }


def _csv_rows(
    held: Definition, change: Change, event: Report.Restated, facts: dict[int, FactView]
) -> list[dict[str, Any]]:
    """Return a changed figure with each fact about its causes; once without one where there is none."""
    causes = [event.causes[number] for number in change.causes]
    rows = [
        {"subject": cause.kind, "id": cause.id, **_fact(facts[position])}
        for cause in causes
        for position in cause.facts
    ]
    return [{**_figure(held, change), **row} for row in rows or [dict.fromkeys(FACT_COLUMNS)]]


def _print_causes(event: Report.Restated, facts: dict[int, FactView], zone: ZoneInfo) -> None:
    rows = []
    for number, cause in enumerate(event.causes, start=1):
        lines = (_row(facts[position]) for position in cause.facts)
        for (text, *row), equal_lines in groupby(lines):  # a discharge stops many prescriptions
            times = len(list(equal_lines))
            text = f"{text} ({times} times)" if times > 1 else text
            line = (str(number), f"{cause.kind} {cause.id}", text, *row)
            rows.append(dict(zip(CAUSE_COLUMNS, line, strict=True)))
    print_rows(rows, CAUSE_COLUMNS, title="Causes", zone=zone)


def _row(fact: FactView) -> tuple[Any, ...]:
    clocks = fact.occurred_at, fact.recorded_at
    return fact.topic, *clocks, fact.recorded_by["subject"], fact.reason


def _format(held: Definition, change: Change, value: Exact) -> str:
    return format_value(held, Row(change.name, change.of, change.unit, value_of(value)))
