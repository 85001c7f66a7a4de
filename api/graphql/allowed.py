"""Which kind of data each type of the schema shows; and the one place where an operation is let in.

Before anything runs, all that an operation names is held against the table of roles
(`application.access`). What is not named here nobody may see.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLError,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    visit,
)
from strawberry.extensions import SchemaExtension

from api.graphql.context import Context
from api.login import NotLoggedIn
from application.access import may
from domain.refusals import NotAllowed

HOUSE = """
    Bed BedDifference Node PageInfo Practitioner PractitionerConnection PractitionerEdge Room
    RoomOccupancy Ward
    CommandOutcome Parked ParkedCommand Projection
    GlassBroken HospitalTimeRecorded PatientRecorded PractitionerRecorded PrescriptionRecorded Recorded
    RecordedNotYetReadable RoomRecorded SourceMovementRecorded StayRecorded VisitRecorded
    AlreadyExists BedNotOpen BedOccupied BedStateBroken CommandIdReused ContradictsLaterFacts Fact
    InFuture InvalidInput MergeImpossible MovementNotFound NotAllowed NotFound OutsideStay
    PatientAlreadyAdmitted PatientDied PrescriptionStateBroken ReasonNeeded Refusal
    RoomPolicyBroken SharersUnplaced StayNotOpen StayStateBroken VersionConflict
"""
"""The house, its staff and the record itself; what a command's own giver hears of it."""

STAY = """
    RoomOccupancyChange
    BedOccupant OccupancyStretch SourceMovement SourceMovementConnection SourceMovementEdge
    Stay StayConnection StayDifference StayEdge StayPeriod
    ReportFact
    Patient.id Patient.version Patient.confidentiality Patient.mergedInto Patient.otherRecords
    Patient.stays
"""
"""The course of stays, of patients who are not named."""

FIGURES = """
    ReportCause ReportChange ReportIssue ReportIssueConnection ReportIssueEdge ReportRecorded
    ReportRestatement Report ReportDays ReportDefinition ReportFigure ReportFigureDefinition
    ReportFigureOf ReportParameter
"""
"""Figures, and what they mean."""

IDENTITY = "Patient PatientConnection PatientEdge"
"""Who a patient is. A cursor of patients contains names."""

AUDIT = "Access AccessConnection AccessEdge"
"""Who read whose data."""

CLINICAL = """
    ReportFact.summary ReportFact.reason ReportFact.recordedBy ReportFact.performedBy
    Event EventConnection EventEdge
    Administration Exposure Medication Prescription Recorder Source TimelineEntry
    TimelineEntryConnection TimelineEntryEdge Visit
"""
"""What was found, prescribed and done, and by whom."""

DATA: Mapping[str, str] = MappingProxyType(
    {
        name: kind
        for kind, names in (
            ("data:house", HOUSE),
            ("data:figures", FIGURES),
            ("data:stay", STAY),
            ("data:identity", IDENTITY),
            ("data:clinical", CLINICAL),
            ("data:audit", AUDIT),
        )
        for name in names.split()
    }
)
"""The kind of data of each type; of a single field, as ``Type.field``, where it differs."""

KEPT_QUESTIONS = {"roomOccupancy", "wards", "stays"}
KEPT = {
    "Query", "RoomOccupancy", "Room", "Bed", "BedOccupant", "Ward",
    "Stay", "StayConnection", "StayEdge", "PageInfo", "Patient", "Practitioner",
}  # fmt: skip
"""What boards and lists of a ward are made of, which many ask for again and again: such answers may be
kept. All of it is of read models whose rows tell when they turn (`bitemporal_table`)."""

ROOTS = ("Query", "Subscription")


def needed_for(type_name: str, field: str) -> str | None:
    """What somebody must be allowed to see a field; None where the application decides."""
    if field.startswith("__") or type_name.startswith("__") or type_name == "Mutation":
        return None
    if type_name in ROOTS:
        return snake(field)
    return DATA.get(f"{type_name}.{field}", DATA.get(type_name, "data without a rule"))


@dataclass(frozen=True, slots=True)
class Asked:
    """What a document asks: its operation in short, and all it needs, each with one such field."""

    operation: str
    needs: Mapping[str, str]
    types: frozenset[str]
    """The types of which fields are asked for."""

    @property
    def may_be_kept(self) -> bool:
        return self.types <= KEPT and set(self.operation.split()) <= KEPT_QUESTIONS


@lru_cache(maxsize=1000)
def asked(schema: GraphQLSchema, document: DocumentNode) -> Asked:
    """Read it once. The operation is named by its root fields, never by what the client calls it."""
    needs: dict[str, str] = {}
    roots: dict[str, None] = {}
    parents: set[str] = set()
    types = TypeInfo(schema)

    class Collect(Visitor):
        def enter_field(self, node: FieldNode, *_: Any) -> None:
            parent = types.get_parent_type()
            if parent is not None:
                name = node.name.value
                parents.add(parent.name)
                what = needed_for(parent.name, name)
                if what is not None:
                    needs.setdefault(what, f"{parent.name}.{name}")
                if parent.name in (*ROOTS, "Mutation"):
                    roots[name] = None

    visit(document, TypeInfoVisitor(types, Collect()))
    return Asked(" ".join(roots), MappingProxyType(needs), frozenset(parents))


class Allowed(SchemaExtension):
    """Lets an operation in, or refuses the whole of it before anything runs. After validation."""

    def on_validate(self) -> Iterator[None]:
        execution = self.execution_context
        context, document = execution.context, execution.graphql_document
        if document is not None and not execution.pre_execution_errors:
            assert isinstance(context, Context)
            try:
                context.check_login()
            except NotLoggedIn as ended:
                execution.pre_execution_errors = [GraphQLError(str(ended), original_error=ended)]
            role = context.caller.role
            question = asked(execution.schema._schema, document)
            context.types, context.may_be_kept = question.types, question.may_be_kept
            for what, field in question.needs.items():
                if not may(role, what):
                    told = NotAllowed(f"The role {role.value} may not see {field}")
                    error = GraphQLError(told.message, original_error=told)
                    execution.pre_execution_errors = [error]
                    break
        yield


def snake(name: str) -> str:
    """A GraphQL name as Python has it."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)
