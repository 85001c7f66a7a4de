"""Issued reports, and their restatements with the facts that changed a figure."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import strawberry

from api.graphql.authorization import hidden_ids
from api.graphql.context import Info
from api.graphql.declarations import STAY, DataKind, shows
from api.graphql.relay import Node
from api.graphql.report_disclosure import DisclosedReport, disclose_issued
from api.graphql.scalars import Position, optional_id
from api.graphql.types.enums import EventKind, Role
from api.graphql.types.movements import reason_for
from api.graphql.types.reports import UNIT, USE_UNIT_KIND, Report, ReportFigureOf, ReportUnit
from api.graphql.types.timeline import Recorder, summaries_of
from application.reports import definition as definitions
from application.reports.formatting import format_value
from application.reports.issued import value_of
from domain.described_enum import DescribedEnum
from domain.report import Change, Exact
from infrastructure.queries.as_of import AsOf
from infrastructure.read_models.patients import patients_by_id
from infrastructure.read_models.stays import stays_by_id
from infrastructure.read_models.timeline.queries import entries_by_id
from infrastructure.reports import issued_reports
from infrastructure.reports.issued_reports import FactView, IssueView, RestatementView


@strawberry.enum(description="What contributes to a figure.")
class ReportSubject(DescribedEnum):
    STAY = "stay", "A stay."
    BED = "bed", "A bed."
    PERSON = "person", "A person, with all records that were merged."
    CALENDAR = "calendar", "The days and hours of the period."
    EVERYBODY = "everybody", "All together, where nobody is told apart."


@shows(DataKind.CLINICAL)
@strawberry.type(
    description="A fact that changed a figure: what, of whom, when, told when and why."
)
class ReportFact:
    position: Position = strawberry.field(description="Its place in the log.", metadata=STAY)
    event_kind: EventKind | None = strawberry.field(
        description="What kind of fact; null of one that the feed does not tell.", metadata=STAY
    )
    kind: str = strawberry.field(
        description="What kind of fact, such as STAY_TRANSFERRED.",
        metadata=STAY,
        deprecation_reason="Use eventKind, an enum.",
    )
    summary: str = strawberry.field(description="The fact in words.")
    stay_id: strawberry.ID | None = strawberry.field(description="Of which stay.", metadata=STAY)
    patient_id: strawberry.ID | None = strawberry.field(
        description="Of which patient.", metadata=STAY
    )
    room_id: strawberry.ID | None = strawberry.field(
        description="Of which room, if of one.", metadata=STAY
    )
    occurred_at: datetime = strawberry.field(description="When it happened.", metadata=STAY)
    recorded_at: datetime = strawberry.field(
        description="When the record learned of it.", metadata=STAY
    )
    minutes_late: int = strawberry.field(
        description="How many minutes lie between the two.", metadata=STAY
    )
    recorded_by: Recorder = strawberry.field(description="Who recorded it.")
    recorded_by_role: Role | None = strawberry.field(
        description="The role that recorded it: whom to ask for what is closed to you.",
        metadata=STAY,
    )
    performed_by: str | None = strawberry.field(description="Who did it.")
    reason: str | None = strawberry.field(
        description="Why; for the roles that may read what its writer may.", metadata=STAY
    )


@shows(DataKind.ISSUES)
@strawberry.type(description="Whose contribution to a figure changed, and the facts about it.")
class ReportCause:
    subject_kind: ReportSubject = strawberry.field(description="What it is.")
    subject: str = strawberry.field(
        description="What it is: stay, bed, person.",
        deprecation_reason="Use subjectKind, an enum.",
    )
    id: strawberry.ID = strawberry.field(description="Its id; of a bed: its room's id and code.")
    facts: list[ReportFact] = strawberry.field(
        description="What was recorded of it since the report was last said, in that order: all but"
        " what is closed to you."
    )
    words_closed: int = strawberry.field(
        description="Of how many of these facts the words and names are closed to your role: who treats,"
        " and the privacy officer, may read them."
    )
    closed: int = strawberry.field(
        description="How many more facts there are that are closed to you, by a label or as of"
        " another ward."
    )


@shows(DataKind.ISSUES)
@strawberry.type(
    description="A figure to which something else is contributed than before. Its value may be the"
    " same, where the causes offset each other."
)
class ReportChange:
    name: str = strawberry.field(description="The figure's name.")
    of: list[ReportFigureOf] = strawberry.field(description="What it is of; empty: the whole.")
    unit: str = strawberry.field(description=UNIT, deprecation_reason=USE_UNIT_KIND)
    unit_kind: ReportUnit = strawberry.field(description=UNIT)
    old: str | None = strawberry.field(description="Its value before, without loss.")
    new: str | None = strawberry.field(description="Its value now, without loss.")
    old_shown: str = strawberry.field(description="Its value before, rounded.")
    new_shown: str = strawberry.field(description="Its value now, rounded.")
    causes: list[ReportCause] = strawberry.field(
        description="All whose contribution to it changed. With theirs put back, the old value"
        " comes out; nobody else's changed."
    )


@shows(DataKind.ISSUES)
@strawberry.type(description="A report said again as known later, and what made the difference.")
class ReportRestatement:
    id: strawberry.ID = strawberry.field(description="Its id.")
    restated_at: datetime = strawberry.field(description="When it was restated.")
    recorded_by: Recorder = strawberry.field(description="Who restated it.")
    reason: str | None = strawberry.field(description="Why.")
    checkpoint: str | None = strawberry.field(
        description="The newest signed checkpoint of the log as it was computed (C2SP signed note)."
    )
    view: strawberry.Private[RestatementView]
    before: strawberry.Private[definitions.Report]

    @classmethod
    def of(cls, view: RestatementView, before: definitions.Report) -> "ReportRestatement":
        return cls(
            id=strawberry.ID(str(view.restatement)),
            restated_at=view.restated_at,
            recorded_by=Recorder.of(view.recorded_by),
            reason=view.reason,
            checkpoint=view.checkpoint,
            view=view,
            before=before,
        )

    @strawberry.field(
        description="The report as it was said then; figures of few persons are withheld."
    )
    async def report(self, info: Info) -> Report:
        return Report.of(info, await disclose_issued(info.context, self.view.report))

    @strawberry.field(
        description="What changed since the report was last said: issued, or restated before."
    )
    async def changes(self, info: Info) -> list[ReportChange]:
        positions = sorted({p for cause in self.view.causes for p in cause.facts})
        rows = await info.context.query(issued_reports.facts_at, positions)
        at = info.context.moment(self.restated_at, self.view.report.position)
        facts = await _facts(info, await _open(info, rows, at), at)
        sees_clinical = info.context.may("data:clinical")
        causes = [
            ReportCause(
                subject_kind=ReportSubject(cause.kind),
                subject=cause.kind,
                id=strawberry.ID(cause.id),
                facts=[facts[position] for position in cause.facts if position in facts],
                words_closed=0
                if sees_clinical
                else sum(position in facts for position in cause.facts),
                closed=sum(position not in facts for position in cause.facts),
            )
            for cause in self.view.causes
        ]
        before = await disclose_issued(info.context, self.before)
        after = await disclose_issued(info.context, self.view.report)
        clinical_figures = {f.name for f in self.view.report.definition.figures if f.clinical}
        return [
            _change(change, before, after, [causes[number] for number in change.causes])
            for change in self.view.changes
            if sees_clinical or change.name not in clinical_figures
        ]


@shows(DataKind.ISSUES)
@strawberry.type(description="A report that was given out, as it was said then.")
class ReportIssue(Node):
    issued_at: datetime = strawberry.field(description="When it was given out.")
    recorded_by: Recorder = strawberry.field(description="Who gave it out.")
    reason: str | None = strawberry.field(description="Why.")
    checkpoint: str | None = strawberry.field(
        description="The newest signed checkpoint of the log as it was computed (C2SP signed note)."
    )
    view: strawberry.Private[IssueView]
    at: strawberry.Private[AsOf]

    @classmethod
    def of(cls, info: Info, view: IssueView, at: AsOf) -> "ReportIssue":
        info.context.note_entity(f"issue {view.issue}")
        return cls(
            id=strawberry.ID(str(view.issue)),
            issued_at=view.issued_at,
            recorded_by=Recorder.of(view.recorded_by),
            reason=view.reason,
            checkpoint=view.checkpoint,
            view=view,
            at=at,
        )

    @classmethod
    async def find(cls, info: Info, id: UUID, at: AsOf) -> "ReportIssue | None":
        view = await info.context.load(issued_reports.issues_by_id, id, at)
        return cls.of(info, view, at) if view else None

    @strawberry.field(
        description="The report as it was said then; figures of few persons are withheld."
    )
    async def report(self, info: Info) -> Report:
        return Report.of(info, await disclose_issued(info.context, self.view.report))

    @strawberry.field(description="Its version, for expectedVersion.")
    async def version(self, info: Info) -> int:
        return await info.context.versions(self.view.issue, self.at)

    @strawberry.field(description="How it was restated, in that order.")
    async def restatements(self, info: Info) -> list[ReportRestatement]:
        views = await info.context.query(issued_reports.restatements_of, self.view, self.at)
        reports = [self.view.report, *(view.report for view in views)]
        return [
            ReportRestatement.of(view, before) for view, before in zip(views, reports, strict=False)
        ]


def _change(
    change: Change, before: DisclosedReport, after: DisclosedReport, causes: list[ReportCause]
) -> ReportChange:
    """Return a changed figure with those of its values that the viewer may see."""
    definition, place = after.report.definition, (change.name, change.of)
    is_old_told, is_new_told = before.tells(*place), after.tells(*place)
    return ReportChange(
        name=change.name,
        of=[ReportFigureOf(name=name, value=value) for name, value in change.of],
        unit=change.unit,
        unit_kind=ReportUnit(change.unit),
        old=_text(change.old) if is_old_told else None,
        new=_text(change.new) if is_new_told else None,
        old_shown=_format(definition, change, change.old) if is_old_told else "*",
        new_shown=_format(definition, change, change.new) if is_new_told else "*",
        causes=causes,
    )


async def _open(info: Info, facts: Mapping[int, FactView], at: AsOf) -> dict[int, FactView]:
    """Return the facts that are not hidden from the viewer by their patient or stay."""
    patients, stays = ({getattr(f, of) for f in facts.values()} for of in ("patient", "stay"))
    hidden_patients = await hidden_ids(info.context, patients_by_id, patients - {None}, at)
    hidden_patients |= await hidden_ids(info.context, stays_by_id, stays - {None}, at)
    return {
        p: fact
        for p, fact in facts.items()
        if hidden_patients.isdisjoint((fact.patient, fact.stay))
    }


async def _facts(info: Info, views: Mapping[int, FactView], at: AsOf) -> dict[int, ReportFact]:
    """Return facts by their positions, in words where the timeline has them."""
    ids = [fact.entry for fact in views.values()]
    entries = await info.context.query(entries_by_id, ids, at)
    stories = await summaries_of(info, entries.values(), at)
    return {position: _fact(info, f, stories.get(f.entry)) for position, f in views.items()}


def _fact(info: Info, fact: FactView, summary: str | None) -> ReportFact:
    kind, _, event_name = fact.topic.partition(".")
    if fact.patient is not None:
        info.context.viewer.record_access(fact.patient)
    return ReportFact(
        position=info.context.position(fact.position),
        event_kind=EventKind.member_of(fact.topic),
        kind=fact.topic.replace(".", "_").replace("-", "_").upper(),
        summary=summary or event_name.replace("-", " ").capitalize(),
        stay_id=optional_id(fact.stay),
        patient_id=optional_id(fact.patient),
        room_id=optional_id(fact.stream) if kind == "room" else None,
        occurred_at=fact.occurred_at,
        recorded_at=fact.recorded_at,
        minutes_late=int((fact.recorded_at - fact.occurred_at).total_seconds() // 60),
        recorded_by=Recorder.of(fact.recorded_by),
        recorded_by_role=Role.member_of(str(fact.recorded_by["role"])),
        performed_by=fact.performed_by,
        reason=reason_for(info, fact.reason, fact.recorded_by),
    )


def _text(value: Exact) -> str | None:
    return None if value is None else str(value)


def _format(definition: definitions.Definition, change: Change, value: Any) -> str:
    row = definitions.Row(change.name, change.of, change.unit, value_of(value))
    return format_value(definition, row)
