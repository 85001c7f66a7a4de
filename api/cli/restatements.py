"""The command ``restate``: an issued report again as known now, and why its figures changed."""

from contextlib import closing
from itertools import groupby
from typing import Annotated, Any
from uuid import UUID
from zoneinfo import ZoneInfo

import typer
from sqlalchemy.ext.asyncio import AsyncEngine

from api.cli.queries import open_hospital, run_query
from api.cli.terminal import as_json, out, progress, request, settings, table_of
from application.authorization.roles import Purpose
from application.reports.definition import Definition, Row
from application.reports.formatting import formatted
from application.reports.issued import question_of, value_of
from domain.report import Change, Exact, Report
from infrastructure.bootstrap import hospital
from infrastructure.postgres.database import Database
from infrastructure.projections.gc_tuning import reduced_garbage_collection
from infrastructure.queries.as_of import AsOf
from infrastructure.reports.issued_reports import FactView, facts_at

app = typer.Typer()


@app.command()
def restate(
    issue: Annotated[UUID, typer.Argument(help="The id of an issued report.")],
    reason: Annotated[str | None, typer.Option(help="Why it is restated.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compute an issued report again as known now, and record what changed.

    Each figure with its old and new value, and with all facts about those whose contribution to it
    changed: what happened when, when the record learned of it, from whom, and why.
    """
    configuration = settings()
    zone, database = open_hospital(configuration)
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
    if json:
        as_json(_told(event, facts))
    else:
        _print(definition, event, facts, zone)


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


def _told(event: Report.Restated, facts: dict[int, FactView]) -> dict[str, Any]:
    return {
        "issue": event.originator_id,
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
        "stay": fact.stay,
        "occurredAt": fact.occurred_at,
        "recordedAt": fact.recorded_at,
        "recordedBy": fact.recorded_by["subject"],
        "reason": fact.reason,
    }


def _print(
    held: Definition, event: Report.Restated, facts: dict[int, FactView], zone: ZoneInfo
) -> None:
    if not event.changes:
        out.print(f"Nothing changed up to position {event.said.position}.")
        return
    figures = table_of("figure", "of", "old", "new", "causes", title=f"{held.title}, restated")
    for change in event.changes:
        figures.add_row(
            change.name,
            ", ".join(value for _, value in change.of),
            _shown(held, change, change.old),
            _shown(held, change, change.new),
            ", ".join(str(number + 1) for number in change.causes),
        )
    out.print(figures)
    table = table_of("cause", "of", "what", "happened", "recorded", "by", "why", title="Causes")
    for number, cause in enumerate(event.causes, start=1):
        rows = (_row(facts[position], zone) for position in cause.facts)
        for (what, *row), alike in groupby(rows):  # a discharge stops many prescriptions
            times = len(list(alike))
            what = f"{what} ({times} times)" if times > 1 else what
            table.add_row(str(number), f"{cause.kind} {cause.id}", what, *row)
    out.print(table)


def _row(fact: FactView, zone: ZoneInfo) -> tuple[str, ...]:
    clocks = (at.astimezone(zone) for at in (fact.occurred_at, fact.recorded_at))
    event_time, record_time = (at.strftime("%Y-%m-%d %H:%M") for at in clocks)
    return fact.topic, event_time, record_time, fact.recorded_by["subject"], fact.reason or ""


def _shown(held: Definition, change: Change, value: Exact) -> str:
    return formatted(held, Row(change.name, change.of, change.unit, value_of(value)))
